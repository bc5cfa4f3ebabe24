package workflow

import (
	"fmt"
	"slices"
	"strings"

	"hourglass/internal/suggest"
	"hourglass/loss"
	"hourglass/nn"
	"hourglass/train"
)

// design is what a kind of autoencoder makes of an architecture, and what it is trained with.
type design struct {
	encoder, decoder nn.Layers
	values, samples  int // of a sample, and for training
	epochs           int
	loss             loss.Loss                 // nil for the usual one
	penalties        map[string]train.Schedule // of the factors of penalties
}

// variant is a kind of autoencoder that an architecture can be made into.
type variant struct {
	name, about string
	apply       func(d *design) error
}

// variants are the kinds, as the recipes of the same names have them. What is a sum over the numbers of a
// code counts by the values of a sample, over which a loss is a mean.
var variants = []variant{
	{"denoising", "Gaussian noise in front, of a fifth of the range or the deviation", func(d *design) error { return d.front(nn.GaussianNoise{Stddev: 0.2}) }},
	{"masking", "half of the values missing in training", func(d *design) error { return d.front(nn.MaskingNoise{Rate: 0.5}) }},
	{"salt-pepper", "a quarter of the values black or white in training", func(d *design) error { return d.front(nn.SaltAndPepperNoise{Rate: 0.25}) }},
	{"sparse", "a price on the sum of a code's numbers", func(d *design) error { return d.behind(nn.ActivityRegularization{L1: 1e-3}) }},
	{"sparse-kl", "a mean activity of 0.1", func(d *design) error {
		return d.squashed(nn.KLRegularization{Target: 0.1, Weight: 0.05 / 32})
	}},
	{"hashing", "noise in front of codes that drives them to 0 and 1", (*design).hash},
	{"tied", "the encoder's kernels in the decoder, transposed; for Dense layers", (*design).tie},
	{"contractive", "a price on how fast codes change", (*design).contract},
	{"robust", "a loss that leaves outliers aside", func(d *design) error {
		d.loss = loss.Correntropy{Sigma: 0.5}
		return nil
	}},
	{"vae", "variational: codes are drawn", func(d *design) error { return d.draw(nn.Sampling{Weight: d.weight()}) }},
	{"beta-vae", "variational, with a capacity that rises to 25 nats in four fifths of the epochs", func(d *design) error {
		d.penalties = map[string]train.Schedule{"capacity": train.Ramp{Epochs: max(d.epochs*4/5, 1)}}
		return d.draw(nn.Sampling{Weight: 100 * d.weight(), Capacity: 25})
	}},
	{"beta-tcvae", "variational, with numbers of a code that are independent", func(d *design) error {
		return d.draw(nn.TCSampling{Weight: d.weight(), Correlation: 6, Samples: d.samples})
	}},
	{"iwae", "importance weighted: five codes of each sample", func(d *design) error {
		return d.draw(nn.ImportanceSampling{Samples: 5, Weight: d.weight()})
	}},
	{"wae-mmd", "Wasserstein: codes that together look as if drawn", func(d *design) error {
		return d.linear(nn.MMDRegularization{Weight: 10 * d.weight()})
	}},
}

// KindNames lists the kinds of autoencoders that Train makes of any architecture.
func KindNames() []string {
	var names []string
	for _, v := range variants {
		names = append(names, v.name)
	}
	return names
}

// KindUsage says in a line each what the kinds are.
func KindUsage() string {
	var b strings.Builder
	for _, v := range variants {
		fmt.Fprintf(&b, "%-12s %s\n", v.name, v.about)
	}
	return b.String()
}

// CheckKind reports a kind that there is not.
func CheckKind(name string) error {
	if slices.Contains(KindNames(), name) {
		return nil
	}
	return fmt.Errorf("workflow: unknown kind %q%s; want one of %s", name, suggest.Question(name, KindNames()), strings.Join(KindNames(), ", "))
}

// makeKind makes an architecture one of a kind.
func makeKind(name string, d *design) error {
	if err := CheckKind(name); err != nil {
		return err
	}
	d.encoder, d.decoder = slices.Clone(d.encoder), slices.Clone(d.decoder)
	i := slices.Index(KindNames(), name)
	if err := variants[i].apply(d); err != nil {
		return fmt.Errorf("workflow: kind %s: %w", name, err)
	}
	return nil
}

// weight is that of a divergence in nats.
func (d *design) weight() float64 { return 1 / float64(d.values) }

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
