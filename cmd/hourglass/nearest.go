package main

import (
	"fmt"
	"io"
	"math"

	"github.com/spf13/cobra"

	"hourglass/dataset"
	"hourglass/figure"
	"hourglass/neighbors"
	"hourglass/tensor"
	"hourglass/workflow"
)

func newNearestCommand() *cobra.Command {
	var (
		data             loadFlags
		model            modelFlag
		output           outputFlags
		samples          []int
		count            int
		out, figurePath  string
		query            string
		defaultQueries   = []int{0, 1, 2, 3, 4}
		queriesOfOneData = func(in *workflow.Input) []int { return defaultQueries[:min(len(defaultQueries), in.Len())] }
	)
	cmd := &cobra.Command{
		Use:   "nearest DATA --model FILE",
		Short: "Find the samples whose codes are nearest",
		Long: `Nearest finds for some samples those of DATA whose codes lie nearest: a table (CSV) of
samples, their neighbours and how far apart the codes are (Euclidean distance), and for
images a figure with a row for each, the sample first.

What is looked for are samples of DATA itself (--sample; the sample is not its own
neighbour), or with --query all samples of other data. Without --model samples are
compared as they are.

` + dataHelp,
		Example: `  hourglass nearest digits --model runs/stacked/model.safetensors --sample 3 --sample 8 --count 10
  hourglass nearest archive.npy --query new.npy --model runs/mine/model.safetensors --out matches.csv`,
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case count < 1:
				return usagef("--count is %d, want at least 1", count)
			case query != "" && len(samples) > 0:
				return usagef("--sample is of DATA itself and --query of other data; want one of them")
			}
			if err := checkFile("out", out, workflow.Table); err != nil {
				return err
			}
			log := output.logBeside(cmd, out)
			m, err := model.openIfGiven(cmd)
			if err != nil {
				return err
			}
			in, codes, err := loadVectors(cmd, &data, m, args[0], log)
			if err != nil {
				return err
			}
			defer in.Close()
			f := &found{in: in, asked: in}
			if query == "" {
				if f.queries = samples; samples == nil {
					f.queries = queriesOfOneData(in)
				}
				err = f.searchOwn(cmd, codes, count)
			} else {
				asked, vectors, failed := loadVectors(cmd, &data, m, query, log)
				if failed != nil {
					return failed
				}
				defer asked.Close()
				f.asked = asked
				err = f.search(cmd, codes, vectors, count)
			}
			if err != nil {
				return err
			}
			if err := f.write(cmd, out); err != nil {
				return err
			}
			fmt.Fprintf(log, "the %d nearest of %d samples to %d in %s\n", count, in.Len(), len(f.queries), placeOf(out))
			if path := pictureBeside(cmd, figurePath, out); path != "" && workflow.IsImage(in.Shape()) {
				return f.draw(path)
			}
			return nil
		},
	}
	data.add(cmd, testPart)
	model.add(cmd, "default none, to compare samples as they are")
	output.addQuiet(cmd)
	flags := cmd.Flags()
	flags.IntSliceVar(&samples, "sample", nil, "`number` of a sample of DATA, from 0; may be given several times (default the first five)")
	flags.StringVar(&query, "query", "", "other `data` to find the neighbours of")
	flags.IntVar(&count, "count", 5, "how many neighbours to find")
	flags.StringVar(&out, "out", stdoutPath, "`file` to write, .csv, or - for the standard output")
	flags.StringVar(&figurePath, "figure", "", "PNG `file` of images and their neighbours (default --out with .png)")
	return cmd
}

// loadVectors loads data and returns its codes, or without a model the data itself.
func loadVectors(cmd *cobra.Command, data *loadFlags, m *workflow.Model, path string, log io.Writer) (*workflow.Input, tensor.Tensor, error) {
	in, err := data.load(cmd, m, path, log)
	if err != nil {
		return nil, tensor.Tensor{}, err
	}
	vectors, err := workflow.Vectors(cmd.Context(), m, in, meter(log, "encode"))
	if err != nil {
		in.Close()
		return nil, tensor.Tensor{}, err
	}
	return in, flat(vectors), nil
}

// found are the neighbours of some samples.
type found struct {
	asked   *workflow.Input // whose samples were looked for
	queries []int           // which of them
	in      *workflow.Input // where
	near    neighbors.Neighbors
}

// searchOwn finds the neighbours of some samples among the others.
func (f *found) searchOwn(cmd *cobra.Command, codes tensor.Tensor, count int) error {
	index, err := neighbors.NewIndex(codes)
	if err != nil {
		return err
	}
	if count >= codes.Len() {
		return usagef("--count is %d, want 1 to %d: %s has %d samples", count, codes.Len()-1, f.in.Path, codes.Len())
	}
	asked := tensor.New(len(f.queries), codes.Sample().Size())
	for i, q := range f.queries {
		if err := checkSample("sample", q, f.in); err != nil {
			return err
		}
		copy(asked.Row(i), codes.Row(q))
	}
	near, err := index.Search(cmd.Context(), asked, count+1)
	if err != nil {
		return err
	}
	f.near = neighbors.Neighbors{K: count}
	for i, q := range f.queries {
		indices, squared := near.Row(i)
		for j, kept := 0, 0; kept < count; j++ {
			if int(indices[j]) == q {
				continue
			}
			f.near.Indices, f.near.Squared = append(f.near.Indices, indices[j]), append(f.near.Squared, squared[j])
			kept++
		}
	}
	return nil
}

// search finds the neighbours of all samples of other data.
func (f *found) search(cmd *cobra.Command, codes, asked tensor.Tensor, count int) error {
	if asked.Sample().Size() != codes.Sample().Size() {
		return fmt.Errorf("nearest: %s has samples of %d numbers, %s of %d; want the same",
			f.asked.Path, asked.Sample().Size(), f.in.Path, codes.Sample().Size())
	}
	index, err := neighbors.NewIndex(codes)
	if err != nil {
		return err
	}
	for i := range asked.Len() {
		f.queries = append(f.queries, i)
	}
	f.near, err = index.Search(cmd.Context(), asked, count)
	return err
}

// write writes a row for every sample and neighbour.
func (f *found) write(cmd *cobra.Command, out string) error {
	columns := []string{"distance", workflow.SampleColumn, "neighbour"}
	if f.in.Labels != nil {
		columns = append(columns, "neighbour_label")
	}
	return writeTable(cmd, out, columns, func(w *dataset.CSVWriter) error {
		for i, q := range f.queries {
			indices, squared := f.near.Row(i)
			for j, n := range indices {
				text := []string{f.asked.SampleName(q), f.in.SampleName(int(n))}
				if f.in.Labels != nil {
					text = append(text, f.in.Label(int(n)))
				}
				if err := w.Append([]float32{float32(math.Sqrt(float64(squared[j])))}, text...); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// draw draws the first samples, each in front of its neighbours.
func (f *found) draw(path string) error {
	const most = 20
	ours, white, err := workflow.Pixels(f.in)
	if err != nil {
		return err
	}
	asked := ours
	if f.asked != f.in {
		if asked, _, err = workflow.Pixels(f.asked); err != nil {
			return err
		}
	}
	shown := min(len(f.queries), most)
	rows := tensor.New(append(tensor.Shape{shown * (f.near.K + 1)}, f.in.Shape()...)...)
	for i, q := range f.queries[:shown] {
		copy(rows.Row(i*(f.near.K+1)), asked.Row(q))
		indices, _ := f.near.Row(i)
		for j, n := range indices {
			copy(rows.Row(i*(f.near.K+1)+1+j), ours.Row(int(n)))
		}
	}
	picture, err := figure.Grid(rows, f.near.K+1, figure.GridOptions{Range: figure.Range{High: white}})
	if err != nil {
		return err
	}
	return figure.Save(path, picture)
}
