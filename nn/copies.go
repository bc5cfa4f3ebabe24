package nn

import (
	"hourglass/internal/kernel"
	"hourglass/tensor"
)

// copyStage makes copies of a sample where it meets values of which there are several.
type copyStage struct {
	shape  tensor.Shape
	copies int
}

func (s copyStage) Plan() Plan { return Plan{Output: s.shape, Copies: s.copies} }

func (s copyStage) Forward(f *Frame) {
	size := s.shape.Size()
	for i := range f.N * f.Copies {
		copy(rows(f.Y, i, i+1, size), rows(f.X, i/f.Copies, i/f.Copies+1, size))
	}
}

// Backward adds the gradients of the copies, in their order.
func (s copyStage) Backward(f *Frame) {
	if f.DX == nil {
		return
	}
	size := s.shape.Size()
	for i := range f.N {
		addCopies(rows(f.DX, i, i+1, size), rows(f.DY, i*f.Copies, (i+1)*f.Copies, size))
	}
}

// addCopies sets sum to the sum of the rows of copies.
func addCopies(sum, copies []float32) {
	copy(sum, copies)
	for at := len(sum); at < len(copies); at += len(sum) {
		kernel.Add(sum, sum, copies[at:at+len(sum)])
	}
}

// Copies returns how many outputs a training pass makes of each sample: more than one
// where a stage draws several codes, say.
func (p *Pass) Copies() int { return p.copies[p.net.output] }

// Copies returns how many outputs a training pass makes of each sample.
func (n *Network) Copies() int { return n.wire(true).copies[n.output] }

// Weighs reports whether the copies of a sample count for the loss by their weights; see
// [Pass.LogWeights].
func (n *Network) Weighs() bool { return n.weighs >= 0 }

// LogWeights returns what each copy of a sample of the last run adds to the negative loss
// beside the reconstruction (see Frame.LogWeights), and where the share of each in the gradient
// is to be written before BackwardShare. It is for networks that weigh.
func (p *Pass) LogWeights(sample int) (logWeights []float64, shares []float32) {
	lo, hi := sample*p.Copies(), (sample+1)*p.Copies()
	return p.logWeights[lo:hi], p.shares[lo:hi]
}

// Label returns the class of the frame's i-th sample, or copy of one.
func (f *Frame) Label(i int) int { return int(f.Labels[i*len(f.Labels)/f.N]) }
