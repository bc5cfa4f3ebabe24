package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hourglass"
)

// A model of PyTorch's is a model like any other: training goes on from it, and what
// comes of that is exported again.
func TestImportedModelIsLikeAnyOther(t *testing.T) {
	const model = "../../exchange/internal/peer/testdata/pytorch/lecture-relu.onnx" // of 6×6 images
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	imported := path("imported.safetensors")
	stdout := mustRun(t, "import", model, "--out", imported)
	if want := "input 6x6x1 > flatten > dense 12 relu > dense 4 relu | dense 12 relu > dense 36 sigmoid > reshape 6x6x1"; !strings.Contains(stdout, want) {
		t.Errorf("stdout %q, want %q", stdout, want)
	}
	table := tableFile36(t, dir)
	for _, args := range [][]string{
		{"summary", "--model", imported},
		{"encode", table, "--model", imported, "--out", path("codes.csv")},
		{"score", table, "--model", imported, "--out", path("scores.csv")},
		{"embed", table, "--model", imported, "--method", "pca", "--out", path("map.csv")},
		{"train", table, "--from", imported, "--epochs", "2", "--out", path("run")},
		{"export", path("run/model.safetensors"), "--to", "onnx", "--out", path("again.onnx")},
		{"import", path("again.onnx"), "--out", path("again.safetensors")},
	} {
		mustRun(t, args...)
	}
	before, err := hourglass.Load(imported)
	if err != nil {
		t.Fatal(err)
	}
	after, err := hourglass.Load(path("run/model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	var largest float32
	for i, w := range after.Network().Weights() {
		largest = max(largest, w-before.Network().Weights()[i], before.Network().Weights()[i]-w)
	}
	if largest == 0 || largest > 0.1 {
		t.Errorf("training from the imported weights moved them by at most %v, want a little", largest)
	}
	again, err := hourglass.Load(path("again.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	for i, w := range after.Network().Weights() {
		if again.Network().Weights()[i] != w {
			t.Fatalf("weight %d is %v after export and import, want %v", i, again.Network().Weights()[i], w)
		}
	}
}

// tableFile36 writes a table with 36 columns.
func tableFile36(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	for row := range 40 {
		for column := range 36 {
			if column > 0 {
				b.WriteByte(',')
			}
			b.WriteString(map[bool]string{true: "0.75", false: "0.125"}[(row*7+column*column)%5 < 2])
		}
		b.WriteByte('\n')
	}
	path := filepath.Join(dir, "table.csv")
	if err := os.WriteFile(path, []byte(b.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestWrongUseOfImport(t *testing.T) {
	dir := t.TempDir()
	bad := writeText(t, dir, "bad.onnx", "this is no model")
	for _, c := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{"import", "model.h5", "--out", "x"}, exitUsage, "model.h5: want a file that ends in .onnx"},
		{[]string{"import", bad}, exitUsage, "--out is missing"},
		{[]string{"import", bad, "--out", "x", "--channels", "both"}, exitUsage, `--channels is "both"`},
		{[]string{"import", bad, "--out", "x"}, exitFailure, "bad.onnx: not an ONNX model"},
		{[]string{"import", filepath.Join(dir, "none.onnx"), "--out", "x"}, exitFailure, "no such file"},
		{[]string{"train", "digits", "--from", "x", "--codes", "3"}, exitUsage, "--from takes the layers"},
	} {
		status, _, stderr := run(t, c.args...)
		if status != c.status || !strings.Contains(stderr, c.want) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%v: exit %d, stderr %q, want %d and %q", c.args, status, stderr, c.status, c.want)
		}
	}
}
