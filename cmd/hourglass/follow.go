package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"hourglass/dataset"
	"hourglass/workflow"
)

// follow scores the rows of a table as they come.
func (f *scoreFlags) follow(cmd *cobra.Command, path string, o workflow.RankOptions) error {
	for _, name := range []string{"figure", "curves", "heat-map", "top", "normal", "label", "part"} {
		if cmd.Flags().Changed(name) {
			return usagef("--%s is for all rows at once, which --follow does not wait for; want one of them", name)
		}
	}
	if f.out != stdoutPath {
		return usagef("--follow answers on the standard output; want it without --out")
	}
	log := f.output.logBeside(cmd, f.out)
	if f.output.json {
		log = cmd.ErrOrStderr()
		if f.output.quiet {
			log = io.Discard
		}
	}
	m, err := f.model.open(cmd)
	if err != nil {
		return err
	}
	rows, closeRows, err := f.openRows(cmd, m, path, log)
	if err != nil {
		return err
	}
	defer closeRows()
	follower, err := m.Follow(rows, o)
	if err != nil {
		return err
	}
	r := ranking{Ranking: follower.Ranking(), Quantile: 1 - o.Rate, rows: true}
	if err := f.checkThreshold(cmd, &r, log); err != nil {
		return err
	}
	w, err := f.answerWriter(cmd, m, &r)
	if err != nil {
		return err
	}
	err = follower.FollowRows(cmd.Context(), rows, func(answers []workflow.Scored) error {
		for _, a := range answers {
			r.Samples++
			if a.Outlier {
				r.Outliers++
			}
		}
		return w(answers)
	})
	if err != nil || r.Threshold == nil {
		return err
	}
	said := r.describe(m.ThresholdSamples())
	if f.failing && r.Outliers > 0 {
		return outliersError{errors.New(said)}
	}
	fmt.Fprintln(log, said)
	return nil
}

// openRows opens a table that is read row by row.
func (f *scoreFlags) openRows(cmd *cobra.Command, m *workflow.Model, path string, log io.Writer) (*dataset.RowReader, func() error, error) {
	o, err := f.data.options(cmd, log)
	if err != nil {
		return nil, nil, err
	}
	var source io.Reader = cmd.InOrStdin()
	name, closing := "standard input", func() error { return nil }
	if path != stdoutPath {
		file, err := os.Open(path)
		if err != nil {
			return nil, nil, fmt.Errorf("score: %w", err)
		}
		source, name, closing = file, path, file.Close
	}
	rows, err := dataset.NewRowReader(source, name, m.FollowOptions(o))
	if err != nil {
		return nil, nil, errors.Join(err, closing())
	}
	if extra := rows.Extra(); len(extra) > 0 {
		fmt.Fprintf(log, "columns of %s that the model does not know are left out: %.200q\n", name, extra)
	}
	return rows, closing, nil
}

// answerWriter returns what writes answers at once: as lines of JSON, or as a table.
func (f *scoreFlags) answerWriter(cmd *cobra.Command, m *workflow.Model, r *ranking) (func([]workflow.Scored) error, error) {
	out := cmd.OutOrStdout()
	if f.output.json {
		encoder := json.NewEncoder(out)
		return func(answers []workflow.Scored) error {
			for _, a := range answers {
				if err := encoder.Encode(a); err != nil {
					return err
				}
			}
			return nil
		}, nil
	}
	c := scoreColumns{likely: r.FalseAlarms != nil, explained: f.explain, judged: r.Threshold != nil}
	if s := m.Record.Series; s != nil {
		c.group = s.Group
	}
	w, err := dataset.NewCSVWriter(out, c.names())
	if err != nil {
		return nil, err
	}
	return func(answers []workflow.Scored) error {
		for _, a := range answers {
			if err := w.Append(nil, c.cells(a)...); err != nil {
				return err
			}
		}
		return w.Close() // which writes what is buffered
	}, nil
}
