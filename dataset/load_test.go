package dataset_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"hourglass/dataset"
	"hourglass/dataset/npy"
	"hourglass/tensor"
)

// npyFile is a .npy file of that type and shape with these bytes.
func npyFile(descr, shape string, raw ...byte) []byte {
	header := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }\n", descr, shape)
	start := append([]byte("\x93NUMPY\x01\x00"), byte(len(header)), 0)
	return append(append(start, header...), raw...)
}

// npzFile is an archive of these arrays, name and file by turns.
func npzFile(t *testing.T, files ...any) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		f, err := w.Create(files[i].(string))
		if err != nil {
			t.Fatal(err)
		}
		f.Write(files[i+1].([]byte))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func idxFile(t *testing.T, a dataset.IDX) []byte {
	var b bytes.Buffer
	if err := dataset.WriteIDX(&b, a); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// inFolder writes files, name and content by turns, into a new folder.
func inFolder(t *testing.T, files ...any) string {
	dir := t.TempDir()
	for i := 0; i < len(files); i += 2 {
		write(t, filepath.Join(dir, files[i].(string)), files[i+1].([]byte))
	}
	return dir
}

// allValues reads every sample.
func allValues(s dataset.Source) []float32 {
	values, indices := make([]float32, s.Len()*s.Sample().Size()), make([]int, s.Len())
	for i := range indices {
		indices[i] = i
	}
	s.Read(values, indices)
	return values
}

func TestLoadFiles(t *testing.T) {
	bytes6 := npyFile("|u1", "3, 2", 1, 2, 3, 4, 5, 255)
	shorts := npyFile(">i2", "3, 1, 2", 0, 1, 0, 2, 0, 3, 0, 4, 255, 255, 0, 6)
	labels := npyFile("<i4", "3,", 7, 0, 0, 0, 10, 0, 0, 0, 7, 0, 0, 0)
	idx := idxFile(t, dataset.IDX{Shape: tensor.Shape{3, 1, 2}, Data: []uint8{1, 2, 3, 4, 5, 6}})
	idxLabels := idxFile(t, dataset.IDX{Shape: tensor.Shape{3}, Data: []uint8{2, 0, 2}})
	dir := inFolder(t, "a.npy", bytes6, "shorts.npy", shorts, "bools.npy", npyFile("|b1", "1, 3", 0, 1, 9), "labels.npy", labels,
		"one.npz", npzFile(t, "x.npy", bytes6, "y.npy", labels, "about.txt", []byte("hello")),
		"several.npz", npzFile(t, "a.npy", bytes6, "b.npy", shorts, "c.npy", labels),
		"keras.npz", npzFile(t, "x_train.npy", bytes6, "y_train.npy", labels, "x_test.npy", npyFile("|u1", "1, 2", 8, 9), "y_test.npy", npyFile("|u1", "1,", 10)),
		"train-images-idx3-ubyte", idx, "train-labels.idx1-ubyte.gz", gzipped(idxLabels), "alone", gzipped(idx), "labels.idx", idxLabels,
		"floats", idxFile(t, dataset.IDX{Shape: tensor.Shape{2, 1}, Data: []float64{0.5, -2}}),
		"t.csv", []byte("a,b\n1,2\n"), "t.tsv", []byte("1;0\t2\n"), "table", []byte("3;4\n"))
	for _, c := range []struct {
		file    string
		options dataset.LoadOptions
		want    string // type of the source, shape, values, largest, labels, classes
	}{
		{"a.npy", dataset.LoadOptions{}, "npy *dataset.Images 3×2 [1 2 3 4 5 255] 255 [] []"},
		{"shorts.npy", dataset.LoadOptions{Label: "labels.npy"}, "npy dataset.Array 3×1×2 [1 2 3 4 -1 6] 0 [0 1 0] [7 10]"},
		{"shorts.npy", dataset.LoadOptions{Memory: 20, Label: "labels.idx"}, "npy *dataset.Blocks 3×1×2 [1 2 3 4 -1 6] 0 [1 0 1] [0 2]"},
		{"bools.npy", dataset.LoadOptions{}, "npy *dataset.Images 1×3 [0 1 1] 1 [] []"},
		{"bools.npy", dataset.LoadOptions{Memory: 2}, "npy *dataset.Blocks 1×3 [0 1 1] 1 [] []"},
		{"one.npz", dataset.LoadOptions{}, "npz *dataset.Images 3×2 [1 2 3 4 5 255] 255 [0 1 0] [7 10]"},
		{"several.npz", dataset.LoadOptions{Array: "b", Label: "c"}, "npz dataset.Array 3×1×2 [1 2 3 4 -1 6] 0 [0 1 0] [7 10]"},
		{"keras.npz", dataset.LoadOptions{}, "npz *dataset.Images 3×2 [1 2 3 4 5 255] 255 [0 1 0] [7 10]"},
		{"train-images-idx3-ubyte", dataset.LoadOptions{}, "idx *dataset.Images 3×1×2 [1 2 3 4 5 6] 255 [1 0 1] [0 2]"},
		{"alone", dataset.LoadOptions{}, "idx *dataset.Images 3×1×2 [1 2 3 4 5 6] 255 [] []"},
		{"floats", dataset.LoadOptions{}, "idx dataset.Array 2×1 [0.5 -2] 0 [] []"},
		{"t.csv", dataset.LoadOptions{Label: "b"}, "csv dataset.Array 1×1 [1] 0 [0] [2]"},
		{"t.tsv", dataset.LoadOptions{Label: "1"}, "csv dataset.Array 1×1 [2] 0 [0] [1;0]"},
		{"table", dataset.LoadOptions{}, "csv dataset.Array 1×2 [3 4] 0 [] []"},
	} {
		if strings.HasPrefix(c.options.Label, "labels.") {
			c.options.Label = filepath.Join(dir, c.options.Label)
		}
		path := filepath.Join(dir, c.file)
		d, err := dataset.Load(t.Context(), path, c.options)
		if err != nil {
			t.Errorf("%s: %v", c.file, err)
			continue
		}
		got := fmt.Sprintf("%s %T %d×%v %v %v %v %v", d.Format, d.Samples, d.Len(), d.Shape(), allValues(d.Samples), d.Largest, d.Labels, d.Classes)
		if got != c.want || d.Path != path {
			t.Errorf("%s: got %s from %s, want %s", c.file, got, d.Path, c.want)
		}
		if c.file == "keras.npz" {
			if d.Test == nil || fmt.Sprint(allValues(d.Test.Samples), d.Test.Labels, d.Test.Classes) != "[8 9] [1] [7 10]" {
				t.Errorf("samples to test with are %+v", d.Test)
			}
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestLoadStandardInput(t *testing.T) {
	d, err := dataset.Load(t.Context(), "-", dataset.LoadOptions{Stdin: strings.NewReader("1,2\n3,4\n")})
	if err != nil || show(d) != "2×2 [1 2 3 4] [] [] []" || d.Path != "-" {
		t.Errorf("got %v (error %v)", d, err)
	}
	_, err = dataset.Load(t.Context(), "-", dataset.LoadOptions{Stdin: strings.NewReader("1,x\n")})
	checkError(t, "text", err, "dataset: read standard input: row 1 (line 1), column 2")
}

func TestLoadSets(t *testing.T) {
	dir := saved(t)
	d, err := dataset.Load(t.Context(), dir, dataset.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(d.Len(), d.Test.Len(), d.Shape(), d.Labels[:4], d.Classes, allValues(d.Samples)[19*6:]); got != "20 5 2×3 [0 1 2 0] [0 1 2] [19 19 19 19 19 19]" {
		t.Errorf("folder: got %s", got)
	}
	// A name is not taken for a path. To stop early spares drawing 70,000 digits.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := dataset.Load(ctx, "digits", dataset.LoadOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("digits: got error %v", err)
	}
}

func TestLoadRefuses(t *testing.T) {
	good := npyFile("|u1", "2, 1", 1, 2)
	nan := idxFile(t, dataset.IDX{Shape: tensor.Shape{2, 1}, Data: []float64{1, 1e300}})
	dir := inFolder(t, "a.npy", good, "one.npy", npyFile("|u1", "2,", 1, 2), "none.npy", npyFile("|u1", "", 1), "five.npy", npyFile("|u1", "1, 1, 1, 1, 1", 1),
		"short.npy", good[:len(good)-1], "text.npy", []byte("hello"), "empty.csv", []byte{}, "binary", []byte("a\x00b"), "picture", []byte("\x89PNG\r\n\x1a\n"),
		"two.npz", npzFile(t, "a.npy", good, "b.npy", good), "none.npz", npzFile(t, "a.txt", good), "text.npz", []byte("PK\x03\x04 and no more"),
		"far.npz", npzFile(t, "x_train.npy", good, "x_test.npy", npyFile("|u1", "1, 2", 1, 2)),
		"new.npz", npzFile(t, "x_train.npy", good, "y_train.npy", npyFile("|u1", "2,", 1, 2), "x_test.npy", good, "y_test.npy", npyFile("|u1", "2,", 1, 3)),
		"nan.idx", nan, "row.idx", idxFile(t, dataset.IDX{Shape: tensor.Shape{2}, Data: []uint8{1, 2}}), "big.idx", idxFile(t, dataset.IDX{Shape: tensor.Shape{2, 60}, Data: make([]uint8, 120)}))
	for _, c := range []struct {
		file    string
		options dataset.LoadOptions
		want    string
	}{
		{"absent", dataset.LoadOptions{}, "there is no such file, folder or data set; want mnist, fashion-mnist, digits, a folder of images, or a .npy"},
		{"one.npy", dataset.LoadOptions{}, "holds 2 numbers along one axis, want 2 to 4 axes, samples first: 2×1 for samples of one number, 1×2 for one sample"},
		{"none.npy", dataset.LoadOptions{}, "holds a single number"},
		{"five.npy", dataset.LoadOptions{}, "holds 1×1×1×1×1, want 2 to 4 axes"},
		{"short.npy", dataset.LoadOptions{}, "has 1 bytes after its header, want 2"},
		{"text.npy", dataset.LoadOptions{}, "ends within the header"},
		{"a.npy", dataset.LoadOptions{Label: "one.npy"}, ""},
		{"a.npy", dataset.LoadOptions{Label: "a.npy"}, "want integers along one axis"},
		{"a.npy", dataset.LoadOptions{Label: "row.idx"}, ""},
		{"a.npy", dataset.LoadOptions{Label: "big.idx"}, "want integers along one axis"},
		{"a.npy", dataset.LoadOptions{Label: "absent"}, "absent"},
		{"five.npy", dataset.LoadOptions{Memory: -1}, "memory of -1 bytes, want at least 1"},
		{"empty.csv", dataset.LoadOptions{}, "is empty"},
		{"binary", dataset.LoadOptions{}, "is neither text nor a .npy, .npz or IDX file"},
		{"picture", dataset.LoadOptions{}, "is a single image, want the folder that holds all of them"},
		{"two.npz", dataset.LoadOptions{}, `2 arrays of 2 to 4 axes among "a", "b", want the name of the one with the samples`},
		{"two.npz", dataset.LoadOptions{Array: "c"}, `holds no array "c", only "a", "b"`},
		{"two.npz", dataset.LoadOptions{Array: "a", Label: "b"}, "want integers along one axis"},
		{"none.npz", dataset.LoadOptions{}, "holds no arrays"},
		{"text.npz", dataset.LoadOptions{}, "zip: not a valid zip file"},
		{"far.npz", dataset.LoadOptions{}, "samples to test with are of 2, want 1 as for training"},
		{"new.npz", dataset.LoadOptions{}, "sample 1 to test with has label 3, which no sample for training has"},
		{"nan.idx", dataset.LoadOptions{}, "sample 1, element [0] (counted from 0) is +Inf, want finite numbers"},
		{"row.idx", dataset.LoadOptions{}, "holds 2 numbers along one axis"},
		{"big.idx", dataset.LoadOptions{Memory: 100}, "holds 132 bytes, more than the 100 of memory allowed"},
	} {
		if c.options.Label != "" && !strings.HasSuffix(c.file, ".npz") {
			c.options.Label = filepath.Join(dir, c.options.Label)
		}
		_, err := dataset.Load(t.Context(), filepath.Join(dir, c.file), c.options)
		if c.want == "" {
			if err != nil {
				t.Errorf("%s: %v", c.file, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: got error %v, want one line with %q", c.file, err, c.want)
		}
	}
	if _, err := dataset.Load(t.Context(), filepath.Join(dir, "a.npy"), dataset.LoadOptions{Label: filepath.Join(dir, "big.idx"), Memory: 1}); err == nil {
		t.Error("labels beyond the memory were read")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := dataset.Load(ctx, filepath.Join(dir, "a.npy"), dataset.LoadOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got error %v", err)
	}
}

// Fashion-MNIST as NumPy users keep it is Fashion-MNIST.
func TestLoadFashionAsNPY(t *testing.T) {
	dir := realData(t)
	want, err := dataset.Load(t.Context(), "fashion-mnist", dataset.LoadOptions{DataDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	pixels := want.Samples.(*dataset.Images).Slice(0, 2000)
	floats := filepath.Join(t.TempDir(), "fashion.npy")
	if err := npy.WriteFile(floats, pixels.Tensor(0, 2000)); err != nil {
		t.Fatal(err)
	}
	for _, memory := range []int64{1 << 30, 1 << 20} {
		d, err := dataset.Load(t.Context(), floats, dataset.LoadOptions{Memory: memory})
		if err != nil {
			t.Fatal(err)
		}
		parts, err := d.SplitBy(1, 0.1, 0.1)
		if err != nil {
			t.Fatal(err)
		}
		s, err := dataset.FitScaler(t.Context(), dataset.UnitScaling, parts.Train.Samples, parts.Train.Largest)
		if err != nil || s.Scale[0] != 255 {
			t.Errorf("scaler %+v (error %v), want a scale of 255", s, err)
		}
		if !reflect.DeepEqual(allValues(d.Samples), allValues(pixels)) {
			t.Error("the values are not those of the data set")
		}
		d.Close()
	}
}

func ExampleLoad() {
	flowers := strings.NewReader("length,width,species\n5.1,3.5,setosa\n6.2,2.9,versicolor\n4.7,3.2,setosa\n")
	data, err := dataset.Load(context.Background(), "-", dataset.LoadOptions{Label: "species", Stdin: flowers})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer data.Close()
	parts, err := data.SplitBy(42, 0.3, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(data.Shape(), data.Classes, parts.Train.Len(), parts.Validation.Len())
	// Output: 2 [setosa versicolor] 2 1
}
