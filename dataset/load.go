package dataset

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"hourglass/dataset/npy"
	"hourglass/tensor"
)

// DefaultMemory is how much memory loaded samples may take unless options say
// otherwise: 1 GiB.
const DefaultMemory = 1 << 30

// LoadOptions says how [Load] reads data. The zero value is right for most.
type LoadOptions struct {
	// Memory bounds how many bytes the samples may take in memory; 0 means
	// [DefaultMemory]. A .npy file that would take more is read in blocks, with a
	// buffer of this size to shuffle in (see [Order]); other data that would is
	// refused.
	Memory int64
	// Label is what tells the class of each sample: of a table a column, by name
	// or number from 1; of a .npz archive an array of integers; beside a .npy or
	// IDX file the path of another that holds integers.
	Label string
	// Array names the array of a .npz archive that holds the samples.
	Array string
	// CSV is for tables. Label and Memory above take the place of its own.
	CSV CSVOptions
	// Images is for folders of images. Memory above takes the place of its own.
	Images ImageOptions
	// Series cuts the rows of a table, or of an array of rows×columns, into windows. Arrays
	// of such windows are taken as they are.
	Series SeriesOptions
	// Stdin is read for the path "-"; nil means the standard input.
	Stdin io.Reader
	// DataDir, Download and Progress are for data sets by name, as in [Options].
	DataDir  string
	Download bool
	Progress func(Progress)
}

// Load reads the data at path, whose values it leaves as they are in the file:
//
//   - a name that [Sets] lists, as [Open] finds it;
//   - a folder with the four IDX files of a data set like MNIST, or with PNG and
//     JPEG images, see [ReadImageFolder];
//   - a NumPy file, .npy or .npz, of 2 to 4 axes: samples×features,
//     samples×height×width, samples×height×width×channels, or whatever a network
//     takes;
//   - an IDX file of 2 to 4 axes. Labels in a file beside it that is
//     named as MNIST's are come with it;
//   - a table, .csv or .tsv, see [ReadCSV]; "-" is one on the standard input;
//   - several tables with the same columns, by a pattern as [filepath.Match] has it: "logs/*.csv". They are
//     one below the other, in the order of their names.
//
// Tables, .npy and IDX files may be compressed by gzip or zstd. Files are told apart by their first bytes, and tables by having none of those.
// In an archive with the arrays x_train and x_test, and perhaps y_train and
// y_test, these are the samples and their labels; otherwise the samples are the
// only array of 2 to 4 axes, and where that is called x, the integers called y are
// their labels.
//
// NaN and infinity are refused by sample and element, but data read in blocks is
// checked only as it is read. The result must be closed.
func Load(ctx context.Context, path string, o LoadOptions) (*Data, error) {
	if o.Memory < 0 {
		return nil, fmt.Errorf("dataset: load %s: memory of %d bytes, want at least 1", path, o.Memory)
	}
	if o.Memory == 0 {
		o.Memory = DefaultMemory
	}
	o.CSV.Memory, o.Images.Memory = o.Memory, o.Memory
	if o.Label != "" {
		o.CSV.Label = o.Label
	}
	if err := o.Series.Validate(); err != nil {
		return nil, err
	}
	if o.Series.Window > 0 {
		if len(o.CSV.Choices) > 0 || o.CSV.IgnoreText {
			return nil, fmt.Errorf("dataset: load %s: columns of other kinds than numbers are chosen, but series are of numbers", path)
		}
		o.CSV.Infer = false
	}
	o.CSV.Aside = slices.Concat(o.CSV.Aside, o.Series.Aside())
	data, err := load(ctx, path, o)
	if err != nil {
		return nil, err
	}
	data.Path = path
	if o.Series.Window > 0 {
		if err := data.cut(o.Series); err != nil {
			data.Close()
			return nil, err
		}
	}
	if err := ctx.Err(); err != nil {
		data.Close()
		return nil, fmt.Errorf("dataset: load %s: %w", path, err)
	}
	return data, nil
}

func load(ctx context.Context, path string, o LoadOptions) (*Data, error) {
	if _, known := Lookup(path); known {
		return loadSet(ctx, path, o)
	}
	if path == "-" {
		if o.Stdin == nil {
			o.Stdin = os.Stdin
		}
		const name = "standard input"
		plain, _, err := decompressed(o.Stdin)
		if err != nil {
			return nil, fmt.Errorf("dataset: read %s: %w", name, err)
		}
		return ReadCSV(plain, name, o.CSV)
	}
	stat, err := os.Stat(path)
	switch {
	case err != nil && IsPattern(path):
		return loadTables(path, o)
	case errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("dataset: load %q: there is no such file, folder or data set; want mnist, fashion-mnist, digits, a folder of images, or a .npy, .npz, IDX, .csv or .tsv file", path)
	case err != nil:
		return nil, fmt.Errorf("dataset: load: %w", err)
	case !stat.IsDir():
		return loadFile(path, o)
	}
	if _, count := findFiles(path); count > 0 {
		return loadSet(ctx, path, o)
	}
	return ReadImageFolder(ctx, path, o.Images)
}

// loadSet loads a data set that consists of training and test images.
func loadSet(ctx context.Context, name string, o LoadOptions) (*Data, error) {
	split, err := Open(ctx, name, Options{DataDir: o.DataDir, Download: o.Download, Progress: o.Progress})
	if err != nil {
		return nil, err
	}
	data := dataOfImages(split.Train)
	data.Test = dataOfImages(split.Test)
	return data, nil
}

func dataOfImages(images *Images) *Data {
	data := &Data{Path: images.Name, Format: FormatNamed, Samples: images.Raw(), Largest: 255, Classes: images.Classes}
	data.Labels = make([]int, len(images.Labels))
	for i, label := range images.Labels {
		data.Labels[i] = int(label)
	}
	return data
}

// The first bytes of the files that have such.
var (
	npyMagic  = []byte("\x93NUMPY")
	zipMagic  = []byte("PK\x03\x04")
	pngMagic  = []byte("\x89PNG")
	jpegMagic = []byte("\xff\xd8\xff")
)

// magicSize is how many first bytes tell files apart.
const magicSize = 512

// loadFile loads a single file.
func loadFile(path string, o LoadOptions) (*Data, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("dataset: load: %w", err)
	}
	defer f.Close()
	plain, packing, err := decompressed(f)
	if err != nil {
		return nil, fmt.Errorf("dataset: load %s: %w", path, err)
	}
	r := bufio.NewReaderSize(plain, sniffed)
	start, err := r.Peek(magicSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("dataset: load %s: %w", path, err)
	}
	switch format, err := fileFormat(unpackedName(path), start); {
	case err != nil:
		return nil, fmt.Errorf("dataset: load %s: %w", path, err)
	case packing != "" && format == FormatNPZ:
		return nil, fmt.Errorf("dataset: load %s: is a %s file within %s, which is read unpacked only", path, format, packing)
	case format == FormatNPY && packing != "":
		return loadPackedNPY(r, path, o)
	case format == FormatNPY:
		return loadNPY(path, o)
	case format == FormatNPZ:
		return loadNPZ(path, o)
	case format == FormatIDX:
		return loadIDX(path, o)
	}
	if o.CSV.Delimiter == 0 && isTSV(unpackedName(path)) {
		o.CSV.Delimiter = '\t'
	}
	return loadTable(r, f, path, o.CSV)
}

// loadTable reads a table whose text is r, and again from the beginning of its file f if it must.
func loadTable(r io.Reader, f io.ReadSeeker, path string, o CSVOptions) (*Data, error) {
	opened := false
	return readTable(func(t *table) ([]string, error) {
		if !opened {
			opened = true
			return t.openCSV(r)
		}
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return nil, fmt.Errorf("want to read it twice: %w", err)
		}
		plain, _, err := decompressed(f)
		if err != nil {
			return nil, err
		}
		return t.openCSV(plain)
	}, path, o)
}

func isTSV(path string) bool {
	extension := strings.ToLower(filepath.Ext(path))
	return extension == ".tsv" || extension == ".tab"
}

// fileFormat tells a file's format from its first bytes.
func fileFormat(path string, start []byte) (Format, error) {
	extension := strings.ToLower(filepath.Ext(path))
	switch {
	case len(start) == 0:
		return "", errors.New("is empty")
	case bytes.HasPrefix(start, npyMagic) || extension == ".npy":
		return FormatNPY, nil
	case bytes.HasPrefix(start, zipMagic) || extension == ".npz":
		return FormatNPZ, nil
	case len(start) >= 4 && start[0] == 0 && start[1] == 0 && idxWidth(start[2]) > 0:
		return FormatIDX, nil
	case bytes.HasPrefix(start, pngMagic) || bytes.HasPrefix(start, jpegMagic):
		return "", errors.New("is a single image, want the folder that holds all of them")
	case bytes.IndexByte(start, 0) >= 0 && !hasUTF16Mark(start):
		return "", errors.New("is neither text nor a .npy, .npz or IDX file")
	}
	return FormatCSV, nil
}

// checkAxes refuses arrays that are not samples of something.
func checkAxes(shape tensor.Shape) error {
	switch {
	case len(shape) == 0:
		return errors.New("holds a single number, want 2 to 4 axes, samples first")
	case len(shape) == 1:
		return fmt.Errorf("holds %d numbers along one axis, want 2 to 4 axes, samples first: %[1]d×1 for samples of one number, 1×%[1]d for one sample", shape[0])
	case len(shape) > 4:
		return fmt.Errorf("holds %v, want 2 to 4 axes: samples×features, samples×height×width or samples×height×width×channels", shape)
	}
	return nil
}

func loadNPY(path string, o LoadOptions) (*Data, error) {
	h, err := npy.ReadHeaderFile(path)
	if err != nil {
		return nil, err
	}
	if err := checkAxes(h.Shape); err != nil {
		return nil, fmt.Errorf("dataset: load %s: %w", path, err)
	}
	data := &Data{Format: FormatNPY, Largest: h.Type.Max()}
	if h.Memory() > o.Memory || h.Shape.Validate() != nil {
		blocks, err := OpenBlocks(path, o.Memory)
		if err != nil {
			return nil, err
		}
		data.Samples, data.close = blocks, blocks.Close
	} else {
		a, err := npy.ReadFile(path, o.Memory)
		if err != nil {
			return nil, err
		}
		data.Samples = sourceOfArray(path, a)
	}
	if err := data.loadLabels(path, o); err != nil {
		data.Close()
		return nil, err
	}
	return data, nil
}

// loadPackedNPY loads a .npy file that was compressed, which cannot be read in blocks.
func loadPackedNPY(r io.Reader, path string, o LoadOptions) (*Data, error) {
	a, err := npy.Read(r, o.Memory)
	if err != nil {
		return nil, fmt.Errorf("dataset: load %s: %w", path, err)
	}
	if err := checkAxes(a.Shape); err != nil {
		return nil, fmt.Errorf("dataset: load %s: %w", path, err)
	}
	data := &Data{Format: FormatNPY, Largest: a.Type.Max(), Samples: sourceOfArray(path, a)}
	return data, data.loadLabels(path, o)
}

// sourceOfArray keeps bytes as bytes.
func sourceOfArray(name string, a npy.Array) Source {
	if a.Bytes != nil {
		return (&Images{Name: filepath.Base(name), Shape: a.Shape[1:], Pixels: a.Bytes}).Raw()
	}
	return Array{tensor.Tensor{Shape: a.Shape, Data: a.Values}}
}

// loadLabels reads the labels in the file that o.Label names, if it does.
func (d *Data) loadLabels(path string, o LoadOptions) error {
	if o.Label == "" {
		return nil
	}
	labels, err := readLabels(o.Label, o.Memory)
	if err != nil {
		return err
	}
	return d.setIntLabels(labels, path, o.Label)
}

// readLabels reads a .npy or IDX file of integers along one axis.
func readLabels(path string, memory int64) ([]int64, error) {
	start, err := firstBytes(path)
	if err != nil {
		return nil, fmt.Errorf("dataset: load labels: %w", err)
	}
	if bytes.HasPrefix(start, npyMagic) {
		return npy.ReadIntsFile(path, memory)
	}
	a, err := readIDXFile(path, idxDecoder{limit: int(min(memory, math.MaxInt))})
	if err != nil {
		return nil, err
	}
	if len(a.Shape) == 1 {
		switch data := a.Data.(type) {
		case []uint8:
			return toInt64(data), nil
		case []int8:
			return toInt64(data), nil
		case []int16:
			return toInt64(data), nil
		case []int32:
			return toInt64(data), nil
		}
	}
	return nil, fmt.Errorf("dataset: read %s: holds %T of shape %v, want integers along one axis", path, a.Data, a.Shape)
}

func firstBytes(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	start := make([]byte, magicSize)
	n, err := io.ReadFull(f, start)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return start[:n], err
}

func toInt64[T uint8 | int8 | int16 | int32](data []T) []int64 {
	values := make([]int64, len(data))
	for i, v := range data {
		values[i] = int64(v)
	}
	return values
}

// setIntLabels makes these the labels of the samples from path; they come from
// a file or array called source.
func (d *Data) setIntLabels(labels []int64, path, source string) error {
	if len(labels) != d.Len() {
		return fmt.Errorf("dataset: load %s: %s has %d labels, want one for each of %d samples", path, source, len(labels), d.Len())
	}
	text := make([]string, len(labels))
	for i, label := range labels {
		text[i] = strconv.FormatInt(label, 10)
	}
	d.setLabels(text)
	return nil
}

func loadIDX(path string, o LoadOptions) (*Data, error) {
	a, err := readIDXFile(path, idxDecoder{limit: int(min(o.Memory, math.MaxInt))})
	if err != nil {
		return nil, err
	}
	if err := checkAxes(a.Shape); err != nil {
		return nil, fmt.Errorf("dataset: load %s: %w", path, err)
	}
	data := &Data{Format: FormatIDX}
	if pixels, ok := a.Data.([]uint8); ok {
		data.Samples = (&Images{Name: filepath.Base(path), Shape: a.Shape[1:], Pixels: pixels}).Raw()
		data.Largest = 255
	} else {
		t, err := a.Tensor()
		if err != nil {
			return nil, fmt.Errorf("dataset: load %s: %w", path, err)
		}
		data.Samples = Array{t}
		if err := checkFinite(data.Samples, t.Data, 0); err != nil {
			return nil, fmt.Errorf("dataset: load %s: %w", path, err)
		}
	}
	if o.Label == "" {
		o.Label = labelsBeside(path)
	}
	return data, data.loadLabels(path, o)
}

// labelsBeside returns the path of the labels that belong to a file of images
// named as MNIST's are, or "".
func labelsBeside(path string) string {
	dir, name := filepath.Split(path)
	name = strings.TrimSuffix(name, ".gz")
	name = strings.NewReplacer("images", "labels", ".idx3", "-idx1", "-idx3", "-idx1", ".idx4", "-idx1", "-idx4", "-idx1").Replace(name)
	if !strings.Contains(name, "labels-idx1") {
		return ""
	}
	for _, spelling := range spellings(name) {
		beside := filepath.Join(dir, spelling)
		if stat, err := os.Stat(beside); err == nil && !stat.IsDir() && beside != filepath.Clean(path) {
			return beside
		}
	}
	return ""
}
