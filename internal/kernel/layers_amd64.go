//go:build amd64 && !purego

package kernel

// layerTables holds the implementations by level.
var layerTables = [...]*layerTable{
	levelGeneric: &genericLayers,
	levelAVX2: {
		segments: segmentKernelsAVX2.multiply,
		lstm:     lstmAVX2, lstmGrad: lstmGradAVX2,
		gru: gruAVX2, gruGrad: gruGradAVX2,
		normalize: normalizeAVX2, normalizeGrad: normalizeGradAVX2,
		maxPool: func(pixels, channels int, y, top, bottom []float32) {
			maxPoolAVX2(pixels, channels, &y[0], &top[0], &bottom[0])
		},
		maxPoolGrad: func(pixels, channels int, dtop, dbottom, dy, y, top, bottom []float32) {
			maxPoolGradAVX2(pixels, channels, &dtop[0], &dbottom[0], &dy[0], &y[0], &top[0], &bottom[0])
		},
	},
	levelAVX512: {
		segments: segmentKernelsAVX512.multiply,
		lstm:     lstmAVX512, lstmGrad: lstmGradAVX512,
		gru: gruAVX512, gruGrad: gruGradAVX512,
		normalize: normalizeAVX512, normalizeGrad: normalizeGradAVX512,
		maxPool: func(pixels, channels int, y, top, bottom []float32) {
			maxPoolAVX512(pixels, channels, &y[0], &top[0], &bottom[0])
		},
		maxPoolGrad: func(pixels, channels int, dtop, dbottom, dy, y, top, bottom []float32) {
			maxPoolGradAVX512(pixels, channels, &dtop[0], &dbottom[0], &dy[0], &y[0], &top[0], &bottom[0])
		},
	},
}

// segmentKernels are the inner loops of sums of products of one instruction set.
type segmentKernels struct {
	width, vectors int // of a register tile: float32s in a vector, vectors of columns
	// panel[v] multiplies m rows with a panel of v vectors of columns, the last of which has last columns.
	panel [4]func(m, segments, k int, a *float32, ai, ap, skip int, b *float32, bp int, c *float32, ci int, s *float32, si int, last int)
}

var (
	segmentKernelsAVX2 = &segmentKernels{width: 8, vectors: 2,
		panel: [4]func(int, int, int, *float32, int, int, int, *float32, int, *float32, int, *float32, int, int){
			nil, segmentPanel1AVX2, segmentPanel2AVX2}}
	segmentKernelsAVX512 = &segmentKernels{width: 16, vectors: 3,
		panel: [4]func(int, int, int, *float32, int, int, int, *float32, int, *float32, int, *float32, int, int){
			nil, segmentPanel1AVX512, segmentPanel2AVX512, segmentPanel3AVX512}}
)

// multiply computes p panel by panel, and all blocks with one panel of B after the other.
func (u *segmentKernels) multiply(p SegmentedProduct, a, b, c []float32, start Start, bias []float32) {
	skip := floatBytes * (p.ASegment - p.K*p.AColumn)
	si := 0
	if start == Accumulate {
		si = floatBytes * p.CRow
	}
	for j := 0; j < p.N; {
		vectors := (p.N - j + u.width - 1) / u.width
		if vectors > u.vectors {
			// Two panels of two vectors are faster than three vectors and one.
			vectors = min(u.vectors, (vectors+1)/2)
		}
		columns := min(vectors*u.width, p.N-j)
		panel, last := u.panel[vectors], columns-(vectors-1)*u.width
		for r := range p.Blocks {
			to := &c[r*p.CBlock+j]
			var s *float32
			switch start {
			case Accumulate:
				s = to
			case Bias:
				s = &bias[j]
			}
			panel(p.M, p.Segments, p.K, &a[r*p.ABlock], floatBytes*p.ARow, floatBytes*p.AColumn, skip,
				&b[j], floatBytes*p.BRow, to, floatBytes*p.CRow, s, si, last)
		}
		j += columns
	}
}
