package main

import (
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"hourglass"
	"hourglass/dataset"
	"hourglass/progress"
	"hourglass/workflow"
)

// dataHelp says in the help of a command what it takes for DATA.
const dataHelp = `DATA is a .npy or .npz file, a CSV or TSV table ("-" reads one from the
standard input), an IDX file, a folder of PNG or JPEG images (sub-folders are
labels), or mnist, fashion-mnist or digits; gzip and zstd are unpacked. A last column
called label holds labels; for other columns say --label NAME, and --ignore NAME for
those that are no numbers. Several tables with the same columns are read as one by a
pattern in quotes: 'logs/*.csv'. Of a table whose rows follow each other in time --window 64
makes a sample of any 64 rows in a row; a model that was trained so knows that itself.`

// loadFlags say how data is read.
type loadFlags struct {
	label, array, header, missing, delimiter, imageSize, color, memory, dir, part string
	ignore                                                                        []string
	series                                                                        seriesFlags
	skip                                                                          bool
}

// add adds the flags. Part is which samples of a data set with a part for testing
// the command takes unless told otherwise.
func (f *loadFlags) add(cmd *cobra.Command, part string) {
	flags := cmd.Flags()
	flags.StringVar(&f.label, "label", "", "labels: a table's `column` by name or number, an array of a .npz, or a file beside a .npy")
	flags.StringArrayVar(&f.ignore, "ignore", nil, "`column` of a table to leave out; may be given several times")
	flags.StringVar(&f.header, "header", "auto", "whether a table's first row has names: `auto|yes|no`")
	flags.StringVar(&f.missing, "missing", "mask", "what to do about missing cells of a table: `mask|refuse|mean|drop`; masked ones count in no loss or score")
	flags.StringVar(&f.delimiter, "delimiter", "", "`character` between the cells of a table, or tab, or space (default found out)")
	f.series.add(flags)
	flags.StringVar(&f.array, "array", "", "`name` of the samples' array in a .npz")
	flags.StringVar(&f.imageSize, "image-size", "", "scale the images of a folder to `WIDTHxHEIGHT`")
	flags.StringVar(&f.color, "colour", "auto", "read the images of a folder as `auto|grey|rgb`")
	flags.BoolVar(&f.skip, "skip-unreadable", false, "leave out images of a folder that cannot be read, and list them")
	flags.StringVar(&f.memory, "memory", "1GB", "`size` the samples may take; a larger .npy is read in blocks and shuffled in a buffer of it")
	flags.StringVar(&f.dir, "data-dir", "", "`folder` to look for a named data set in, instead of $HOURGLASS_DATA and the cache")
	cmd.MarkFlagDirname("data-dir")
	if part != "" {
		flags.StringVar(&f.part, "part", part, "take the `train|test` samples of a data set that has both")
	}
}

// options returns what the flags mean.
func (f *loadFlags) options(cmd *cobra.Command, log io.Writer) (dataset.LoadOptions, error) {
	o := dataset.LoadOptions{Label: f.label, Array: f.array, Stdin: cmd.InOrStdin(),
		DataDir: f.dir, Download: true, Progress: downloadBar(log)}
	o.CSV.Ignore, o.Images.SkipUnreadable = f.ignore, f.skip
	var err error
	choose := func(name, value string, set func(string) bool, want string) {
		if err == nil && !set(value) {
			err = usagef("--%s is %q, want %s", name, value, want)
		}
	}
	choose("header", f.header, among(&o.CSV.Header, map[string]dataset.Header{
		"auto": dataset.HeaderAuto, "yes": dataset.HeaderYes, "no": dataset.HeaderNo}), "auto, yes or no")
	choose("missing", f.missing, among(&o.CSV.Missing, map[string]dataset.Missing{
		"mask": dataset.MissingMask, "refuse": dataset.MissingRefuse, "mean": dataset.MissingMean, "drop": dataset.MissingDrop}), "mask, refuse, mean or drop")
	choose("colour", f.color, among(&o.Images.Color, map[string]dataset.Color{
		"auto": dataset.ColorAuto, "grey": dataset.ColorGray, "gray": dataset.ColorGray, "rgb": dataset.ColorRGB}), "auto, grey or rgb")
	choose("part", f.part, func(s string) bool { return s == "" || s == trainPart || s == testPart }, "train or test")
	choose("delimiter", f.delimiter, func(s string) bool { return parseDelimiter(s, &o.CSV.Delimiter) }, "a single character, tab or space")
	choose("image-size", f.imageSize, func(s string) bool { return parseSize(s, &o.Images) }, "WIDTHxHEIGHT such as 32x32")
	choose("memory", f.memory, func(s string) bool { return parseBytes(s, &o.Memory) }, "a size such as 500MB or 4GB")
	if err == nil {
		o.Series, err = f.series.options(cmd)
	}
	return o, err
}

const (
	trainPart = "train"
	testPart  = "test"
)

// among returns a function that sets place to the value of a name, if there is one.
func among[T any](place *T, values map[string]T) func(string) bool {
	return func(name string) bool {
		value, ok := values[name]
		*place = value
		return ok
	}
}

func parseDelimiter(text string, d *rune) bool {
	switch {
	case text == "tab":
		*d = '\t'
	case text == "space":
		*d = ' '
	case text != "":
		r, size := utf8.DecodeRuneInString(text)
		*d = r
		return size == len(text)
	}
	return true
}

func parseSize(text string, o *dataset.ImageOptions) bool {
	if text == "" {
		return true
	}
	width, height, _ := strings.Cut(text, "x")
	var errs [2]error
	o.Width, errs[0] = strconv.Atoi(width)
	o.Height, errs[1] = strconv.Atoi(height)
	return errs[0] == nil && errs[1] == nil && o.Width > 0 && o.Height > 0
}

func parseBytes(text string, size *int64) bool {
	number := strings.TrimRight(strings.ToUpper(text), "BI")
	shift := 0
	for i, unit := range []string{"K", "M", "G", "T"} {
		if rest, ok := strings.CutSuffix(number, unit); ok {
			number, shift = rest, 10*(i+1)
		}
	}
	n, err := strconv.ParseFloat(number, 64)
	n *= math.Pow(2, float64(shift))
	*size = int64(n)
	return err == nil && n >= 1 && n < math.MaxInt64
}

// load reads the data at path, for a model if there is one, and refuses flags that are
// for other data.
func (f *loadFlags) load(cmd *cobra.Command, m *workflow.Model, path string, log io.Writer) (*workflow.Input, error) {
	in, err := f.read(cmd, m, path, log)
	if err != nil {
		return nil, err
	}
	if err := checkApplies(cmd, in.Data); err != nil {
		in.Close()
		return nil, err
	}
	return in, nil
}

// read reads the data at path, for a model if there is one.
func (f *loadFlags) read(cmd *cobra.Command, m *workflow.Model, path string, log io.Writer) (*workflow.Input, error) {
	o, err := f.options(cmd, log)
	if err != nil {
		return nil, err
	}
	var in *workflow.Input
	if m == nil {
		in, err = workflow.Load(cmd.Context(), path, o)
	} else {
		in, err = m.Load(cmd.Context(), path, o)
	}
	if err != nil {
		return nil, err
	}
	for _, note := range in.Notes() {
		fmt.Fprintln(log, note)
	}
	// By default a data set without a part for testing is taken whole.
	return in.Part(f.part == testPart && (in.Test != nil || cmd.Flags().Changed("part")))
}

// modelFlag names a model file.
type modelFlag struct{ path string }

func (f *modelFlag) add(cmd *cobra.Command, use string) {
	cmd.Flags().StringVar(&f.path, "model", "", "model `file`, or the folder of a run ("+use+")")
	cmd.MarkFlagFilename("model", "safetensors")
}

// open reads the model, which must have been named.
func (f *modelFlag) open(cmd *cobra.Command) (*workflow.Model, error) {
	if f.path == "" {
		return nil, usagef("want --model FILE; see '%s --help'", cmd.CommandPath())
	}
	m, err := workflow.OpenModel(f.path)
	if err == nil {
		noteUnverified(cmd, m.Autoencoder, f.path)
	}
	return m, err
}

// noteUnverified tells of a model file that nobody can vouch for.
func noteUnverified(cmd *cobra.Command, ae *hourglass.Autoencoder, path string) {
	if quiet, _ := cmd.Flags().GetBool("quiet"); ae.Unverified() && !quiet {
		fmt.Fprintf(cmd.ErrOrStderr(), "note: %s has no checksum; whether its weights are those that were written cannot be told\n", path)
	}
}

// openIfGiven reads the model if one was named.
func (f *modelFlag) openIfGiven(cmd *cobra.Command) (*workflow.Model, error) {
	if f.path == "" {
		return nil, nil
	}
	return f.open(cmd)
}

// stdoutPath stands for the standard output as a file to write.
const stdoutPath = "-"

// logBeside is log for a command whose result may itself go to standard output.
func (f *outputFlags) logBeside(cmd *cobra.Command, out string) io.Writer {
	if out == stdoutPath && !f.quiet {
		return cmd.ErrOrStderr()
	}
	return f.log(cmd)
}

// meter shows progress.
var meter = progress.Meter

// checkFile refuses a path where nothing of one of the kinds can be written.
func checkFile(flag, path string, kinds ...workflow.Kind) error {
	kind, err := workflow.KindOf(path)
	if err != nil {
		return usageError{fmt.Errorf("--%s: %w", flag, err)}
	}
	for _, k := range kinds {
		if kind == k {
			return nil
		}
	}
	want := "FILE.npy, FILE.csv or - for CSV on the standard output"
	if len(kinds) == 1 {
		want = "FILE.csv or - for the standard output"
	}
	return usagef("--%s is %q, want %s", flag, path, want)
}

// pictureBeside returns the path of a figure: the one given or, unless results go to
// the standard output, one beside them.
func pictureBeside(cmd *cobra.Command, figurePath, out string) string {
	if cmd.Flags().Changed("figure") || out == stdoutPath {
		return figurePath
	}
	return withoutExtension(filepath.Clean(out)) + ".png"
}

func withoutExtension(path string) string { return strings.TrimSuffix(path, filepath.Ext(path)) }

// placeOf says in words where something was written.
func placeOf(out string) string {
	if out == stdoutPath {
		return "the standard output"
	}
	return out
}
