//go:build amd64 && !purego

package kernel

// The assembly converts whole vectors; the twin, which gives the same bits, does the bytes that are left.

func bytesVectorsAVX2(dst []float32, src []byte) {
	whole := len(dst) &^ 7
	if whole > 0 {
		bytesAVX2(whole/8, &dst[0], &src[0])
	}
	bytesGeneric(dst[whole:], src[whole:])
}

func bytesVectorsAVX512(dst []float32, src []byte) {
	whole := len(dst) &^ 15
	if whole > 0 {
		bytesAVX512(whole/16, &dst[0], &src[0])
	}
	bytesGeneric(dst[whole:], src[whole:])
}

func bytesStandardVectorsAVX2(dst []float32, src []byte, mean, std float32) {
	whole := len(dst) &^ 7
	if whole > 0 {
		bytesStandardAVX2(whole/8, &dst[0], &src[0], mean, std)
	}
	bytesStandardGeneric(dst[whole:], src[whole:], mean, std)
}

func bytesStandardVectorsAVX512(dst []float32, src []byte, mean, std float32) {
	whole := len(dst) &^ 15
	if whole > 0 {
		bytesStandardAVX512(whole/16, &dst[0], &src[0], mean, std)
	}
	bytesStandardGeneric(dst[whole:], src[whole:], mean, std)
}
