package main

import (
	"os"
	"runtime"
	"testing"

	"hourglass/dataset"
	"hourglass/recipe"
	"hourglass/tensor"
	"hourglass/train"
)

// counter ends a training run after so many steps; the first of them, which
// allocate, are not timed.
type counter struct {
	b    *testing.B
	left int
}

func (c *counter) Observe(e train.Event, _ *train.Run) error {
	if e != train.Stepped {
		return nil
	}
	if c.left--; c.left == c.b.N {
		c.b.ResetTimer()
	}
	if c.left > 0 {
		return nil
	}
	c.b.StopTimer()
	return train.ErrStop
}

// BenchmarkStep trains every recipe that works on images, one step an iteration,
// on as many threads as -cpu says.
func BenchmarkStep(b *testing.B) {
	images := benchmarkImages(b)
	for _, r := range recipe.Lecture() {
		if !onImages(r, images) {
			continue
		}
		b.Run(r.Name, func(b *testing.B) {
			b.ReportAllocs()
			if err := trainSteps(b.Context(), r, images, runtime.GOMAXPROCS(0), &counter{b, b.N + warmUp}); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(recipeFLOP(r)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		})
	}
}

// benchmarkImages are MNIST's where HOURGLASS_DATA has them and the built-in
// digits otherwise; a step takes the same time.
func benchmarkImages(b *testing.B) *dataset.Images {
	name := dataset.Digits
	if os.Getenv("HOURGLASS_DATA") != "" {
		name = "mnist"
	}
	split, err := dataset.Open(b.Context(), name, dataset.Options{})
	if err != nil {
		b.Fatal(err)
	}
	return split.Train
}

// TestStopwatch checks what the harness itself must get right: that steps are
// timed at all, and that the run ends.
func TestStopwatch(t *testing.T) {
	r, err := recipe.ByName("functional")
	if err != nil {
		t.Fatal(err)
	}
	images := &dataset.Images{Shape: tensor.Shape{28, 28}, Pixels: make([]byte, 200*784)}
	watch := &stopwatch{}
	if err := trainSteps(t.Context(), r, images, 1, watch); err != nil {
		t.Fatal(err)
	}
	if len(watch.times) != fewestSteps+warmUp {
		t.Errorf("got %d steps in no time, want %d", len(watch.times), fewestSteps+warmUp)
	}
	for i, us := range watch.times {
		if us <= 0 || us > 60e6 {
			t.Errorf("step %d took %v µs", i, us)
		}
	}
}
