//go:build !purego

package kernel

// Sizes of the blocks of a product: blockM rows of A and blockK of its columns fill about a second-level cache,
// and bound the time that a goroutine spends in assembly.
const (
	blockM = 384
	blockK = 512
)

const (
	floatBytes = 4
	// tileRows and tileColumns are the size of the largest tile of sums that lives in registers.
	tileRows, tileColumns = 4, 16
	// rowColumns is the number of columns that gemmRow64NEON multiplies one row with.
	rowColumns = 64
	// packedRows is the number of rows from which on copying a panel of B to adjacent memory pays.
	packedRows = 64
)

// gemmPanel16NEON computes C = S + Σ A·B over segments for 16 columns and any number of rows; no S means zero.
// Strides are in bytes; skip leads from behind the last column of A in a segment to the first one in the next.
//
//go:noescape
func gemmPanel16NEON(m, segmentCount, k int, a *float32, ai, ap, skip int, b *float32, bp int, c *float32, ci int, s *float32, si int)

// gemmPanel8NEON is gemmPanel16NEON for 8 columns.
//
//go:noescape
func gemmPanel8NEON(m, segmentCount, k int, a *float32, ai, ap, skip int, b *float32, bp int, c *float32, ci int, s *float32, si int)

// gemmPanel4NEON is gemmPanel16NEON for 4 columns.
//
//go:noescape
func gemmPanel4NEON(m, segmentCount, k int, a *float32, ai, ap, skip int, b *float32, bp int, c *float32, ci int, s *float32, si int)

// gemmPanel1NEON is gemmPanel16NEON for one column.
//
//go:noescape
func gemmPanel1NEON(m, segmentCount, k int, a *float32, ai, ap, skip int, b *float32, bp int, c *float32, ci int, s *float32, si int)

// gemmRow64NEON computes c = s + a·B for one row and 64 columns; no s means zero. Strides are in bytes.
//
//go:noescape
func gemmRow64NEON(k int, a *float32, ap int, b *float32, bp int, c, s *float32)

// peakFMANEON does 24 independent multiply-adds of vectors per round.
//
//go:noescape
func peakFMANEON(rounds int)

// gemmNEON computes a product in blocks of rows and of k. A sum that goes through memory between two of the latter
// is still the same chain.
func gemmNEON(m, n, k int, a []float32, ai, ap int, b []float32, bp int, c []float32, ci int, start Start, bias []float32) {
	switch {
	case k == 0:
		gemmGeneric(m, n, k, a, ai, ap, b, bp, c, ci, start, bias)
		return
	case m == 1:
		done := gemmRowNEON(n, k, a, ap, b, bp, c, start, bias)
		if done == n {
			return
		}
		n, b, c = n-done, b[done:], c[done:]
		if start == Bias {
			bias = bias[done:]
		}
	}
	for i := 0; i < m; i += blockM {
		from := start
		for l := 0; l < k; l += blockK {
			block := SegmentedProduct{
				Blocks: 1, Segments: 1, M: min(blockM, m-i), N: n, K: min(blockK, k-l),
				ARow: ai, AColumn: ap, BRow: bp, CRow: ci,
			}
			segmentsNEON(block, a[i*ai+l*ap:], b[l*bp:], c[i*ci:], from, bias)
			from = Accumulate
		}
	}
}

// gemmRowNEON multiplies one row with as many columns as gemmRow64NEON can, and returns their number.
func gemmRowNEON(n, k int, a []float32, ap int, b []float32, bp int, c []float32, start Start, bias []float32) int {
	j := 0
	for ; j+rowColumns <= n; j += rowColumns {
		gemmRow64NEON(k, &a[0], floatBytes*ap, &b[j], floatBytes*bp, &c[j], startAddress(start, c, j, bias, j))
	}
	return j
}

// startAddress returns where the sums start that begin at c[i], in column j.
func startAddress(start Start, c []float32, i int, bias []float32, j int) *float32 {
	switch start {
	case Accumulate:
		return &c[i]
	case Bias:
		return &bias[j]
	}
	return nil
}

// segmentsNEON computes p panel by panel.
func segmentsNEON(p SegmentedProduct, a, b, c []float32, start Start, bias []float32) {
	rows := p.Segments * p.K
	var work *workspace
	if p.Blocks*p.M >= packedRows {
		work = getWorkspace(rows * tileColumns)
		defer putWorkspace(work)
	}
	for j := 0; j < p.N; {
		columns, again := panelColumns(p.N, p.N-j)
		q := panelNEON{SegmentedProduct: p, first: j - again, columns: columns, again: again, start: start}
		panel := b[q.first:]
		if work != nil && columns > 1 {
			panel = work.floats[:rows*columns]
			for l := range rows {
				copy(panel[l*columns:(l+1)*columns], b[l*p.BRow+q.first:])
			}
			q.BRow = columns
		}
		q.multiply(a, panel, c, bias)
		j += columns - again
	}
}

// panelColumns returns the number of columns of the next panel, where left of n columns are left, and how many of these
// have been computed before. Instead of a narrow panel it takes a wide one that overlaps the last.
func panelColumns(n, left int) (columns, again int) {
	switch {
	case left >= tileColumns:
		return tileColumns, 0
	case left > 8 && n >= tileColumns:
		return tileColumns, tileColumns - left
	case left >= 8:
		return 8, 0
	case left > 4 && n >= 8:
		return 8, 8 - left
	case left >= 4:
		return 4, 0
	case left > 1 && n >= 4:
		return 4, 4 - left
	}
	return 1, 0
}

// panelNEON is a panel of columns of a product, which begins in column first of C, and the first again columns of which
// are there already.
type panelNEON struct {
	SegmentedProduct
	first, columns, again int
	start                 Start
}

// multiply computes the panel, whose columns of B begin in b[0].
func (p *panelNEON) multiply(a, b, c, bias []float32) {
	ci, si := floatBytes*p.CRow, 0
	if p.start == Accumulate {
		si = ci
	}
	for r := range p.Blocks {
		to := r*p.CBlock + p.first
		if p.again > 0 {
			p.multiplyLast(a[r*p.ABlock:], b, c, to, si, bias)
			continue
		}
		p.rows(p.M, &a[r*p.ABlock], &b[0], &c[to], ci, startAddress(p.start, c, to, bias, p.first), si)
	}
}

// multiplyLast computes the rows of C that begin in c[to], but writes only columns that have not been computed before: a
// start that is C has changed for the others.
func (p *panelNEON) multiplyLast(a, b, c []float32, to, si int, bias []float32) {
	var tile [tileRows * tileColumns]float32
	for i := 0; i < p.M; i += tileRows {
		m := min(tileRows, p.M-i)
		row := to + i*p.CRow
		p.rows(m, &a[i*p.ARow], &b[0], &tile[0], floatBytes*p.columns, startAddress(p.start, c, row, bias, p.first), si)
		for r := range m {
			copy(c[row+r*p.CRow+p.again:][:p.columns-p.again], tile[r*p.columns+p.again:])
		}
	}
}

// rows computes m rows of the panel.
func (p *panelNEON) rows(m int, a, b, c *float32, ci int, s *float32, si int) {
	ai, ap, bp := floatBytes*p.ARow, floatBytes*p.AColumn, floatBytes*p.BRow
	skip := floatBytes * (p.ASegment - p.K*p.AColumn)
	switch p.columns {
	case 16:
		gemmPanel16NEON(m, p.Segments, p.K, a, ai, ap, skip, b, bp, c, ci, s, si)
	case 8:
		gemmPanel8NEON(m, p.Segments, p.K, a, ai, ap, skip, b, bp, c, ci, s, si)
	case 4:
		gemmPanel4NEON(m, p.Segments, p.K, a, ai, ap, skip, b, bp, c, ci, s, si)
	default:
		gemmPanel1NEON(m, p.Segments, p.K, a, ai, ap, skip, b, bp, c, ci, s, si)
	}
}
