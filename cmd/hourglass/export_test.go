package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hourglass"
	"hourglass/nn"
)

// smallModel saves an autoencoder of 6×4 images.
func smallModel(t *testing.T) string {
	t.Helper()
	ae, err := hourglass.New(
		nn.Layers{nn.Input{6, 4, 1}, nn.Conv2D{Filters: 2, Kernel: nn.Square(3), Activation: nn.ReLU}, nn.Flatten{}, nn.Dense{Units: 3}},
		nn.Layers{nn.Dense{Units: 24, Activation: nn.Sigmoid}, nn.Reshape{6, 4, 1}})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "model.safetensors")
	if err := ae.Save(path); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestExport(t *testing.T) {
	model := smallModel(t)
	for _, to := range exportNames() {
		out := filepath.Join(t.TempDir(), map[string]string{"onnx": "model.onnx", "pytorch": "model.safetensors", "tfjs": "model.json", "c": "model.c", "dot": "model.dot"}[to])
		stdout := mustRun(t, "export", model, "--to", to, "--out", out)
		if !strings.Contains(stdout, out) {
			t.Errorf("%s: stdout %q does not name the file", to, stdout)
		}
		if info, err := os.Stat(out); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v, %v", to, info, err)
		}
	}
}

func TestWrongUseOfExport(t *testing.T) {
	model := smallModel(t)
	for want, args := range map[string][]string{
		`--to is "keras", want one of`:        {"--to", "keras", "--out", "x"},
		"--out is missing":                    {"--to", "onnx"},
		`--part is "code"`:                    {"--to", "onnx", "--out", "x", "--part", "code"},
		"--opset is 12, want 13 to 21":        {"--to", "onnx", "--out", "x", "--opset", "12"},
		`--channels is "both", want first or`: {"--to", "onnx", "--out", "x", "--channels", "both"},
	} {
		status, _, stderr := run(t, append([]string{"export", model}, args...)...)
		if status != exitUsage || !strings.Contains(stderr, want) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%v: exit %d, stderr %q, want %d and %q", args, status, stderr, exitUsage, want)
		}
	}
}
