package peer

import (
	_ "embed"
	"os"
	"path/filepath"
	"testing"

	"hourglass/tensor"
)

//go:embed pytorch.py
var pytorch []byte

// Saved is a model that another tool has saved, with what it computes.
type Saved struct {
	Name    string        `json:"name"`
	Input   []int         `json:"input"`
	Output  []int         `json:"output"`
	Labels  []int         `json:"labels"` // of the samples, for a model that is told them
	In, Out tensor.Tensor `json:"-"`

	dir string
}

// Path returns the model's file with an ending: .onnx, .pt.
func (m Saved) Path(ending string) string { return filepath.Join(m.dir, m.Name+ending) }

// PyTorchModels returns the models of pytorch.py: with the lecture's programs as they stand
// there where PyTorch is at hand, and with fewer units from files that it wrote elsewhere.
func PyTorchModels(t testing.TB) []Saved {
	t.Helper()
	dir := filepath.Join("..", "internal", "peer", "testdata", "pytorch")
	if os.Getenv("HOURGLASS_PEERS") != "" {
		dir = t.TempDir()
		run(t, python(t, "torch", "onnx"), script(t, "pytorch.py", pytorch), dir)
	}
	return saved(t, dir)
}

//go:embed runpytorch.py
var runPyTorch []byte

// PyTorch runs modules that are written for it.
func PyTorch(t testing.TB, jobs []Job) []tensor.Tensor {
	t.Helper()
	return execute(t, jobs, python(t, "torch", "numpy"), script(t, "runpytorch.py", runPyTorch))
}
