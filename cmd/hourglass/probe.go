package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"hourglass"
	"hourglass/dataset"
	"hourglass/neighbors"
	"hourglass/probe"
	"hourglass/workflow"
)

func newProbeCommand() *cobra.Command {
	var (
		data          loadFlags
		model         modelFlag
		output        outputFlags
		kept, applied string
		out           string
		perClass      int
		penalty       float64
		seed          uint64
	)
	cmd := &cobra.Command{
		Use:   "probe DATA --model FILE",
		Short: "Train a small classifier on codes, and apply it",
		Long: `Probe trains a linear classifier (multinomial logistic regression) on the codes of
samples with labels, with --per-class on only so many of each class, and keeps it in a
file (--save). How well it does on samples it has not seen says how much of the classes
is in the codes: on the rest of DATA, and of a data set with a part for testing on that.

With --apply FILE it labels the samples of DATA by such a classifier instead, into a
table (--out); if they have labels, it says how many are right.

` + dataHelp,
		Example: `  hourglass probe digits --model runs/stacked/model.safetensors --per-class 10 --save digits.json
  hourglass probe new.npy --model runs/stacked/model.safetensors --apply digits.json --out labels.csv`,
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch changed := cmd.Flags().Changed; {
			case changed("per-class") && perClass < 1:
				return usagef("--per-class is %d, want at least 1", perClass)
			case !(penalty > 0):
				return usagef("--l2 is %v, want above 0", penalty)
			case applied != "" && (kept != "" || changed("per-class") || changed("l2")):
				return usagef("--apply uses a classifier that is trained; --save, --per-class and --l2 are for training one")
			}
			if err := checkFile("out", out, workflow.Table); err != nil {
				return err
			}
			if applied != "" {
				return applyProbe(cmd, &model, &data, &output, args[0], applied, out)
			}
			log := output.log(cmd)
			c, err := openCoded(cmd, &model, &data, args[0], log)
			if err != nil {
				return err
			}
			in := c.in
			defer in.Close()
			if in.Labels == nil {
				return fmt.Errorf("probe: %s has no labels; see --label in '%s --help'", in.Path, cmd.CommandPath())
			}
			learned, rest, err := divide(neighbors.Labeled{Codes: c.codes, Labels: in.Labels}, perClass, seed)
			if err != nil {
				return err
			}
			p, err := probe.Fit(cmd.Context(), learned.Codes, learned.Labels, in.Classes, probe.Options{L2: penalty})
			if err != nil {
				return err
			}
			r := probed{Learned: len(learned.Labels), Classes: len(in.Classes)}
			if r.Accuracy, r.Judged, err = accuracyOn(p, rest); err != nil {
				return err
			}
			if in.Test != nil {
				test := &workflow.Input{Data: in.Test}
				vectors, err := workflow.Vectors(cmd.Context(), c.model, test, meter(log, "encode"))
				if err != nil {
					return err
				}
				if r.Accuracy, r.Judged, err = accuracyOn(p, neighbors.Labeled{Codes: flat(vectors), Labels: test.Labels}); err != nil {
					return err
				}
			}
			if kept != "" {
				if err := p.Save(kept); err != nil {
					return err
				}
			}
			if output.json {
				return writeJSON(cmd, r)
			}
			fmt.Fprintf(log, "a classifier of %d classes learned from %d codes", r.Classes, r.Learned)
			if r.Accuracy != nil {
				fmt.Fprintf(log, "; %.2f %% of %d others are right", 100**r.Accuracy, r.Judged)
			}
			fmt.Fprintln(log)
			return nil
		},
	}
	data.add(cmd, trainPart)
	model.add(cmd, "required")
	output.add(cmd)
	flags := cmd.Flags()
	flags.IntVar(&perClass, "per-class", 0, "learn from only so many samples of each class, drawn by --seed (default all)")
	flags.Float64Var(&penalty, "l2", 1, "weight of the penalty on large weights")
	flags.Uint64Var(&seed, "seed", hourglass.DefaultSeed, "seed of which samples are learned from")
	flags.StringVar(&kept, "save", "", "`file` to keep the classifier in (JSON)")
	flags.StringVar(&applied, "apply", "", "`file` of a classifier to label DATA with")
	flags.StringVar(&out, "out", stdoutPath, "--apply: `file` to write, .csv, or - for the standard output")
	return cmd
}

// probed is the result of training a classifier.
type probed struct {
	Learned  int      `json:"learned"` // samples it was trained on
	Classes  int      `json:"classes"`
	Judged   int      `json:"judged"`             // samples it had not seen
	Accuracy *float64 `json:"accuracy,omitempty"` // on those, 0 to 1
}

// divide draws the samples to learn from, and returns the others too.
func divide(all neighbors.Labeled, perClass int, seed uint64) (learned, rest neighbors.Labeled, err error) {
	if perClass == 0 {
		return all, rest, nil
	}
	chosen, err := neighbors.DrawPerClass(all.Labels, perClass, seed)
	if err != nil {
		return learned, rest, err
	}
	isChosen := make([]bool, len(all.Labels))
	for _, i := range chosen {
		isChosen[i] = true
	}
	var others []int
	for i, is := range isChosen {
		if !is {
			others = append(others, i)
		}
	}
	if learned, err = all.Pick(chosen); err != nil || len(others) == 0 {
		return learned, rest, err
	}
	rest, err = all.Pick(others)
	return learned, rest, err
}

// accuracyOn returns the share of samples that a classifier gets right, nil of none.
func accuracyOn(p *probe.Probe, samples neighbors.Labeled) (*float64, int, error) {
	if len(samples.Labels) == 0 {
		return nil, 0, nil
	}
	predicted, err := p.Predict(samples.Codes)
	if err != nil {
		return nil, 0, err
	}
	right := 0
	for i, class := range predicted {
		if class == samples.Labels[i] {
			right++
		}
	}
	accuracy := float64(right) / float64(len(predicted))
	return &accuracy, len(predicted), nil
}

// applyProbe labels data by a classifier that was kept.
func applyProbe(cmd *cobra.Command, model *modelFlag, data *loadFlags, output *outputFlags, path, applied, out string) error {
	log := output.logBeside(cmd, out)
	p, err := probe.Load(applied)
	if err != nil {
		return err
	}
	c, err := openCoded(cmd, model, data, path, log)
	if err != nil {
		return err
	}
	in := c.in
	defer in.Close()
	probabilities, err := p.Probabilities(c.codes)
	if err != nil {
		return err
	}
	predicted, err := p.Predict(c.codes)
	if err != nil {
		return err
	}
	if err := writeProbed(cmd, in, p, predicted, probabilities, out); err != nil {
		return err
	}
	if right, known := agreement(in, p, predicted); known > 0 {
		fmt.Fprintf(log, "%.2f %% of %d samples are right\n", 100*float64(right)/float64(known), known)
	}
	return nil
}

// agreement counts the samples whose label is the predicted one, and those with labels.
func agreement(in *workflow.Input, p *probe.Probe, predicted []int) (right, known int) {
	if in.Labels == nil {
		return 0, 0
	}
	for i, class := range predicted {
		if in.Label(i) == p.Classes[class] {
			right++
		}
	}
	return right, len(predicted)
}

// writeProbed writes a row for every sample: how sure the classifier is, and its label.
func writeProbed(cmd *cobra.Command, in *workflow.Input, p *probe.Probe, predicted []int, probabilities [][]float64, out string) error {
	columns := []string{"probability", workflow.SampleColumn, "recognized"}
	return writeTable(cmd, out, columns, func(w *dataset.CSVWriter) error {
		for i, class := range predicted {
			if err := w.Append([]float32{float32(probabilities[i][class])}, in.SampleName(i), p.Classes[class]); err != nil {
				return err
			}
		}
		return nil
	})
}
