// Package peer runs other tools for tests: ONNX Runtime and TensorFlow.js in Node, ONNX' checker
// and PyTorch in Python. A test whose tool is missing is skipped, unless
// HOURGLASS_PEERS=required.
package peer

import (
	_ "embed"
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"hourglass/tensor"
)

// skip ends a test whose tool is missing.
func skip(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("HOURGLASS_PEERS") == "required" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// nodeModules returns the folder with an npm module in it, from
// HOURGLASS_NODE_MODULES, a folder that npm has installed into.
func nodeModules(t testing.TB, module string) string {
	t.Helper()
	dir := os.Getenv("HOURGLASS_NODE_MODULES")
	if dir == "" {
		skip(t, "HOURGLASS_NODE_MODULES names no folder with "+module)
	}
	if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(module))); err != nil {
		skip(t, "HOURGLASS_NODE_MODULES has no "+module)
	}
	return dir
}

// python returns Debian's Python if it has some modules.
func python(t testing.TB, modules ...string) string {
	t.Helper()
	const path = "/usr/bin/python3"
	if err := exec.Command(path, "-c", "import "+strings.Join(modules, ", ")).Run(); err != nil {
		skip(t, path+" does not import "+strings.Join(modules, ", "))
	}
	return path
}

// run runs a command and returns what it prints; its failure is the test's.
func run(t testing.TB, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(name, args...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", name, err, out, stderr.String())
	}
	return out
}

// Job is a model to run on an array.
type Job struct {
	Model  string
	Input  tensor.Tensor
	Labels []int // of the samples, for a model that is told them
}

// files are a job's files.
type files struct {
	Model  string `json:"model"`
	Input  string `json:"input"`
	Shape  []int  `json:"shape"`
	Output string `json:"output"`
	Labels []int  `json:"labels,omitempty"`
}

// execute writes the jobs' inputs, has a program run them, which gets a file with the list
// of them as its last argument, and reads the outputs.
func execute(t testing.TB, jobs []Job, name string, args ...string) []tensor.Tensor {
	t.Helper()
	dir := t.TempDir()
	var list []files
	for i, j := range jobs {
		place := filepath.Join(dir, strconv.Itoa(i))
		list = append(list, files{Model: j.Model, Input: place + ".in", Shape: j.Input.Shape, Output: place + ".out", Labels: j.Labels})
		writeFloats(t, list[i].Input, j.Input.Data)
	}
	text, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	jobsFile := filepath.Join(dir, "jobs.json")
	if err := os.WriteFile(jobsFile, text, 0o666); err != nil {
		t.Fatal(err)
	}
	var shapes [][]int
	if err := json.Unmarshal(run(t, name, append(args, jobsFile)...), &shapes); err != nil || len(shapes) != len(jobs) {
		t.Fatalf("%s: %d shapes for %d jobs: %v", name, len(shapes), len(jobs), err)
	}
	outputs := make([]tensor.Tensor, len(jobs))
	for i, f := range list {
		outputs[i] = tensor.Tensor{Shape: shapes[i], Data: readFloats(t, f.Output)}
	}
	return outputs
}

func writeFloats(t testing.TB, path string, values []float32) {
	t.Helper()
	raw := make([]byte, 0, 4*len(values))
	for _, v := range values {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	if err := os.WriteFile(path, raw, 0o666); err != nil {
		t.Fatal(err)
	}
}

func readFloats(t testing.TB, path string) []float32 {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	values := make([]float32, len(raw)/4)
	for i := range values {
		values[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	return values
}
