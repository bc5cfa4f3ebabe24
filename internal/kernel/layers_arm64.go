//go:build !purego

package kernel

// layerTables holds the implementations by level.
var layerTables = [...]*layerTable{levelGeneric: &genericLayers, levelNEON: &layersNEON}

// layersNEON has the sums of products in assembly, and the twins.
var layersNEON = func() layerTable {
	t := genericLayers
	t.segments = segmentsNEON
	return t
}()
