package generate

import (
	"math"
	"slices"
	"strings"
	"testing"

	"hourglass/tensor"
)

// stripes are grids of 3×4 vectors of a codebook of three in which the next vector follows from the
// one to the left, and the first one of a row is drawn.
func stripes(n int) (codes, codebook tensor.Tensor) {
	codebook = tensor.Tensor{Shape: tensor.Shape{3, 2}, Data: []float32{0, 0, 1, 0, 0, 1}}
	codes = tensor.New(n, 3, 4, 2)
	for i := range n {
		for r := range 3 {
			for c := range 4 {
				k := (i*(r+1)/2 + c) % 3
				copy(codes.Data[((i*3+r)*4+c)*2:], codebook.Row(k))
			}
		}
	}
	return codes, codebook
}

// What always follows is drawn almost always, and codes like those fitted are likely.
func TestAutoregressive(t *testing.T) {
	codes, codebook := stripes(300)
	a, err := FitAutoregressive(codes, codebook)
	if err != nil {
		t.Fatal(err)
	}
	const n = 200
	drawn := a.Sample(n, 1)
	if !slices.Equal(drawn.Data[:10*24], a.Sample(10, 1).Data) {
		t.Error("more codes do not begin with the same")
	}
	right := 0
	grid := a.indices(drawn)
	for i, k := range grid {
		if i%4 > 0 && k == (grid[i-1]+1)%3 {
			right++
		}
	}
	if share := float64(right) / (n * 9); share < 0.95 {
		t.Errorf("a share of %v follows as it always did", share)
	}
	l, err := a.LogLikelihood(codes)
	if err != nil {
		t.Fatal(err)
	}
	uniform := -12 * math.Log(3)
	if !(l > -3.6*math.Log(3) && l < 0 && l > uniform) {
		t.Errorf("log-likelihood %v of codes with three free vectors of three kinds", l)
	}
	// the probabilities of a place add up to 1, whatever is around it
	p := make([]float64, 3)
	for _, around := range [][]int32{{0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0}, {2, 2, 2, 2, 1, 1, 1, 1, 0, 0, 0, 0}} {
		for at := range around {
			a.probabilities(p, around, at)
			if sum := p[0] + p[1] + p[2]; math.Abs(sum-1) > 1e-12 || slices.Min(p) <= 0 {
				t.Errorf("probabilities %v", p)
			}
		}
	}
}

func TestAutoregressiveRefusals(t *testing.T) {
	codes, codebook := stripes(3)
	a, err := FitAutoregressive(codes, codebook)
	if err != nil {
		t.Fatal(err)
	}
	_, wide := FitAutoregressive(tensor.New(2, 3), codebook)
	_, none := FitAutoregressive(codes, tensor.Tensor{})
	_, other := a.LogLikelihood(tensor.New(2, 3))
	for i, err := range []error{wide, none, other} {
		if err == nil || !strings.HasPrefix(err.Error(), "generate: ") {
			t.Errorf("%d: error %v", i, err)
		}
	}
}
