package kernel

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkPeakFMA measures what no product can exceed.
func BenchmarkPeakFMA(b *testing.B) {
	var flops float64
	for b.Loop() {
		flops += PeakFMA(1000)
	}
	b.ReportMetric(flops/b.Elapsed().Seconds()/1e9, "GFLOP/s")
}

// gemmShapes are the products of the lecture's systems, m×n×k, and some large ones; T marks Aᵀ·B and N A·Bᵀ.
var gemmShapes = []string{
	"16x100x784", "16x30x100", "16x100x30", "16x784x100", "32x100x784", "32x784x100",
	"392x100x32T", "784x100x32T", "50x784x32T", "100x784x32T", "50x30x32T",
	"64x256x784", "64x784x256", "64x128x256", "392x256x128T", "128x784x128T",
	"16x784x100N", "16x100x784N",
	"1x100x784", "1x784x100", "1x30x100", "1x100x30",
	"16x400x28", "16x400x100", "128x128x128", "256x256x256", "512x512x512", "512x512x512T", "512x512x512N",
	"1000x1000x1000", "1024x1024x1024", "2048x2048x2048",
}

func BenchmarkGemm(b *testing.B) {
	for _, shape := range gemmShapes {
		b.Run(shape, func(b *testing.B) {
			var m, n, k int
			var kind string
			if _, err := fmt.Sscanf(shape, "%dx%dx%d", &m, &n, &k); err != nil {
				b.Fatal(err)
			}
			kind = strings.TrimLeft(shape, "0123456789x")
			r := newRand()
			x, y, c := random(m*k, 1, r), random(k*n, 1, r), random(m*n, 1, r)
			for b.Loop() {
				switch kind {
				case "T":
					Gemm(m, n, k, x, 1, m, y, n, c, n, Overwrite, nil)
				case "N":
					GemmNT(m, n, k, x, k, 1, y, k, c, n, Overwrite, nil)
				default:
					Gemm(m, n, k, x, k, 1, y, n, c, n, Overwrite, nil)
				}
			}
			flops := 2 * float64(m) * float64(n) * float64(k) * float64(b.N)
			b.ReportMetric(flops/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		})
	}
}

// BenchmarkVectors runs the kernels over a batch of images, 32×784; GB/s counts every slice once.
func BenchmarkVectors(b *testing.B) {
	for _, k := range vectorKernels {
		b.Run(k.name, func(b *testing.B) {
			const n = 32 * 784
			s := k.inputs(newRand(), n, false)
			for b.Loop() {
				k.run(s)
			}
			reportVector(b, n, 4*k.slices)
		})
	}
}

// reportVector reports time per element and bandwidth.
func reportVector(b *testing.B, n, bytesPerElement int) {
	seconds := b.Elapsed().Seconds()
	b.ReportMetric(seconds/float64(b.N)/float64(n)*1e9, "ns/elem")
	b.ReportMetric(float64(b.N)*float64(n*bytesPerElement)/seconds/1e9, "GB/s")
}

func BenchmarkTranspose(b *testing.B) {
	for _, s := range [][2]int{{784, 100}, {100, 784}, {16, 100}, {1024, 1024}} {
		b.Run(fmt.Sprintf("%dx%d", s[0], s[1]), func(b *testing.B) {
			src, dst := make([]float32, s[0]*s[1]), make([]float32, s[0]*s[1])
			for b.Loop() {
				Transpose(dst, s[0], src, s[1], s[0], s[1])
			}
			reportVector(b, s[0]*s[1], 8)
		})
	}
}

func BenchmarkColumnSums(b *testing.B) {
	x, sums := make([]float32, 32*784), make([]float32, 784)
	for b.Loop() {
		ColumnSums(sums, x, 32, 784, 784, false)
	}
	reportVector(b, len(x), 4)
}
