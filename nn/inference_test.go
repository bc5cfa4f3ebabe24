package nn

import (
	"slices"
	"testing"

	"hourglass/internal/golden"
	"hourglass/tensor"
)

// Samples that go through stretches of stages a few at a time, through memory that they
// share, give the bits that each gives alone; what only those stages read takes no memory
// for each sample.
func TestInferenceInStretches(t *testing.T) {
	conv := Conv2D{Filters: 16, Kernel: Square(3), Padding: Same, Activation: SELU}
	for name, layers := range map[string]Layers{
		"chain":    {conv, MaxPooling2D{}, conv, UpSampling2D{}, Conv2D{Filters: 1, Kernel: Square(3), Padding: Same}},
		"dense":    {conv, conv, Flatten{}, Dense{Units: 5}, Dense{Units: 24 * 24}, Reshape{24, 24, 1}, conv, conv, MaxPooling2D{}},
		"residual": {conv, Residual{Layers: Layers{conv, conv}}, MaxPooling2D{}, conv},
		"skip":     {conv, Tap{Name: "a"}, conv, Dense{Units: 3}, conv, Join{Name: "a"}, conv},
	} {
		t.Run(name, func(t *testing.T) {
			const n = 19
			in := tensor.Shape{24, 24, 1}
			net := newTestNetwork(t, in, layers...)
			net.Init(3)
			x := golden.Values(4, n*in.Size(), -1, 1)
			pass, one := net.NewPass(n), net.NewPass(1)
			y := pass.Forward(x, n)
			size := net.Output().Size()
			for i := range n {
				if !slices.Equal(rows(y, i, i+1, size), one.Forward(rows(x, i, i+1, in.Size()), 1)) {
					t.Fatalf("sample %d alone gives other bits", i)
				}
			}
			into := make([]float32, n*size)
			pass.ForwardInto(into, x, n)
			if !slices.Equal(into, y) {
				t.Error("ForwardInto gives other bits than Forward")
			}
			if pass.values[0] != nil || pass.values[net.output] != nil {
				t.Error("the pass holds on to the caller's memory")
			}
			brief := 0
			for v := range pass.values {
				if pass.brief[v] {
					brief++
					if got := len(pass.values[v]) / net.shapes[v].Size(); got >= n {
						t.Errorf("value %d has memory for %d samples", v, got)
					}
				}
			}
			if brief == 0 {
				t.Error("every value has memory for all samples")
			}
		})
	}
}

// Where the output is the input under another shape, it is copied to the caller's memory.
func TestForwardIntoOfViews(t *testing.T) {
	net := newTestNetwork(t, tensor.Shape{4}, Reshape{2, 2}, Flatten{})
	x, y := []float32{1, 2, 3, 4, 5, 6, 7, 8}, make([]float32, 8)
	net.NewPass(2).ForwardInto(y, x, 2)
	if !slices.Equal(x, y) {
		t.Errorf("got %v", y)
	}
}

// Recurrent layers give the same bits where the products of the inputs go step by step,
// which they do for 16 samples of one worker and not for single ones of 16.
func TestStepwiseInputs(t *testing.T) {
	const n, steps = 16, 64
	for name, layers := range map[string]Layers{
		"LSTM":             {Dense{Units: 3}, LSTM{Units: 32, ReturnSequences: true}},
		"LSTM, last":       {Dense{Units: 3}, LSTM{Units: 32}, Dense{Units: 2}},
		"LSTM, repeated":   {Flatten{}, Dense{Units: 3}, RepeatVector{Times: steps}, LSTM{Units: 32, ReturnSequences: true}},
		"GRU":              {Dense{Units: 3}, GRU{Units: 43}, Dense{Units: 2}},
		"GRU, resetbefore": {Dense{Units: 3}, GRU{Units: 43, ResetBefore: true}, Dense{Units: 2}},
		"SimpleRNN":        {Dense{Units: 3}, SimpleRNN{Units: 128, ReturnSequences: true}, Dense{Units: 2}},
	} {
		t.Run(name, func(t *testing.T) {
			weights, gradients := stepOn(t, 1, n, tensor.Shape{steps, 2}, layers)
			w, g := stepOn(t, n, n, tensor.Shape{steps, 2}, layers)
			if !slices.Equal(w, weights) || !slices.Equal(g, gradients) {
				t.Error("16 samples together give other bits than each alone")
			}
		})
	}
}
