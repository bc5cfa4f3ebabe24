package nn

import (
	"bufio"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"testing"

	"hourglass/internal/parallel"
	"hourglass/tensor"
)

// goldenCase is a layer on a batch, as testdata/layers_golden.py and
// testdata/tfjs_golden.mjs describe it.
type goldenCase struct {
	Layer    json.RawMessage
	Input    []int
	Batch    int
	Output   []int
	Scale    float32
	Training bool
}

// goldenKeep is KEEP of the scripts.
const goldenKeep = 600

// noise returns the scripts' pseudo-random numbers in [-1, 1).
func noise(n int, salt uint64, scale float32) []float32 {
	x := make([]float32, n)
	for i := range x {
		h := uint32(uint64(i)*2654435761 + salt*2246822519 + 374761393)
		h ^= h >> 15
		h *= 2246822519
		h ^= h >> 13
		x[i] = (float32(h>>8)/(1<<23) - 1) * scale
	}
	return x
}

// checkGolden runs every case of a golden file.
func checkGolden(t *testing.T, name string) {
	cases, r := openGolden(t, name)
	for i, c := range cases {
		t.Run(fmt.Sprintf("%d_%s", i, c.Layer), func(t *testing.T) { c.check(t, r) })
	}
	if _, err := r.ReadByte(); err != io.EOF {
		t.Errorf("%s: values are left after the last case: %v", name, err)
	}
}

func openGolden(t *testing.T, name string) ([]goldenCase, *bufio.Reader) {
	t.Helper()
	file, err := os.Open("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	z, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(z)
	line, err := r.ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	var cases []goldenCase
	if err := json.Unmarshal(line, &cases); err != nil {
		t.Fatal(err)
	}
	return cases, r
}

func (c goldenCase) check(t *testing.T, r io.Reader) {
	var layers Layers
	if err := json.Unmarshal([]byte("["+string(c.Layer)+"]"), &layers); err != nil {
		t.Fatal(err)
	}
	// A layer in front that learns, and is the identity, makes the gradient of the
	// input its own.
	net, err := NewNetwork(c.Input, append(Layers{learner{}}, layers...)...)
	if err != nil {
		t.Fatal(err)
	}
	if got := net.Output(); !got.Equal(c.Output) {
		t.Fatalf("output shape is %v, want %v", got, tensor.Shape(c.Output))
	}
	arrays := net.Arrays()[1:]
	for i, a := range arrays {
		copy(a.Values, noise(len(a.Values), uint64(3+i), c.Scale))
	}
	pass := net.NewTrainingPass(c.Batch, PassOptions{})
	worker := parallel.NewTeam(1).Worker(0)
	if c.Training {
		pass.StartTraining(c.Batch, 1, 1)
	} else {
		pass.Start(c.Batch)
	}
	copy(pass.InputRows(0, c.Batch), noise(c.Batch*net.Input().Size(), 1, 1))
	pass.ForwardShare(worker, 0, c.Batch)
	y := append([]float32(nil), pass.OutputRows(0, c.Batch)...)
	copy(pass.OutputGradients(0, c.Batch), noise(len(y), 2, 1))
	pass.BackwardShare(worker, 0, c.Batch)
	pass.GradientShare(worker, nil)

	grads := pass.Gradients()
	size := net.Input().Size()
	compareGolden(t, "output", y, r)
	compareGolden(t, "input gradient", pass.dvalues[1], r)
	at := 1
	for _, a := range arrays {
		compareGolden(t, a.Name+" gradient", grads[at:at+len(a.Values)], r)
		at += len(a.Values)
	}
	inference := net.NewPass(c.Batch)
	if !c.Training {
		inferred := inference.Forward(noise(c.Batch*size, 1, 1), c.Batch)
		for i := range y {
			if inferred[i] != y[i] {
				t.Fatalf("inference gives %v at %d, training %v", inferred[i], i, y[i])
			}
		}
	}
}

// learner is a layer that changes nothing but learns, so that the layer behind it has
// to compute the gradient of its input.
type learner struct{}

func (learner) Bind(in tensor.Shape) (Stage, error) { return learnerStage{in}, nil }

type learnerStage struct{ shape tensor.Shape }

func (s learnerStage) Plan() Plan {
	return Plan{Output: s.shape, Params: []Param{{Name: "nothing", Shape: tensor.Shape{1}}}}
}
func (s learnerStage) Forward(f *Frame)                     { copy(f.Y, f.X) }
func (s learnerStage) Backward(*Frame)                      {}
func (s learnerStage) Gradient(f *Frame, param, lo, hi int) {}

// compareGolden reads the values of an array and compares.
func compareGolden(t *testing.T, what string, got []float32, r io.Reader) {
	t.Helper()
	step := (len(got) + goldenKeep - 1) / goldenKeep
	want := make([]float32, (len(got)+step-1)/step)
	if err := binary.Read(r, binary.LittleEndian, want); err != nil {
		t.Fatal(err)
	}
	var largest float64
	for _, w := range want {
		largest = max(largest, math.Abs(float64(w)))
	}
	for i, w := range want {
		g := got[i*step]
		if !(math.Abs(float64(g-w)) <= 5e-5*math.Abs(float64(w))+1e-5*largest+1e-6) {
			t.Fatalf("%s: %v at %d, want %v", what, g, i*step, w)
		}
	}
}

func TestConvolutionsAgainstPyTorch(t *testing.T) { checkGolden(t, "conv_golden.gz") }
func TestRecurrentAgainstPyTorch(t *testing.T)    { checkGolden(t, "rnn_golden.gz") }
func TestBlocksAgainstPyTorch(t *testing.T)       { checkGolden(t, "block_golden.gz") }
func TestCompositesAgainstPyTorch(t *testing.T)   { checkGolden(t, "composite_golden.gz") }
func TestLayersAgainstKeras(t *testing.T)         { checkGolden(t, "tfjs_golden.gz") }
