package hourglass

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hourglass/dataset"
	"hourglass/loss"
	"hourglass/nn"
	"hourglass/tensor"
)

// conditional returns a small conditional autoencoder of 4 classes, as a model file gives it
// back after some training.
func conditional(t *testing.T) (*Autoencoder, dataset.Source) {
	t.Helper()
	a, err := New(
		nn.Layers{nn.Input{5, 4}, nn.Flatten{}, nn.Condition{Classes: 4}, nn.Dense{Units: 3, Activation: nn.SELU}},
		nn.Layers{nn.Condition{Classes: 4, Embedding: 2}, nn.Dense{Units: 20, Activation: nn.Sigmoid}, nn.Reshape{5, 4}})
	if err != nil {
		t.Fatal(err)
	}
	numbers := make([]int, 90)
	for i := range numbers {
		numbers[i] = i * i % 4
	}
	labels := must[dataset.Source](t)(dataset.ClassLabels(numbers))
	data := must[dataset.Source](t)(dataset.With(dataset.Array{Tensor: images(90)}, dataset.Labels, labels))
	if _, err := a.Fit(context.Background(), data, Epochs(2), Validation(data)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "model.safetensors")
	if err := a.Save(path); err != nil {
		t.Fatal(err)
	}
	loaded, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return loaded, data
}

// Labels come from the source, one a sample or one for all, and whatever the way, the bits
// are the same for each sample, on any number of cores.
func TestGivenLabels(t *testing.T) {
	a, data := conditional(t)
	ctx, x := context.Background(), images(90)
	labels := make([]int, 90)
	for i := range labels {
		labels[i] = i * i % 4
	}
	codes := must[[]float32](t)(tensorData(a.EncodeAll(ctx, data)))
	scores := must[[]float64](t)(a.ScoreAll(ctx, data))
	for _, threads := range []int{1, 3} {
		a.SetThreads(threads)
		given := a.Given(labels...)
		r := must[Results](t)(given.Run(ctx, x, Want{Codes: true, Reconstructions: true, Scores: true}))
		if !slices.Equal(r.Codes.Data, codes) || !slices.Equal(r.Scores, scores) || !slices.Equal(must[[]float64](t)(given.Score(x)), scores) ||
			!slices.Equal(must[[]float32](t)(tensorData(given.Reconstruct(x))), r.Reconstructions.Data) ||
			!slices.Equal(must[[]float32](t)(tensorData(given.Decode(r.Codes))), r.Reconstructions.Data) {
			t.Fatalf("%d threads: labels that are given make other bits than those of the source", threads)
		}
		decoded := make([]float32, 90*20)
		if err := given.DecodeInto(ctx, decoded, r.Codes); err != nil || !slices.Equal(decoded, r.Reconstructions.Data) {
			t.Fatalf("DecodeInto gives other bits (%v)", err)
		}
		i := 0
		for y, err := range given.ReconstructSeq(func(yield func([]float32) bool) {
			for i := range 90 {
				if !yield(x.Row(i)) {
					return
				}
			}
		}) {
			if err != nil || !slices.Equal(y, r.Reconstructions.Row(i)) {
				t.Fatalf("sample %d of a stream gives other bits (%v)", i, err)
			}
			i++
		}
		one := x.Slice(7, 8) // of class 1
		if y := must[[]float32](t)(tensorData(a.Given(1).Reconstruct(one))); !slices.Equal(y, r.Reconstructions.Row(7)) {
			t.Error("one label gives other bits")
		}
		if y := must[[]float32](t)(tensorData(a.Given(2).Reconstruct(one))); slices.Equal(y, r.Reconstructions.Row(7)) {
			t.Error("the label makes no difference")
		}
	}
}

func TestGivenErrors(t *testing.T) {
	a, data := conditional(t)
	x, codes := images(3), must[Results](t)(a.Given(1).Run(context.Background(), images(3), Want{Codes: true})).Codes
	plain := stacked(t)
	_, none := a.Encode(x)
	_, decode := a.Decode(codes)
	_, few := a.Given(1, 2).Score(x)
	_, large := a.Given(4).Reconstruct(x)
	_, unasked := plain.Given(1).Encode(x)
	_, source := a.EncodeAll(context.Background(), dataset.Array{Tensor: x})
	_, evaluate := a.Evaluate(context.Background(), dataset.Array{Tensor: x}, loss.MeanSquaredError{})
	_, fit := a.Fit(context.Background(), dataset.Array{Tensor: x})
	wide := must[dataset.Source](t)(dataset.ClassLabels([]int{0, 1, 4}))
	bad := must[dataset.Source](t)(dataset.With(dataset.Array{Tensor: x}, dataset.Labels, wide))
	_, outside := a.ScoreAll(context.Background(), bad)
	_, fitBad := a.Fit(context.Background(), bad)
	stream := errors.New("no error")
	for _, err := range a.EncodeSeq(func(yield func([]float32) bool) { yield(x.Row(0)) }) {
		stream = err
	}
	for i, c := range []struct {
		err  error
		want string
	}{
		{none, "hourglass: encode: the model asks for labels of 4 classes, want Given(labels) in front"},
		{decode, "hourglass: decode: the model asks for labels of 4 classes"},
		{few, "hourglass: score: got 2 labels for 3 samples, want one for each, or one for all"},
		{large, "hourglass: reconstruct: label 0 is 4, want 0 to 3"},
		{unasked, "hourglass: encode: got 1 labels, but no layer of the model asks for some"},
		{source, "the samples have none; want data with labels"},
		{evaluate, "the evaluation samples have none; want data with labels"},
		{fit, "the training samples have none; want data with labels"},
		{outside, "hourglass: score: sample 2 has the label 4, want a whole number from 0 to 3"},
		{fitBad, "sample 2 has the label 4, want a whole number from 0 to 3"},
		{stream, "the model asks for labels of 4 classes"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("%d: error %v, want %q", i, c.err, c.want)
		}
	}
	if _, err := a.ScoreAll(context.Background(), data); err != nil {
		t.Error(err)
	}
}

// tensorData returns the values of a tensor that may be an error instead.
func tensorData(x tensor.Tensor, err error) ([]float32, error) { return x.Data, err }
