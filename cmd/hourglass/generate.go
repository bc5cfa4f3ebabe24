package main

import (
	"context"
	"fmt"
	"io"
	"math"

	"github.com/spf13/cobra"

	"hourglass"
	"hourglass/generate"
	"hourglass/tensor"
	"hourglass/workflow"
)

// The distributions that codes are drawn from.
const (
	fromMixture = "mixture"
	fromNormal  = "normal"
	fromCounts  = "autoregressive"
)

// generateFlags are the flags of generate beside those of the model and the data.
type generateFlags struct {
	made              madeFlags
	from              string
	count, components int
	judged            int
	seed              uint64
	plane             bool
}

func newGenerateCommand() *cobra.Command {
	var (
		data   loadFlags
		model  modelFlag
		output outputFlags
		f      generateFlags
	)
	cmd := &cobra.Command{
		Use:   "generate [DATA] --model FILE",
		Short: "Draw new samples",
		Long: `Generate draws codes that no sample had and decodes them.

With DATA it fits a mixture of Gaussian distributions to the codes of the data and
draws from that: the way to new samples with any autoencoder. Without, or with --from
normal, it draws from the standard normal distribution, which the codes of a
variational autoencoder keep to, and those of others do not.

A model whose encoder ends in a codebook (vector_quantizer) has codes that are grids of its
vectors. With DATA they are drawn one after another, by how often each followed those to
its left and above it (--from autoregressive).

With DATA it also says by numbers how good the samples are, as precision and recall
(Kynkäänniemi et al. 2019), density and coverage (Naeem et al. 2020), by the codes that
the samples have when they are encoded again.

A model that asks for labels (condition) makes samples of all classes in turn, or those of
--class alone; with DATA the codes are then like those of the samples of that class.

A model with codes of two numbers draws its whole plane with --plane: --count images at
the quantiles of the normal distribution.

` + dataHelp,
		Example: `  hourglass generate digits --model runs/stacked/model.safetensors --count 64
  hourglass generate --model runs/plane/model.safetensors --plane --count 400 --out plane.npy`,
		Args: arguments(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(cmd, len(args) == 1); err != nil {
				return err
			}
			log := output.logBeside(cmd, f.made.out)
			if len(args) == 0 {
				m, err := model.open(cmd)
				if err != nil {
					return err
				}
				codes, err := f.draw(m)
				if err != nil {
					return err
				}
				return f.write(cmd, m, codes, log)
			}
			c, err := openCoded(cmd, &model, &data, args[0], log)
			if err != nil {
				return err
			}
			defer c.in.Close()
			if err := f.keepClass(c); err != nil {
				return err
			}
			sampler, err := f.fit(cmd.Context(), c)
			if err != nil {
				return err
			}
			if err := f.write(cmd, c.model, sampler.Sample(f.count, f.seed), log); err != nil {
				return err
			}
			some := c.thinned(f.judged)
			quality, err := judge(cmd.Context(), some, sampler, f.seed)
			if err != nil || quality == nil {
				return err
			}
			if output.json {
				return writeJSON(cmd, quality)
			}
			fmt.Fprintf(log, "precision %.3f, recall %.3f, density %.3f, coverage %.3f (%d nearest of %d codes)\n",
				quality.Precision, quality.Recall, quality.Density, quality.Coverage, quality.K, some.codes.Len())
			return nil
		},
	}
	data.add(cmd, trainPart)
	model.add(cmd, "required")
	output.add(cmd)
	f.made.add(cmd, "all in turn")
	flags := cmd.Flags()
	flags.IntVar(&f.count, "count", 25, "how many samples to draw")
	flags.StringVar(&f.from, "from", "", "distribution of the codes: `mixture|normal|autoregressive` (default with DATA mixture, or autoregressive if the model has a codebook; else normal)")
	flags.IntVar(&f.components, "components", 10, "how many Gaussian distributions make the mixture")
	flags.IntVar(&f.judged, "judge", 2000, "how many samples, real and drawn, are compared")
	flags.BoolVar(&f.plane, "plane", false, "draw the whole plane of a model with codes of two numbers")
	flags.Uint64Var(&f.seed, "seed", hourglass.DefaultSeed, "seed of what is drawn")
	return cmd
}

// check reports flags that do not go together, or not without data.
func (f *generateFlags) check(cmd *cobra.Command, data bool) error {
	switch side := f.side(); {
	case f.count < 1:
		return usagef("--count is %d, want at least 1", f.count)
	case f.from != "" && f.from != fromNormal && f.from != fromMixture && f.from != fromCounts:
		return usagef("--from is %q, want %s, %s or %s", f.from, fromMixture, fromNormal, fromCounts)
	case f.from != "" && f.from != fromNormal && !data:
		return usagef("--from %s wants DATA to fit it to; see '%s --help'", f.from, cmd.CommandPath())
	case f.components < 1 || f.judged < 2:
		return usagef("--components is %d and --judge %d, want at least 1 and 2", f.components, f.judged)
	case f.plane && (side*side != f.count || data):
		return usagef("--plane wants no DATA and a square number as --count, not %d", f.count)
	}
	return f.made.check()
}

// side returns how many samples a side of the plane has.
func (f *generateFlags) side() int { return int(math.Sqrt(float64(f.count))) }

// draw returns codes of the prior, or of the whole plane.
func (f *generateFlags) draw(m *workflow.Model) (tensor.Tensor, error) {
	size := m.Encoder().Output().Size()
	if !f.plane {
		return generate.Normal{Codes: size}.Sample(f.count, f.seed), nil
	}
	if size != 2 {
		return tensor.Tensor{}, fmt.Errorf("generate: --plane wants a model with codes of 2 numbers, got %d", size)
	}
	return generate.Plane(f.side())
}

// keepClass keeps the samples of the class that is to be drawn, if one is named.
func (f *generateFlags) keepClass(c *coded) error {
	if f.made.class == "" {
		return nil
	}
	class, err := c.model.Class(f.made.class)
	if err != nil {
		return usageError{err}
	}
	var samples []int
	for i, label := range c.labels {
		if label == class {
			samples = append(samples, i)
		}
	}
	if len(samples) == 0 {
		return fmt.Errorf("generate: no sample of %s is of class %s", c.in.Path, f.made.class)
	}
	c.keep(samples)
	return nil
}

// fit returns what draws codes like those of the data.
func (f *generateFlags) fit(ctx context.Context, c *coded) (generate.Sampler, error) {
	codebook, quantized := c.model.Codebook()
	from := f.from
	switch {
	case from == fromCounts && !quantized:
		return nil, usagef("--from %s is for models whose encoder ends in a codebook (vector_quantizer)", fromCounts)
	case from == "" && quantized:
		from = fromCounts
	}
	switch from {
	case fromNormal:
		return generate.Normal{Codes: c.codes.Sample().Size()}, nil
	case fromCounts:
		codes := tensor.Tensor{Shape: append(tensor.Shape{c.codes.Len()}, c.model.Encoder().Output()...), Data: c.codes.Data}
		return generate.FitAutoregressive(codes, codebook)
	}
	codes := c.thinned(fitted).codes
	return generate.FitMixture(ctx, codes, generate.MixtureOptions{Components: min(f.components, codes.Len()), Seed: f.seed})
}

// write decodes codes and writes the samples, in a square.
func (f *generateFlags) write(cmd *cobra.Command, m *workflow.Model, codes tensor.Tensor, log io.Writer) error {
	labels, err := f.made.labels(m, f.count, func(i int) int { return i % m.Classes() })
	if err != nil {
		return err
	}
	return f.made.write(cmd, m, codes, labels, columnsOf(f.count), log)
}

// fitted is how many codes a mixture is fitted to at the most: enough for its means and
// covariances, few enough for seconds.
const fitted = 10000

// columnsOf returns in how many columns so many images are drawn.
func columnsOf(count int) int { return int(math.Ceil(math.Sqrt(float64(count)))) }

// judge compares the codes of as many drawn samples with real ones; nil of too few. Where the
// model asks for labels the drawn have those of the real.
func judge(ctx context.Context, real *coded, sampler generate.Sampler, seed uint64) (*generate.Quality, error) {
	const nearest = 5 // as in both papers
	if real.codes.Len() <= nearest {
		return nil, nil
	}
	model := real.model.Given(real.labels...)
	samples, err := model.Decode(sampler.Sample(real.codes.Len(), seed+1))
	if err != nil {
		return nil, err
	}
	codes, err := model.Encode(samples)
	if err != nil {
		return nil, err
	}
	quality, err := generate.Judge(ctx, real.codes, flat(codes), nearest)
	return &quality, err
}
