//go:build amd64 && !purego

package kernel

// transposeSIMD is the transposition in 8×8 blocks. What is left at the right and lower edge is covered by
// blocks that overlap those before them; matrices with a side below 8 take the twin.
func transposeSIMD(dst []float32, ldd int, src []float32, lds int, rows, cols int) {
	const block = 8
	if rows < block || cols < block {
		transposeGeneric(dst, ldd, src, lds, rows, cols)
		return
	}
	for i := 0; i < rows; i += block {
		i = min(i, rows-block)
		transposeBlocksAVX2(cols/block, &dst[i], floatBytes*ldd, &src[i*lds], floatBytes*lds)
		if cols%block != 0 {
			j := cols - block
			transposeBlocksAVX2(1, &dst[j*ldd+i], floatBytes*ldd, &src[i*lds+j], floatBytes*lds)
		}
	}
}
