package nn

import "hourglass/tensor"

// RepeatVector makes a sequence of Times equal steps: features → Times×features. As
// Keras' RepeatVector. A recurrent layer behind it reads the one vector instead, and
// multiplies it once.
type RepeatVector struct {
	Times int `json:"n"` // steps, at least 1
}

// Bind accepts samples of one axis.
func (l RepeatVector) Bind(in tensor.Shape) (Stage, error) {
	if err := firstError(checkOption("n", l.Times, 1), wantVector(in)); err != nil {
		return nil, err
	}
	return &repeatStage{l.Times, in[0]}, nil
}

type repeatStage struct{ times, features int }

func (s *repeatStage) Plan() Plan {
	return Plan{Output: tensor.Shape{s.times, s.features}, Repeat: true}
}

func (s *repeatStage) Forward(f *Frame) {
	for r := range f.N * s.times {
		copy(rows(f.Y, r, r+1, s.features), rows(f.X, r/s.times, r/s.times+1, s.features))
	}
}

// Backward adds up the gradients of the steps.
func (s *repeatStage) Backward(f *Frame) {
	if f.DX != nil {
		sumSteps(f.DX, f.DY, f.N, s.times, s.features)
	}
}
