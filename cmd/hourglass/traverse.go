package main

import (
	"slices"

	"github.com/spf13/cobra"

	"hourglass/generate"
	"hourglass/tensor"
)

func newTraverseCommand() *cobra.Command {
	var (
		data          loadFlags
		model         modelFlag
		output        outputFlags
		made          madeFlags
		sample, steps int
		dims          []int
	)
	cmd := &cobra.Command{
		Use:   "traverse DATA --model FILE",
		Short: "Change one number of a code at a time",
		Long: `Traverse takes the code of one sample and changes one of its numbers over the range
that it has in the data, from its 1st to its 99th percentile, while the others stay:
what that dimension of the code stands for. Every step is decoded; the figure has a row
for each dimension.

` + dataHelp,
		Example: `  hourglass traverse digits --model runs/stacked/model.safetensors --sample 7
  hourglass traverse digits --model runs/stacked/model.safetensors --dimension 0 --dimension 3 --steps 15`,
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if steps < 2 {
				return usagef("--steps is %d, want at least 2", steps)
			}
			if err := made.check(); err != nil {
				return err
			}
			log := output.logBeside(cmd, made.out)
			c, err := openCoded(cmd, &model, &data, args[0], log)
			if err != nil {
				return err
			}
			defer c.in.Close()
			if err := checkSample("sample", sample, c.in); err != nil {
				return err
			}
			size := c.codes.Sample().Size()
			chosen := dims
			if len(chosen) == 0 {
				for d := range size {
					chosen = append(chosen, d)
				}
			}
			all := tensor.New(len(chosen)*steps, size)
			for i, d := range chosen {
				if d < 0 || d >= size {
					return usagef("--dimension is %d, want 0 to %d", d, size-1)
				}
				row, err := generate.Traverse(c.codes.Row(sample), d, spreadOf(c.codes, d, steps))
				if err != nil {
					return err
				}
				copy(all.Slice(i*steps, (i+1)*steps).Data, row.Data)
			}
			labels, err := made.labels(c.model, all.Len(), func(int) int { return c.label(sample) })
			if err != nil {
				return err
			}
			return made.write(cmd, c.model, all, labels, steps, log)
		},
	}
	data.add(cmd, testPart)
	model.add(cmd, "required")
	output.addQuiet(cmd)
	made.add(cmd, "the sample's own")
	flags := cmd.Flags()
	flags.IntVar(&sample, "sample", 0, "number of the sample to start from")
	flags.IntVar(&steps, "steps", 9, "codes for each dimension")
	flags.IntSliceVar(&dims, "dimension", nil, "`number` of a code's dimension, from 0; may be given several times (default all)")
	return cmd
}

// spreadOf returns evenly spaced values over the range of one dimension of codes,
// without the hundredth at either end.
func spreadOf(codes tensor.Tensor, dim, steps int) []float32 {
	column := make([]float32, codes.Len())
	for i := range column {
		column[i] = codes.Row(i)[dim]
	}
	slices.Sort(column)
	n := len(column) - 1
	low, high := column[n/100], column[n-n/100]
	values := make([]float32, steps)
	for i := range values {
		values[i] = low + float32((high-low)*float32(i))/float32(steps-1)
	}
	return values
}
