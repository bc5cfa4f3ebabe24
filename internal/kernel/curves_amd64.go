//go:build amd64 && !purego

package kernel

// curveTables holds the implementations by level.
var curveTables = [...]*curveTable{
	levelGeneric: &genericCurves,
	levelAVX2: {
		gelu: geluAVX2, geluTanh: geluTanhAVX2, silu: siluAVX2, mish: mishAVX2,
		hardSigmoid: hardSigmoidAVX2, hardSiLU: hardSiLUAVX2, relu6: relu6AVX2,
		geluGrad: geluGradAVX2, geluTanhGrad: geluTanhGradAVX2, siluGrad: siluGradAVX2, mishGrad: mishGradAVX2,
		hardSigmoidGrad: hardSigmoidGradAVX2, hardSiLUGrad: hardSiLUGradAVX2, relu6Grad: relu6GradAVX2,
	},
	levelAVX512: {
		gelu: geluAVX512, geluTanh: geluTanhAVX512, silu: siluAVX512, mish: mishAVX512,
		hardSigmoid: hardSigmoidAVX512, hardSiLU: hardSiLUAVX512, relu6: relu6AVX512,
		geluGrad: geluGradAVX512, geluTanhGrad: geluTanhGradAVX512, siluGrad: siluGradAVX512, mishGrad: mishGradAVX512,
		hardSigmoidGrad: hardSigmoidGradAVX512, hardSiLUGrad: hardSiLUGradAVX512, relu6Grad: relu6GradAVX512,
	},
}

// curves returns the implementations in use.
func curves() *curveTable { return curveTables[current] }
