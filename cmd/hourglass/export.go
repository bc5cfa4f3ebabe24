package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"hourglass"
	"hourglass/exchange"
	"hourglass/exchange/c99"
	"hourglass/exchange/dot"
	"hourglass/exchange/onnx"
	"hourglass/exchange/pytorch"
	"hourglass/exchange/tfjs"
	runs "hourglass/run"
)

// exportFlags say what is exported and how.
type exportFlags struct {
	out, part, channels string
	opset               int
}

// exportFormat is a format that models are exported to.
type exportFormat struct {
	name, about string
	flags       []string // those that it heeds, beside --out
	write       func(ae *hourglass.Autoencoder, f exportFlags) error
}

// exportFormats lists the formats in the order of the help.
var exportFormats = []exportFormat{
	{"onnx", "an ONNX model, for ONNX Runtime and most other tools", []string{"part", "opset", "channels"},
		func(ae *hourglass.Autoencoder, f exportFlags) error {
			return onnx.WriteFile(f.out, ae, onnx.Options{Part: exchange.Part(f.part), Opset: f.opset, ChannelsFirst: f.channels == "first"})
		}},
	{"pytorch", "a PyTorch state dict (.safetensors), and beside it the module's source (.py)", nil,
		func(ae *hourglass.Autoencoder, f exportFlags) error { return pytorch.WriteFile(f.out, ae) }},
	{"tfjs", "a layers model of TensorFlow.js (.json), and beside it the weights (.weights.bin)", nil,
		func(ae *hourglass.Autoencoder, f exportFlags) error { return tfjs.WriteFile(f.out, ae) }},
	{"c", "one file of C99 without dependencies, for microcontrollers", nil,
		func(ae *hourglass.Autoencoder, f exportFlags) error { return c99.WriteFile(f.out, ae) }},
	{"dot", "a picture of the network for Graphviz", nil,
		func(ae *hourglass.Autoencoder, f exportFlags) error { return dot.WriteFile(f.out, ae) }},
}

func exportNames() []string {
	var names []string
	for _, f := range exportFormats {
		names = append(names, f.name)
	}
	return names
}

func newExportCommand() *cobra.Command {
	var (
		f      exportFlags
		output outputFlags
		to     string
	)
	about := ""
	for _, format := range exportFormats {
		about += fmt.Sprintf("  %-8s %s\n", format.name, format.about)
	}
	cmd := &cobra.Command{
		Use:   "export MODEL --to FORMAT --out FILE",
		Short: "Write a model for another tool",
		Long: `Export writes a trained model in a format that other tools read:

` + about + `
The model takes what it takes here, in the units of the data it was trained on: its
scaling goes with it. Layers that act in training only are left out.`,
		Example: `  hourglass export runs/stacked/model.safetensors --to onnx --out stacked.onnx
  hourglass export runs/mine/model.safetensors --to onnx --part encoder --channels first --out encoder.onnx`,
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			i := slices.IndexFunc(exportFormats, func(format exportFormat) bool { return format.name == to })
			if i < 0 {
				return usagef("--to is %q, want one of %s", to, strings.Join(exportNames(), ", "))
			}
			format := exportFormats[i]
			if err := f.check(cmd, format); err != nil {
				return err
			}
			ae, err := hourglass.Load(runs.ModelPath(args[0]))
			if err != nil {
				return err
			}
			if err := format.write(ae, f); err != nil {
				return err
			}
			fmt.Fprintf(output.log(cmd), "%s in %s\n", format.about, f.out)
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&to, "to", "", "`format` to write: "+strings.Join(exportNames(), "|")+" (required)")
	flags.StringVar(&f.out, "out", "", "`file` to write (required)")
	flags.StringVar(&f.part, "part", string(exchange.Whole), "`encoder|decoder|whole`")
	flags.IntVar(&f.opset, "opset", onnx.DefaultOpset, fmt.Sprintf("version of ONNX' operators, %d to %d", onnx.MinOpset, onnx.MaxOpset))
	flags.StringVar(&f.channels, "channels", "last", "`first|last`: where images have their channels in the written model")
	cmd.RegisterFlagCompletionFunc("to", cobra.FixedCompletions(exportNames(), cobra.ShellCompDirectiveNoFileComp))
	output.addQuiet(cmd)
	return cmd
}

// check reports flags that make no sense, or none for the format.
func (f *exportFlags) check(cmd *cobra.Command, format exportFormat) error {
	if f.out == "" {
		return usagef("--out is missing, want the file to write; see 'hourglass export --help'")
	}
	if !slices.Contains(exchange.Parts(), exchange.Part(f.part)) {
		return usagef("--part is %q, want encoder, decoder or whole", f.part)
	}
	if f.channels != "first" && f.channels != "last" {
		return usagef("--channels is %q, want first or last", f.channels)
	}
	if f.opset < onnx.MinOpset || f.opset > onnx.MaxOpset {
		return usagef("--opset is %d, want %d to %d", f.opset, onnx.MinOpset, onnx.MaxOpset)
	}
	for _, name := range []string{"part", "opset", "channels"} {
		if cmd.Flags().Changed(name) && !slices.Contains(format.flags, name) {
			return usagef("--%s does not apply to --to %s", name, format.name)
		}
	}
	return nil
}
