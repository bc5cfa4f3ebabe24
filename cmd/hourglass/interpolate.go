package main

import (
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"hourglass/generate"
	"hourglass/tensor"
)

func newInterpolateCommand() *cobra.Command {
	var (
		data      loadFlags
		model     modelFlag
		output    outputFlags
		made      madeFlags
		pairs     []string
		steps     int
		spherical bool
	)
	cmd := &cobra.Command{
		Use:   "interpolate DATA --model FILE --between I,J",
		Short: "Walk from one sample to another",
		Long: `Interpolate encodes two samples, goes from one code to the other in even steps, and
decodes every step: a row of the figure for each pair. The samples are named by their
numbers, from 0.

On a straight line, or with --spherical on the arc between the codes, which suits
models whose codes are normally distributed.

` + dataHelp,
		Example: `  hourglass interpolate digits --model runs/stacked/model.safetensors --between 0,1 --between 2,3
  hourglass interpolate digits --model runs/stacked/model.safetensors --between 5,17 --steps 20 --out walk.npy`,
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if steps < 2 {
				return usagef("--steps is %d, want at least 2", steps)
			}
			ends, err := parsePairs(pairs)
			if err != nil {
				return err
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
			path := generate.Linear
			if spherical {
				path = generate.Spherical
			}
			all := tensor.New(len(ends)*steps, c.codes.Sample().Size())
			for i, pair := range ends {
				for _, end := range pair {
					if err := checkSample("between", end, c.in); err != nil {
						return err
					}
				}
				walk, err := path(c.codes.Row(pair[0]), c.codes.Row(pair[1]), steps)
				if err != nil {
					return err
				}
				copy(all.Slice(i*steps, (i+1)*steps).Data, walk.Data)
			}
			labels, err := made.labels(c.model, all.Len(), func(i int) int { return c.label(ends[i/steps][0]) })
			if err != nil {
				return err
			}
			return made.write(cmd, c.model, all, labels, steps, log)
		},
	}
	data.add(cmd, testPart)
	model.add(cmd, "required")
	output.addQuiet(cmd)
	made.add(cmd, "that of the sample a walk starts from")
	flags := cmd.Flags()
	flags.StringArrayVar(&pairs, "between", []string{"0,1"}, "`I,J`: the numbers of two samples; may be given several times")
	flags.IntVar(&steps, "steps", 10, "codes of a walk, both ends included")
	flags.BoolVar(&spherical, "spherical", false, "walk on an arc instead of a straight line")
	return cmd
}

// parsePairs reads the numbers of pairs of samples.
func parsePairs(texts []string) ([][2]int, error) {
	pairs := make([][2]int, len(texts))
	for i, text := range texts {
		a, b, found := strings.Cut(text, ",")
		var errs [2]error
		pairs[i][0], errs[0] = strconv.Atoi(strings.TrimSpace(a))
		pairs[i][1], errs[1] = strconv.Atoi(strings.TrimSpace(b))
		if !found || errs[0] != nil || errs[1] != nil {
			return nil, usagef("--between is %q, want the numbers of two samples such as 0,1", text)
		}
	}
	return pairs, nil
}
