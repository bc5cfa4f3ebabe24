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

// madeFlags say where samples go that were decoded from codes of no sample.
type madeFlags struct{ out, figure string }

func (f *madeFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.out, "out", cmd.Name()+".npy", "`file` to write, .npy or .csv, -, or a folder for images")
	cmd.Flags().StringVar(&f.figure, "figure", "", "PNG `file` of images (default --out with .png)")
}

func (f *madeFlags) check() error {
	return checkFile("out", f.out, workflow.NPY, workflow.Table, workflow.Images)
}

// write decodes codes and writes the samples; images it also draws, in rows of so many
// columns.
func (f *madeFlags) write(cmd *cobra.Command, m *workflow.Model, codes tensor.Tensor, columns int, log io.Writer) error {
	samples, err := m.Autoencoder.Decode(codes)
	if err != nil {
		return err
	}
	o := workflow.Output{Path: f.out, Stdout: cmd.OutOrStdout(), Count: samples.Len(), Shape: m.Encoder().Input(),
		Range: m.Range(), Columns: m.Columns(&workflow.Input{Data: &dataset.Data{}})}
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

// openCoded opens a model and data and encodes all of it.
func openCoded(cmd *cobra.Command, model *modelFlag, data *loadFlags, path string, log io.Writer) (*workflow.Model, *workflow.Input, tensor.Tensor, error) {
	m, err := model.open(cmd)
	if err != nil {
		return nil, nil, tensor.Tensor{}, err
	}
	in, err := data.load(cmd, m, path, log)
	if err != nil {
		return nil, nil, tensor.Tensor{}, err
	}
	codes, err := workflow.Vectors(cmd.Context(), m, in, meter(log, "encode"))
	if err != nil {
		in.Close()
		return nil, nil, tensor.Tensor{}, err
	}
	return m, in, flat(codes), nil
}

// checkSample refuses the number of a sample that is not there.
func checkSample(flag string, i int, in *workflow.Input) error {
	if i < 0 || i >= in.Len() {
		return usagef("--%s is %d, want 0 to %d: %s has %d samples", flag, i, in.Len()-1, in.Path, in.Len())
	}
	return nil
}
