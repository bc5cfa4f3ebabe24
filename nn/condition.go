package nn

import (
	"cmp"
	"errors"
	"fmt"

	"hourglass/internal/kernel"
	"hourglass/tensor"
)

// LabelReader is a stage that reads Frame.Labels. All of a network have the same number of
// classes.
type LabelReader interface {
	Stage
	// Classes returns how many classes there are: labels are whole numbers from 0 to below it.
	Classes() int
}

// CheckLabel reports a label that is not a whole number from 0 to below classes.
func CheckLabel(label float32, classes int) error {
	if label >= 0 && label < float32(classes) && label == float32(int(label)) {
		return nil
	}
	return fmt.Errorf("label %v, want a whole number from 0 to %d", label, classes-1)
}

// Condition tells what comes behind it the class of the sample: along the last axis it puts
// behind the values
//
//	y = [x, e]
//
// what stands for the label, the same e at every position of the other axes: a 1 at the
// label's place among Classes values that are 0 else (one-hot), or with Embedding so many
// learned numbers, a row of the array "embeddings" of classes×Embedding. Samples of shape
// (…, n) become (…, n+Classes) or (…, n+Embedding); an image wants an axis of channels, or
// to be flattened before.
//
// In the encoder and the decoder it makes of a variational autoencoder a conditional one (Sohn,
// Lee & Yan 2015). The labels are the face dataset.Labels of the training data, and are given
// to a trained model by hourglass.Autoencoder.Given. As Keras' Embedding, or CategoryEncoding, and
// Concatenate.
type Condition struct {
	Classes   int         `json:"classes"`                          // at least 1
	Embedding int         `json:"embedding,omitempty"`              // learned numbers of a class; 0 for one-hot
	Init      Initializer `json:"embeddings_initializer,omitempty"` // of learned ones; GlorotUniform by default
}

// Bind accepts every shape of at least one axis.
func (l Condition) Bind(in tensor.Shape) (Stage, error) {
	switch {
	case l.Classes < 1 || l.Classes > maxOption:
		return nil, fmt.Errorf("classes is %d, want 1 to %d", l.Classes, maxOption)
	case l.Embedding < 0 || l.Embedding > maxOption:
		return nil, fmt.Errorf("embedding is %d, want 1 to %d, or 0 for one-hot", l.Embedding, maxOption)
	case l.Embedding == 0 && l.Init != DefaultInit:
		return nil, errors.New("one-hot labels are not learned, want no embeddings_initializer")
	case len(in) == 0:
		return nil, errors.New("got a scalar, want samples of at least one axis")
	}
	if err := l.Init.validate(); err != nil {
		return nil, err
	}
	width := in[len(in)-1]
	output := in.Clone()
	output[len(in)-1] += cmp.Or(l.Embedding, l.Classes)
	return &conditionStage{Condition: l, output: output, width: width, rows: in.Size() / width}, nil
}

type conditionStage struct {
	Condition
	output tensor.Shape
	width  int // values of x at a position
	rows   int // positions of a sample
}

var (
	_ LabelReader = (*conditionStage)(nil)
	_ Trainable   = (*conditionStage)(nil)
)

func (s *conditionStage) Plan() Plan {
	p := Plan{Output: s.output, Solo: true}
	if s.Embedding > 0 {
		p.Params = []Param{{Name: "embeddings", Shape: tensor.Shape{s.Condition.Classes, s.Embedding},
			Init: cmp.Or(s.Init, GlorotUniform), FanIn: s.Condition.Classes, FanOut: s.Embedding}}
	}
	return p
}

func (s *conditionStage) Classes() int { return s.Condition.Classes }

// wide returns how many values a position has in the output.
func (s *conditionStage) wide() int { return s.output[len(s.output)-1] }

func (s *conditionStage) Forward(f *Frame) {
	wide := s.wide()
	for i := range f.N {
		label := f.Label(i)
		for r := i * s.rows; r < (i+1)*s.rows; r++ {
			y := rows(f.Y, r, r+1, wide)
			tail := y[copy(y, rows(f.X, r, r+1, s.width)):]
			if s.Embedding > 0 {
				copy(tail, rows(f.Params[0], label, label+1, s.Embedding))
				continue
			}
			clear(tail)
			tail[label] = 1
		}
	}
}

// Backward: dx is the first part of dy.
func (s *conditionStage) Backward(f *Frame) {
	if f.DX == nil {
		return
	}
	for r := range f.N * s.rows {
		copy(rows(f.DX, r, r+1, s.width), rows(f.DY, r, r+1, s.wide()))
	}
}

// Gradient: de(c) = Σ over the positions of all samples of class c, in their order, of the
// last part of dy.
func (s *conditionStage) Gradient(f *Frame, param, lo, hi int) {
	grads := f.Grads[param]
	clear(rows(grads, lo, hi, s.Embedding))
	for i := range f.N {
		label := f.Label(i)
		if label < lo || label >= hi {
			continue
		}
		sum := rows(grads, label, label+1, s.Embedding)
		for r := i * s.rows; r < (i+1)*s.rows; r++ {
			kernel.Add(sum, sum, rows(f.DY, r, r+1, s.wide())[s.width:])
		}
	}
}
