package dataset

import (
	"context"
	"fmt"
	"math"
	"strings"

	"hourglass/tensor"
)

// statistics are those of each element over the samples measured so far.
type statistics struct {
	count     int
	mean      []float64
	squares   []float64 // sum of the squared distances from the mean
	low, high []float32
}

// measureElements bounds how many values are in memory at a time.
const measureElements = 1 << 16

// measure reads all samples of source, block by block. The mean and the squares
// of a block are added to those of the blocks before by the formula of Chan,
// Golub and LeVeque (1979), which loses no digits to a mean far from 0. Each sample
// counts as rows of so many values, as one as a rule.
func measure(ctx context.Context, source Source, row int) (*statistics, error) {
	n := source.Sample().Size()
	s := newStatistics(row)
	rows := min(max(measureElements/n, 1), source.Len())
	values, indices := make([]float32, rows*n), make([]int, rows)
	block := newStatistics(row)
	for at := 0; at < source.Len(); at += rows {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		part := indices[:min(rows, source.Len()-at)]
		for i := range part {
			part[i] = at + i
		}
		read := values[:len(part)*n]
		if err := source.Read(read, part); err != nil {
			return nil, err
		}
		if err := checkFinite(source, read, at); err != nil {
			return nil, err
		}
		block.set(read)
		s.add(block)
	}
	return s, s.checkRange(source.Sample())
}

func newStatistics(n int) *statistics {
	return &statistics{mean: make([]float64, n), squares: make([]float64, n), low: make([]float32, n), high: make([]float32, n)}
}

// checkFinite refuses values that are NaN or infinite. The first of them is
// sample number first of source.
func checkFinite(source Source, values []float32, first int) error {
	for i, v := range values {
		if finite(v) {
			continue
		}
		n := source.Sample().Size()
		return fmt.Errorf("sample %d, element %s (counted from 0) is %v, want finite numbers", first+i/n, elementText(source.Sample(), i%n), v)
	}
	return nil
}

// elementText writes where in a sample an element is: "[2, 5]".
func elementText(shape tensor.Shape, element int) string {
	index := make(tensor.Shape, len(shape))
	for axis := len(shape) - 1; axis >= 0; axis-- {
		index[axis] = element % shape[axis]
		element /= shape[axis]
	}
	return "[" + strings.ReplaceAll(index.String(), "×", ", ") + "]"
}

// set makes s the statistics of these samples.
func (s *statistics) set(samples []float32) {
	n := len(s.mean)
	s.count = len(samples) / n
	clear(s.mean)
	clear(s.squares)
	copy(s.low, samples)
	copy(s.high, samples)
	for i := 0; i < len(samples); i += n {
		for j, v := range samples[i : i+n] {
			s.mean[j] += float64(v)
			s.low[j] = min(s.low[j], v)
			s.high[j] = max(s.high[j], v)
		}
	}
	for j := range s.mean {
		s.mean[j] /= float64(s.count)
	}
	for i := 0; i < len(samples); i += n {
		for j, v := range samples[i : i+n] {
			d := float64(v) - s.mean[j]
			s.squares[j] += float64(d * d)
		}
	}
}

// add joins the statistics of further samples to s.
func (s *statistics) add(b *statistics) {
	if s.count == 0 {
		copy(s.low, b.low)
		copy(s.high, b.high)
	}
	before, more := float64(s.count), float64(b.count)
	share := more / (before + more)
	for j := range s.mean {
		d := b.mean[j] - s.mean[j]
		s.mean[j] += float64(d * share)
		s.squares[j] += b.squares[j] + float64(d*d*before*share)
		s.low[j] = min(s.low[j], b.low[j])
		s.high[j] = max(s.high[j], b.high[j])
	}
	s.count += b.count
}

// checkRange refuses elements whose differences float32 cannot hold.
func (s *statistics) checkRange(shape tensor.Shape) error {
	for j := range s.low {
		if !finite(s.high[j] - s.low[j]) {
			return fmt.Errorf("element %s (counted from 0) goes from %v to %v, a range beyond float32", elementText(shape, j), s.low[j], s.high[j])
		}
	}
	return nil
}

// deviation is the standard deviation of element j.
func (s *statistics) deviation(j int) float64 { return math.Sqrt(s.squares[j] / float64(s.count)) }

// largest is the largest absolute value of all elements.
func (s *statistics) largest() float32 {
	var largest float32
	for j := range s.low {
		largest = max(largest, s.high[j], -s.low[j])
	}
	return largest
}
