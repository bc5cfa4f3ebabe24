//go:build !amd64 || purego

package kernel

// layerTables holds the implementations by level.
var layerTables = [...]*layerTable{levelGeneric: &genericLayers}
