package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"hourglass/dataset"
	"hourglass/workflow"
)

func newEncodeCommand() *cobra.Command {
	var (
		data   loadFlags
		model  modelFlag
		output outputFlags
		out    string
	)
	cmd := &cobra.Command{
		Use:   "encode DATA --model FILE --out FILE",
		Short: "Turn samples into codes",
		Long: `Encode writes the codes of all samples: as an array (.npy), or as a table (.csv, or
"-" for the standard output) with a column for each number of the code, the name of
the sample, and its label if it has one. decode, embed and recognize read both.

` + dataHelp,
		Example: `  hourglass encode digits --model runs/mine/model.safetensors --out codes.npy
  hourglass encode digits --model runs/mine/model.safetensors --out - | hourglass embed - --method pca --out map.csv`,
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkFile("out", out, workflow.NPY, workflow.Table); err != nil {
				return err
			}
			log := output.logBeside(cmd, out)
			m, err := model.open(cmd)
			if err != nil {
				return err
			}
			in, err := data.load(cmd, m, args[0], log)
			if err != nil {
				return err
			}
			defer in.Close()
			codes, err := m.Encode(cmd.Context(), in)
			if err != nil {
				return err
			}
			shape := m.Encoder().Output()
			o := workflow.Output{Path: out, Stdout: cmd.OutOrStdout(), Count: in.Len(), Shape: shape,
				Columns: dataset.CSVColumns("code", shape.Size()), Name: in.SampleName, Progress: meter(log, "encode")}
			if in.Labels != nil {
				o.Label = in.Label
			}
			if err := o.Write(cmd.Context(), codes); err != nil {
				return err
			}
			fmt.Fprintf(log, "%d codes of %v numbers in %s\n", in.Len(), shape, placeOf(out))
			return nil
		},
	}
	data.add(cmd, testPart)
	model.add(cmd, "required")
	output.addQuiet(cmd)
	cmd.Flags().StringVar(&out, "out", "", "`file` to write, .npy or .csv, or - (required)")
	return cmd
}

func newDecodeCommand() *cobra.Command {
	var (
		data   loadFlags
		model  modelFlag
		output outputFlags
		out    string
	)
	cmd := &cobra.Command{
		Use:   "decode CODES --model FILE --out FILE|FOLDER",
		Short: "Turn codes into samples",
		Long: `Decode writes the samples that codes stand for, in the units of the data the model
was trained on: as an array (.npy), as a table (.csv, or "-" for the standard
output), or for images as PNG files in a folder. CODES is what encode has written,
or any array or table with as many columns as the model's codes have numbers.`,
		Example: `  hourglass decode codes.npy --model runs/mine/model.safetensors --out decoded.npy
  hourglass decode codes.csv --model runs/mine/model.safetensors --out pictures`,
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkFile("out", out, workflow.NPY, workflow.Table, workflow.Images); err != nil {
				return err
			}
			log := output.logBeside(cmd, out)
			m, err := model.open(cmd)
			if err != nil {
				return err
			}
			codes, err := data.load(cmd, nil, args[0], log)
			if err != nil {
				return err
			}
			defer codes.Close()
			samples, err := m.Decode(cmd.Context(), codes)
			if err != nil {
				return err
			}
			o := sampleOutput(cmd, m, codes, out)
			o.Columns = m.Columns(&workflow.Input{Data: &dataset.Data{}})
			m.SetCells(&o, nil)
			o.Progress = meter(log, "decode")
			if err := o.Write(cmd.Context(), samples); err != nil {
				return err
			}
			fmt.Fprintf(log, "%d samples of shape %v in %s\n", codes.Len(), o.Shape, placeOf(out))
			return nil
		},
	}
	data.add(cmd, "")
	model.add(cmd, "required")
	output.addQuiet(cmd)
	cmd.Flags().StringVar(&out, "out", "", "`file` to write, .npy or .csv, -, or a folder for images (required)")
	return cmd
}

// sampleOutput says how samples of a model are written that come of in.
func sampleOutput(cmd *cobra.Command, m *workflow.Model, in *workflow.Input, out string) workflow.Output {
	o := workflow.Output{Path: out, Stdout: cmd.OutOrStdout(), Count: in.Len(), Shape: m.Encoder().Input(),
		Range: m.Range(), Columns: m.Columns(in)}
	if kind, err := workflow.KindOf(out); err == nil && kind == workflow.Images {
		o.Name = in.SampleName
	}
	if in.Labels != nil {
		o.Label = in.Label
	}
	m.SetCells(&o, in)
	return o
}
