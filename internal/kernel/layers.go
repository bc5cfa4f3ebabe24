package kernel

// layerTable holds one level's implementation of the kernels of whole layers.
type layerTable struct {
	segments    func(p SegmentedProduct, a, b, c []float32, start Start, bias []float32)
	lstm        func(h, c, t, i, f, g, o, before []float32)
	lstmGrad    func(dh, dc, t, i, f, g, o, before []float32)
	maxPool     func(pixels, channels int, y, top, bottom []float32)
	maxPoolGrad func(pixels, channels int, dtop, dbottom, dy, y, top, bottom []float32)
}

// genericLayers holds the twins.
var genericLayers = layerTable{
	segments: segmentsGeneric,
	lstm:     lstmGeneric, lstmGrad: lstmGradGeneric,
	maxPool: maxPoolGeneric, maxPoolGrad: maxPoolGradGeneric,
}

// layers returns the implementations in use.
func layers() *layerTable { return layerTables[current] }
