package recipe

import (
	"context"
	"errors"

	"hourglass/dataset"
	"hourglass/figure"
	"hourglass/generate"
	"hourglass/nn"
	"hourglass/tensor"
)

// classesFigure shows new images class by class.
const classesFigure = "classes_plot.png"

// imageClasses is how many classes the recipes' images have.
const imageClasses = 10

// conditionalVAE is the variational autoencoder whose encoder and decoder are told the class
// of an image (Sohn, Lee and Yan 2015).
var conditionalVAE = func() Recipe {
	r := variational("conditional-vae", "Conditional variational autoencoder",
		"Encoder and decoder are told what an image shows, so that the code holds only the rest, such as style, and samples can be asked for by class. "+
			"Look at the rows of the samples: the same codes, decoded as one class after another.",
		nn.Sampling{Weight: 1. / (28 * 28)})
	r.Shows = []string{CurvesFigure, ReconstructionFigure, classesFigure}
	r.Encoder = append(nn.Layers{nn.Input{28, 28}, nn.Flatten{}, nn.Condition{Classes: imageClasses}}, r.Encoder[2:]...)
	r.Decoder = append(nn.Layers{nn.Condition{Classes: imageClasses}}, r.Decoder...)
	r.After = func(ctx context.Context, s *Session) error {
		return errors.Join(
			s.showLabelled(s.Data.Validation.Slice(0, shownImages)),
			s.showClasses(),
			s.countActive(ctx),
			s.estimateLikelihood(ctx),
			s.judgeCodes(ctx))
	}
	return r
}()

// showLabelled draws images over what the model, told their labels, makes of them.
func (s *Session) showLabelled(images *dataset.Images) error {
	var labels []int
	for _, l := range images.Labels {
		labels = append(labels, int(l))
	}
	inputs := images.Tensor(0, images.Len())
	outputs, err := s.Model.Given(labels...).Reconstruct(inputs)
	if err != nil {
		return err
	}
	outputs.Shape = inputs.Shape
	return s.Draw(ReconstructionFigure)(figure.Reconstructions(inputs, outputs, figure.ReconstructionOptions{Range: s.pixels()}))
}

// showClasses draws the same codes, drawn from N(0, 1), as each class in a row.
func (s *Session) showClasses() error {
	const columns = 10
	codes := generate.Normal{Codes: s.Model.Encoder().Output().Size()}.Sample(columns, s.Options.Seed)
	all := tensor.New(append([]int{imageClasses * columns}, s.Data.Validation.Shape...)...)
	for class := range imageClasses {
		images, err := s.Model.Given(class).Decode(codes)
		if err != nil {
			return err
		}
		copy(all.Data[class*len(images.Data):], images.Data)
	}
	return s.Draw(classesFigure)(figure.Grid(all, columns, figure.GridOptions{Range: s.pixels()}))
}
