package dataset

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"hourglass/internal/golden"
	"hourglass/internal/race"
	"hourglass/tensor"
)

// dozen is one image of 3×4 with values 1 … 12.
func dozen() Array {
	x := tensor.New(1, 3, 4)
	for i := range x.Data {
		x.Data[i] = float32(i + 1)
	}
	return Array{x}
}

// augment returns an augmented source.
func augment(t *testing.T, s Source, a Augmentation) Source {
	t.Helper()
	varied, err := Augment(s, a)
	if err != nil {
		t.Fatal(err)
	}
	return varied
}

// epoch reads samples as they are in an epoch.
func epoch(t *testing.T, s Source, number uint64, indices ...int) []float32 {
	t.Helper()
	dst := make([]float32, len(indices)*s.Sample().Size())
	if err := ReadEpoch(s, dst, indices, Epoch{7, number}); err != nil {
		t.Fatal(err)
	}
	return dst
}

// Pixels come from where geometry says: by hand for moves of whole pixels, a mirror and a quarter
// of a turn, and in between by the mean of the two neighbours.
func TestImageMoves(t *testing.T) {
	square := []float32{1, 2, 3, 4, 5, 6, 7, 8, 9}
	for name, c := range map[string]struct {
		move imageMove
		want []float32
	}{
		"none":         {imageMove{cos: 1}, square},
		"right":        {imageMove{cos: 1, right: 1}, []float32{1, 1, 2, 4, 4, 5, 7, 7, 8}},
		"up by 2":      {imageMove{cos: 1, down: -2}, []float32{7, 8, 9, 7, 8, 9, 7, 8, 9}},
		"mirror":       {imageMove{cos: 1, flip: true}, []float32{3, 2, 1, 6, 5, 4, 9, 8, 7}},
		"quarter turn": {imageMove{sin: 1}, []float32{7, 4, 1, 8, 5, 2, 9, 6, 3}},
		"half a pixel": {imageMove{cos: 1, right: 0.5}, []float32{1, 1.5, 2.5, 4, 4.5, 5.5, 7, 7.5, 8.5}},
	} {
		got := make([]float32, 9)
		c.move.apply(got, square, 3, 3, 1)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// All shifts there are come up, as often as one another, and nothing else; the epoch and the
// sample decide, not what else is read.
func TestShiftsAreUniform(t *testing.T) {
	s := augment(t, dozen(), Augmentation{Shift: 1})
	count := map[float32]int{}
	const epochs = 4500
	for e := range uint64(epochs) {
		count[epoch(t, s, e, 0)[1*4+1]]++ // 6 where nothing moves
	}
	for _, v := range []float32{1, 2, 3, 5, 6, 7, 9, 10, 11} {
		if n := count[v]; math.Abs(float64(n)-epochs/9.0) > 4*math.Sqrt(epochs/9.0) {
			t.Errorf("the shift that brings %v comes %d times of %d, want a ninth", v, n, epochs)
		}
	}
	if len(count) != 9 {
		t.Errorf("values %v", count)
	}
	many := augment(t, Array{tensor.Tensor{Shape: tensor.Shape{20, 3, 4}, Data: golden.Values(1, 240, 0, 1)}}, Augmentation{Shift: 1, Rotate: 20, Flip: true, Noise: 0.1})
	if a, b := epoch(t, many, 3, 5, 9), epoch(t, many, 3, 9); !slices.Equal(a[12:], b) || slices.Equal(b, epoch(t, many, 4, 9)) || slices.Equal(a[:12], a[12:]) {
		t.Error("a sample in an epoch depends on something else, or not on the epoch")
	}
	subset, err := Subset(many, []int{9, 5})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(epoch(t, subset, 3, 1), epoch(t, many, 3, 5)) || VariationOf(subset) != "shift=1,rotate=20,flip,noise=0.1" {
		t.Errorf("a subset varies otherwise: %q", VariationOf(subset))
	}
}

// The bits are the same on every kind of processor and for every instruction set.
func TestAugmentedBits(t *testing.T) {
	x := Array{tensor.Tensor{Shape: tensor.Shape{9, 7, 6}, Data: golden.Values(1, 9*42, 0, 1)}}
	values := epoch(t, augment(t, x, Augmentation{Shift: 2, Rotate: 25, Flip: true, Noise: 0.1}), 3, 0, 1, 2, 3, 4, 5, 6, 7, 8)
	const want = "27fcf7b474490d6eeb734e929c5e43a3cfaa7999f6b8d6c680df5ce2c1267397"
	if got, err := Digest(context.Background(), Array{tensor.Tensor{Shape: tensor.Shape{9, 42}, Data: values}}); err != nil || got != want {
		t.Errorf("the digest is %s (%v), want %s", got, err, want)
	}
}

// A turn keeps what turns around the centre and moves a point by its angle.
func TestRotation(t *testing.T) {
	const side = 41
	x := tensor.New(1, side, side, 2)
	at := func(data []float32, row, column, channel int) float64 {
		return float64(data[(row*side+column)*2+channel])
	}
	for i := range side * side { // channel 0 is the distance from the centre, channel 1 the row
		row, column := float64(i/side-side/2), float64(i%side-side/2)
		x.Data[2*i], x.Data[2*i+1] = float32(math.Hypot(row, column)), float32(row)
	}
	s := augment(t, Array{x}, Augmentation{Rotate: 30})
	largest := 0.0
	for e := range uint64(40) {
		got := epoch(t, s, e, 0)
		if d := math.Abs(at(got, side/2, side/2+10, 0) - 10); d > 0.05 {
			t.Errorf("epoch %d: the distance of a point changes by %v", e, d)
		}
		angle := math.Asin(at(got, side/2, side/2+10, 1)/10) * 180 / math.Pi
		largest = max(largest, math.Abs(angle))
	}
	if largest > 30.1 || largest < 20 {
		t.Errorf("the largest angle of 40 is %v°, want up to 30", largest)
	}
}

// Noise is on what is given, the same sample without it is the target, scaled like it; Read
// varies nothing.
func TestNoiseHasTargets(t *testing.T) {
	plain := Array{tensor.Tensor{Shape: tensor.Shape{50, 3, 4}, Data: golden.Values(1, 600, 0, 1)}}
	s := augment(t, plain, Augmentation{Shift: 1, Noise: 0.5})
	scaledSource, err := Scaled(s, &Scaler{Kind: UnitScaling, Scale: []float32{2}})
	if err != nil {
		t.Fatal(err)
	}
	targets := FaceOf(scaledSource, Targets)
	moved := augment(t, plain, Augmentation{Shift: 1})
	var squares float64
	for i := range 50 {
		given, target, want := epoch(t, scaledSource, 2, i), epoch(t, targets, 2, i), epoch(t, moved, 2, i)
		for j, v := range want {
			if target[j] != v/2 {
				t.Fatalf("sample %d: target %v, want half of %v", i, target, want)
			}
			d := float64(given[j] - target[j])
			squares += d * d
		}
	}
	if deviation := math.Sqrt(squares / 600); math.Abs(deviation-0.5) > 0.05 {
		t.Errorf("the noise has the deviation %v, want 0.5", deviation)
	}
	if !slices.Equal(read(t, s, 3), read(t, plain, 3)) || FaceOf(moved, Targets) != nil {
		t.Error("Read varies samples, or there are targets without noise")
	}
}

func TestAugmentationsAreRead(t *testing.T) {
	for text, want := range map[string]Augmentation{
		"shift=2,rotate=10,flip,noise=0.1": {2, 10, true, 0.1}, "noise=0.5, flip": {0, 0, true, 0.5},
	} {
		a, err := ParseAugmentation(text)
		if err != nil || a != want {
			t.Errorf("%q is read as %+v (%v)", text, a, err)
		}
		if again, err := ParseAugmentation(a.String()); err != nil || again != a {
			t.Errorf("%q is read back as %+v (%v)", a.String(), again, err)
		}
	}
	for _, text := range []string{"", "shift", "shift=x", "shift=0", "shift=-1", "shift=99999999", "rotate=181", "rotate=NaN", "flip=1", "blur", "shift=1,shift=1", "noise=Inf", "flip,"} {
		if a, err := ParseAugmentation(text); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q is read as %+v (%v)", text, a, err)
		}
	}
	masked, err := With(dozen(), Mask, dozen())
	if err != nil {
		t.Fatal(err)
	}
	_, mask := Augment(masked, Augmentation{Flip: true})
	_, vector := Augment(column(1, 2), Augmentation{Shift: 1})
	_, range_ := Augment(dozen(), Augmentation{Shift: -1})
	for want, err := range map[string]error{"have a mask": mask, "samples have shape 1, want images": vector, "shift is -1 pixels": range_} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	if s := augment(t, dozen(), Augmentation{}); VariationOf(s) != "" {
		t.Errorf("nothing is asked for, and it varies by %q", VariationOf(s))
	}
}

func FuzzParseAugmentation(f *testing.F) {
	f.Add("shift=2,rotate=10,flip,noise=0.1")
	f.Fuzz(func(t *testing.T, text string) {
		a, err := ParseAugmentation(text)
		if err != nil {
			return
		}
		if again, err := ParseAugmentation(a.String()); err != nil || again != a {
			t.Fatalf("%q is %+v, and read back %+v (%v)", text, a, again, err)
		}
	})
}

func TestAugmentAllocatesNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector empties pools")
	}
	s := augment(t, dozen(), Augmentation{Shift: 1, Rotate: 20, Flip: true, Noise: 0.1})
	dst, indices := make([]float32, 12), []int{0}
	read := func() {
		if err := ReadEpoch(s, dst, indices, Epoch{1, 2}); err != nil {
			t.Fatal(err)
		}
	}
	read()
	if allocs := testing.AllocsPerRun(20, read); allocs >= 1 {
		t.Errorf("reading makes %v allocations", allocs)
	}
}
