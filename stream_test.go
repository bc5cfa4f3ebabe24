package hourglass_test

import (
	"context"
	"fmt"
	"iter"
	"log"
	"slices"
	"strings"
	"testing"

	"hourglass"
	"hourglass/dataset"
	"hourglass/nn"
	"hourglass/optim"
	"hourglass/tensor"
)

// rows streams the samples of an array through one buffer, as a reader of a file
// would.
func rows(x tensor.Tensor) iter.Seq[[]float32] {
	buffer := make([]float32, x.Sample().Size())
	return func(yield func([]float32) bool) {
		for i := range x.Len() {
			copy(buffer, x.Row(i))
			if !yield(buffer) {
				return
			}
		}
	}
}

func TestStreamsAreWhatBatchesAre(t *testing.T) {
	ae := newSmall(t)
	scaler, err := dataset.FitScaler(context.Background(), dataset.StandardScaling, wave(50), 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := ae.SetScaler(scaler); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 1, 63, 64, 1000} {
		samples, codes := tensor.Tensor{Shape: tensor.Shape{0, 8}}, tensor.Tensor{Shape: tensor.Shape{0, 3}}
		outputs := samples
		if n > 0 {
			samples = wave(n).Tensor
			if codes, err = ae.Encode(samples); err != nil {
				t.Fatal(err)
			}
			if outputs, err = ae.Reconstruct(samples); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range []struct {
			name string
			got  iter.Seq2[[]float32, error]
			want tensor.Tensor
		}{
			{"encode", ae.EncodeSeq(rows(samples)), codes},
			{"decode", ae.DecodeSeq(rows(codes)), outputs},
			{"reconstruct", ae.ReconstructSeq(rows(samples)), outputs},
		} {
			var all []float32
			for y, err := range c.got {
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, y...)
			}
			if !slices.Equal(all, c.want.Data) {
				t.Errorf("%s %d samples: the stream differs from the batch", c.name, n)
			}
		}
	}
}

func TestStreamEndsAtAWrongSample(t *testing.T) {
	ae, good := newSmall(t), wave(3)
	samples := func(yield func([]float32) bool) {
		_ = yield(good.Row(0)) && yield(good.Row(1)) && yield([]float32{1}) && yield(good.Row(2))
	}
	var codes int
	var last error
	for _, err := range ae.EncodeSeq(samples) {
		if last = err; err == nil {
			codes++
		}
	}
	if codes != 2 || last == nil || !strings.Contains(last.Error(), "encode: sample 2 has 1 values, want 8") {
		t.Errorf("%d codes and then %v, want 2 and an error that names sample 2", codes, last)
	}
	for range ae.EncodeSeq(rows(wave(300).Tensor)) {
		break // must not go on asking for samples
	}
}

// A stream of any length is encoded as it comes: here from a generator, in a
// service from a queue or a file.
func ExampleAutoencoder_EncodeSeq() {
	ae, err := hourglass.New(nn.Layers{nn.Input{3}, nn.Dense{Units: 1}}, nn.Layers{nn.Dense{Units: 3}})
	if err != nil {
		log.Fatal(err)
	}
	samples := func(yield func([]float32) bool) {
		for i := range 100000 {
			if x := float32(i); !yield([]float32{x, 2 * x, -x}) {
				return
			}
		}
	}
	count := 0
	for code, err := range ae.EncodeSeq(samples) {
		if err != nil {
			log.Fatal(err)
		}
		if count++; count == 3 {
			fmt.Println("a code has", len(code), "number")
		}
	}
	fmt.Println(count, "codes")
	// Output:
	// a code has 1 number
	// 100000 codes
}

// LearnScores keeps how samples score that are as they should be, in the model file, too;
// a threshold says from which score on a sample is unlike them. They are not those that
// the autoencoder was trained on.
func ExampleAutoencoder_Threshold() {
	ctx := context.Background()
	points := line(80)
	training, heldOut := dataset.Array{Tensor: points.Slice(0, 64)}, dataset.Array{Tensor: points.Slice(64, 80)}
	ae, err := hourglass.New(nn.Layers{nn.Input{3}, nn.Dense{Units: 1}}, nn.Layers{nn.Dense{Units: 3}})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := ae.Fit(ctx, training,
		hourglass.Epochs(200), hourglass.BatchSize(8), hourglass.Optimizer(optim.Adam{LearningRate: 0.01})); err != nil {
		log.Fatal(err)
	}
	if err := ae.LearnScores(ctx, heldOut); err != nil {
		log.Fatal(err)
	}
	threshold, err := ae.Threshold(1) // the highest of their scores
	if err != nil {
		log.Fatal(err)
	}
	later := tensor.Tensor{Shape: tensor.Shape{2, 3}, Data: []float32{
		0.3, 0.1, 0.2, // on the line
		0.3, 0.1, 0.9, // beside it
	}}
	scores, err := ae.Score(later)
	if err != nil {
		log.Fatal(err)
	}
	for i, s := range scores {
		fmt.Printf("point %d is an outlier: %v\n", i, s > threshold)
	}
	// Output:
	// point 0 is an outlier: false
	// point 1 is an outlier: true
}

// Run gives codes, reconstructions and scores together; a service keeps each of its
// calls on one core.
func ExampleAutoencoder_Run() {
	ctx := context.Background()
	ae, err := hourglass.New(nn.Layers{nn.Input{3}, nn.Dense{Units: 1}}, nn.Layers{nn.Dense{Units: 3}})
	if err != nil {
		log.Fatal(err)
	}
	ae.SetThreads(1)
	r, err := ae.Run(ctx, line(4), hourglass.Want{Codes: true, Reconstructions: true, Scores: true})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(r.Codes.Shape, r.Reconstructions.Shape, len(r.Scores))
	// Output:
	// 4×1 4×3 4
}
