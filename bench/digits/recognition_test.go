// Package digits_test measures how much the built-in digits look like handwriting: how many of MNIST's test images
// are recognised from them alone.
package digits_test

import (
	"compress/gzip"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"hourglass/dataset/digits"
)

const (
	size  = digits.Side * digits.Side
	count = 10000 // of references
	seed  = 42    // of the references
	want  = 70.0  // percent
)

// BenchmarkRecognition classifies MNIST's 10,000 test images by the nearest (Euclidean distance of raw pixels) of
// 10,000 built-in digits, and reports how many percent are recognised, of all (%right) and of each digit. It fails
// below 70 %, and skips where MNIST is neither in $HOURGLASS_DATA nor in ../shared/data beside the repository.
func BenchmarkRecognition(b *testing.B) {
	images, labels := mnist(b)
	refs := newReferences()
	for b.Loop() {
		report(b, refs.classify(images, labels))
	}
}

// references are built-in digits laid out for inner products with many images: two references share a word, pixel by
// pixel, so that one multiplication serves both. No sum carries into the upper half, as size·255² < 2³².
type references struct {
	pairs   [][size]uint64 // of references 2p (lower half) and 2p+1
	squares []int64        // |reference|²
	labels  []uint8
}

func newReferences() *references {
	refs := &references{make([][size]uint64, count/2), make([]int64, count), make([]uint8, count)}
	img := make([]byte, size)
	for i := range count {
		refs.labels[i] = digits.Draw(seed, i, img)
		for k, v := range img {
			refs.pairs[i/2][k] |= uint64(v) << (32 * (i % 2))
			refs.squares[i] += int64(v) * int64(v)
		}
	}
	return refs
}

// nearest returns the label of the reference nearest to img: that of the least |reference|² - 2·reference·img.
func (refs *references) nearest(img []byte) uint8 {
	var ink []int
	for k, v := range img {
		if v > 0 {
			ink = append(ink, k)
		}
	}
	best, label := int64(math.MaxInt64), uint8(0)
	for p := range refs.pairs {
		pair := &refs.pairs[p]
		var dot uint64
		for _, k := range ink {
			dot += uint64(img[k]) * pair[k]
		}
		for lane := range 2 {
			i := 2*p + lane
			if d := refs.squares[i] - 2*int64(dot>>(32*lane)&(1<<32-1)); d < best {
				best, label = d, refs.labels[i]
			}
		}
	}
	return label
}

// classify counts [true digit][recognised digit], on every core.
func (refs *references) classify(images, labels []byte) (confusion [10][10]int) {
	found := make([]uint8, len(labels))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(labels); i = int(next.Add(1)) - 1 {
				found[i] = refs.nearest(images[i*size:][:size])
			}
		})
	}
	wg.Wait()
	for i, label := range labels {
		confusion[label][found[i]]++
	}
	return confusion
}

// report gives the percentages.
func report(b *testing.B, confusion [10][10]int) {
	right, total := 0, 0
	for digit, row := range confusion {
		of := 0
		for _, n := range row {
			of += n
		}
		right += row[digit]
		total += of
		b.ReportMetric(100*float64(row[digit])/float64(of), "%of"+string(rune('0'+digit)))
	}
	percent := 100 * float64(right) / float64(total)
	b.ReportMetric(percent, "%right")
	if percent < want {
		b.Errorf("%.2f %% recognised, want at least %v", percent, want)
	}
}

// mnist reads MNIST's test set.
func mnist(b *testing.B) (images, labels []byte) {
	dir := os.Getenv("HOURGLASS_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	images = idx(b, filepath.Join(dir, "mnist", "t10k-images-idx3-ubyte.gz"), 16)
	labels = idx(b, filepath.Join(dir, "mnist", "t10k-labels-idx1-ubyte.gz"), 8)
	if len(images) != len(labels)*size {
		b.Fatalf("%d labels for %d bytes of images", len(labels), len(images))
	}
	return images, labels
}

// idx returns what follows the header of a gzipped IDX file.
func idx(b *testing.B, name string, header int) []byte {
	f, err := os.Open(name)
	if err != nil {
		b.Skip(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		b.Fatal(err)
	}
	data, err := io.ReadAll(z)
	if err != nil {
		b.Fatal(err)
	}
	return data[header:]
}
