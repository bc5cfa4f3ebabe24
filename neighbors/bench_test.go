package neighbors_test

import (
	"testing"
)

// BenchmarkSearch looks up 10,000 codes among 60,000, in 30 dimensions and in the 784 of images.
func BenchmarkSearch(b *testing.B) {
	for _, c := range []struct {
		name            string
		queries, k, dim int
	}{{"10000x60000x30/k=1", 10000, 1, 30}, {"10000x60000x30/k=90", 10000, 90, 30}, {"1000x60000x784/k=1", 1000, 1, 784}} {
		b.Run(c.name, func(b *testing.B) {
			index, queries := newIndex(b, normal(1, 60000, c.dim)), normal(2, c.queries, c.dim)
			for b.Loop() {
				if _, err := index.Search(background, queries, c.k); err != nil {
					b.Fatal(err)
				}
			}
			pairs := float64(c.queries) * 60000
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/pairs, "ns/pair")
		})
	}
}
