package workflow

import (
	"fmt"
	"slices"
	"strings"

	"hourglass/internal/suggest"
	"hourglass/loss"
	"hourglass/nn"
	"hourglass/optim"
	"hourglass/tensor"
	"hourglass/train"
)

// design is what a kind of autoencoder makes of an architecture, and what it is trained with.
type design struct {
	encoder, decoder nn.Layers
	shape            tensor.Shape // of a sample
	samples          int          // for training
	classes          int          // that samples are labelled with; 0 where they are not
	epochs           int
	loss             loss.Loss                  // nil for the usual one
	penalties        map[string]train.Schedule  // of the factors of penalties
	optimizers       map[string]optim.Optimizer // of groups of weights
	stagewise        bool                       // train stage by stage first
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
	{"masked", "three quarters of an image or series missing in training, in patches", (*design).hide},
	{"masking", "half of the values missing in training", func(d *design) error { return d.front(nn.MaskingNoise{Rate: 0.5}) }},
	{"salt-pepper", "a quarter of the values black or white in training", func(d *design) error { return d.front(nn.SaltAndPepperNoise{Rate: 0.25}) }},
	{"unet", "denoising, with skips from the encoder to a decoder that mirrors it", (*design).skip},
	{"sparse", "a price on the sum of a code's numbers", func(d *design) error { return d.behind(nn.ActivityRegularization{L1: 1e-3}) }},
	{"sparse-kl", "a mean activity of 0.1", func(d *design) error {
		return d.squashed(nn.KLRegularization{Target: 0.1, Weight: 0.05 / 32})
	}},
	{"hashing", "noise in front of codes that drives them to 0 and 1", (*design).hash},
	{"tied", "the encoder's kernels in the decoder, transposed; for Dense layers", (*design).tie},
	{"greedy", "stage by stage, then as a whole; the decoder must mirror the encoder", func(d *design) error {
		d.stagewise = true
		return nil
	}},
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
	{"conditional-vae", "variational, told the labels of the samples", (*design).condition},
	{"iwae", "importance weighted: five codes of each sample", func(d *design) error {
		return d.draw(nn.ImportanceSampling{Samples: 5, Weight: d.weight()})
	}},
	{"wae-mmd", "Wasserstein: codes that together look as if drawn", func(d *design) error {
		return d.linear(nn.MMDRegularization{Weight: 10 * d.weight()})
	}},
	{"adversarial", "a second network that tells codes from drawn ones", (*design).oppose},
	{"vq-vae", "codes that are vectors of a codebook", (*design).quantize},
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
		fmt.Fprintf(&b, "%-15s %s\n", v.name, v.about)
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
