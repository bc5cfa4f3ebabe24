package dataset

import (
	"fmt"

	"hourglass/tensor"
)

// Face is something that a source has for each of its samples besides.
type Face uint8

// The faces. Each is a [Source] of its own, of as many samples, read by the same indices.
const (
	// Targets are what is to become of the samples, where that is not the samples
	// themselves: clean images for noisy ones.
	Targets Face = iota
	// Weights are one number each, at least 0, by which what a sample adds to the loss is
	// multiplied; the mean is still over the number of samples, as in Keras.
	Weights
	// Mask tells which values of the targets are there, by 1, and which are missing, by 0. Missing
	// ones add nothing to the loss, which is the mean over those that are there.
	Mask
	// Labels are the class of each sample, one whole number from 0, for the layers that ask
	// for it (nn.Condition). Networks without such layers do not read them.
	Labels

	faceCount
)

// Faces lists all faces.
func Faces() []Face {
	all := make([]Face, faceCount)
	for f := range all {
		all[f] = Face(f)
	}
	return all
}

var faceNames = [faceCount]string{"targets", "weights", "mask", "labels"}

// String returns the face's name.
func (f Face) String() string {
	if int(f) >= len(faceNames) {
		return fmt.Sprintf("Face(%d)", f)
	}
	return faceNames[f]
}

// Faced is a source with faces. A source that is made of another, as a subset is, has
// the faces of that one, treated likewise:
//
//	func (s *mirrored) Face(f dataset.Face) dataset.Source { return dataset.FaceOf(s.source, f) }
type Faced interface {
	Source
	// Face returns a face, nil if there is none.
	Face(f Face) Source
}

// FaceOf returns a face of a source, nil if it has none.
func FaceOf(source Source, f Face) Source {
	if faced, ok := source.(Faced); ok {
		return faced.Face(f)
	}
	return nil
}

// With returns source with a face, in place of the one it may have. A face of another
// number of samples, or weights or labels that are not one number each, are an error.
func With(source Source, f Face, face Source) (Source, error) {
	if int(f) >= len(faceNames) {
		return nil, fmt.Errorf("dataset: unknown face %d of a source, want one of %v", f, faceNames)
	}
	if source.Len() != face.Len() {
		return nil, fmt.Errorf("dataset: %v for %d samples, but there are %d", f, face.Len(), source.Len())
	}
	if (f == Weights || f == Labels) && face.Sample().Size() != 1 {
		return nil, fmt.Errorf("dataset: %v of shape %v, want one number for each sample", f, face.Sample())
	}
	return &withFace{source, f, face}, nil
}

type withFace struct {
	Source
	which Face
	face  Source
}

func (s *withFace) Face(f Face) Source {
	if f == s.which {
		return s.face
	}
	return FaceOf(s.Source, f)
}

// scaled scales the samples, and targets like them.
func (s *withFace) scaled(by *Scaler) (Source, error) {
	inner, err := Scaled(s.Source, by)
	if err != nil || s.which != Targets || s.face.Sample().Size() != s.Sample().Size() {
		return &withFace{inner, s.which, s.face}, err
	}
	targets, err := Scaled(s.face, by)
	return &withFace{inner, s.which, targets}, err
}

// ReadEpoch hands on.
func (s *withFace) ReadEpoch(dst []float32, indices []int, e Epoch) error {
	return ReadEpoch(s.Source, dst, indices, e)
}

func (s *withFace) Variation() string { return VariationOf(s.Source) }

func (s *withFace) Window() (buffer, block int) { return windowOf(s.Source) }

// ClassWeights returns weights for [With]: a sample of class c has weights[c]. A class
// without a weight is an error.
func ClassWeights(labels []int, weights []float32) (Source, error) {
	list := tensor.New(len(labels), 1)
	for i, label := range labels {
		if label < 0 || label >= len(weights) {
			return nil, fmt.Errorf("dataset: class weights: sample %d has class %d, there are weights of %d classes", i, label, len(weights))
		}
		list.Data[i] = weights[label]
	}
	return Array{list}, nil
}

// ClassLabels returns labels for [With]: the class of each sample, at least 0.
func ClassLabels(labels []int) (Source, error) {
	const most = 1 << 24 // float32 holds all whole numbers up to it
	list := tensor.New(len(labels), 1)
	for i, label := range labels {
		if label < 0 || label >= most {
			return nil, fmt.Errorf("dataset: class labels: sample %d has class %d, want 0 to %d", i, label, most-1)
		}
		list.Data[i] = float32(label)
	}
	return Array{list}, nil
}
