package ort

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"hourglass"
	"hourglass/exchange/onnx"
	"hourglass/nn"
	"hourglass/tensor"
)

// Where ONNX Runtime is installed it takes a measurable time for a model that is there, and
// says in one line why there is none of one that is not.
func TestMeasure(t *testing.T) {
	modules, err := Modules()
	if err != nil {
		t.Skip(err)
	}
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip(err)
	}
	p, err := Start(t.Context(), modules)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if p.Version == "" {
		t.Error("no version")
	}
	model, err := hourglass.New(nn.Layers{nn.Input{4}, nn.Dense{Units: 2}}, nn.Layers{nn.Dense{Units: 4}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "model.onnx")
	if err := onnx.WriteFile(file, model, onnx.Options{}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Measure(filepath.Join(t.TempDir(), "none.onnx"), tensor.Shape{1, 4}, 1, 0); err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("no model: error %v", err)
	}
	if seconds, err := p.Measure(file, tensor.Shape{3, 4}, 1, 0.01); err != nil || seconds <= 0 || seconds > 10 {
		t.Errorf("%v seconds, error %v", seconds, err)
	}
}

func TestModulesMissing(t *testing.T) {
	t.Setenv("HOURGLASS_NODE_MODULES", t.TempDir())
	if _, err := Modules(); err == nil || !strings.Contains(err.Error(), "npm install") || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %v", err)
	}
}
