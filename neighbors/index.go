package neighbors

import (
	"context"
	"math"

	"hourglass/internal/kernel"
	"hourglass/internal/parallel"
	"hourglass/tensor"
)

// A product of queryBlock×refBlock scores takes half a megabyte, which stays in
// the second-level cache of a core until it has been read.
const (
	queryBlock = 128
	refBlock   = 1024
)

// Index is a set of references prepared for search. It keeps the references
// themselves, which must not change, and a copy of the same size. Any number of
// goroutines may search it at once.
type Index struct {
	// Threads is how many goroutines a search uses; 0 means one per processor.
	Threads int

	refs    tensor.Tensor
	dim     int
	center  []float32 // the mean reference: about it, rounding errors are smallest
	columns []float32 // dim×N: the centred references, transposed
	bias    []float32 // -|b|²/2 of each centred reference
	longest float64   // the largest |b|²
}

// NewIndex prepares references of shape N×(code) for search; a code of several
// axes is taken as one vector.
func NewIndex(references tensor.Tensor) (*Index, error) {
	if err := checkCodes("index references", references); err != nil {
		return nil, err
	}
	n, dim := references.Len(), references.Sample().Size()
	x := &Index{refs: references, dim: dim, center: mean(references),
		columns: make([]float32, dim*n), bias: make([]float32, n)}
	centred := make([]float32, refBlock*dim)
	for lo := 0; lo < n; lo += refBlock {
		hi := min(lo+refBlock, n)
		for j := lo; j < hi; j++ {
			b := centred[(j-lo)*dim:][:dim]
			squared := x.centre(b, references.Row(j))
			x.bias[j] = float32(-squared / 2)
			x.longest = max(x.longest, squared)
		}
		kernel.Transpose(x.columns[lo:], n, centred, dim, hi-lo, dim)
	}
	return x, nil
}

// Len returns the number of references.
func (x *Index) Len() int { return x.refs.Len() }

// Dim returns the number of elements of a code.
func (x *Index) Dim() int { return x.dim }

// mean returns the mean of the rows of codes.
func mean(codes tensor.Tensor) []float32 {
	dim := codes.Sample().Size()
	sums := make([]float64, dim)
	for i := range codes.Len() {
		for d, v := range codes.Row(i) {
			sums[d] += float64(v)
		}
	}
	center := make([]float32, dim)
	for d, s := range sums {
		center[d] = float32(s / float64(codes.Len()))
	}
	return center
}

// centre writes code less the centre to dst and returns its squared length.
func (x *Index) centre(dst, code []float32) float64 {
	var squared float64
	for d, v := range code {
		dst[d] = v - x.center[d]
		squared += float64(float64(dst[d]) * float64(dst[d]))
	}
	return squared
}

// visitor receives the references that may matter to a query. A scan has one per
// goroutine and shows it one query after the other, each time as
//
//	begin, visit…, end
//
// except that the queries of a block come interleaved: slot tells them apart.
type visitor interface {
	// begin takes up query i in a slot below queryBlock.
	begin(slot, i int)
	// reach is the squared distance beyond which references no longer matter.
	reach(slot int) float64
	// visit shows a reference and its squared distance, in ascending order of
	// the references. All within reach come, and some beyond.
	visit(slot, ref int, squared float64)
	// end follows the last reference of the query.
	end(slot int)
}

// scan shows every query its references. With others the queries are the
// references and do not see themselves.
func (x *Index) scan(ctx context.Context, queries tensor.Tensor, others bool, visitors func() visitor) error {
	m := queries.Len()
	blocks := (m + queryBlock - 1) / queryBlock
	scanners := make([]*scanner, parallel.Workers(x.Threads, blocks))
	return parallel.Each(ctx, len(scanners), blocks, func(worker, b int) error {
		if scanners[worker] == nil {
			scanners[worker] = &scanner{Index: x, queries: queries, others: others, visitor: visitors(),
				centred: make([]float32, queryBlock*x.dim), scores: make([]float32, queryBlock*refBlock)}
		}
		return scanners[worker].block(ctx, b*queryBlock, min((b+1)*queryBlock, m))
	})
}

// scanner is one goroutine's part of a scan.
type scanner struct {
	*Index
	queries tensor.Tensor
	others  bool
	visitor visitor

	centred []float32 // the queries of a block, centred
	scores  []float32 // a·b - |b|²/2, the larger the nearer: |a-b|² = |a|² - 2·score
	length  [queryBlock]float64
}

func (s *scanner) block(ctx context.Context, lo, hi int) error {
	for i := lo; i < hi; i++ {
		s.length[i-lo] = s.centre(s.centred[(i-lo)*s.dim:][:s.dim], s.queries.Row(i))
		s.visitor.begin(i-lo, i)
	}
	for first := 0; first < s.Len() && ctx.Err() == nil; first += refBlock {
		n := min(refBlock, s.Len()-first)
		kernel.Gemm(hi-lo, n, s.dim, s.centred, s.dim, 1, s.columns[first:], s.Len(), s.scores, refBlock,
			kernel.Bias, s.bias[first:first+n])
		for i := lo; i < hi; i++ {
			s.row(i, i-lo, first, s.scores[(i-lo)*refBlock:][:n])
		}
	}
	for i := lo; i < hi; i++ {
		s.visitor.end(i - lo)
	}
	return ctx.Err()
}

// row shows query i those references from first on whose scores say that they may
// be within reach.
func (s *scanner) row(i, slot, first int, scores []float32) {
	query := s.queries.Row(i)
	least := s.leastScore(slot)
	for j, score := range scores {
		if score < least {
			continue
		}
		if ref := first + j; !s.others || ref != i {
			s.visitor.visit(slot, ref, squaredDistance(query, s.refs.Row(ref)))
			least = s.leastScore(slot)
		}
	}
}

// leastScore returns a number below the score of every reference within the
// visitor's reach.
//
// With u = 2⁻²⁴ the error of a squared distance found from its score is at most
// (2D+20)·u·(|a|²+|b|²): twice the product's D roundings, each of a sum no larger
// than |a||b| + |b|²/2, and the roundings of the bias and of the centred codes,
// with room to spare. The second term is for numbers so small that their products
// are denormal.
func (s *scanner) leastScore(slot int) float32 {
	reach := s.visitor.reach(slot)
	if math.IsInf(reach, 1) {
		return float32(math.Inf(-1))
	}
	const u, smallest = 1.0 / (1 << 24), 1.2e-38
	slack := float64((float64(2*s.dim+20)*u)*(s.length[slot]+s.longest)) + float64(float64(s.dim+2)*smallest)
	return float32((s.length[slot] - reach - slack) / 2)
}

// squaredDistance returns Σ(x-y)² in float64: four partial sums, which a
// processor adds side by side, and then ((s0+s1)+(s2+s3)).
func squaredDistance(x, y []float32) float64 {
	var s0, s1, s2, s3 float64
	y = y[:len(x)]
	i := 0
	for ; i+4 <= len(x); i += 4 {
		d0, d1 := float64(x[i])-float64(y[i]), float64(x[i+1])-float64(y[i+1])
		d2, d3 := float64(x[i+2])-float64(y[i+2]), float64(x[i+3])-float64(y[i+3])
		s0 += float64(d0 * d0)
		s1 += float64(d1 * d1)
		s2 += float64(d2 * d2)
		s3 += float64(d3 * d3)
	}
	for ; i < len(x); i++ {
		d := float64(x[i]) - float64(y[i])
		s0 += float64(d * d)
	}
	return (s0 + s1) + (s2 + s3)
}
