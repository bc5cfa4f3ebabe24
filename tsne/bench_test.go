package tsne_test

import (
	"context"
	"math/rand/v2"
	"os"
	"testing"

	"hourglass/dataset/npy"
	"hourglass/neighbors"
	"hourglass/tensor"
	"hourglass/tsne"
)

// codes reads the N×D float32 array in the NumPy file that $HOURGLASS_CODES names, or makes 5,000×30 of ten clusters
// where it is not set.
func codes(b *testing.B) tensor.Tensor {
	path := os.Getenv("HOURGLASS_CODES")
	if path == "" {
		return clusters(5000, 30)
	}
	array, err := npy.ReadFile(path, 1<<30)
	if err != nil {
		b.Fatal(err)
	}
	x, err := tensor.FromSlice(array.Values, array.Shape...)
	if err != nil {
		b.Fatal(err)
	}
	return x
}

// clusters are n points about ten centres.
func clusters(n, dim int) tensor.Tensor {
	random, x := rand.New(rand.NewPCG(1, 1)), tensor.New(n, dim)
	centers := make([]float32, 10*dim)
	for i := range centers {
		centers[i] = float32(random.NormFloat64())
	}
	for i := range x.Data {
		x.Data[i] = centers[i/dim%10*dim+i%dim] + 0.5*float32(random.NormFloat64())
	}
	return x
}

// BenchmarkEmbed makes a map and reports its divergence and, of up to 10,000 points, its trustworthiness.
//
//	python3 ../shared/peers/sklearn_tsne.py --save codes.npy
//	HOURGLASS_CODES=codes.npy go test -bench Embed -benchtime 1x ./tsne
func BenchmarkEmbed(b *testing.B) {
	ctx, x := context.Background(), codes(b)
	for b.Loop() {
		e, err := tsne.Embed(ctx, x, tsne.Options{Observe: func(v tsne.Event) error {
			if v.Embedding != nil && v.Iteration%250 == 0 {
				b.Logf("%s, iteration %d: KL %.4f after %.2f s", v.Stage, v.Iteration, v.Embedding.KL(), b.Elapsed().Seconds())
			} else if v.Embedding == nil {
				b.Logf("%s after %.2f s", v.Stage, b.Elapsed().Seconds())
			}
			return nil
		}})
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		b.ReportMetric(e.KL(), "KL")
		if x.Len() <= 10000 {
			trust, err := neighbors.Trustworthiness(ctx, x, e.Points(), 12)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(trust, "trustworthiness")
		}
		b.StartTimer()
	}
}
