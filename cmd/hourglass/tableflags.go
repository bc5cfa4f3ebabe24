package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"hourglass/dataset"
	"hourglass/dataset/schema"
)

// tableFlags say what the columns of a table are that a model is trained on.
type tableFlags struct {
	columns    []string
	ignoreText bool
}

func (f *tableFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&f.columns, "column", nil, "what a column of a table is, `NAME=KIND` of number, boolean, category, time, dmy or mdy (dates with the day or the month first); may be given several times")
	flags.BoolVar(&f.ignoreText, "ignore-text", false, "leave out columns of free text, and list them")
}

// set makes a table be understood, as the flags want it.
func (f *tableFlags) set(o *dataset.CSVOptions) error {
	o.Infer, o.IgnoreText = true, f.ignoreText
	for _, text := range f.columns {
		at := strings.LastIndexByte(text, '=')
		if at < 1 {
			return usagef("--column is %q, want NAME=KIND such as postcode=category", text)
		}
		choice, err := schema.ParseChoice(text[at+1:])
		if err != nil {
			return usageError{fmt.Errorf("--column: %w", err)}
		}
		if o.Choices == nil {
			o.Choices = schema.Choices{}
		}
		o.Choices[text[:at]] = choice
	}
	return nil
}
