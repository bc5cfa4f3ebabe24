package recipe

import (
	"context"
	"errors"
	"fmt"

	"hourglass/dataset"
	"hourglass/figure"
	"hourglass/neighbors"
	"hourglass/tensor"
)

// Recognition says how many images were recognised by the nearest labelled code.
type Recognition struct {
	PerClass int     `json:"per_class"` // labelled training images of each class
	Draws    int     `json:"draws"`     // how often they were drawn anew
	Accuracy float64 `json:"accuracy"`  // of all test images, 0 to 1, mean over the draws
	Spread   float64 `json:"spread"`    // its standard deviation over the draws
	// Lecture is the accuracy of the lecture's own program: 100 images drawn with
	// replacement from one training batch, recognised by 100 from another.
	Lecture float64 `json:"lecture_accuracy"`
}

// The lecture's numbers, and how often we draw to see how much they vary.
const (
	labelledPerClass = 10
	recognitionDraws = 20
	lectureBatch     = 128
	lectureCount     = 100
	gridColumns      = 10
)

// labelledImages are images and their codes.
type labelledImages struct {
	images *dataset.Images
	neighbors.Labeled
}

// encodeLabelled returns the codes of labelled images.
func (s *Session) encodeLabelled(ctx context.Context, images *dataset.Images) (labelledImages, error) {
	if len(images.Labels) != images.Len() {
		return labelledImages{}, fmt.Errorf("recipe: recognition: %s has %d labels for %d images, want one each",
			images.Name, len(images.Labels), images.Len())
	}
	codes, err := s.Model.EncodeAll(ctx, images)
	labels := make([]int, len(images.Labels))
	for i, l := range images.Labels {
		labels[i] = int(l)
	}
	return labelledImages{images, neighbors.Labeled{Codes: codes, Labels: labels}}, err
}

// recognize labels images by the nearest labelled code, as the lecture's text has
// it (ten labelled images of each class) and as its program does.
func (s *Session) recognize(ctx context.Context) error {
	training, err := s.encodeLabelled(ctx, s.Data.Train)
	if err != nil {
		return err
	}
	test, err := s.encodeLabelled(ctx, s.Data.Test)
	if err != nil {
		return err
	}
	spread, err := neighbors.RecognizeDraws(ctx, training.Labeled, test.Labeled, labelledPerClass, recognitionDraws, s.Options.Seed)
	if err != nil {
		return err
	}
	s.Logf("recognition by the nearest of %d labelled images a class: %.1f ± %.1f %% of %d test images over %d draws\n",
		labelledPerClass, 100*spread.Mean, 100*spread.Std, test.images.Len(), recognitionDraws)
	if err := s.showRecognition(ctx, training, test); err != nil {
		return err
	}
	lecture, err := s.recognizeAsLecture(ctx, training)
	if err != nil {
		return err
	}
	s.Metrics.Recognition = &Recognition{labelledPerClass, recognitionDraws, spread.Mean, spread.Std, lecture}
	return nil
}

// showRecognition draws the first draw: the labelled images, the first test images
// with what they were taken for, and the confusion matrix of all.
func (s *Session) showRecognition(ctx context.Context, training, test labelledImages) error {
	drawn, err := neighbors.DrawPerClass(training.Labels, labelledPerClass, s.Options.Seed)
	if err != nil {
		return err
	}
	references, err := training.Pick(drawn)
	if err != nil {
		return err
	}
	result, err := neighbors.Recognize(ctx, references, test.Labeled, 1)
	if err != nil {
		return err
	}
	first := make([]int, min(lectureCount, test.images.Len()))
	for i := range first {
		first[i] = i
	}
	return errors.Join(
		s.drawLabelled(labelledGrid, training.images, drawn, references.Labels, references.Labels),
		s.drawLabelled(recognisedGrid, test.images, first, test.Labels[:len(first)], result.Predicted[:len(first)]),
		s.Draw(confusionFigure)(figure.Confusion(result.Confusion, test.images.Classes, figure.ConfusionOptions{})))
}

// recognizeAsLecture does what the lecture's program does, and prints what it
// prints: labels in rows of ten, and the accuracy.
func (s *Session) recognizeAsLecture(ctx context.Context, training labelledImages) (accuracy float64, err error) {
	var drawn [2][]int
	var sets [2]neighbors.Labeled
	for i := range sets {
		seed := s.Options.Seed + uint64(i)
		if drawn[i], err = neighbors.DrawFromBatch(training.images.Len(), lectureBatch, lectureCount, seed); err != nil {
			return 0, err
		}
		if sets[i], err = training.Pick(drawn[i]); err != nil {
			return 0, err
		}
		s.printLabels(sets[i].Labels)
	}
	result, err := neighbors.Recognize(ctx, sets[0], sets[1], 1)
	if err != nil {
		return 0, err
	}
	accuracy = result.Confusion.Accuracy()
	s.Logf("Recognition accuracy according to the learned representation is %.1f%%\n", 100*accuracy)
	return accuracy, errors.Join(
		s.drawLabelled(lectureLabelledGrid, training.images, drawn[0], sets[0].Labels, sets[0].Labels),
		s.drawLabelled(lectureRecognisedGrid, training.images, drawn[1], sets[1].Labels, result.Predicted))
}

// printLabels prints labels in rows of ten.
func (s *Session) printLabels(labels []int) {
	for i := 0; i < len(labels); i += gridColumns {
		s.Logf("%v\n", labels[i:min(i+gridColumns, len(labels))])
	}
	s.Logf("\n")
}

// drawLabelled draws chosen images in rows of ten with their labels, marking
// those that were taken for something else.
func (s *Session) drawLabelled(name string, images *dataset.Images, chosen, truth, predicted []int) error {
	batch := tensor.New(append([]int{len(chosen)}, images.Shape...)...)
	if err := images.Read(batch.Data, chosen); err != nil {
		return err
	}
	labels, wrong, err := figure.Verdicts(truth, predicted, images.Classes)
	if err != nil {
		return err
	}
	return s.Draw(name)(figure.Grid(batch, gridColumns, figure.GridOptions{Labels: labels, Wrong: wrong, Range: s.pixels()}))
}
