package nn

import (
	"fmt"
	"slices"

	"hourglass/tensor"
)

// PatchMasking sets a share Rate of the patches of an image to 0, in training only: the
// same number of each image, drawn at random (He et al. 2022, Masked autoencoders are scalable vision
// learners, who mask 75 %). It takes height×width or height×width×channels that patches of Size
// cover without a rest, and is the noise that a masked autoencoder has to undo; masked patches are
// zeros here instead of being left out, as in Xie et al. 2022 (SimMIM).
type PatchMasking struct {
	Size Pair    `json:"patch_size"` // at least 1×1
	Rate float64 `json:"rate"`       // in [0, 1); the number of patches is rounded down
}

// Bind accepts images that patches cover.
func (l PatchMasking) Bind(in tensor.Shape) (Stage, error) {
	if err := firstError(checkRate(l.Rate), l.Size.check("patch size", 1)); err != nil {
		return nil, err
	}
	if len(in) != 2 && len(in) != 3 {
		return nil, fmt.Errorf("got samples of shape %v, want height×width or height×width×channels", in)
	}
	if in[0]%l.Size[0] != 0 || in[1]%l.Size[1] != 0 {
		return nil, fmt.Errorf("patches of %d×%d do not cover samples of shape %v", l.Size[0], l.Size[1], in)
	}
	s := &patchStage{shape: in.Clone(), rows: l.Size[0], row: in.Size() / in[0], columns: in[1] / l.Size[1]}
	s.width = s.row / s.columns
	s.patches = in[0] / l.Size[0] * s.columns
	s.masked = int(l.Rate * float64(s.patches))
	return s, nil
}

type patchStage struct {
	shape           tensor.Shape
	rows, width     int // of a patch, in pixels and in values
	row, columns    int // of the image: values in a row and patches side by side
	patches, masked int
}

// Workspace has the random numbers of the patches, and these in order.
func (s *patchStage) Plan() Plan { return Plan{Output: s.shape, Workspace: 2 * s.patches} }

func (s *patchStage) Forward(f *Frame) { s.mask(f, f.Y, f.X) }

// Backward masks the gradients of the very patches that Forward masked.
func (s *patchStage) Backward(f *Frame) {
	if f.DX != nil {
		s.mask(f, f.DX, f.DY)
	}
}

// mask copies src but for the patches whose random numbers are the lowest, the first of those alike.
func (s *patchStage) mask(f *Frame, dst, src []float32) {
	copy(dst, src)
	if !f.Training || s.masked == 0 {
		return
	}
	drawn, ordered := f.Workspace[:s.patches], f.Workspace[s.patches:]
	for i := range f.N {
		f.Random.Uniform(drawn, i)
		copy(ordered, drawn)
		slices.Sort(ordered)
		limit, left := ordered[s.masked-1], s.masked
		for p, u := range drawn {
			if u <= limit && left > 0 {
				s.clear(rows(dst, i, i+1, s.shape.Size()), p)
				left--
			}
		}
	}
}

// clear sets a patch of an image to 0.
func (s *patchStage) clear(image []float32, patch int) {
	at := patch/s.columns*s.rows*s.row + patch%s.columns*s.width
	for r := range s.rows {
		clear(image[at+r*s.row:][:s.width])
	}
}
