//go:build !purego

package kernel

// tables holds the implementations by level.
var tables = [...]*table{levelGeneric: &genericTable, levelNEON: &tableNEON}

// availableLevels returns the levels of the processor, of which every one of this architecture has NEON.
func availableLevels() []level { return []level{levelGeneric, levelNEON} }

// tableNEON has the matrix product in assembly, where training spends its time, and the twins.
var tableNEON = func() table {
	t := genericTable
	t.gemm, t.peakFMA = gemmNEON, peakFMANEON
	return t
}()
