package nn

import (
	"encoding/json"
	"math"
	"os"
	"testing"

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
