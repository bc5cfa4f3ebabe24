package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"hourglass"
	"hourglass/architecture"
	"hourglass/exchange/onnx"
	"hourglass/exchange/pytorch"
	"hourglass/exchange/tfjs"
)

// importFlags say how a model is read.
type importFlags struct {
	decoder, code, channels, architecture string
}

// importFormat is a format that models are imported from.
type importFormat struct {
	endings []string
	about   string
	flags   []string // those that it heeds, beside --out
	read    func(path string, f importFlags) (*hourglass.Autoencoder, error)
}

// importFormats lists the formats in the order of the help.
var importFormats = []importFormat{
	{[]string{".onnx"}, "ONNX, of any tool: torch.onnx.export, tf2onnx, …", []string{"decoder", "code", "channels"},
		func(path string, f importFlags) (*hourglass.Autoencoder, error) {
			return onnx.ReadFile(path, onnx.Import{Decoder: f.decoder, Code: f.code, Channels: onnx.Channels(f.channels)})
		}},
	{[]string{".json"}, "a layers model of TensorFlow.js, which Keras' converter writes as well", nil,
		func(path string, _ importFlags) (*hourglass.Autoencoder, error) { return tfjs.ReadFile(path) }},
	{[]string{".pt", ".pth", ".safetensors"}, "a PyTorch state dict, for the layers that --architecture names", []string{"architecture"},
		func(path string, f importFlags) (*hourglass.Autoencoder, error) {
			if f.architecture == "" {
				return nil, usagef("--architecture is missing: a state dict has weights but no layers; want 'input … > … | …', such as summary prints")
			}
			encoder, decoder, err := architecture.Parse(f.architecture)
			if err != nil {
				return nil, usageError{err}
			}
			return pytorch.ReadFile(path, encoder, decoder)
		}},
}

// importFrom returns the format of a file, by its name.
func importFrom(path string) (importFormat, error) {
	var known []string
	for _, f := range importFormats {
		if slices.Contains(f.endings, strings.ToLower(filepath.Ext(path))) {
			return f, nil
		}
		known = append(known, f.endings...)
	}
	return importFormat{}, usagef("%s: want a file that ends in %s", path, strings.Join(known, ", "))
}

// importRecord is what a model file notes of where the model comes from.
type importRecord struct {
	Imported string `json:"imported"` // the file's name
}

func newImportCommand() *cobra.Command {
	var (
		f      importFlags
		output outputFlags
		out    string
	)
	about := ""
	for _, format := range importFormats {
		about += fmt.Sprintf("  %-22s %s\n", strings.Join(format.endings, ", "), format.about)
	}
	cmd := &cobra.Command{
		Use:   "import FILE --out MODEL",
		Short: "Take over a model of another tool",
		Long: `Import reads an autoencoder that another tool has trained and writes it as a model file
like any other: encode, score, embed, summary, serve and export take it, and training
goes on from it (train --from).

` + about + `
Weights are put in the order of this program, which has the channels of images last. Where
the encoder ends is where layers called decoder begin, or else at the smallest codes;
--code says it. What cannot be taken over is an error that names it.`,
		Example: `  hourglass import autoencoder.onnx --out imported.safetensors
  hourglass import model.pt --architecture 'input 28x28x1 > flatten > dense 16 relu | dense 784 sigmoid > reshape 28x28x1' --out imported.safetensors
  hourglass import encoder.onnx --decoder decoder.onnx --out imported.safetensors
  hourglass train fashion-mnist --from imported.safetensors --epochs 5 --out runs/tuned`,
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			format, err := importFrom(args[0])
			if err != nil {
				return err
			}
			if err := f.check(cmd, format, out); err != nil {
				return err
			}
			ae, err := format.read(args[0], f)
			if err != nil {
				return err
			}
			var record any = ae.Record()
			if ae.Record() == nil {
				record = importRecord{filepath.Base(args[0])}
			}
			if err := ae.SaveRecord(out, record); err != nil {
				return err
			}
			if output.json {
				return writeJSON(cmd, summary{architectureLine(ae), ae.Encoder().Table(), ae.Decoder().Table()})
			}
			fmt.Fprintf(output.log(cmd), "%s\n%s\n", architectureLine(ae), out)
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&out, "out", "", "`file` to write, .safetensors (required)")
	flags.StringVar(&f.decoder, "decoder", "", "`file` with the decoder, where FILE is only the encoder")
	flags.StringVar(&f.code, "code", "", "`name` of the tensor with the codes")
	flags.StringVar(&f.architecture, "architecture", "", "the layers of a state dict, in a `line` that begins with the input's shape; see 'hourglass train --help'")
	flags.StringVar(&f.channels, "channels", "", "`first|last`: where the model has the channels of images (default found out)")
	cmd.MarkFlagFilename("out", "safetensors")
	output.add(cmd)
	return cmd
}

// check reports flags that make no sense, or none for the format.
func (f *importFlags) check(cmd *cobra.Command, format importFormat, out string) error {
	if out == "" {
		return usagef("--out is missing, want the file to write; see 'hourglass import --help'")
	}
	if f.channels != "" && f.channels != "first" && f.channels != "last" {
		return usagef("--channels is %q, want first or last", f.channels)
	}
	for _, name := range []string{"decoder", "code", "channels", "architecture"} {
		if cmd.Flags().Changed(name) && !slices.Contains(format.flags, name) {
			return usagef("--%s does not apply to files that end in %s", name, format.endings[0])
		}
	}
	return nil
}
