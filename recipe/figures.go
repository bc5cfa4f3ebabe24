package recipe

import (
	"errors"
	"hourglass/dataset"
	"hourglass/figure"
	"hourglass/nn"
	"hourglass/run"
	"hourglass/tensor"
)

// The figures' file names; where the lecture saves a figure, they are its own.
const (
	CurvesFigure         = run.CurvesFigure
	ReconstructionFigure = run.ReconstructionFigure
	scatterFigure        = "codes_tsne_plot.png"
	linearFigure         = "linear_autoencoder_pca_plot.png"
	planesFigure         = "linear_autoencoder_planes.png"
	denoisingFigure      = "denoising_plot.png"
	dropoutFigure        = "dropout_denoising_plot.png"
	trainingGrid         = "training_grid.png"
	testGrid             = "test_grid.png"
	reconstructedGrid    = "reconstructed_grid.png"

	labelledGrid          = "labelled_grid.png"
	recognisedGrid        = "recognised_grid.png"
	confusionFigure       = "confusion.png"
	lectureLabelledGrid   = "lecture_labelled_grid.png"
	lectureRecognisedGrid = "lecture_recognised_grid.png"
)

// shownImages is how many images the lecture reconstructs.
const shownImages = 5

// showReconstructions draws images over what the model makes of them.
func (s *Session) showReconstructions(images tensor.Tensor) error {
	outputs, err := s.reconstruct(images)
	if err != nil {
		return err
	}
	return s.Draw(ReconstructionFigure)(figure.Reconstructions(images, outputs, figure.ReconstructionOptions{Range: s.pixels()}))
}

// showDenoising draws validation images, what a noise layer makes of them, and
// what the model makes of that.
func (s *Session) showDenoising(name string, noise nn.Layer) error {
	images := s.Data.Validation.Tensor(0, shownImages)
	corrupted, err := s.corrupt(noise, images)
	if err != nil {
		return err
	}
	outputs, err := s.reconstruct(corrupted)
	if err != nil {
		return err
	}
	return s.Draw(name)(figure.Reconstructions(images, outputs, figure.ReconstructionOptions{
		Middle: corrupted, Captions: []string{"original", "corrupted", "reconstructed"}, Range: s.pixels()}))
}

// showGrids draws sixteen training images as an epoch begins with, sixteen test
// images, and their reconstructions.
func (s *Session) showGrids() error {
	const shown, columns = 16, 4
	order := make([]int, s.Data.Train.Len())
	dataset.Permutation(s.Options.Seed, 1, order)
	examples := tensor.New(append([]int{shown}, s.Data.Train.Shape...)...)
	if err := s.Data.Train.Read(examples.Data, order[:shown]); err != nil {
		return err
	}
	inputs := s.Data.Test.Tensor(0, shown)
	outputs, err := s.reconstruct(inputs)
	if err != nil {
		return err
	}
	options := figure.GridOptions{Range: s.pixels()}
	return errors.Join(
		s.Draw(trainingGrid)(figure.Grid(examples, columns, options)),
		s.Draw(testGrid)(figure.Grid(inputs, columns, options)),
		s.Draw(reconstructedGrid)(figure.Grid(outputs, columns, options)))
}

// reconstruct runs images through the model and returns images of their shape.
func (s *Session) reconstruct(images tensor.Tensor) (tensor.Tensor, error) {
	outputs, err := s.Model.Reconstruct(images)
	outputs.Shape = images.Shape
	return outputs, err
}

// corrupt returns what a layer does to images in training.
func (s *Session) corrupt(noise nn.Layer, images tensor.Tensor) (tensor.Tensor, error) {
	n, err := nn.NewNetwork(images.Sample(), noise)
	if err != nil {
		return tensor.Tensor{}, err
	}
	pass := n.NewTrainingPass(images.Len(), nn.PassOptions{})
	return tensor.FromSlice(pass.ForwardTraining(images.Data, images.Len(), s.Options.Seed, 0), images.Shape...)
}

// pixels returns the range of pixel values that the model is fed with.
func (s *Session) pixels() figure.Range {
	if s.Recipe.Std == 0 {
		return figure.Range{}
	}
	return figure.Range{Low: -s.Recipe.Mean / s.Recipe.Std, High: (1 - s.Recipe.Mean) / s.Recipe.Std}
}
