package peer

import (
	_ "embed"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"hourglass/tensor"
)

//go:embed tfjs.cjs
var tfjs []byte

const tfjsModule = "@tensorflow/tfjs"

// TensorFlowJS runs layers models in TensorFlow.js.
func TensorFlowJS(t testing.TB, jobs []Job) []tensor.Tensor {
	t.Helper()
	return execute(t, jobs, "node", script(t, "tfjs.cjs", tfjs), nodeModules(t, tfjsModule))
}

// TensorFlowModels returns models that TensorFlow.js has saved: today where it is at hand, or
// else earlier.
func TensorFlowModels(t testing.TB) []Saved {
	t.Helper()
	dir := filepath.Join("..", "internal", "peer", "testdata", "tfjs")
	if os.Getenv("HOURGLASS_NODE_MODULES") != "" {
		dir = t.TempDir()
		run(t, "node", script(t, "tfjs.cjs", tfjs), nodeModules(t, tfjsModule), "--write", dir)
	}
	return saved(t, dir)
}

// saved returns the models that a folder's models.json lists.
func saved(t testing.TB, dir string) []Saved {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "models.json"))
	if err != nil {
		t.Fatal(err)
	}
	var models []Saved
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
