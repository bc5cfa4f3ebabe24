package main

import (
	"fmt"
	"io"
	"iter"

	"github.com/spf13/cobra"

	"hourglass/dataset"
	"hourglass/figure"
	"hourglass/tensor"
	"hourglass/workflow"
)

// madeFlags say where samples go that were decoded from codes of no sample, and of which
// class they are.
type madeFlags struct{ out, figure, class string }

// add adds the flags; without one for the class that is what otherwise says.
func (f *madeFlags) add(cmd *cobra.Command, otherwise string) {
	cmd.Flags().StringVar(&f.class, "class", "", "`label` to decode with, by name or number, where the model asks for labels (default "+otherwise+")")
	cmd.Flags().StringVar(&f.out, "out", cmd.Name()+".npy", "`file` to write, .npy or .csv, -, or a folder for images")
	cmd.Flags().StringVar(&f.figure, "figure", "", "PNG `file` of images (default --out with .png)")
}

func (f *madeFlags) check() error {
	return checkFile("out", f.out, workflow.NPY, workflow.Table, workflow.Images)
}

// labels returns the labels that so many codes are decoded with, that of --class or else each
// code's own; nil where the decoder asks for none.
func (f *madeFlags) labels(m *workflow.Model, count int, own func(code int) int) ([]int, error) {
	if m.Decoder().Classes() == 0 && f.class == "" {
		return nil, nil
	}
	if f.class != "" {
		class, err := m.Class(f.class)
		if err != nil {
			return nil, usageError{err}
		}
		own = func(int) int { return class }
	}
	labels := make([]int, count)
	for i := range labels {
		labels[i] = own(i)
	}
	return labels, nil
}

// write decodes codes and writes the samples; images it also draws, in rows of so many
// columns.
func (f *madeFlags) write(cmd *cobra.Command, m *workflow.Model, codes tensor.Tensor, labels []int, columns int, log io.Writer) error {
	samples, err := m.Given(labels...).Decode(codes)
	if err != nil {
		return err
	}
	o := workflow.Output{Path: f.out, Stdout: cmd.OutOrStdout(), Count: samples.Len(), Shape: m.Encoder().Input(),
		Range: m.Range(), Columns: m.Columns(&workflow.Input{Data: &dataset.Data{}})}
	m.SetCells(&o, nil)
	if err := o.Write(cmd.Context(), each(samples)); err != nil {
		return err
	}
	drawn := ""
	if path := pictureBeside(cmd, f.figure, f.out); path != "" && workflow.IsImage(o.Shape) {
		samples.Shape = append(tensor.Shape{samples.Len()}, o.Shape...)
		picture, err := figure.Grid(samples, columns, figure.GridOptions{Range: o.Range})
		if err != nil {
			return err
		}
		if err := figure.Save(path, picture); err != nil {
			return err
		}
		drawn = ", drawn in " + path
	}
	fmt.Fprintf(log, "%d samples of shape %v in %s%s\n", samples.Len(), o.Shape, placeOf(f.out), drawn)
	return nil
}

// each yields the samples of an array.
func each(samples tensor.Tensor) iter.Seq2[[]float32, error] {
	return func(yield func([]float32, error) bool) {
		for i := range samples.Len() {
			if !yield(samples.Row(i), nil) {
				return
			}
		}
	}
}

// flat views codes as N×(numbers a code), whatever shape the model gives them.
func flat(codes tensor.Tensor) tensor.Tensor {
	return tensor.Tensor{Shape: tensor.Shape{codes.Len(), codes.Sample().Size()}, Data: codes.Data}
}

// coded is data with its codes, of shape N×(numbers a code), and its labels where the model
// asks for them.
type coded struct {
	model  *workflow.Model
	in     *workflow.Input
	codes  tensor.Tensor
	labels []int
}

// openCoded opens a model and data and encodes all of it. The caller closes the data.
func openCoded(cmd *cobra.Command, model *modelFlag, data *loadFlags, path string, log io.Writer) (*coded, error) {
	m, err := model.open(cmd)
	if err != nil {
		return nil, err
	}
	in, err := data.load(cmd, m, path, log)
	if err != nil {
		return nil, err
	}
	labels, err := m.Labels(in)
	if err != nil {
		in.Close()
		return nil, err
	}
	codes, err := workflow.Vectors(cmd.Context(), m, in, meter(log, "encode"))
	if err != nil {
		in.Close()
		return nil, err
	}
	return &coded{m, in, flat(codes), labels}, nil
}

// label returns the label of a sample, 0 where there are none.
func (c *coded) label(sample int) int {
	if c.labels == nil {
		return 0
	}
	return c.labels[sample]
}

// keep keeps the samples' codes and labels whose numbers are given.
func (c *coded) keep(samples []int) {
	codes := tensor.New(len(samples), c.codes.Sample().Size())
	var labels []int
	for i, from := range samples {
		copy(codes.Row(i), c.codes.Row(from))
		if c.labels != nil {
			labels = append(labels, c.labels[from])
		}
	}
	c.codes, c.labels = codes, labels
}

// thinned returns at most so many of the codes and labels, evenly from all over them.
func (c *coded) thinned(most int) *coded {
	n := c.codes.Len()
	if n <= most {
		return c
	}
	samples := make([]int, most)
	for i := range samples {
		samples[i] = i * n / most
	}
	some := *c
	some.keep(samples)
	return &some
}

// checkSample refuses the number of a sample that is not there.
func checkSample(flag string, i int, in *workflow.Input) error {
	if i < 0 || i >= in.Len() {
		return usagef("--%s is %d, want 0 to %d: %s has %d samples", flag, i, in.Len()-1, in.Path, in.Len())
	}
	return nil
}
