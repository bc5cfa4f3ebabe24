package dataset

import (
	"fmt"

	"hourglass/tensor"
)

// Subset returns the samples of source that indices names, in that order, as a
// [Source] that shares memory with it. It keeps indices. An index out of range
// is an error.
func Subset(source Source, indices []int) (Source, error) {
	n := source.Len()
	for _, index := range indices {
		if index < 0 || index >= n {
			return nil, fmt.Errorf("dataset: subset: sample %d is not one of %d", index, n)
		}
	}
	return &subset{source, indices}, nil
}

type subset struct {
	source  Source
	indices []int
}

func (s *subset) Len() int             { return len(s.indices) }
func (s *subset) Sample() tensor.Shape { return s.source.Sample() }

// Read translates index by index: that allocates nothing, as a slice of several
// other indices would.
func (s *subset) Read(dst []float32, indices []int) error {
	n := s.Sample().Size()
	for i, index := range indices {
		if err := s.source.Read(dst[i*n:(i+1)*n], s.indices[index:index+1]); err != nil {
			return err
		}
	}
	return nil
}

// ReadEpoch translates as Read does.
func (s *subset) ReadEpoch(dst []float32, indices []int, e Epoch) error {
	n := s.Sample().Size()
	for i, index := range indices {
		if err := ReadEpoch(s.source, dst[i*n:(i+1)*n], s.indices[index:index+1], e); err != nil {
			return err
		}
	}
	return nil
}

func (s *subset) Variation() string { return VariationOf(s.source) }

// Face returns that of the samples.
func (s *subset) Face(f Face) Source {
	if face := FaceOf(s.source, f); face != nil {
		return &subset{face, s.indices}
	}
	return nil
}

// Window returns that of the source, whose order the indices may well keep.
func (s *subset) Window() (buffer, block int) { return windowOf(s.source) }
