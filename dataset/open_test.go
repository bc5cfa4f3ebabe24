package dataset_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hourglass/dataset"
	"hourglass/dataset/digits"
	"hourglass/tensor"
)

// realData returns the folder with MNIST and Fashion-MNIST; tests that need
// them are skipped where there is none.
func realData(t testing.TB) string {
	for _, dir := range []string{os.Getenv("HOURGLASS_DATA"), "../../shared/data"} {
		if dir == "" {
			continue
		}
		if _, err := os.Stat(filepath.Join(dir, "mnist")); err == nil {
			return dir
		}
	}
	t.Skip("no MNIST in $HOURGLASS_DATA")
	return ""
}

// smallSet returns n images of 2×3, image i of class i%3 and full of i.
func smallSet(n int) *dataset.Images {
	d := &dataset.Images{Name: "small", Shape: tensor.Shape{2, 3}}
	for i := range n {
		d.Pixels = append(d.Pixels, bytes.Repeat([]byte{byte(i)}, 6)...)
		d.Labels = append(d.Labels, uint8(i%3))
	}
	return d
}

// saved returns a folder with a small data set of 20 and 5 images.
func saved(t *testing.T) string {
	dir := filepath.Join(t.TempDir(), "new", "small")
	if err := dataset.Save(dir, smallSet(20), smallSet(5)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// The sums and labels come from the files read by NumPy.
func TestOpenPublishedSets(t *testing.T) {
	dir := realData(t)
	for _, c := range []struct {
		name, dataDir, class string
		labels               [5]uint8
		sum                  int64 // of the training bytes
	}{
		{"mnist", dir, "5", [5]uint8{5, 0, 4, 1, 9}, 1567298545},
		{"fashion-mnist", filepath.Join(dir, "fashion-mnist"), "Ankle boot", [5]uint8{9, 0, 0, 3, 0}, 3431114169},
	} {
		s, err := dataset.Open(t.Context(), c.name, dataset.Options{DataDir: c.dataDir})
		if err != nil {
			t.Fatal(err)
		}
		if s.Train.Len() != 60000 || s.Validation.Len() != 0 || s.Test.Len() != 10000 || !s.Train.Shape.Equal(tensor.Shape{28, 28}) {
			t.Errorf("%s: %d, %d, %d images of %v", c.name, s.Train.Len(), s.Validation.Len(), s.Test.Len(), s.Train.Shape)
		}
		if got := [5]uint8(s.Train.Labels); got != c.labels || s.Train.Classes[got[0]] != c.class {
			t.Errorf("%s: starts with labels %v, class %s", c.name, got, s.Train.Classes[got[0]])
		}
		sum := int64(0)
		for _, b := range s.Train.Pixels {
			sum += int64(b)
		}
		if sum != c.sum {
			t.Errorf("%s: the pixels add up to %d, want %d", c.name, sum, c.sum)
		}
	}
}

func TestOpenKnowsMNISTFromFashion(t *testing.T) {
	dir := realData(t)
	_, err := dataset.Open(t.Context(), "mnist", dataset.Options{DataDir: filepath.Join(dir, "fashion-mnist")})
	if err == nil || !strings.Contains(err.Error(), "is not the train-images-idx3-ubyte of MNIST: SHA-256 c59f468a…, want ba891046…") {
		t.Errorf("Fashion-MNIST as mnist: got error %v", err)
	}
}

func TestOpenNoticesOneWrongByte(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"} {
		if err := os.Symlink(mustAbs(t, filepath.Join(realData(t), "mnist", name+".gz")), filepath.Join(dir, name+".gz")); err != nil {
			t.Skip(err)
		}
	}
	// The plain file takes precedence over the compressed one.
	labels, err := dataset.ReadIDXFile(filepath.Join(dir, "t10k-labels-idx1-ubyte.gz"))
	if err != nil {
		t.Fatal(err)
	}
	labels.Data.([]uint8)[5000] ^= 1
	var b bytes.Buffer
	if err := dataset.WriteIDX(&b, labels); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "t10k-labels-idx1-ubyte"), b.Bytes())
	if _, err := dataset.Open(t.Context(), "mnist", dataset.Options{DataDir: dir}); err == nil || !strings.Contains(err.Error(), "is not the t10k-labels-idx1-ubyte of MNIST: SHA-256") {
		t.Errorf("got error %v, want one about the SHA-256 of that file", err)
	}
}

func mustAbs(t *testing.T, path string) string {
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestOpenFolder(t *testing.T) {
	dir := saved(t)
	s, err := dataset.Open(t.Context(), dir, dataset.Options{Validation: 4, TrainSize: 10})
	if err != nil {
		t.Fatal(err)
	}
	if s.Dir != dir || s.Train.Len() != 10 || s.Validation.Len() != 4 || s.Test.Len() != 5 {
		t.Errorf("%s: %d, %d, %d images, want 10, 4, 5", s.Dir, s.Train.Len(), s.Validation.Len(), s.Test.Len())
	}
	if s.Train.Pixels[0] != 0 || s.Validation.Pixels[0] != 16 || s.Validation.Labels[3] != 1 || s.Test.Pixels[24] != 4 {
		t.Error("images are not where they belong: training first, validation last")
	}
	if got := fmt.Sprint(s.Train.Classes); got != "[0 1 2]" {
		t.Errorf("classes are %s", got)
	}
}

func TestOpenFolderWithOtherSpellings(t *testing.T) {
	dir := saved(t)
	packed, err := os.ReadFile(filepath.Join(dir, "train-images-idx3-ubyte.gz"))
	if err != nil {
		t.Fatal(err)
	}
	os.Remove(filepath.Join(dir, "train-images-idx3-ubyte.gz"))
	zip, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	var plain bytes.Buffer
	if _, err := plain.ReadFrom(zip); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "train-images.idx3-ubyte"), plain.Bytes())
	if s, err := dataset.Open(t.Context(), dir, dataset.Options{}); err != nil || s.Train.Len() != 20 {
		t.Errorf("got %v (error %v), want 20 training images", s, err)
	}
}

func TestOpenRefuses(t *testing.T) {
	array := func(a dataset.IDX) []byte {
		var b bytes.Buffer
		if err := dataset.WriteIDX(&b, a); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	for _, c := range []struct {
		name    string
		file    string // replaced by data, or removed
		data    []byte
		options dataset.Options
		want    string
	}{
		{"missing file", "t10k-labels-idx1-ubyte.gz", nil, dataset.Options{}, "no t10k-labels-idx1-ubyte or t10k-labels-idx1-ubyte.gz in it"},
		{"truncated", "train-labels-idx1-ubyte.gz", []byte{0, 0, 8, 1, 0, 0, 0, 20, 1}, dataset.Options{}, "train-labels-idx1-ubyte.gz: want 28 bytes, got 9"},
		{"not images", "train-images-idx3-ubyte.gz", array(dataset.IDX{Shape: tensor.Shape{20}, Data: make([]uint8, 20)}), dataset.Options{}, "holds []uint8 of shape 20, want bytes of shape images×height×width"},
		{"not bytes", "train-images-idx3-ubyte.gz", array(dataset.IDX{Shape: tensor.Shape{20, 1, 1}, Data: make([]int16, 20)}), dataset.Options{}, "holds []int16 of shape 20×1×1, want bytes"},
		{"too few labels", "train-labels-idx1-ubyte.gz", array(dataset.IDX{Shape: tensor.Shape{19}, Data: make([]uint8, 19)}), dataset.Options{}, "holds []uint8 of shape 19, want one byte for each of 20 images"},
		{"other shape for testing", "t10k-images-idx3-ubyte.gz", array(dataset.IDX{Shape: tensor.Shape{5, 3, 2}, Data: make([]uint8, 30)}), dataset.Options{}, "holds images of 3×2, want 2×3 as for training"},
		{"no training left", "", nil, dataset.Options{Validation: 20}, "20 images for validation leave none of 20 for training"},
		{"more than there is", "", nil, dataset.Options{Validation: 5, TrainSize: 16}, "want the first 16 training images, but there are 15 beside 5 for validation"},
		{"negative", "", nil, dataset.Options{TrainSize: -1}, "want none below 0"},
	} {
		dir := saved(t)
		if c.file != "" {
			path := filepath.Join(dir, c.file)
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			if c.data != nil {
				write(t, path, c.data)
			}
		}
		_, err := dataset.Open(t.Context(), dir, c.options)
		if err == nil || !strings.HasPrefix(err.Error(), "dataset: ") || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got error %v, want one line with %q", c.name, err, c.want)
		}
	}
	for _, name := range []string{"", "mnits", "testdata/curve.golden"} {
		_, err := dataset.Open(t.Context(), name, dataset.Options{})
		if want := "want mnist, fashion-mnist, digits or a folder"; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("data set %q: got error %v, want one with %q", name, err, want)
		}
	}
}

func TestOpenLooksInEnvironmentThenCache(t *testing.T) {
	env, cache := t.TempDir(), t.TempDir()
	t.Setenv("HOURGLASS_DATA", env)
	for _, variable := range []string{"XDG_CACHE_HOME", "HOME", "LocalAppData"} {
		t.Setenv(variable, cache)
	}
	mnist, _ := dataset.Lookup("mnist")
	if dir, found := mnist.Locate(""); found {
		t.Fatalf("found in %s before it is anywhere", dir)
	}
	root, err := dataset.CacheDir()
	if err != nil {
		t.Fatal(err)
	}
	// Each place that is filled comes before those filled so far.
	for _, dir := range []string{
		filepath.Join(root, "mnist"),
		env,
		filepath.Join(env, "MNIST", "raw"),
		filepath.Join(env, "mnist"),
	} {
		if err := dataset.Save(dir, smallSet(20), smallSet(5)); err != nil {
			t.Fatal(err)
		}
		if got, found := mnist.Locate(""); !found || got != dir {
			t.Errorf("found in %q, want %s", got, dir)
		}
	}
	// What lies there is not MNIST.
	if _, err := dataset.Open(t.Context(), "mnist", dataset.Options{}); err == nil || !strings.Contains(err.Error(), "is not the train-images-idx3-ubyte of MNIST") {
		t.Errorf("got error %v", err)
	}
}

func TestOpenDigits(t *testing.T) {
	s, err := dataset.Open(t.Context(), dataset.Digits, dataset.Options{Validation: 300, TrainSize: 200})
	if err != nil {
		t.Fatal(err)
	}
	if s.Train.Len() != 200 || s.Validation.Len() != 300 || s.Test.Len() != digits.Test {
		t.Fatalf("%d, %d, %d images, want 200, 300, %d", s.Train.Len(), s.Validation.Len(), s.Test.Len(), digits.Test)
	}
	// The parts are those of the whole, whatever was asked for.
	want := make([]byte, digits.Side*digits.Side)
	for _, c := range []struct {
		part     *dataset.Images
		i, drawn int
	}{
		{s.Train, 199, 199},
		{s.Validation, 0, digits.Train - 300},
		{s.Validation, 299, digits.Train - 1},
		{s.Test, 0, digits.Train},
		{s.Test, digits.Test - 1, digits.Train + digits.Test - 1},
	} {
		label := digits.Draw(42, c.drawn, want)
		if got := c.part.Slice(c.i, c.i+1); got.Labels[0] != label || !bytes.Equal(got.Pixels, want) {
			t.Errorf("image %d of a part is not digit %d", c.i, c.drawn)
		}
	}
	if _, err := dataset.Open(t.Context(), dataset.Digits, dataset.Options{Validation: 5000, TrainSize: 55001}); err == nil || !strings.Contains(err.Error(), "want the first 55001 training images, but there are 55000") {
		t.Errorf("55001 of 55000: got error %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := dataset.Open(ctx, dataset.Digits, dataset.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got error %v", err)
	}
}

func TestSaveRefuses(t *testing.T) {
	unlabelled := smallSet(3)
	unlabelled.Labels = nil
	if err := dataset.Save(t.TempDir(), unlabelled, smallSet(1)); err == nil || !strings.Contains(err.Error(), "0 labels for 3 images") {
		t.Errorf("without labels: got error %v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, nil)
	if err := dataset.Save(file, smallSet(1), smallSet(1)); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("into a file: got error %v", err)
	}
}

func TestSets(t *testing.T) {
	for _, s := range dataset.Sets() {
		found, ok := dataset.Lookup(s.Name)
		if !ok || found.Title != s.Title || len(s.Classes) != 10 || s.Train != 60000 || s.Test != 10000 || s.Licence == "" {
			t.Errorf("%s: %+v", s.Name, s)
		}
		// 16 and 8 bytes of header, and a byte for each pixel and label.
		for i, f := range s.Files {
			if want := []int64{16 + 60000*784, 8 + 60000, 16 + 10000*784, 8 + 10000}[i]; f.Size != want || len(f.SHA256) != 64 {
				t.Errorf("%s: %+v, want %d bytes", s.Name, f, want)
			}
		}
	}
	drawn, _ := dataset.Lookup(dataset.Digits)
	if dir, found := drawn.Locate(saved(t)); found {
		t.Errorf("the built-in digits were found in %s", dir)
	}
	if _, ok := dataset.Lookup("imagenet"); ok {
		t.Error("found a data set that is not there")
	}
}

func ExampleOpen() {
	s, err := dataset.Open(context.Background(), "digits", dataset.Options{Validation: 100, TrainSize: 1000})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(s.Train.Len(), s.Validation.Len(), s.Test.Len(), s.Train.Sample())
	// Output: 1000 100 10000 28×28
}

func BenchmarkOpen(b *testing.B) {
	for _, name := range []string{"mnist", "fashion-mnist", "digits"} {
		b.Run(name, func(b *testing.B) {
			dir := realData(b)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := dataset.Open(b.Context(), name, dataset.Options{DataDir: dir, Validation: 5000}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
