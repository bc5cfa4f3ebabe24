package workflow

import (
	"fmt"
	"slices"

	"hourglass/nn"
	"hourglass/optim"
	"hourglass/tensor"
)

// weight is that of a divergence in nats.
func (d *design) weight() float64 { return 1 / float64(d.shape.Size()) }

// entry returns behind how many layers the encoder's own begin: the input and its shape.
func (d *design) entry() int {
	for i, l := range d.encoder {
		switch l.(type) {
		case nn.Input, nn.Flatten, nn.Reshape:
		default:
			return i
		}
	}
	return len(d.encoder)
}

// front puts a layer in front of the encoder's own.
func (d *design) front(l nn.Layer) error {
	d.encoder = slices.Insert(d.encoder, d.entry(), l)
	return nil
}

// behind puts a layer behind the encoder.
func (d *design) behind(l nn.Layer) error {
	d.encoder = append(d.encoder, l)
	return nil
}

// squashed is behind for codes that must lie between 0 and 1.
func (d *design) squashed(l nn.Layer) error {
	d.activate(nn.Sigmoid)
	return d.behind(l)
}

// linear is behind for codes that may be any numbers.
func (d *design) linear(l nn.Layer) error {
	d.activate(nn.Linear)
	return d.behind(l)
}

// activate makes the encoder end in a function, by its last layer if that is a Dense.
func (d *design) activate(f nn.Func) {
	last := len(d.encoder) - 1
	if dense, ok := d.encoder[last].(nn.Dense); ok {
		dense.Activation = f
		d.encoder[last] = dense
	} else if f != nn.Linear {
		d.encoder = append(d.encoder, nn.Activation{Func: f})
	}
}

// hash puts noise in front of what makes the codes, which ends in a sigmoid.
func (d *design) hash() error {
	d.activate(nn.Sigmoid)
	noise := nn.GaussianNoise{Stddev: 15}
	if last := len(d.encoder) - 1; last > d.entry() {
		d.encoder = slices.Insert(d.encoder, last, nn.Layer(noise))
		return nil
	}
	return fmt.Errorf("the encoder has %d layers with weights, want at least 2, with the noise between them", len(d.encoder)-d.entry())
}

// contract puts the encoder's own layers into one that contracts.
func (d *design) contract() error {
	at := d.entry()
	d.encoder = append(d.encoder[:at:at], nn.Contractive{Layers: slices.Clone(d.encoder[at:]), Weight: 1e-4})
	return nil
}

// draw makes the last layer two, for means and log-variances, and draws codes from them. Where it is
// not a Dense, two Dense layers behind it are.
func (d *design) draw(sampling nn.Layer) error {
	last := len(d.encoder) - 1
	dense, ok := d.encoder[last].(nn.Dense)
	if ok {
		dense.Activation = nn.Linear
		d.encoder = d.encoder[:last]
	} else {
		shape, err := nn.OutputShape(nil, d.encoder...)
		if err != nil {
			return err
		}
		dense = nn.Dense{Units: shape[len(shape)-1]}
	}
	d.encoder = append(d.encoder, nn.Parallel{Branches: []nn.Layers{{dense}, {dense}}}, sampling)
	return nil
}

// tie replaces the decoder's Dense layers by those of the encoder, transposed.
func (d *design) tie() error {
	var names []string
	for i, l := range d.encoder {
		if _, ok := l.(nn.Dense); ok {
			names = append(names, fmt.Sprintf("dense%d", len(names)+1))
			d.encoder[i] = nn.Named{Name: names[len(names)-1], Layer: l}
		}
	}
	count := len(names)
	for i, l := range d.decoder {
		dense, ok := l.(nn.Dense)
		if !ok {
			continue
		}
		if len(names) == 0 {
			return fmt.Errorf("the decoder has more Dense layers than the encoder's %d, want as many", count)
		}
		d.decoder[i] = nn.Tied{To: names[len(names)-1], Activation: dense.Activation, NoBias: dense.NoBias, BiasInit: dense.BiasInit}
		names = names[:len(names)-1]
	}
	if len(names) > 0 || count == 0 {
		return fmt.Errorf("the encoder has %d Dense layers and the decoder %d, want as many and at least 1", count, count-len(names))
	}
	return nil
}

// hide puts in front what hides three quarters of an image in patches, about seven a side, of a
// series in stretches of all its features, and of vectors value by value.
func (d *design) hide() error {
	const rate, patches = 0.75, 7
	if len(d.shape) == 1 {
		return d.front(nn.MaskingNoise{Rate: rate})
	}
	size := nn.Pair{side(d.shape[0], patches), side(d.shape[1], patches)}
	if !IsImage(d.shape) || d.series() {
		size[1] = d.shape[1]
	}
	noise := nn.PatchMasking{Size: size, Rate: rate}
	if _, err := noise.Bind(d.shape); err != nil {
		return err
	}
	d.encoder = slices.Insert(d.encoder, 1, nn.Layer(noise))
	return nil
}

// series tells whether samples of two axes are rather steps of few features than pictures.
func (d *design) series() bool { return len(d.shape) == 2 && d.shape[0] >= 4*d.shape[1] }

// side returns how long a side of patches is of which about so many cover n values without a rest.
func side(n, patches int) int {
	best := 1
	for s := 1; s <= n/2; s++ {
		if n%s == 0 && abs(n/s-patches) < abs(n/best-patches) {
			best = s
		}
	}
	return best
}

func abs(n int) int { return max(n, -n) }

// skip puts noise in front, and hands on what layers of the encoder make, the code aside, to those of
// the decoder that take values of the same shape (Ronneberger et al. 2015).
func (d *design) skip() error {
	if err := d.front(nn.GaussianNoise{Stddev: 0.2}); err != nil {
		return err
	}
	skips := 0
	for from := len(d.encoder) - 1; from > d.entry()+1; from-- { // behind layer from-1, the innermost first
		shape, err := nn.OutputShape(nil, d.encoder[:from]...)
		if err != nil {
			return err
		}
		name := fmt.Sprintf("skip%d", skips+1)
		encoder := slices.Insert(slices.Clone(d.encoder), from, nn.Layer(nn.Tap{Name: name}))
		if decoder := d.joined(encoder, shape, name); decoder != nil {
			d.encoder, d.decoder = encoder, decoder
			skips++
		}
	}
	if skips == 0 {
		return fmt.Errorf("no layer of the decoder takes values of the shape that one of the encoder gives, the code aside; want a decoder that mirrors the encoder")
	}
	return nil
}

// joined returns the decoder with what is tapped joined in front of a layer that takes
// the shape and more channels of it, behind all other joins; nil where there is none.
func (d *design) joined(encoder nn.Layers, shape tensor.Shape, name string) nn.Layers {
	first := 1
	for i, l := range d.decoder {
		if _, ok := l.(nn.Join); ok {
			first = i + 2
		}
	}
	for at := first; at < len(d.decoder); at++ {
		before, err := nn.OutputShape(nil, slices.Concat(encoder, d.decoder[:at])...)
		if err != nil || !before.Equal(shape) {
			continue
		}
		decoder := slices.Insert(slices.Clone(d.decoder), at, nn.Layer(nn.Join{Name: name}))
		if out, err := nn.OutputShape(nil, slices.Concat(encoder, decoder)...); err == nil && out.Size() == d.shape.Size() {
			return decoder
		}
	}
	return nil
}

// condition tells the encoder and the decoder of a variational autoencoder the labels.
func (d *design) condition() error {
	if d.classes == 0 {
		return fmt.Errorf("the samples have no labels; a column or file of labels must be named")
	}
	condition := nn.Condition{Classes: d.classes}
	if err := d.front(condition); err != nil {
		return err
	}
	d.decoder = append(nn.Layers{condition}, d.decoder...)
	return d.draw(nn.Sampling{Weight: d.weight()})
}

// oppose puts a discriminator of two layers behind the encoder.
func (d *design) oppose() error {
	const units = 100
	d.optimizers = map[string]optim.Optimizer{nn.AdversaryGroup: optim.Adam{LearningRate: 5e-4}}
	return d.linear(nn.Adversary{Weight: 10 * d.weight(), Layers: nn.Layers{
		nn.Dense{Units: units, Activation: nn.LeakyReLU}, nn.Dense{Units: units, Activation: nn.LeakyReLU}, nn.Dense{Units: 1}}})
}

// quantize makes codes of vectors of a codebook: of the features at each place of a code
// that has several axes, and of one that has not a vector for each number.
func (d *design) quantize() error {
	const codes, size = 128, 4
	d.activate(nn.Linear)
	shape, err := nn.OutputShape(nil, d.encoder...)
	if err != nil {
		return err
	}
	if len(shape) == 1 {
		n := shape[0]
		if _, ok := d.encoder[len(d.encoder)-1].(nn.Dense); ok {
			d.encoder = d.encoder[:len(d.encoder)-1]
		}
		d.encoder = append(d.encoder, nn.Dense{Units: n * size}, nn.Reshape{n, size})
		d.decoder = append(nn.Layers{nn.Flatten{}, nn.Dense{Units: n}}, d.decoder...)
	}
	return d.behind(nn.VectorQuantizer{Codes: codes, Commitment: 0.25, Revive: 0.5})
}
