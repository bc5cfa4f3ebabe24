//go:build amd64 && !purego

package kernel

import "unsafe"

// microkernels are the inner loops of the matrix product of one instruction set. Strides are in bytes.
type microkernels struct {
	shift   uint // log₂ of the number of float32s in a vector
	vectors int  // vectors of columns in a panel

	// full[v], partial[v] and half[v] multiply with a panel of v vectors of columns; the last vector of a
	// partial one has fewer columns, and of a half one no more than half as many.
	full, partial, half [4]panelKernel
	// row multiplies one row with all columns.
	row func(n, k int, a *float32, ap int, b *float32, bp int, c, s *float32)
	// copyRows copies rows of columns.
	copyRows func(rows, columns int, dst *float32, dp int, src *float32, sp int)
}

// panelKernel multiplies m rows with a panel of columns, the last vector of which has last columns.
// Sums start from s, whose rows are si apart, or from zero where s is nil.
type panelKernel = func(m, k int, a *float32, ai, ap int, b *float32, bp int, c *float32, ci int, s *float32, si int, last int)

var (
	microkernelsAVX2 = microkernels{
		shift: 3, vectors: 2,
		full:     [4]panelKernel{nil, gemmFullPanel1AVX2, gemmFullPanel2AVX2},
		partial:  [4]panelKernel{nil, gemmPanel1AVX2, gemmPanel2AVX2},
		half:     [4]panelKernel{nil, gemmPanel1AVX2, gemmPanel2AVX2},
		row:      gemmRowAVX2,
		copyRows: copyRowsAVX2,
	}
	microkernelsAVX512 = microkernels{
		shift: 4, vectors: 3,
		full:     [4]panelKernel{nil, gemmPanel1AVX512, gemmPanel2AVX512, gemmPanel3AVX512},
		partial:  [4]panelKernel{nil, gemmPanel1AVX512, gemmPanel2AVX512, gemmPanel3AVX512},
		half:     [4]panelKernel{nil, gemmHalfPanel1AVX512, gemmHalfPanel2AVX512, gemmHalfPanel3AVX512},
		row:      gemmRowAVX512,
		copyRows: copyRowsAVX512,
	}
)

// Sizes of the blocks of a product: blockM rows of A at a time, which fill about a second-level cache and
// bound the time that a goroutine spends in assembly; where B is packed, blockK of its rows and
// blockN of its columns, a fraction of a third-level cache.
const (
	blockM = 384
	blockK = 1024
	blockN = 2880
)

const floatBytes = 4

func gemmAVX2(m, n, k int, a []float32, ai, ap int, b []float32, bp int, c []float32, ci int, start Start, bias []float32) {
	microkernelsAVX2.gemm(m, n, k, a, ai, ap, b, bp, c, ci, start, bias)
}

func gemmAVX512(m, n, k int, a []float32, ai, ap int, b []float32, bp int, c []float32, ci int, start Start, bias []float32) {
	microkernelsAVX512.gemm(m, n, k, a, ai, ap, b, bp, c, ci, start, bias)
}

// product is one matrix product, or a part of one, in the terms of the microkernels.
type product struct {
	m, n, k    int
	a          *float32
	ai, ap     int
	b          *float32
	bp         int
	c          *float32
	ci         int
	start      *float32
	startSteps int
}

func (u *microkernels) gemm(m, n, k int, a []float32, ai, ap int, b []float32, bp int, c []float32, ci int, start Start, bias []float32) {
	p := product{
		m: m, n: n, k: k,
		a: unsafe.SliceData(a), ai: floatBytes * ai, ap: floatBytes * ap,
		b: unsafe.SliceData(b), bp: floatBytes * bp,
		c: unsafe.SliceData(c), ci: floatBytes * ci,
	}
	if k == 0 {
		p.a, p.ai, p.b = p.c, 0, p.c // not read, but valid addresses
	}
	switch start {
	case Accumulate:
		p.start, p.startSteps = p.c, p.ci
	case Bias:
		p.start = unsafe.SliceData(bias)
	}
	switch {
	case m == 1:
		u.row(n, k, p.a, p.ap, p.b, p.bp, p.c, p.start)
	case worthPacking(m, n, k):
		u.packed(&p)
	case m <= blockM:
		u.panels(&p, false)
	default:
		u.rowBlocks(&p, false, nil)
	}
}

// worthPacking tells whether the panels of B are read so often, or are so far apart in memory, that copying
// them first pays.
func worthPacking(m, n, k int) bool {
	return m >= 256 && n*k >= 1<<16 || m >= 32 && n*k >= 1<<21
}

// worthTransposing tells whether p reads columns of A that are rows in memory, through so many panels that
// transposing them first pays. Rows of A are never copied: they are read once per panel, and stay in the cache meanwhile.
func (u *microkernels) worthTransposing(p *product) bool {
	return p.ai == floatBytes && p.ap != floatBytes && p.n >= 4*u.vectors<<u.shift
}

// rowPad is what rows of a transposed A are longer than needed, lest they all begin in the same lines of the cache.
const rowPad = 16

// packed computes p in blocks of B, each copied to where its panels follow one another.
func (u *microkernels) packed(p *product) {
	panels, rows := min(p.k, blockK)*min(p.n, blockN), 0
	if u.worthTransposing(p) {
		rows = min(p.m, blockM) * (min(p.k, blockK) + rowPad)
	}
	work := getWorkspace(panels + rows)
	for j := 0; j < p.n; j += blockN {
		for l := 0; l < p.k; l += blockK {
			block := *p
			block.n, block.k = min(blockN, p.n-j), min(blockK, p.k-l)
			block.a = offset(p.a, l*p.ap/floatBytes)
			block.b = offset(p.b, l*p.bp/floatBytes+j)
			u.pack(work.floats, &block)
			block.b = &work.floats[0]
			block.c = offset(p.c, j)
			if l > 0 {
				block.start, block.startSteps = block.c, p.ci
			} else if p.start != nil {
				block.start = offset(p.start, j)
			}
			u.rowBlocks(&block, true, work.floats[panels:panels+rows])
		}
	}
	putWorkspace(work)
}

// pack copies the panels of p's B to dst, one after the other.
func (u *microkernels) pack(dst []float32, p *product) {
	for j := 0; j < p.n; {
		columns := u.panelColumns(p.n - j)
		u.copyRows(p.k, columns, &dst[j*p.k], floatBytes*columns, offset(p.b, j), p.bp)
		j += columns
	}
}

// rowBlocks computes p in blocks of rows, which are transposed first where there is room for that in rows.
func (u *microkernels) rowBlocks(p *product, packed bool, rows []float32) {
	for i := 0; i < p.m; i += blockM {
		block := *p
		block.m = min(blockM, p.m-i)
		block.a = offset(p.a, i*p.ai/floatBytes)
		if len(rows) > 0 {
			transposeA(rows, &block)
		}
		block.c = offset(p.c, i*p.ci/floatBytes)
		if p.start != nil {
			block.start = offset(p.start, i*p.startSteps/floatBytes)
		}
		u.panels(&block, packed)
	}
}

// transposeA copies p's A, whose columns are contiguous, to rows and makes p read it there.
func transposeA(rows []float32, p *product) {
	ap := p.ap / floatBytes
	ai := p.k + rowPad
	transposeSIMD(rows, ai, unsafe.Slice(p.a, (p.k-1)*ap+p.m), ap, p.k, p.m)
	p.a, p.ai, p.ap = &rows[0], floatBytes*ai, floatBytes
}

// panels computes p panel by panel.
func (u *microkernels) panels(p *product, packed bool) {
	for j := 0; j < p.n; {
		columns := u.panelColumns(p.n - j)
		if packed {
			u.multiplyPanel(p, j, columns, offset(p.b, j*p.k), floatBytes*columns)
		} else {
			u.multiplyPanel(p, j, columns, offset(p.b, j), p.bp)
		}
		j += columns
	}
}

// panelColumns returns the number of columns of the next panel, with n left. A single vector of columns
// is slow, so the last four vectors make two panels of two.
func (u *microkernels) panelColumns(n int) int {
	vectors := u.count(n)
	switch {
	case vectors <= u.vectors:
		return n
	case vectors == u.vectors+1:
		return (vectors + 1) / 2 << u.shift
	default:
		return u.vectors << u.shift
	}
}

// count returns the number of vectors that n columns take.
func (u *microkernels) count(n int) int { return (n + 1<<u.shift - 1) >> u.shift }

// multiplyPanel computes columns j to j+columns of p from a panel of B.
func (u *microkernels) multiplyPanel(p *product, j, columns int, b *float32, bp int) {
	var start *float32
	if p.start != nil {
		start = offset(p.start, j)
	}
	vectors := u.count(columns)
	last := columns - (vectors-1)<<u.shift
	kernel := u.full[vectors]
	switch {
	case last <= 1<<u.shift/2:
		kernel = u.half[vectors]
	case last < 1<<u.shift:
		kernel = u.partial[vectors]
	}
	kernel(p.m, p.k, p.a, p.ai, p.ap, b, bp, offset(p.c, j), p.ci, start, p.startSteps, last)
}

// offset returns the address n floats after p.
func offset(p *float32, n int) *float32 {
	return (*float32)(unsafe.Add(unsafe.Pointer(p), floatBytes*n))
}
