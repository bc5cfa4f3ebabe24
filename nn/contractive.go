package nn

import (
	"cmp"
	"errors"

	"hourglass/internal/kernel"
	"hourglass/tensor"
)

// Contractive runs layers and adds to the loss, under the name "contraction", how much what
// they make changes with what they are given (Rifai et al. 2011, Contractive auto-encoders):
//
//	Weight · ‖J‖²,  the squared Frobenius norm of J = ∂layers(x)/∂x
//
// For a single Dense whose activation's derivative follows from its output it is exact:
// Σ_j f'(a_j)² Σ_i W_ij². For other layers it is estimated: with u from N(0, 1) the expected ‖J·u‖² is
// ‖J‖², and J·u is (layers(x + s·u) - layers(x))/s for a small s, Stddev. So in training
// these layers run twice; batch normalisation in them counts both.
type Contractive struct {
	Layers Layers  `json:"layers"`
	Weight float64 `json:"weight"`           // at least 0
	Stddev float64 `json:"stddev,omitempty"` // s of the estimate; 0.01 by default
}

var _ Composite = Contractive{}

// Bind refuses: a network expands the layer.
func (l Contractive) Bind(tensor.Shape) (Stage, error) { return RefuseBind(l) }

// Expand accepts what the layers accept.
func (l Contractive) Expand(b *Builder, in Value) (Value, error) {
	if err := firstError(checkWeight("weight", l.Weight), checkWeight("stddev", l.Stddev)); err != nil {
		return 0, err
	}
	if len(l.Layers) == 0 {
		return 0, errors.New("got no layers, want at least 1")
	}
	if dense, ok := l.Layers[0].(Dense); ok && len(l.Layers) == 1 && dense.Activation.curves() {
		bound, err := dense.Bind(b.Shape(in))
		if err != nil {
			return 0, err
		}
		return b.inside("layers.0").AddStage(&contractiveDense{denseStage: bound.(*denseStage), weight: l.Weight}, in)
	}
	step := cmp.Or(l.Stddev, 0.01)
	both, err := b.AddStage(perturbStage{b.Shape(in), float32(step)}, in)
	if err != nil {
		return 0, err
	}
	if both, err = b.AddAll("layers", l.Layers, both); err != nil {
		return 0, err
	}
	return b.AddStage(&contrastStage{shape: b.Shape(both), weight: l.Weight / (step * step)}, both)
}

// curves reports whether the first two derivatives of the function follow from its output.
func (a Func) curves() bool {
	switch a {
	case Linear, ReLU, LeakyReLU, ELU, SELU, Sigmoid, Tanh, Softplus:
		return true
	}
	return false
}

// bend sets b to f″ from y = f(x) and the slope f′ that follows from it.
func (a Func) bend(b, slope, y []float32) {
	switch a {
	case Sigmoid:
		for i, s := range slope {
			b[i] = s * (1 - 2*y[i])
		}
	case Tanh:
		for i, s := range slope {
			b[i] = -2 * y[i] * s
		}
	case Softplus:
		for i, s := range slope {
			b[i] = s * (1 - s)
		}
	case ELU, SELU:
		for i, s := range slope {
			b[i] = 0
			if y[i] < 0 {
				b[i] = s
			}
		}
	default:
		clear(b)
	}
}

// contractiveDense is a Dense with the exact penalty. Its channels are the units.
type contractiveDense struct {
	*denseStage
	weight float64
}

var (
	_ Coupled   = (*contractiveDense)(nil)
	_ Deriver   = (*contractiveDense)(nil)
	_ Penalizer = (*contractiveDense)(nil)
)

// The slopes f′ of a sample's units are kept behind what the Dense keeps.
const contractiveSlopes = denseZ + 1

func (s *contractiveDense) Plan() Plan {
	plan := s.denseStage.Plan()
	plan.Memory = append(plan.Memory, s.output.Size())
	plan.Shared, plan.Workspace, plan.GatherAlways = 2*s.Units, s.Units+s.in, true
	return plan
}

func (s *contractiveDense) Penalties() []string { return []string{"contraction"} }
func (s *contractiveDense) Channels() int       { return s.Units }
func (s *contractiveDense) EndsInSigmoid() bool { return false } // the slope follows from the output

// norms returns for each unit Σ_i W_ij², and activity the sum of f′² over the batch.
func (s *contractiveDense) norms(f *Frame) []float32    { return f.Shared[:s.Units] }
func (s *contractiveDense) activity(f *Frame) []float32 { return f.Shared[s.Units:] }

// GatherForward computes the norms of some columns of the kernel.
func (s *contractiveDense) GatherForward(f *Frame, lo, hi int) {
	column := f.Workspace[s.Units:]
	for j := lo; j < hi; j++ {
		for i := range column {
			column[i] = f.Params[denseKernel][i*s.Units+j]
		}
		s.norms(f)[j] = float32(kernel.SumSquares(column))
	}
}

// Forward adds Weight·Σ_j f′(a_j)²·‖W_j‖² for each sample.
func (s *contractiveDense) Forward(f *Frame) {
	s.denseStage.Forward(f)
	if f.Penalties == nil {
		return
	}
	for i := range f.N {
		var sum float64
		for r := i * s.rows; r < (i+1)*s.rows; r++ {
			for j, slope := range s.slopes(f, r) {
				sum += float64(float64(slope*slope) * float64(s.norms(f)[j]))
			}
		}
		f.Penalties[0][i] = f.Factors[0] * s.weight * sum
	}
}

// slopes computes f′ of row r.
func (s *contractiveDense) slopes(f *Frame, r int) []float32 {
	slopes := rows(f.Memory[contractiveSlopes], r, r+1, s.Units)
	for j := range slopes {
		slopes[j] = 1
	}
	s.Activation.backward(slopes, slopes, rows(f.Y, r, r+1, s.Units))
	return slopes
}

// GatherBackward sums f′² of some units over the batch, in the order of the samples.
func (s *contractiveDense) GatherBackward(f *Frame, lo, hi int) {
	activity := s.activity(f)[lo:hi]
	clear(activity)
	for r := range f.N * s.rows {
		for j, slope := range f.Memory[contractiveSlopes][r*s.Units+lo : r*s.Units+hi] {
			activity[j] += float32(slope * slope)
		}
	}
}

// Backward: dZ = DY ⊙ f′ + 2·Weight/batch·‖W‖² ⊙ f′ ⊙ f″ and DX = dZ·Wᵀ.
func (s *contractiveDense) Backward(f *Frame) {
	scale, bends := float32(2*f.Factors[0]*s.weight/float64(f.Batch)), f.Workspace[:s.Units]
	for r := range f.N * s.rows {
		slopes, dz := rows(f.Memory[contractiveSlopes], r, r+1, s.Units), rows(f.DY, r, r+1, s.Units)
		s.Activation.bend(bends, slopes, rows(f.Y, r, r+1, s.Units))
		for j, slope := range slopes {
			dz[j] = float32(dz[j]*slope) + float32(float32(scale*s.norms(f)[j])*float32(slope*bends[j]))
		}
	}
	if f.DX != nil {
		kernel.Gemm(f.N*s.rows, s.in, s.Units, f.DY, s.Units, 1, f.Derived, s.in, f.DX, s.in, kernel.Overwrite, nil)
	}
}

// Gradient: dW_ij = (Xᵀ·dZ)_ij + 2·Weight/batch·W_ij·Σ f′_j².
func (s *contractiveDense) Gradient(f *Frame, param, lo, hi int) {
	s.denseStage.Gradient(f, param, lo, hi)
	if param == denseBias {
		return
	}
	scale := float32(2 * f.Factors[0] * s.weight / float64(f.Batch))
	for i := lo; i < hi; i++ {
		w, dw := rows(f.Params[denseKernel], i, i+1, s.Units), rows(f.Grads[denseKernel], i, i+1, s.Units)
		for j, a := range s.activity(f) {
			dw[j] += float32(float32(scale*w[j]) * a)
		}
	}
}

// perturbStage makes two of each sample in training: the sample, and the sample moved a small step.
type perturbStage struct {
	shape tensor.Shape
	step  float32
}

func (s perturbStage) Plan() Plan {
	return Plan{Output: s.shape, Copies: 2, Memory: []int{s.shape.Size()}}
}

func (s perturbStage) Forward(f *Frame) {
	copyStage{s.shape, f.Copies}.Forward(f)
	if f.Copies == 1 || !f.Training && !f.Evaluating {
		return
	}
	size := s.shape.Size()
	for i := range f.N {
		noise := rows(f.Memory[0], i, i+1, size)
		f.Random.Normal(noise, i)
		kernel.Axpy(rows(f.Y, 2*i+1, 2*i+2, size), s.step, noise)
	}
}

func (s perturbStage) Backward(f *Frame) { copyStage{s.shape, 2}.Backward(f) }

// contrastStage hands on what was made of a sample, and adds how far what was made of the moved one
// is from it.
type contrastStage struct {
	shape  tensor.Shape
	weight float64
}

var _ Penalizer = (*contrastStage)(nil)

func (s *contrastStage) Plan() Plan          { return Plan{Output: s.shape, Merges: 2} }
func (s *contrastStage) Penalties() []string { return []string{"contraction"} }

func (s *contrastStage) Forward(f *Frame) {
	size := s.shape.Size()
	for i := range f.N {
		here := rows(f.X, i*f.Copies, i*f.Copies+1, size)
		copy(rows(f.Y, i, i+1, size), here)
		if f.Penalties == nil {
			continue
		}
		var sum float64
		for c, moved := range rows(f.X, 2*i+1, 2*i+2, size) {
			d := float64(moved) - float64(here[c])
			sum += float64(d * d)
		}
		f.Penalties[0][i] = f.Factors[0] * s.weight * sum
	}
}

// Backward: with d what the step changes, the gradients are dy - 2·Weight/batch·d and 2·Weight/batch·d.
func (s *contrastStage) Backward(f *Frame) {
	if f.DX == nil {
		return
	}
	scale, size := float32(2*f.Factors[0]*s.weight/float64(f.Batch)), s.shape.Size()
	for i := range f.N {
		here, moved := rows(f.X, 2*i, 2*i+1, size), rows(f.X, 2*i+1, 2*i+2, size)
		dhere, dmoved := rows(f.DX, 2*i, 2*i+1, size), rows(f.DX, 2*i+1, 2*i+2, size)
		for c, dy := range rows(f.DY, i, i+1, size) {
			g := float32(scale * (moved[c] - here[c]))
			dmoved[c] = g
			dhere[c] = dy - g
		}
	}
}
