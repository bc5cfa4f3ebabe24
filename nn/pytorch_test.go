package nn

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"hourglass/internal/golden"
	"hourglass/tensor"
)

// TestFromPyTorch runs layers with PyTorch's weights; the outputs are PyTorch's, from
// testdata/layers_golden.py.
func TestFromPyTorch(t *testing.T) {
	var outputs map[string][]float64
	data, err := os.ReadFile("testdata/rnn_pytorch.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &outputs); err != nil {
		t.Fatal(err)
	}
	const units, features, steps, batch = 3, 2, 4, 2
	for _, test := range []struct {
		kind    string
		gates   int
		layer   Layer
		convert func(int, []float32, []float32, []float32, []float32) (k, r, b []float32, err error)
	}{
		{"LSTM", 4, LSTM{Units: units, ReturnSequences: true}, LSTMFromPyTorch},
		{"GRU", 3, GRU{Units: units, ReturnSequences: true}, GRUFromPyTorch},
	} {
		t.Run(test.kind, func(t *testing.T) {
			width := test.gates * units
			k, r, b, err := test.convert(units, noise(width*features, 11, 1), noise(width*units, 12, 1), noise(width, 13, 1), noise(width, 14, 1))
			if err != nil {
				t.Fatal(err)
			}
			net, err := NewNetwork(tensor.Shape{steps, features}, test.layer)
			if err != nil {
				t.Fatal(err)
			}
			copy(net.Weights(), append(append(append([]float32{}, k...), r...), b...))
			got := net.NewPass(batch).Forward(noise(batch*steps*features, 1, 1), batch)
			want := outputs[test.kind]
			if len(got) != len(want) {
				t.Fatalf("%d values, want %d", len(got), len(want))
			}
			for i, w := range want {
				if math.Abs(float64(got[i])-w) > 1e-6 {
					t.Fatalf("%v at %d, want %v", got[i], i, w)
				}
			}
		})
	}
}

// TestAttentionFromPyTorch does so for an attention of two heads.
func TestAttentionFromPyTorch(t *testing.T) {
	var outputs map[string][]float64
	golden.Load(t, "testdata/rnn_pytorch.json", &outputs)
	const features, heads, steps, batch = 6, 2, 4, 2
	weights, err := MultiHeadAttentionFromPyTorch(heads, noise(3*features*features, 11, 1), noise(3*features, 12, 1),
		noise(features*features, 13, 1), noise(features, 14, 1))
	if err != nil {
		t.Fatal(err)
	}
	net, err := NewNetwork(tensor.Shape{steps, features}, MultiHeadAttention{Heads: heads, KeyDim: features / heads})
	if err != nil {
		t.Fatal(err)
	}
	if len(weights) != len(net.Weights()) {
		t.Fatalf("%d weights, want %d", len(weights), len(net.Weights()))
	}
	copy(net.Weights(), weights)
	golden.Close(t, "output", net.NewPass(batch).Forward(noise(batch*steps*features, 1, 1), batch), outputs["MultiheadAttention"], 1e-5)

	w := make([]float32, 108)
	for name, test := range map[string]struct {
		heads           int
		inW, b, outW, c []float32
	}{
		"weights": {2, w[:107], nil, w[:36], nil},
		"square":  {2, w[:105], nil, w[:35], nil},
		"heads":   {4, w, nil, w[:36], nil},
		"none":    {0, w, nil, w[:36], nil},
		"biases":  {2, w, w[:18], w[:36], w[:5]},
	} {
		if _, err := MultiHeadAttentionFromPyTorch(test.heads, test.inW, test.b, test.outW, test.c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestFromPyTorchRefusals(t *testing.T) {
	w := make([]float32, 100)
	for name, err := range map[string]error{
		"units":     only(LSTMFromPyTorch(0, w, w, nil, nil)),
		"weight_ih": only(LSTMFromPyTorch(2, w[:9], w[:16], nil, nil)),
		"weight_hh": only(LSTMFromPyTorch(2, w[:8], w[:15], nil, nil)),
		"one bias":  only(LSTMFromPyTorch(2, w[:8], w[:16], w[:8], nil)),
		"biases":    only(GRUFromPyTorch(2, w[:6], w[:12], w[:8], w[:8])),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func only(_, _, _ []float32, err error) error { return err }
