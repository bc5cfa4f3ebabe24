package peer

import (
	_ "embed"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"hourglass/tensor"
)

//go:embed pytorch.py
var pytorch []byte

// PyTorchModel is a model that PyTorch has exported and saved, with what it computes.
type PyTorchModel struct {
	Name    string           `json:"name"`
	Input   []int            `json:"input"`
	Output  []int            `json:"output"`
	State   map[string][]int `json:"state"` // the shapes of the state dict
	In, Out tensor.Tensor    `json:"-"`

	dir string
}

// Path returns the model's file with an ending: .onnx, .pt.
func (m PyTorchModel) Path(ending string) string { return filepath.Join(m.dir, m.Name+ending) }

// PyTorchModels returns the models of pytorch.py: with the lecture's programs as they stand
// there where PyTorch is at hand, and with fewer units from files that it wrote elsewhere.
func PyTorchModels(t testing.TB) []PyTorchModel {
	t.Helper()
	dir := filepath.Join("..", "internal", "peer", "testdata", "pytorch")
	if os.Getenv("HOURGLASS_PEERS") != "" {
		dir = t.TempDir()
		run(t, python(t, "torch", "onnx"), script(t, "pytorch.py", pytorch), dir)
	}
	text, err := os.ReadFile(filepath.Join(dir, "models.json"))
	if err != nil {
		t.Fatal(err)
	}
	var models []PyTorchModel
	if err := json.Unmarshal(text, &models); err != nil {
		t.Fatal(err)
	}
	for i := range models {
		m := &models[i]
		m.dir = dir
		m.In = tensor.Tensor{Shape: m.Input, Data: readFloats(t, m.Path(".in"))}
		m.Out = tensor.Tensor{Shape: m.Output, Data: readFloats(t, m.Path(".out"))}
	}
	return models
}

//go:embed runpytorch.py
var runPyTorch []byte

// PyTorch runs modules that are written for it.
func PyTorch(t testing.TB, jobs []Job) []tensor.Tensor {
	t.Helper()
	return execute(t, jobs, python(t, "torch", "numpy"), script(t, "runpytorch.py", runPyTorch))
}
