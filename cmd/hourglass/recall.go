package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"hourglass/dataset"
	runs "hourglass/run"
)

// forgotten are the flags that say nothing of a run itself.
var forgotten = map[string]bool{"out": true, "resume": true, "overwrite": true, "quiet": true, "json": true, "threads": true, "jobs": true, "studio": true, "no-open": true}

// rememberedCommand returns a command line for a run's notes.
func rememberedCommand(cmd *cobra.Command, args []string) runs.Command {
	c := runs.Command{Name: cmd.Name(), Flags: map[string][]string{}}
	for _, arg := range args {
		c.Args = append(c.Args, anywhere(arg))
	}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		several, isList := f.Value.(pflag.SliceValue)
		switch {
		case forgotten[f.Name]:
		case isList:
			c.Flags[f.Name] = several.GetSlice()
		case f.Value.Type() != "string": // no path, even where a file is called 5
			c.Flags[f.Name] = []string{f.Value.String()}
		default:
			c.Flags[f.Name] = []string{anywhere(f.Value.String())}
		}
	})
	return c
}

// anywhere makes the path of something that is there one that holds in any working
// directory, and leaves any other word as it is.
func anywhere(word string) string {
	path, isFile := word, false
	if len(word) > 1 && word[0] == '@' {
		path, isFile = word[1:], true
	}
	if _, known := dataset.Lookup(path); known || path == "" {
		return word
	}
	if _, err := os.Stat(path); err != nil && len(dataset.Matches(path)) == 0 {
		return word
	}
	absolute, err := filepath.Abs(path)
	switch {
	case err != nil:
		return word
	case isFile:
		return "@" + absolute
	}
	return absolute
}

// recall gives a command the arguments and flags of the run that it is to go on
// with, but for those that it was given itself. It returns the arguments. What these
// amount to is compared with the run's record later.
func recall(cmd *cobra.Command, args []string, dir string) ([]string, error) {
	notes, err := runs.ReadNotes(dir)
	if errors.Is(err, fs.ErrNotExist) && len(args) > 0 {
		return args, nil // a run that is older than notes, perhaps
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("resume: there is no run in %s that knows its flags", dir)
	}
	if err != nil {
		return nil, err
	}
	if notes.Command.Name != cmd.Name() {
		return nil, usagef("%s holds a run of another command; to go on: hourglass %s --resume %s", dir, notes.Command.Name, quoted(dir))
	}
	if len(args) == 0 {
		args = notes.Command.Args
	}
	return args, setFlags(cmd, notes)
}

// setFlags sets the flags of a run that the command was not given itself. What was
// left to a default then is set to what it came to.
func setFlags(cmd *cobra.Command, notes *runs.Notes) error {
	values := map[string][]string{}
	r := notes.Record
	for name, n := range map[string]int{"epochs": r.Epochs, "batch-size": r.BatchSize, "early-stopping": r.Patience} {
		if n > 0 {
			values[name] = []string{strconv.Itoa(n)}
		}
	}
	maps.Copy(values, notes.Command.Flags)
	if notes.Command.Name == trainCommand && !cmd.Flags().Changed("codes") {
		setArchitecture(values, r.Architecture)
	}
	if r.Schedule != "" {
		values["schedule"] = []string{r.Schedule}
		delete(values, "warmup") // which is part of it
	}
	for name, list := range values {
		flag := cmd.Flags().Lookup(name)
		_, asked := notes.Command.Flags[name]
		switch {
		case flag == nil && !asked, flag != nil && flag.Changed, forgotten[name]:
			continue
		case flag == nil:
			return fmt.Errorf("the run was given --%s, which this version of Hourglass does not know", name)
		}
		for _, value := range list {
			if err := cmd.Flags().Set(name, value); err != nil {
				return fmt.Errorf("--%s of the run: %w", name, err)
			}
		}
	}
	return nil
}

// setArchitecture says the architecture that a run of train chose, which another version
// might choose otherwise.
func setArchitecture(values map[string][]string, architecture string) {
	_, from := values["from"]
	_, given := values["architecture"]
	_, kind := values["kind"] // which the architecture of the record has been made into already
	if from || given || kind || architecture == "" {
		return
	}
	values["architecture"] = []string{architecture}
	delete(values, "codes") // which is part of it
}

// oneOrResumed wants one argument, which a run that goes on knows itself.
func oneOrResumed(cmd *cobra.Command, args []string) error {
	if cmd.Flags().Changed("resume") {
		return cobra.MaximumNArgs(1)(cmd, args)
	}
	return cobra.ExactArgs(1)(cmd, args)
}

// explain tells how an interrupted run goes on.
func explain(cmd *cobra.Command, err error, dir string) error {
	var stopped *runs.Interrupted
	if !errors.As(err, &stopped) {
		return err
	}
	return fmt.Errorf("%w; to go on: hourglass %s --resume %s", err, cmd.Name(), quoted(dir))
}
