package nn

import (
	"fmt"
	"math"
)

// LSTMFromPyTorch rearranges the weights of a layer of PyTorch's torch.nn.LSTM, which are
// weight_ih (4·units×features), weight_hh (4·units×units), bias_ih and bias_hh
// (4·units), into those of LSTM{Units: units}: kernel, recurrent kernel and bias. The
// gates have the same order; the matrices are transposed and the biases added. Biases
// may be nil for a layer without.
func LSTMFromPyTorch(units int, weightIH, weightHH, biasIH, biasHH []float32) (kernel, recurrent, bias []float32, err error) {
	same := []int{0, 1, 2, 3}
	if err := checkPyTorch("LSTM", units, len(same), weightIH, weightHH, biasIH, biasHH); err != nil {
		return nil, nil, nil, err
	}
	for i := range biasIH {
		bias = append(bias, biasIH[i]+biasHH[i])
	}
	return transposeGates(weightIH, units, same), transposeGates(weightHH, units, same), bias, nil
}

// GRUFromPyTorch rearranges the weights of a layer of PyTorch's torch.nn.GRU, which are
// weight_ih (3·units×features), weight_hh (3·units×units), bias_ih and bias_hh
// (3·units), into those of GRU{Units: units}. PyTorch's gates r, z, n are z, r, g here.
func GRUFromPyTorch(units int, weightIH, weightHH, biasIH, biasHH []float32) (kernel, recurrent, bias []float32, err error) {
	order := []int{1, 0, 2}
	if err := checkPyTorch("GRU", units, len(order), weightIH, weightHH, biasIH, biasHH); err != nil {
		return nil, nil, nil, err
	}
	for _, b := range [][]float32{biasIH, biasHH} {
		if b != nil {
			bias = append(bias, transposeGates(b, units, order)...)
		}
	}
	return transposeGates(weightIH, units, order), transposeGates(weightHH, units, order), bias, nil
}

// MultiHeadAttentionFromPyTorch rearranges the weights of PyTorch's torch.nn.MultiheadAttention
// with so many heads, which are in_proj_weight (3·features×features), in_proj_bias (3·features),
// out_proj.weight (features×features) and out_proj.bias (features), into all those of
// MultiHeadAttention{Heads: heads, KeyDim: features / heads}, one array behind the other. Biases
// may be nil for a layer without.
func MultiHeadAttentionFromPyTorch(heads int, inWeight, inBias, outWeight, outBias []float32) ([]float32, error) {
	features := int(math.Sqrt(float64(len(outWeight))))
	switch {
	case features == 0 || features*features != len(outWeight) || len(inWeight) != 3*len(outWeight):
		return nil, fmt.Errorf("nn: MultiheadAttention from PyTorch: in_proj_weight has %d and out_proj.weight %d values, want 3·n² and n²", len(inWeight), len(outWeight))
	case heads < 1 || features%heads != 0:
		return nil, fmt.Errorf("nn: MultiheadAttention from PyTorch: %d heads do not divide %d features", heads, features)
	case len(inBias) != 3*len(outBias) || len(outBias) != 0 && len(outBias) != features:
		return nil, fmt.Errorf("nn: MultiheadAttention from PyTorch: biases have %d and %d values, want %d and %d or none", len(inBias), len(outBias), 3*features, features)
	}
	var weights []float32
	for p := range 4 {
		w, b := outWeight, outBias
		if p < 3 {
			w, b = rows(inWeight, p, p+1, features*features), rows(inBias, p, p+1, features)
		}
		weights = append(append(weights, transposeGates(w, features, []int{0})...), b...)
	}
	return weights, nil
}

// checkPyTorch reports weights that are not those of a layer with units units.
func checkPyTorch(kind string, units, gates int, weightIH, weightHH, biasIH, biasHH []float32) error {
	if err := checkOption("units", units, 1); err != nil {
		return fmt.Errorf("nn: %s from PyTorch: %w", kind, err)
	}
	width := gates * units
	switch {
	case len(weightIH) == 0 || len(weightIH)%width != 0:
		return fmt.Errorf("nn: %s from PyTorch: weight_ih has %d values, want a multiple of %d", kind, len(weightIH), width)
	case len(weightHH) != width*units:
		return fmt.Errorf("nn: %s from PyTorch: weight_hh has %d values, want %d", kind, len(weightHH), width*units)
	case len(biasIH) != len(biasHH) || len(biasIH) != 0 && len(biasIH) != width:
		return fmt.Errorf("nn: %s from PyTorch: biases have %d and %d values, want %d each or none", kind, len(biasIH), len(biasHH), width)
	}
	return nil
}

// transposeGates transposes w, gates·units×n, taking gate order[i] as the i-th.
func transposeGates(w []float32, units int, order []int) []float32 {
	width := units * len(order)
	n := len(w) / width
	t := make([]float32, len(w))
	for i, gate := range order {
		for u := range units {
			for j := range n {
				t[j*width+i*units+u] = w[(gate*units+u)*n+j]
			}
		}
	}
	return t
}
