package hourglass

import (
	"context"
	"errors"
	"math"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"hourglass/dataset"
	"hourglass/internal/race"
	"hourglass/loss"
	"hourglass/nn"
	"hourglass/tensor"
)

// Run gives the bits of Encode, Reconstruct and Score, for any number of samples and
// cores, whatever is wanted beside it and wherever it goes.
func TestRunIsEncodeReconstructScore(t *testing.T) {
	ctx := context.Background()
	tt := must[tensor.Tensor](t)
	for _, scaled := range []bool{false, true} {
		a := stacked(t)
		if scaled {
			if err := a.SetScaler(&dataset.Scaler{Kind: dataset.UnitScaling, Scale: []float32{0.5}}); err != nil {
				t.Fatal(err)
			}
		}
		for _, n := range []int{1, 2, 3, 63, 64, 65, 200} {
			x := images(n)
			a.SetThreads(1)
			codes, y := tt(a.Encode(x)), tt(a.Reconstruct(x))
			scores := must[[]float64](t)(a.Score(x))
			scale := float32(1)
			if scaled {
				scale = 0.5
			}
			residuals := make([]float32, len(y.Data)) // dividing by a power of two is exact
			for i := range residuals {
				residuals[i] = y.Data[i]/scale - x.Data[i]/scale
			}
			for i := range n {
				one := x.Slice(i, i+1)
				if !slices.Equal(tt(a.Encode(one)).Data, codes.Row(i)) || !slices.Equal(tt(a.Reconstruct(one)).Data, y.Row(i)) ||
					must[[]float64](t)(a.Score(one))[0] != scores[i] {
					t.Fatalf("%d samples: sample %d alone gives other bits", n, i)
				}
			}
			for _, threads := range []int{0, 1, 2, 5} {
				a.SetThreads(threads)
				for flags := range 16 {
					want := Want{flags&1 > 0, flags&2 > 0, flags&8 > 0, flags&4 > 0}
					r := must[Results](t)(a.Run(ctx, x, want))
					if (r.Codes.Data != nil) != want.Codes || (r.Reconstructions.Data != nil) != want.Reconstructions || (r.Scores != nil) != want.Scores {
						t.Fatalf("%+v gives %v", want, r)
					}
					if want.Codes && (!slices.Equal(r.Codes.Data, codes.Data) || !r.Codes.Shape.Equal(codes.Shape)) ||
						want.Reconstructions && (!slices.Equal(r.Reconstructions.Data, y.Data) || !r.Reconstructions.Shape.Equal(y.Shape)) ||
						want.Residuals && !slices.Equal(r.Residuals.Data, residuals) || want.Scores && !slices.Equal(r.Scores, scores) {
						t.Fatalf("%d samples, %d threads, %+v: other bits than Encode, Reconstruct and Score", n, threads, want)
					}
				}
				out := Output{Codes: make([]float32, n*3), Reconstructions: make([]float32, n*20), Scores: make([]float64, n)}
				decoded := make([]float32, n*20)
				if err := errors.Join(a.RunInto(ctx, out, x), a.DecodeInto(ctx, decoded, codes)); err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(out.Codes, codes.Data) || !slices.Equal(out.Reconstructions, y.Data) || !slices.Equal(out.Scores, scores) || !slices.Equal(decoded, y.Data) {
					t.Fatalf("%d samples, %d threads: other bits in the caller's memory", n, threads)
				}
			}
		}
	}
}

func TestRunErrors(t *testing.T) {
	ctx, a, x := context.Background(), stacked(t), images(2)
	codes := tensor.New(2, 3)
	for want, err := range map[string]error{
		"hourglass: run: got an array of shape 2×3":                               a.RunInto(ctx, Output{}, codes),
		"hourglass: run: there is room for 5 values of codes, want 6":             a.RunInto(ctx, Output{Codes: make([]float32, 5)}, x),
		"hourglass: run: there is room for 41 values of reconstructions, want 40": a.RunInto(ctx, Output{Reconstructions: make([]float32, 41)}, x),
		"hourglass: run: there is room for 0 values of scores, want 2":            a.RunInto(ctx, Output{Scores: []float64{}}, x),
		"hourglass: decode: there is room for 0 values of samples, want 40":       a.DecodeInto(ctx, nil, codes),
		"hourglass: decode: got an array of shape 2×5×4":                          a.DecodeInto(ctx, make([]float32, 40), x),
	} {
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	x.Data[33] = float32(math.NaN())
	if _, err := a.Run(ctx, x, Want{Scores: true}); err == nil || err.Error() != "hourglass: run: sample 1: value 13 is NaN, want a finite number" {
		t.Errorf("NaN: error %v", err)
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	for _, n := range []int{1, 1000} {
		if _, err := a.Run(cancelled, images(n), Want{Codes: true}); !errors.Is(err, context.Canceled) || err.Error() != "hourglass: run: context canceled" {
			t.Errorf("cancelled: error %v", err)
		}
	}
}

// On one core calls into the caller's memory allocate nothing, with a scaler and without.
func TestRunIntoAllocatesNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector makes pools forget what they hold, to find more races")
	}
	ctx, a := context.Background(), stacked(t)
	a.SetThreads(1)
	for _, scaler := range []*dataset.Scaler{nil, {Kind: dataset.UnitScaling, Scale: []float32{0.5}}} {
		if err := a.SetScaler(scaler); err != nil {
			t.Fatal(err)
		}
		for _, n := range []int{1, 5, 150} {
			x, codes := images(n), tensor.New(n, 3)
			out := Output{Codes: codes.Data, Reconstructions: make([]float32, n*20), Scores: make([]float64, n)}
			if allocs := testing.AllocsPerRun(20, func() {
				if err := a.RunInto(ctx, out, x); err != nil {
					t.Fatal(err)
				}
				if err := a.DecodeInto(ctx, out.Reconstructions, codes); err != nil {
					t.Fatal(err)
				}
			}); allocs >= 1 { // the collector may take a pass from its pool
				t.Errorf("%d samples: %v allocations a call", n, allocs)
			}
		}
	}
}

// Memory is in proportion to the call: one image through a layer of 512×512×64 values
// takes what it needs, 64 MiB, and several go through one after another.
func TestMemoryOfACall(t *testing.T) {
	if testing.Short() || race.Enabled {
		t.Skip("some hundred million multiplications; memory that a pool keeps")
	}
	pixel := nn.Square(1)
	a, err := New(nn.Layers{nn.Input{512, 512, 1}, nn.Conv2D{Filters: 64, Kernel: pixel}, nn.Conv2D{Filters: 1, Kernel: pixel}},
		nn.Layers{nn.Conv2D{Filters: 1, Kernel: pixel}})
	if err != nil {
		t.Fatal(err)
	}
	a.SetThreads(1)
	x := tensor.New(3, 512, 512, 1)
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // which takes passes from their pool
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := a.Encode(x.Slice(0, 1)); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if got := (after.TotalAlloc - before.TotalAlloc) >> 20; got > 80 {
		t.Errorf("one image takes %d MiB", got)
	}
	if got := a.encoding.batch(); got != 1 {
		t.Errorf("%d images run together", got)
	}
	runtime.ReadMemStats(&before)
	if _, err := a.Encode(x); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if got := (after.TotalAlloc - before.TotalAlloc) >> 20; got > 80 {
		t.Errorf("three images take %d MiB", got)
	}
	runtime.ReadMemStats(&before)
	if _, err := a.Evaluate(t.Context(), dataset.Array{Tensor: x}, loss.MeanSquaredError{}); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if got := (after.TotalAlloc - before.TotalAlloc) >> 20; got > 80 {
		t.Errorf("evaluating three images takes %d MiB", got)
	}
}

// Middle-sized batches are shared over the cores, in stretches that are worth it.
func TestStretch(t *testing.T) {
	a := stacked(t)
	for _, c := range []struct {
		n, threads int
		cost       int64 // nanoseconds a sample
		want       int
	}{
		{64, 1, 1000, 64}, {1000, 1, 1000, 64}, {64, 2, 0, 32}, {64, 2, 1000, 41}, {64, 2, 10_000, 32}, {2, 2, 1000, 41}, {2, 2, 100_000, 1},
		{5, 2, 100_000, 3}, {128, 2, 1000, 64}, {1000, 2, 1000, 64}, {64, 16, 10_000, 5}, {64, 8, 1, 64},
	} {
		a.encoding.cost.Store(c.cost)
		if got := a.encoding.stretch(c.n, c.threads); got != c.want {
			t.Errorf("%+v: stretches of %d", c, got)
		}
	}
}

func BenchmarkEncode64(b *testing.B) {
	a, err := New(nn.Layers{nn.Input{28, 28}, nn.Flatten{}, nn.Dense{Units: 100, Activation: nn.SELU}, nn.Dense{Units: 30, Activation: nn.SELU}},
		nn.Layers{nn.Dense{Units: 100, Activation: nn.SELU}, nn.Dense{Units: 784, Activation: nn.Sigmoid}, nn.Reshape{28, 28}})
	if err != nil {
		b.Fatal(err)
	}
	x := tensor.New(64, 28, 28)
	for _, threads := range []int{1, 0} {
		b.Run(map[int]string{0: "all", 1: "one"}[threads], func(b *testing.B) {
			a.SetThreads(threads)
			b.ReportAllocs()
			for range b.N {
				if _, err := a.Reconstruct(x); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
