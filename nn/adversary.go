package nn

import (
	"errors"
	"fmt"

	"hourglass/internal/kernel"
	"hourglass/internal/portable"
	"hourglass/tensor"
)

// Adversary hands codes on and holds them to N(0, 1), in training, by a contest (Makhzani et
// al. 2016, Adversarial autoencoders): its Layers, the discriminator D, learn to tell codes z from
// numbers p that are drawn from N(0, 1), and what stands in front learns to make codes that they
// take for drawn. D makes one number of d, the logit l of being drawn. It learns by
//
//	½·(-ln σ(l(p)) - ln(1 - σ(l(z)))), in the history as "discriminator"
//
// and to the loss is added, under the name "adversary", as Goodfellow et al. (2014) advise,
//
//	Weight · -ln σ(l(z))
//
// Each side has the gradient of its own aim only, and both take each step together. The
// weights of D are a group of that name, "adversary", that can have an optimiser and a rate
// of its own (hourglass.OptimizerFor); its arrays are called "layers.0.kernel". In inference
// D rests and costs nothing.
//
// The layers see one vector of d at a time: each a single layer, none that looks at the whole
// batch or adds to the loss. Condition is one of them, and shows D the label.
type Adversary struct {
	Layers Layers  `json:"layers"` // D, which ends in one unit without activation
	Weight float64 `json:"weight"` // at least 0
}

var _ Composite = Adversary{}

// AdversaryGroup is the name of the group of weights of discriminators.
const AdversaryGroup = "adversary"

// Bind refuses: a network expands the layer.
func (l Adversary) Bind(tensor.Shape) (Stage, error) { return RefuseBind(l) }

// Expand accepts vectors.
func (l Adversary) Expand(b *Builder, in Value) (Value, error) {
	if err := checkWeight("weight", l.Weight); err != nil {
		return 0, err
	}
	if len(l.Layers) == 0 {
		return 0, errors.New("got no layers, want those of a discriminator")
	}
	shape := b.Shape(in)
	if len(shape) != 1 {
		return 0, fmt.Errorf("got samples of shape %v, want codes along a single axis", shape)
	}
	turn := b.Memory(1)
	aside := b.Resting()
	value, err := aside.AddStage(contestStage{shape[0]}, in)
	if err != nil {
		return 0, err
	}
	aside.Remember(value, turn)
	if value, err = l.discriminate(aside.Group(AdversaryGroup), value); err != nil {
		return 0, err
	}
	out, err := aside.AddStage(verdictStage{shape, l.Weight}, in, value)
	if err == nil {
		aside.Remember(out, turn)
	}
	return out, err
}

// discriminate adds the layers, each of which sees the codes and the drawn numbers as if
// they were samples.
func (l Adversary) discriminate(b *Builder, pair Value) (Value, error) {
	for i, layer := range l.Layers {
		name := fmt.Sprintf("layers.%d", i)
		if _, ok := layer.(Condition); !ok { // which treats both alike as it is
			layer = TimeDistributed{Layer: layer}
		}
		next, err := b.Add(name, layer, pair)
		if err != nil {
			return 0, err
		}
		if b.program.ops[next-1].coupled() != nil {
			return 0, fmt.Errorf("%s (%s) looks at the whole batch, want layers that look at one vector at a time", name, Kind(l.Layers[i]))
		}
		pair = next
	}
	if made := b.Shape(pair); !made.Equal(tensor.Shape{2, 1}) {
		return 0, fmt.Errorf("its layers make %v of a code, want one number", tensor.Shape(made[1:]))
	}
	return pair, nil
}

// contestStage sets beside each code as many drawn numbers: d values become 2×d. What comes
// back for the codes is the gradient of the discriminator's aim; times what is remembered, it
// is that of the encoder's, since both are multiples of the gradient of the one logit.
type contestStage struct{ size int }

func (s contestStage) Plan() Plan { return Plan{Output: tensor.Shape{2, s.size}} }

func (s contestStage) Forward(f *Frame) {
	for i := range f.N {
		y := rows(f.Y, i, i+1, 2*s.size)
		drawn := y[copy(y, rows(f.X, i, i+1, s.size)):]
		if f.Training || f.Evaluating {
			f.Random.Normal(drawn, i)
		} else {
			clear(drawn)
		}
	}
}

func (s contestStage) Backward(f *Frame) {
	if f.DX == nil {
		return
	}
	for i := range f.N {
		kernel.Scale(rows(f.DX, i, i+1, s.size), rows(f.DY, 2*i, 2*i+1, s.size), f.Common[0][i])
	}
}

// verdictStage hands the codes on, its first input, and judges the logits, its second: of the
// code and of the drawn numbers.
type verdictStage struct {
	shape  tensor.Shape
	weight float64
}

var (
	_ Penalizer = verdictStage{}
	_ Measurer  = verdictStage{}
)

func (s verdictStage) Plan() Plan          { return Plan{Output: s.shape} }
func (s verdictStage) Penalties() []string { return []string{"adversary"} }
func (s verdictStage) Measures() []string  { return []string{"discriminator"} }

func (s verdictStage) Forward(f *Frame) {
	copy(f.Y, f.X)
	if f.Penalties == nil {
		return
	}
	for i := range f.N {
		code, drawn := float64(f.Xs[1][2*i]), float64(f.Xs[1][2*i+1])
		f.Penalties[0][i] = f.Factors[0] * s.weight * softplus(-code)
		f.Measures[0][i] = (softplus(code) + softplus(-drawn)) / 2
	}
}

// surest is how sure of a code's logit the discriminator may be for its gradient to become
// no smaller: behind it, the encoder's could not be had from it any more.
const surest = -30

// Backward: the gradient of the discriminator's aim is ½σ(l) for a code, -½(1 - σ(l)) for
// drawn numbers, and that of the encoder's -Weight·(1 - σ(l)), the first times what is
// remembered.
func (s verdictStage) Backward(f *Frame) {
	if f.DXs[0] != nil {
		copy(f.DXs[0], f.DY)
	}
	scale := f.Factors[0] * s.weight
	for i := range f.N {
		code, drawn := float64(f.Xs[1][2*i]), float64(f.Xs[1][2*i+1])
		own := sigmoid(max(code, surest)) / 2
		f.Common[0][i] = float32(-scale * sigmoid(-code) / own)
		if f.DXs[1] != nil {
			f.DXs[1][2*i] = float32(own / float64(f.Batch))
			f.DXs[1][2*i+1] = float32(-sigmoid(-drawn) / 2 / float64(f.Batch))
		}
	}
}

// sigmoid returns 1/(1 + e⁻ˣ).
func sigmoid(x float64) float64 {
	if x >= 0 {
		return 1 / (1 + portable.Exp(-x))
	}
	e := portable.Exp(x)
	return e / (1 + e)
}

// softplus returns ln(1 + eˣ).
func softplus(x float64) float64 {
	if x > 0 {
		return x + softplus(-x)
	}
	return portable.Log(1 + portable.Exp(x))
}
