//go:build amd64 && !purego

package kernel

// softmaxTables holds the implementations by level.
var softmaxTables = [...]*softmaxTable{
	levelGeneric: &genericSoftmax,
	levelAVX2:    {maximumAVX2, expScaledAVX2, centredAVX2},
	levelAVX512:  {maximumAVX512, expScaledAVX512, centredAVX512},
}

// softmaxes returns the implementations in use.
func softmaxes() *softmaxTable { return softmaxTables[current] }
