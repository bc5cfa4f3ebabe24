package kernel

import "fmt"

// BytesToFloat writes b/255, correctly rounded, to dst for every byte b of src.
func BytesToFloat(dst []float32, src []byte) {
	sameLength("BytesToFloat", len(dst), len(src))
	active.bytes(dst, src)
}

// BytesNormalize writes (b/255 - mean)/std to dst for every byte b of src, each of the
// three operations correctly rounded.
func BytesNormalize(dst []float32, src []byte, mean, std float32) {
	if len(dst) != len(src) {
		panic(fmt.Sprintf("kernel: BytesNormalize: src has %d elements, want %d", len(src), len(dst)))
	}
	if mean == 0 && std == 1 {
		active.bytes(dst, src)
		return
	}
	active.bytesStandard(dst, src, mean, std)
}

func bytesGeneric(dst []float32, src []byte) {
	for i, b := range src {
		dst[i] = float32(b) / 255
	}
}

func bytesStandardGeneric(dst []float32, src []byte, mean, std float32) {
	for i, b := range src {
		dst[i] = float32(float32(float32(b)/255)-mean) / std
	}
}
