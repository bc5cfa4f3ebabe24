package workflow

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"hourglass/dataset"
	"hourglass/dataset/npy"
	"hourglass/figure"
	"hourglass/internal/atomicfile"
	"hourglass/tensor"
)

// Kind is what an [Output] writes.
type Kind int

// The kinds of output.
const (
	NPY    Kind = iota // FILE.npy
	Table              // FILE.csv, or "-": CSV to the standard output
	Images             // a folder of PNG files
)

// KindOf tells from a path what is written there.
func KindOf(path string) (Kind, error) {
	if path == "-" {
		return Table, nil
	}
	if stat, err := os.Stat(path); err == nil && stat.IsDir() || path != "" && os.IsPathSeparator(path[len(path)-1]) {
		return Images, nil
	}
	switch strings.ToLower(filepath.Ext(path)) {
	case ".npy":
		return NPY, nil
	case ".csv":
		return Table, nil
	case "":
		if path != "" {
			return Images, nil
		}
	}
	return 0, fmt.Errorf("output %q, want FILE.npy, FILE.csv, - for CSV on the standard output, or for images a folder", path)
}

// Output writes samples or codes, one after another. A file appears whole or not at
// all; of a folder of images that is true of every image.
type Output struct {
	Path   string
	Stdout io.Writer    // for the path "-"
	Count  int          // how many samples there will be
	Shape  tensor.Shape // of one
	Range  figure.Range // of values, for images: black and white

	Columns []string // names of the values in a table, or of the cells
	// Cells returns the cells that the values of sample i are written as in a table; nil for
	// the values themselves.
	Cells   func(i int, x []float32) []string
	Name    func(i int) string // of sample i, for tables and files of images; nil for none
	Label   func(i int) string // of sample i, for tables; nil for none
	Further []TextColumn       // of a table, behind those

	Progress func(done, total int) // called now and then; may be nil
}

// TextColumn is a column of text in a table.
type TextColumn struct {
	Name string
	Of   func(i int) string // the cell of sample i
}

// Write writes all samples, or returns the error they end with, or ctx's.
func (o Output) Write(ctx context.Context, samples iter.Seq2[[]float32, error]) error {
	kind, err := KindOf(o.Path)
	if err != nil {
		return err
	}
	switch {
	case kind == NPY:
		return npy.WriteFileFunc(o.Path, append(tensor.Shape{o.Count}, o.Shape...), func(w *npy.Writer) error {
			return o.each(ctx, samples, func(_ int, x []float32) error { return w.Append(x) })
		})
	case kind == Images:
		return o.writeImages(ctx, samples)
	case o.Path == "-":
		w, err := dataset.NewCSVWriter(o.Stdout, o.columns())
		if err != nil {
			return err
		}
		return errors.Join(o.appendRows(ctx, samples, w), w.Close())
	}
	return dataset.WriteCSVFileFunc(o.Path, o.columns(), func(w *dataset.CSVWriter) error { return o.appendRows(ctx, samples, w) })
}

// columns names all columns of a table.
func (o Output) columns() []string {
	columns := slices.Clone(o.Columns)
	if o.Name != nil {
		columns = append(columns, SampleColumn)
	}
	if o.Label != nil {
		columns = append(columns, LabelColumn)
	}
	for _, column := range o.Further {
		columns = append(columns, column.Name)
	}
	return columns
}

func (o Output) appendRows(ctx context.Context, samples iter.Seq2[[]float32, error], w *dataset.CSVWriter) error {
	return o.each(ctx, samples, func(i int, x []float32) error {
		text := make([]string, 0, 2+len(o.Further))
		if o.Cells != nil {
			text, x = append(text, o.Cells(i, x)...), nil
		}
		for _, of := range []func(int) string{o.Name, o.Label} {
			if of != nil {
				text = append(text, of(i))
			}
		}
		for _, column := range o.Further {
			text = append(text, column.Of(i))
		}
		return w.Append(x, text...)
	})
}

// each calls do with every sample and checks that all of them come.
func (o Output) each(ctx context.Context, samples iter.Seq2[[]float32, error], do func(i int, x []float32) error) error {
	done := 0
	for x, err := range samples {
		if err == nil {
			err = stopped(ctx, done, o.Count)
		}
		if err == nil {
			err = do(done, x)
		}
		if err != nil {
			return err
		}
		if done++; o.Progress != nil {
			o.Progress(done, o.Count)
		}
	}
	return stopped(ctx, done, o.Count)
}

// stopped says how far work on samples had come when ctx ended, if it has.
func stopped(ctx context.Context, done, count int) error {
	if err := ctx.Err(); err != nil && done < count {
		return fmt.Errorf("workflow: stopped after %d of %d samples: %w", done, count, err)
	}
	return nil
}

// writeImages writes each sample as a PNG file.
func (o Output) writeImages(ctx context.Context, samples iter.Seq2[[]float32, error]) error {
	if !IsImage(o.Shape) {
		return fmt.Errorf("workflow: %s is a folder, but samples of shape %v are no images; want FILE.npy or FILE.csv", o.Path, o.Shape)
	}
	if o.Range == (figure.Range{}) {
		o.Range = figure.Range{Low: 0, High: 1}
	}
	names := fileNames{digits: len(fmt.Sprint(o.Count - 1)), taken: map[string]bool{}}
	return o.each(ctx, samples, func(i int, x []float32) error {
		name := ""
		if o.Name != nil {
			name = o.Name(i)
		}
		path := filepath.Join(o.Path, names.next(i, name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return fmt.Errorf("workflow: output folder: %w", err)
		}
		return atomicfile.Write(path, func(w io.Writer) error { return png.Encode(w, o.picture(x)) })
	})
}

// picture returns an image of a sample, a pixel for each of its pixels.
func (o Output) picture(x []float32) image.Image {
	height, width, channels := o.Shape[0], o.Shape[1], 1
	if len(o.Shape) == 3 {
		channels = o.Shape[2]
	}
	scale := 255 / (o.Range.High - o.Range.Low)
	level := func(v float32) uint8 { return uint8(min(max((v-o.Range.Low)*scale, 0), 255) + 0.5) }
	box := image.Rect(0, 0, width, height)
	if channels == 1 {
		grey := image.NewGray(box)
		for i, v := range x {
			grey.Pix[i] = level(v)
		}
		return grey
	}
	colored := image.NewNRGBA(box)
	for i := range width * height {
		for c := range 3 {
			colored.Pix[4*i+c] = level(x[3*i+c])
		}
		colored.Pix[4*i+3] = 255
	}
	return colored
}

// fileNames makes names of files of the names of samples.
type fileNames struct {
	digits int
	taken  map[string]bool
}

// next returns the name for sample i: its own with the ending .png if that is fit to
// be one and none had it before, otherwise its number.
func (f *fileNames) next(i int, name string) string {
	number := fmt.Sprintf("%0*d.png", f.digits, i)
	path := number
	if name = filepath.FromSlash(name); isFile(name) {
		path = strings.TrimSuffix(name, filepath.Ext(name)) + ".png"
	}
	for f.taken[path] {
		path = strings.TrimSuffix(path, ".png") + "-" + number
	}
	f.taken[path] = true
	return path
}

// isFile reports whether a sample is called by a file's path that leads nowhere but
// below a folder.
func isFile(name string) bool {
	control := func(r rune) bool { return r < ' ' }
	return filepath.Ext(name) != "" && !strings.HasPrefix(filepath.Base(name), ".") &&
		filepath.IsLocal(name) && !strings.ContainsFunc(name, control)
}
