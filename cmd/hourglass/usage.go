package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"hourglass/dataset"
	"hourglass/internal/suggest"
)

// usageError marks an error in how the command was called.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// arguments makes wrong arguments a usage error that points to the help.
func arguments(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			guess := ""
			if cmd.HasAvailableSubCommands() && len(args) > 0 {
				guess = suggest.Question(args[0], commandNames(cmd))
			}
			return usagef("%w%s; see '%s --help'", err, guess, cmd.CommandPath())
		}
		return nil
	}
}

func commandNames(cmd *cobra.Command) []string {
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return names
}

// flagError says in one line what is wrong with a flag.
func flagError(cmd *cobra.Command, err error) error {
	var (
		unknown *pflag.NotExistError
		invalid *pflag.InvalidValueError
		missing *pflag.ValueRequiredError
	)
	switch {
	case errors.As(err, &invalid):
		flag := invalid.GetFlag()
		return usagef("--%s is %q, want %s", flag.Name, invalid.GetValue(), wantOf(flag, err))
	case errors.As(err, &missing):
		return usagef("--%s is not followed by a value, want %s", missing.GetFlag().Name, wantOf(missing.GetFlag(), nil))
	case errors.As(err, &unknown):
		return usagef("%w%s; see '%s --help'", err, suggestFlag(cmd, unknown), cmd.CommandPath())
	}
	return usagef("%w; see '%s --help'", err, cmd.CommandPath())
}

// wantOf says what a flag takes. Err is what its value was refused for.
func wantOf(flag *pflag.Flag, err error) string {
	want := map[string]string{
		"int": "a whole number", "uint64": "a whole number from 0", "float64": "a number",
		"bool": "true or false", "duration": "a time such as 10m",
	}[flag.Value.Type()]
	if want == "" {
		want, _ = pflag.UnquoteUsage(flag)
	}
	if errors.Is(err, strconv.ErrRange) {
		want += ", not that large a one"
	}
	return want
}

// suggestFlag asks after the flag that an unknown one is closest to, also where it has
// but one hyphen.
func suggestFlag(cmd *cobra.Command, unknown *pflag.NotExistError) string {
	word := unknown.GetSpecifiedName()
	if group := unknown.GetSpecifiedShortnames(); group != "" {
		word, _, _ = strings.Cut(group, "=")
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	best := word
	if !slices.Contains(names, word) {
		best = suggest.Closest(word, names)
	}
	if best == "" {
		return ""
	}
	return ", did you mean --" + best + "?"
}

// The data that flags of loading are for; others are for all.
var flagFormats = []struct {
	name    string
	formats []dataset.Format
}{
	{"label", []dataset.Format{dataset.FormatCSV, dataset.FormatNPY, dataset.FormatNPZ, dataset.FormatIDX}},
	{"ignore", []dataset.Format{dataset.FormatCSV}},
	{"header", []dataset.Format{dataset.FormatCSV}},
	{"missing", []dataset.Format{dataset.FormatCSV}},
	{"column", []dataset.Format{dataset.FormatCSV}},
	{"ignore-text", []dataset.Format{dataset.FormatCSV}},
	{"delimiter", []dataset.Format{dataset.FormatCSV}},
	{"window", []dataset.Format{dataset.FormatCSV, dataset.FormatNPY, dataset.FormatNPZ, dataset.FormatIDX}},
	{"time", []dataset.Format{dataset.FormatCSV}},
	{"group", []dataset.Format{dataset.FormatCSV}},
	{"array", []dataset.Format{dataset.FormatNPZ}},
	{"image-size", []dataset.Format{dataset.FormatImages}},
	{"colour", []dataset.Format{dataset.FormatImages}},
	{"skip-unreadable", []dataset.Format{dataset.FormatImages}},
	{"data-dir", []dataset.Format{dataset.FormatNamed}},
}

// formatNames is what messages call data of a format.
var formatNames = map[dataset.Format]string{
	dataset.FormatNPY: "a NumPy array", dataset.FormatNPZ: "a NumPy archive", dataset.FormatIDX: "an IDX file",
	dataset.FormatCSV: "a table", dataset.FormatImages: "a folder of images", dataset.FormatNamed: "a data set with a name",
}

// checkApplies refuses flags that say nothing about any of the data.
func checkApplies(cmd *cobra.Command, data ...*dataset.Data) error {
	for _, f := range flagFormats {
		if !cmd.Flags().Changed(f.name) || slices.ContainsFunc(data, func(d *dataset.Data) bool { return slices.Contains(f.formats, d.Format) }) {
			continue
		}
		var wanted []string
		for _, format := range f.formats {
			wanted = append(wanted, formatNames[format])
		}
		return usagef("--%s is for %s, but %s is %s", f.name, strings.Join(wanted, " or "), data[0].Path, formatNames[data[0].Format])
	}
	return nil
}
