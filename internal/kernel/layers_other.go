//go:build (!amd64 && !arm64) || purego

package kernel

// layerTables holds the implementations by level.
var layerTables = [...]*layerTable{levelGeneric: &genericLayers}
