package main

import (
	"context"
	"fmt"
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

func newGenerateCommand() *cobra.Command {
	var (
		data              loadFlags
		model             modelFlag
		output            outputFlags
		made              madeFlags
		from              string
		count, components int
		judged            int
		seed              uint64
		plane             bool
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

A model with codes of two numbers draws its whole plane with --plane: --count images at
the quantiles of the normal distribution.

` + dataHelp,
		Example: `  hourglass generate digits --model runs/stacked/model.safetensors --count 64
  hourglass generate --model runs/plane/model.safetensors --plane --count 400 --out plane.npy`,
		Args: arguments(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			chosen := from != ""
			if !chosen {
				from = [2]string{fromNormal, fromMixture}[len(args)]
			}
			side := int(math.Sqrt(float64(count)))
			switch {
			case count < 1:
				return usagef("--count is %d, want at least 1", count)
			case from != fromNormal && from != fromMixture && from != fromCounts:
				return usagef("--from is %q, want %s, %s or %s", from, fromMixture, fromNormal, fromCounts)
			case from != fromNormal && len(args) == 0:
				return usagef("--from %s wants DATA to fit it to; see '%s --help'", fromMixture, cmd.CommandPath())
			case components < 1 || judged < 2:
				return usagef("--components is %d and --judge %d, want at least 1 and 2", components, judged)
			case plane && (side*side != count || len(args) > 0):
				return usagef("--plane wants no DATA and a square number as --count, not %d", count)
			}
			if err := made.check(); err != nil {
				return err
			}
			log := output.logBeside(cmd, made.out)
			if len(args) == 0 {
				m, err := model.open(cmd)
				if err != nil {
					return err
				}
				codes, err := draw(m, plane, side, count, seed)
				if err != nil {
					return err
				}
				return made.write(cmd, m, codes, columnsOf(count), log)
			}
			m, in, real, err := openCoded(cmd, &model, &data, args[0], log)
			if err != nil {
				return err
			}
			defer in.Close()
			codebook, quantized := m.Codebook()
			if quantized && !chosen {
				from = fromCounts
			}
			if from == fromCounts && !quantized {
				return usagef("--from %s is for models whose encoder ends in a codebook (vector_quantizer)", fromCounts)
			}
			var sampler generate.Sampler = generate.Normal{Codes: real.Sample().Size()}
			switch from {
			case fromCounts:
				codes := tensor.Tensor{Shape: append(tensor.Shape{real.Len()}, m.Encoder().Output()...), Data: real.Data}
				if sampler, err = generate.FitAutoregressive(codes, codebook); err != nil {
					return err
				}
			case fromMixture:
				mixture, err := generate.FitMixture(cmd.Context(), thinned(real, fitted), generate.MixtureOptions{
					Components: min(components, real.Len()), Seed: seed})
				if err != nil {
					return err
				}
				sampler = mixture
			}
			if err := made.write(cmd, m, sampler.Sample(count, seed), columnsOf(count), log); err != nil {
				return err
			}
			quality, err := judge(cmd.Context(), m, sampler, thinned(real, judged), seed)
			if err != nil || quality == nil {
				return err
			}
			if output.json {
				return writeJSON(cmd, quality)
			}
			fmt.Fprintf(log, "precision %.3f, recall %.3f, density %.3f, coverage %.3f (%d nearest of %d codes)\n",
				quality.Precision, quality.Recall, quality.Density, quality.Coverage, quality.K, min(judged, real.Len()))
			return nil
		},
	}
	data.add(cmd, trainPart)
	model.add(cmd, "required")
	output.add(cmd)
	made.add(cmd)
	flags := cmd.Flags()
	flags.IntVar(&count, "count", 25, "how many samples to draw")
	flags.StringVar(&from, "from", "", "distribution of the codes: `mixture|normal|autoregressive` (default with DATA mixture, or autoregressive if the model has a codebook; else normal)")
	flags.IntVar(&components, "components", 10, "how many Gaussian distributions make the mixture")
	flags.IntVar(&judged, "judge", 2000, "how many samples, real and drawn, are compared")
	flags.BoolVar(&plane, "plane", false, "draw the whole plane of a model with codes of two numbers")
	flags.Uint64Var(&seed, "seed", hourglass.DefaultSeed, "seed of what is drawn")
	return cmd
}

// fitted is how many codes a mixture is fitted to at the most: enough for its means and
// covariances, few enough for seconds.
const fitted = 10000

// draw returns codes of the prior, or of the whole plane.
func draw(m *workflow.Model, plane bool, side, count int, seed uint64) (tensor.Tensor, error) {
	size := m.Encoder().Output().Size()
	if !plane {
		return generate.Normal{Codes: size}.Sample(count, seed), nil
	}
	if size != 2 {
		return tensor.Tensor{}, fmt.Errorf("generate: --plane wants a model with codes of 2 numbers, got %d", size)
	}
	return generate.Plane(side)
}

// columnsOf returns in how many columns so many images are drawn.
func columnsOf(count int) int { return int(math.Ceil(math.Sqrt(float64(count)))) }

// thinned returns at most so many codes, evenly from all over them.
func thinned(codes tensor.Tensor, most int) tensor.Tensor {
	if codes.Len() <= most {
		return codes
	}
	some := tensor.New(most, codes.Sample().Size())
	for i := range most {
		copy(some.Row(i), codes.Row(i*codes.Len()/most))
	}
	return some
}

// judge compares the codes of as many drawn samples with real ones; nil of too few.
func judge(ctx context.Context, m *workflow.Model, sampler generate.Sampler, real tensor.Tensor, seed uint64) (*generate.Quality, error) {
	const nearest = 5 // as in both papers
	if real.Len() <= nearest {
		return nil, nil
	}
	samples, err := m.Autoencoder.Decode(sampler.Sample(real.Len(), seed+1))
	if err != nil {
		return nil, err
	}
	codes, err := m.Autoencoder.Encode(samples)
	if err != nil {
		return nil, err
	}
	quality, err := generate.Judge(ctx, real, flat(codes), nearest)
	return &quality, err
}
