package kernel

// layerTable holds one level's implementation of the kernels of whole layers.
type layerTable struct {
	segments    func(p SegmentedProduct, a, b, c []float32, start Start, bias []float32)
	lstm        func(h, c, t, i, f, g, o, before []float32)
	lstmGrad    func(dh, dc, t, i, f, g, o, before []float32)
	gru         func(h, z, r, g, iz, ir, ig, before []float32)
	gruGrad     func(dh, ahead, z, r, g, iz, ir, ig, before []float32)
	normalize   func(y, x, mean, factor, shift []float32)
	maxPool     func(pixels, channels int, y, top, bottom []float32)
	maxPoolGrad func(pixels, channels int, dtop, dbottom, dy, y, top, bottom []float32)

	normalizeGrad func(dx, dy, x, mean, factor, shift, slope []float32)
}

// genericLayers holds the twins.
var genericLayers = layerTable{
	segments: segmentsGeneric,
	lstm:     lstmGeneric, lstmGrad: lstmGradGeneric,
	gru: gruGeneric, gruGrad: gruGradGeneric,
	normalize: normalizeGeneric, normalizeGrad: normalizeGradGeneric,
	maxPool: maxPoolGeneric, maxPoolGrad: maxPoolGradGeneric,
}

// layers returns the implementations in use.
func layers() *layerTable { return layerTables[current] }
