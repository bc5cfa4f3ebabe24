package peer

import (
	_ "embed"
	"os"
	"path/filepath"
	"testing"

	"hourglass/tensor"
)

//go:embed onnxruntime.cjs
var onnxRuntime []byte

const onnxModule = "onnxruntime-node"

// WantOnnxRuntime skips a test where ONNX Runtime is missing.
func WantOnnxRuntime(t testing.TB) {
	t.Helper()
	nodeModules(t, onnxModule)
}

// OnnxRuntime runs models in ONNX Runtime and returns their first outputs.
func OnnxRuntime(t testing.TB, jobs []Job) []tensor.Tensor {
	t.Helper()
	return execute(t, jobs, "node", script(t, "onnxruntime.cjs", onnxRuntime), nodeModules(t, onnxModule))
}

// script writes a program where it can be run.
func script(t testing.TB, name string, text []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, text, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// CheckONNX has ONNX' checker look at models, with the shapes it infers.
func CheckONNX(t testing.TB, paths ...string) {
	t.Helper()
	const program = `
import sys, onnx
for path in sys.argv[1:]:
    try:
        onnx.checker.check_model(path, full_check=True)
    except Exception as e:
        sys.exit(f"{path}: {e}")
`
	run(t, python(t, "onnx"), append([]string{"-c", program}, paths...)...)
}
