package main

import (
	"testing"

	"hourglass/nn"
	"hourglass/recipe"
	"hourglass/tensor"
)

// The numbers are sums of products written out by hand.
func TestStepFLOP(t *testing.T) {
	for _, c := range []struct {
		name string
		want float64
	}{
		{"stacked", 2 * 32 * (2*784*100 + 3*(100*30+30*100+100*784))},
		{"sigmoid", 2 * 128 * (2*784*256 + 3*(256*128+128*256+256*784))},
		{"functional", 2 * 128 * (2*784*64 + 3*(64*16+16*64+64*784))},
	} {
		r, err := recipe.ByName(c.name)
		if err != nil {
			t.Fatal(err)
		}
		if got := recipeFLOP(r); got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
	sequences, err := nn.NewNetwork(tensor.Shape{28, 28}, nn.Dense{Units: 10}, nn.Dense{Units: 28})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := stepFLOP(sequences, 4), float64(2*4*28*(2*28*10+3*10*28)); got != want {
		t.Errorf("dense on sequences: got %v, want %v", got, want)
	}
}

func TestPositions(t *testing.T) {
	for _, c := range []struct {
		kind             string
		weights, in, out tensor.Shape
		want             int
	}{
		{"Dense", tensor.Shape{784, 100}, tensor.Shape{784}, tensor.Shape{100}, 1},
		{"LSTM", tensor.Shape{100, 120}, tensor.Shape{28, 100}, tensor.Shape{30}, 28},
		{"Conv2D", tensor.Shape{3, 3, 1, 16}, tensor.Shape{28, 28, 1}, tensor.Shape{28, 28, 16}, 784},
		{"Conv2DTranspose", tensor.Shape{3, 3, 16, 32}, tensor.Shape{7, 7, 32}, tensor.Shape{14, 14, 16}, 49},
	} {
		if got := positions(c.kind, c.weights, c.in, c.out); got != c.want {
			t.Errorf("%s: got %d, want %d", c.kind, got, c.want)
		}
	}
}
