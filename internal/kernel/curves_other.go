//go:build !amd64 || purego

package kernel

// curves returns the twins.
func curves() *curveTable { return &genericCurves }
