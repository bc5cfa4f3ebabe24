package nn

import (
	"fmt"

	"hourglass/internal/kernel"
	"hourglass/tensor"
)

// MMDRegularization hands its input, codes of d numbers, on and adds to the loss, under
// the name "mmd", how far the codes of a batch are from being drawn from N(0, 1): the
// squared maximum mean discrepancy to as many numbers p that are (Gretton et al. 2012),
// unbiased but for its last term as in Tolstikhin et al. 2018 (Wasserstein autoencoders):
//
//	Weight · ( Σ_{i≠j} (k(zᵢ,zⱼ) + k(pᵢ,pⱼ)) / (n(n-1)) - 2/n² Σ_{ij} k(zᵢ,pⱼ) )
//
// with the sum over s = 0.1, 0.2, 0.5, 1, 2, 5, 10 of k(x,y) = c/(c + |x-y|²), c = 2ds.
// In a batch of one it is 0. The cost grows with the square of the batch.
type MMDRegularization struct {
	Weight float64 `json:"weight"` // at least 0
}

// Bind accepts every shape.
func (l MMDRegularization) Bind(in tensor.Shape) (Stage, error) {
	if err := checkWeight("weight", l.Weight); err != nil {
		return nil, err
	}
	if len(in) == 0 {
		return nil, fmt.Errorf("got a scalar, want samples of at least one axis")
	}
	return &mmdStage{MMDRegularization: l, shape: in.Clone(), size: in.Size()}, nil
}

type mmdStage struct {
	MMDRegularization
	shape tensor.Shape
	size  int // d
}

var (
	_ Coupled   = (*mmdStage)(nil)
	_ Penalizer = (*mmdStage)(nil)
)

// What is kept of a sample: what it adds, divided by Weight, and its gradient.
const (
	mmdValue = iota
	mmdGradient
)

// mmdShares is into how many shares the samples of a batch are dealt out.
const mmdShares = 64

// mmdScales are the s of the kernels.
var mmdScales = [...]float64{0.1, 0.2, 0.5, 1, 2, 5, 10}

func (s *mmdStage) Plan() Plan {
	return Plan{Output: s.shape, Memory: []int{1, s.size}, Workspace: 2 * s.size, GatherAlways: true}
}
func (s *mmdStage) Penalties() []string { return []string{"mmd"} }

// Channels are shares of the samples: every pair is looked at for either of its samples.
func (s *mmdStage) Channels() int { return mmdShares }

// GatherForward compares the samples of some shares with all of the batch.
func (s *mmdStage) GatherForward(f *Frame, lo, hi int) {
	for share := lo; share < hi; share++ {
		for i := share; i < f.N; i += mmdShares {
			s.compare(f, i)
		}
	}
}

// GatherBackward has nothing to gather.
func (s *mmdStage) GatherBackward(*Frame, int, int) {}

func (s *mmdStage) gatherReads() reads { return reads{} }

// compare computes what sample i adds, and its gradient, in the order of the others.
func (s *mmdStage) compare(f *Frame, i int) {
	gradient := rows(f.Memory[mmdGradient], i, i+1, s.size)
	clear(gradient)
	f.Memory[mmdValue][i] = 0
	if f.N < 2 {
		return
	}
	n := float64(f.N)
	among, between := n/(n*(n-1)), -2/n // the mean over samples of what they add is the penalty
	z, drawn := rows(f.X, i, i+1, s.size), s.draw(f, 0, i)
	var value float64
	for j := range f.N {
		other := s.draw(f, 1, j)
		if j != i {
			value += float64(among * (s.kernel(z, rows(f.X, j, j+1, s.size), gradient, 2*among/n) + s.kernel(drawn, other, nil, 0)))
		}
		value += float64(between * s.kernel(z, other, gradient, between/n))
	}
	f.Memory[mmdValue][i] = float32(value)
}

// draw returns the j-th number p in one half of the workspace.
func (s *mmdStage) draw(f *Frame, half, j int) []float32 {
	p := rows(f.Workspace, half, half+1, s.size)
	key, counter := f.Random.stream(j)
	kernel.Normal(p, key, counter)
	return p
}

// kernel returns k(x, y) and adds scale times its gradient with respect to x to
// gradient, unless that is nil.
func (s *mmdStage) kernel(x, y, gradient []float32, scale float64) float64 {
	var distance float64
	for c := range x {
		d := float64(x[c]) - float64(y[c])
		distance += float64(d * d)
	}
	var sum, slope float64
	for _, width := range mmdScales {
		c := float64(2 * float64(s.size) * width)
		k := c / (c + distance)
		sum += k
		slope -= k / (c + distance)
	}
	for c := range gradient {
		gradient[c] += float32(2 * scale * slope * (float64(x[c]) - float64(y[c])))
	}
	return sum
}

// Forward adds what the samples add.
func (s *mmdStage) Forward(f *Frame) {
	copy(f.Y, f.X)
	if f.Penalties == nil {
		return
	}
	for i := range f.Penalties[0] {
		f.Penalties[0][i] = f.Factors[0] * s.Weight * float64(f.Memory[mmdValue][i])
	}
}

// Backward: dx = dy + Weight · the gradient, of which GatherForward has divided by n.
func (s *mmdStage) Backward(f *Frame) {
	if f.DX == nil {
		return
	}
	scale := float32(f.Factors[0] * s.Weight)
	for i, g := range f.Memory[mmdGradient] {
		f.DX[i] = f.DY[i] + float32(scale*g)
	}
}
