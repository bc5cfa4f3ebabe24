package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"hourglass/internal/atomicfile"
	"hourglass/internal/filelock"
	runs "hourglass/run"
	"hourglass/sweep"
	"hourglass/workflow"
)

// trials makes those of a sweep: a run of train each.
type trials struct {
	flags  *sweepFlags
	cmd    *cobra.Command
	data   string
	common sweep.Values // flags that all trials have, beside those that cannot be varied
	in     *workflow.Input
	store  *sweep.Store
}

// command returns the command of train that a trial is.
func (t *trials) command(task sweep.Task) (*trainCommandFlags, *cobra.Command, error) {
	f := new(trainCommandFlags)
	cmd := f.command()
	(&cobra.Command{Use: "hourglass"}).AddCommand(cmd) // as its command line says
	cmd.SetContext(t.cmd.Context())
	cmd.SetOut(io.Discard)
	cmd.SetErr(io.Discard)
	for _, name := range t.flags.fixed {
		flag := t.cmd.Flags().Lookup(name)
		list := []string{flag.Value.String()}
		if several, ok := flag.Value.(pflag.SliceValue); ok {
			list = several.GetSlice() // which may have got longer without being given
		} else if !flag.Changed {
			continue
		}
		for _, value := range list {
			if err := cmd.Flags().Set(name, value); err != nil {
				return nil, nil, flagError(cmd, err)
			}
		}
	}
	values := maps.Clone(t.common)
	maps.Copy(values, task.Values)
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if values[name] == asDefault {
			continue
		}
		if err := cmd.Flags().Set(name, values[name]); err != nil {
			return nil, nil, flagError(cmd, err)
		}
	}
	return f, cmd, nil
}

// options returns what a trial is.
func (t *trials) options(task sweep.Task) (o workflow.TrainOptions, err error) {
	f, cmd, err := t.command(task)
	if err != nil {
		return o, err
	}
	if o, err = f.choices(cmd, []string{t.data}); err != nil {
		return o, err
	}
	o.Log = io.Discard
	return o, nil
}

// line returns the command line that makes a trial's model by itself.
func (t *trials) line(task sweep.Task) string {
	_, cmd, err := t.command(task)
	if err != nil {
		return err.Error()
	}
	line := commandLine(cmd, []string{t.data})
	return line[len("hourglass "):]
}

// described lists the flags that all trials have.
func (t *trials) described() []string {
	var list []string
	for _, name := range t.flags.fixed {
		flag := t.cmd.Flags().Lookup(name)
		if several, ok := flag.Value.(pflag.SliceValue); ok && len(several.GetSlice()) > 0 || flag.Changed {
			list = append(list, fmt.Sprintf("--%s=%s", name, flag.Value))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(t.common)) {
		list = append(list, fmt.Sprintf("--%s=%s", name, t.common[name]))
	}
	return list
}

// check refuses flags that train would refuse of any trial, before the first is run.
func (t *trials) check(plan sweep.Plan) error {
	for _, task := range plan.Tasks() {
		if _, err := t.options(task); err != nil {
			return fmt.Errorf("%w (trial %d)", pointAt(t.cmd, err), task.Trial)
		}
	}
	return nil
}

// load reads the data, once for all trials.
func (t *trials) load() error {
	f := &t.flags.train
	o, err := f.loadOptions(t.cmd, t.flags.output.log(t.cmd))
	if err != nil {
		return err
	}
	if t.in, err = f.load(t.cmd, f.choice.from, t.data, o); err != nil {
		return err
	}
	err = usagef("--validation is 0, want a share of the samples to rank settings by")
	if f.choice.validation > 0 {
		_, err = t.in.SplitBy(0, f.choice.validation, f.choice.test) // which the trials could not do, either
	}
	if err != nil {
		err = errors.Join(err, t.in.Close())
	}
	return err
}

// try runs a trial, or goes on with it, in its folder.
func (t *trials) try(ctx context.Context, task sweep.Task, cores int) (sweep.Outcome, error) {
	o, err := t.options(task)
	if err != nil {
		return sweep.Outcome{}, err
	}
	o.Out, o.Threads, o.TrainOnly = t.store.Trial(task.Trial), cores, true
	_, err = runs.ReadNotes(o.Out)
	o.Resume = err == nil
	o.Until = task.Stop
	m, err := workflow.Train(ctx, t.in.Data, o)
	switch rested := errors.As(err, new(*runs.Interrupted)); {
	case ctx.Err() != nil, isOfMachine(err):
		return sweep.Outcome{}, fmt.Errorf("trial %d: %w", task.Trial, err)
	case err == nil || rested:
		return outcome(task, m, o.Patience, !rested, t.store.Notes().Plan.Score), nil
	}
	return sweep.Outcome{Task: task, Failed: err.Error(), Over: true}, nil
}

// isOfMachine reports whether an error is not the trial's fault, so that it may go well another time.
func isOfMachine(err error) bool {
	return errors.As(err, new(*fs.PathError)) || errors.As(err, new(*os.LinkError)) || errors.As(err, new(syscall.Errno)) || errors.As(err, new(*filelock.HeldError))
}

// outcome returns what a trial came to: the numbers of the epoch whose weights its model has, or would have
// if the trial were over; of early stopping, which patience is above 0 for, that with the least validation loss.
func outcome(task sweep.Task, m *workflow.Metrics, patience int, over bool, score string) sweep.Outcome {
	history := *m.Epochs
	if task.Stop > 0 && task.Stop < len(history.Epochs) {
		history.Epochs = history.Epochs[:task.Stop]
	}
	o := sweep.Outcome{Task: task, Over: over, Epochs: len(history.Epochs), Parameters: m.Parameters, Numbers: map[string]float64{}}
	o.Epoch = o.Epochs
	switch {
	case over && m.BestEpoch > 0:
		o.Epoch = m.BestEpoch
	case patience > 0:
		o.Epoch = leastEpoch(history.Series("val_loss"))
	}
	for _, e := range history.Epochs {
		o.Seconds += e.Seconds
	}
	for _, name := range append([]string{"loss"}, history.Metrics...) {
		for _, name := range []string{name, "val_" + name} {
			if v := history.Series(name)[o.Epoch-1]; !math.IsNaN(v) && !math.IsInf(v, 0) {
				o.Numbers[name] = v
			}
		}
	}
	var finite bool
	if o.Score, finite = o.Numbers[score]; !finite {
		o.Failed, o.Over = fmt.Sprintf("%s is not finite in epoch %d", score, o.Epoch), true
	}
	return o
}

// leastEpoch returns the epoch, from 1, with the least value; NaN is more than any number.
func leastEpoch(values []float64) int {
	best := 0
	for i, v := range values {
		if v < values[best] || math.IsNaN(values[best]) && !math.IsNaN(v) {
			best = i
		}
	}
	return best + 1
}

// complete gives the best model what train gives one after its training, and figures, and copies
// it to where the sweep's is.
func (t *trials) complete(results *sweep.Results) error {
	best, err := results.Best()
	if err != nil {
		return err
	}
	o, err := t.options(best.Task)
	if err != nil {
		return err
	}
	o.Out, o.Resume, o.Threads = t.store.Trial(best.Trial), true, t.flags.threads
	m, err := workflow.Train(t.cmd.Context(), t.in.Data, o)
	if err != nil {
		return fmt.Errorf("the best trial, %d: %w", best.Trial, err)
	}
	results.Loss, results.Test = m.Loss, m.Test
	model, err := os.ReadFile(filepath.Join(o.Out, runs.ModelFile))
	if err != nil {
		return err
	}
	return atomicfile.WriteFile(t.store.Path(runs.ModelFile), model)
}
