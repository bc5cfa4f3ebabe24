package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"hourglass/recipe"
	runs "hourglass/run"
	"hourglass/workflow"
)

// differsError is that of a run which does not come out the same: an exit status of
// its own.
type differsError struct{ error }

func newVerifyCommand() *cobra.Command {
	var (
		output  outputFlags
		threads int
	)
	cmd := &cobra.Command{
		Use:   "verify RUN",
		Short: "Train a run again and tell whether the same bits come out",
		Long: `Verify trains again what a run of "hourglass run" or "hourglass train" trained, from
what it noted in its folder, and compares the numbers of every epoch and the bits of
the weights after it. The folder is left as it is.

The exit status is 0 if all is the same, for any number of threads; 3 if something
differs, and the first such epoch is told; 1 if it cannot be done, because the data
is gone or has changed, for instance.`,
		Example: `  hourglass verify runs/stacked
  hourglass verify runs/wine --threads 1`,
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("threads") && threads < 1 {
				return usagef("--threads is %d, want at least 1", threads)
			}
			v, err := verify(cmd, args[0], threads, output.log(cmd))
			if err != nil {
				return err
			}
			if output.json {
				if err := writeJSON(cmd, v); err != nil {
					return err
				}
			}
			if v.Difference != nil {
				return differsError{fmt.Errorf("%s: %v%s", args[0], v.Difference, v.hint())}
			}
			if !output.json && !output.quiet {
				fmt.Fprintf(cmd.OutOrStdout(), "%s: the same bits in all %d epochs; weights %.16s, training data %.16s\n", args[0], v.Epochs, v.Weights, v.Data)
			}
			return nil
		},
	}
	output.add(cmd)
	cmd.Flags().IntVar(&threads, "threads", 0, "cores to use at most; the result does not depend on it (default all)")
	return cmd
}

// verification is the result of the command.
type verification struct {
	Same       bool             `json:"same"`
	Epochs     int              `json:"epochs"`
	Weights    string           `json:"weights"` // SHA-256 of the model's
	Data       string           `json:"training_data"`
	Difference *runs.Difference `json:"difference,omitempty"`

	was, now *runs.Notes
}

// hint says what is known to make another outcome likely.
func (v *verification) hint() string {
	if v.was.Record.Version == v.now.Record.Version {
		return ""
	}
	return fmt.Sprintf(" (made by version %s, now by %s)", v.was.Record.Version, v.now.Record.Version)
}

// verify trains the run in a folder again, in a temporary one, and compares the two.
func verify(cmd *cobra.Command, dir string, threads int, log io.Writer) (*verification, error) {
	notes, err := runs.ReadNotes(dir)
	if err != nil {
		return nil, fmt.Errorf("verify %s: %w", dir, err)
	}
	if notes.Command.Name == runCommand && len(notes.Command.Args) == 1 && notes.Command.Args[0] == allRecipes {
		return nil, usagef("%s holds several runs; verify one of those below it", dir)
	}
	if notes.State != runs.Trained && notes.State != runs.Finished {
		return nil, fmt.Errorf("verify %s: the run is not finished (%s); go on with it first: hourglass %s --resume %s",
			dir, notes.State, notes.Command.Name, quoted(dir))
	}
	temp, err := os.MkdirTemp("", "hourglass-verify-*")
	if err != nil {
		return nil, fmt.Errorf("verify %s: %w", dir, err)
	}
	defer os.RemoveAll(temp)
	o := runs.Options{Out: temp, Overwrite: true, TrainOnly: true, Threads: threads, Like: &notes.Record, Started: started, Log: log}
	if err := repeat(cmd, notes, o); err != nil {
		return nil, fmt.Errorf("verify %s: %w", dir, err)
	}
	v := &verification{was: notes}
	if v.Difference, err = runs.Compare(dir, temp); err != nil {
		return nil, fmt.Errorf("verify %s: %w", dir, err)
	}
	if v.now, err = runs.ReadNotes(temp); err != nil {
		return nil, fmt.Errorf("verify %s: %w", dir, err)
	}
	v.Same, v.Epochs = v.Difference == nil, len(v.now.EpochWeights)
	v.Weights, v.Data = v.now.Weights, v.now.Record.Data.Train
	return v, nil
}

// The commands that make runs.
const (
	runCommand   = "run"
	trainCommand = "train"
)

// repeat makes a run again as its notes say, but into another folder.
func repeat(cmd *cobra.Command, notes *runs.Notes, o runs.Options) error {
	prepared := func(sub *cobra.Command) error {
		sub.SetContext(cmd.Context())
		sub.SetIn(cmd.InOrStdin())
		sub.SetOut(cmd.OutOrStdout())
		sub.SetErr(cmd.ErrOrStderr())
		return setFlags(sub, notes)
	}
	args := notes.Command.Args
	if len(args) != 1 {
		return fmt.Errorf("the run has %d arguments, want 1", len(args))
	}
	switch notes.Command.Name {
	case runCommand:
		var f runFlags
		sub := f.command()
		if err := prepared(sub); err != nil {
			return err
		}
		all, err := f.options(sub, args)
		if err != nil {
			return err
		}
		r, err := recipe.ByName(args[0])
		if err != nil {
			return err
		}
		all.Options, all.Log = o, o.Log
		_, err = r.Run(cmd.Context(), all)
		return withoutFolder(err)
	case trainCommand:
		var f trainCommandFlags
		sub := f.command()
		if err := prepared(sub); err != nil {
			return err
		}
		f.output.quiet = true // what is told is told by the run
		all, in, err := f.options(sub, args)
		if err != nil {
			return err
		}
		defer in.Close()
		all.Options = o
		_, err = workflow.Train(cmd.Context(), in.Data, all)
		return withoutFolder(err)
	}
	return fmt.Errorf("the run was made by %q, want run or train", cmp.Or(notes.Command.Name, "nobody"))
}

// withoutFolder returns an error that does not speak of a folder that is about to be
// removed.
func withoutFolder(err error) error {
	if stopped, ok := err.(*runs.Interrupted); ok {
		return fmt.Errorf("interrupted %s: %w", stopped.Phase, context.Canceled)
	}
	return err
}
