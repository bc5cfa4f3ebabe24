//go:build (!amd64 && !arm64) || purego

package kernel

// tables has plain Go only on this platform.
var tables = [...]*table{levelGeneric: &genericTable}

// availableLevels returns the only level there is.
func availableLevels() []level { return []level{levelGeneric} }
