//go:build !purego

#include "textflag.h"

// The matrix products for NEON. Every sum is one chain of fused multiply-adds, as on all instruction sets.

// FMLA(m, n, d) is FMLA Vd.4S, Vn.4S, Vm.S[0]. Go's assembler cannot multiply by one element of a vector.
#define FMLA(m, n, d) WORD $(0x4f801000 | (m)<<16 | (n)<<5 | (d))

// The arguments of a panel, rows 1 to 3 of its tiles, and where the loops are.
#define rowsLeft   R0
#define segments   R1
#define columns    R2
#define rowA0      R3
#define strideAI   R4
#define strideAP   R5
#define skipA      R6
#define firstB     R7
#define strideB    R8
#define rowC0      R9
#define strideC    R10
#define rowS0      R11
#define strideS    R12
#define rowA1      R13
#define rowA2      R14
#define rowA3      R15
#define offsetA    R16
#define rowB       R17
#define segment    R19
#define column     R20
#define rowC1      R21
#define rowC2      R22
#define rowC3      R23
#define rowS1      R24
#define rowS2      R25
#define rowS3      R26

// ARGUMENTS loads the arguments of a panel.
#define ARGUMENTS \
	MOVD m+0(FP), rowsLeft            \
	MOVD segmentCount+8(FP), segments \
	MOVD k+16(FP), columns            \
	MOVD a+24(FP), rowA0              \
	MOVD ai+32(FP), strideAI          \
	MOVD ap+40(FP), strideAP          \
	MOVD skip+48(FP), skipA           \
	MOVD b+56(FP), firstB             \
	MOVD bp+64(FP), strideB           \
	MOVD c+72(FP), rowC0              \
	MOVD ci+80(FP), strideC           \
	MOVD s+88(FP), rowS0              \
	MOVD si+96(FP), strideS

// FOUR_ROWS finds the rows of a tile. Those that do not exist are the last one that does: a tile
// loads all its rows before it stores any, so that one is merely computed more than once.
#define FOUR_ROWS(stride, row0, row1, row2, row3) \
	ADD  stride, row0, row1   \
	CMP  $2, rowsLeft         \
	CSEL GE, row1, row0, row1 \
	ADD  stride, row1, row2   \
	CMP  $3, rowsLeft         \
	CSEL GE, row2, row1, row2 \
	ADD  stride, row2, row3   \
	CMP  $4, rowsLeft         \
	CSEL GE, row3, row2, row3

// TILE begins a tile, at the first segment.
#define TILE \
	FOUR_ROWS(strideAI, rowA0, rowA1, rowA2, rowA3) \
	FOUR_ROWS(strideC, rowC0, rowC1, rowC2, rowC3)  \
	FOUR_ROWS(strideS, rowS0, rowS1, rowS2, rowS3)  \
	MOVD segments, segment                          \
	MOVD firstB, rowB                               \
	MOVD ZR, offsetA

// COLUMN_A loads the next column of A in a tile.
#define COLUMN_A \
	FMOVS (rowA0)(offsetA), F28 \
	FMOVS (rowA1)(offsetA), F29 \
	FMOVS (rowA2)(offsetA), F30 \
	FMOVS (rowA3)(offsetA), F31 \
	ADD   strideAP, offsetA

// ZERO4 clears four vectors.
#define ZERO4(v0, v1, v2, v3) \
	VEOR v0.B16, v0.B16, v0.B16 \
	VEOR v1.B16, v1.B16, v1.B16 \
	VEOR v2.B16, v2.B16, v2.B16 \
	VEOR v3.B16, v3.B16, v3.B16

// NEXT_TILE moves to the four rows after a tile and sets the flags to whether there are any. Where there
// is no start, its address and stride stay zero.
#define NEXT_TILE \
	ADD  strideAI<<2, rowA0 \
	ADD  strideC<<2, rowC0  \
	ADD  strideS<<2, rowS0  \
	SUBS $4, rowsLeft

// func gemmPanel16NEON(m, segmentCount, k int, a *float32, ai, ap, skip int, b *float32, bp int, c *float32, ci int, s *float32, si int)
TEXT ·gemmPanel16NEON(SB), NOSPLIT, $0-104
	ARGUMENTS

tile:
	TILE
	CBZ  rowS0, zero
	VLD1 (rowS0), [V0.S4, V1.S4, V2.S4, V3.S4]
	VLD1 (rowS1), [V4.S4, V5.S4, V6.S4, V7.S4]
	VLD1 (rowS2), [V8.S4, V9.S4, V10.S4, V11.S4]
	VLD1 (rowS3), [V12.S4, V13.S4, V14.S4, V15.S4]
	B    segment_loop

zero:
	ZERO4(V0, V1, V2, V3)
	ZERO4(V4, V5, V6, V7)
	ZERO4(V8, V9, V10, V11)
	ZERO4(V12, V13, V14, V15)

segment_loop:
	MOVD columns, column

column_loop:
	VLD1.P (rowB)(strideB), [V24.S4, V25.S4, V26.S4, V27.S4]
	COLUMN_A
	FMLA(28, 24, 0)
	FMLA(28, 25, 1)
	FMLA(28, 26, 2)
	FMLA(28, 27, 3)
	FMLA(29, 24, 4)
	FMLA(29, 25, 5)
	FMLA(29, 26, 6)
	FMLA(29, 27, 7)
	FMLA(30, 24, 8)
	FMLA(30, 25, 9)
	FMLA(30, 26, 10)
	FMLA(30, 27, 11)
	FMLA(31, 24, 12)
	FMLA(31, 25, 13)
	FMLA(31, 26, 14)
	FMLA(31, 27, 15)
	SUB    $1, column
	CBNZ   column, column_loop

	ADD  skipA, offsetA
	SUB  $1, segment
	CBNZ segment, segment_loop

	VST1 [V0.S4, V1.S4, V2.S4, V3.S4], (rowC0)
	VST1 [V4.S4, V5.S4, V6.S4, V7.S4], (rowC1)
	VST1 [V8.S4, V9.S4, V10.S4, V11.S4], (rowC2)
	VST1 [V12.S4, V13.S4, V14.S4, V15.S4], (rowC3)
	NEXT_TILE
	BGT  tile
	RET

// func gemmPanel8NEON(m, segmentCount, k int, a *float32, ai, ap, skip int, b *float32, bp int, c *float32, ci int, s *float32, si int)
TEXT ·gemmPanel8NEON(SB), NOSPLIT, $0-104
	ARGUMENTS

tile:
	TILE
	CBZ  rowS0, zero
	VLD1 (rowS0), [V0.S4, V1.S4]
	VLD1 (rowS1), [V2.S4, V3.S4]
	VLD1 (rowS2), [V4.S4, V5.S4]
	VLD1 (rowS3), [V6.S4, V7.S4]
	B    segment_loop

zero:
	ZERO4(V0, V1, V2, V3)
	ZERO4(V4, V5, V6, V7)

segment_loop:
	MOVD columns, column

column_loop:
	VLD1.P (rowB)(strideB), [V24.S4, V25.S4]
	COLUMN_A
	FMLA(28, 24, 0)
	FMLA(28, 25, 1)
	FMLA(29, 24, 2)
	FMLA(29, 25, 3)
	FMLA(30, 24, 4)
	FMLA(30, 25, 5)
	FMLA(31, 24, 6)
	FMLA(31, 25, 7)
	SUB    $1, column
	CBNZ   column, column_loop

	ADD  skipA, offsetA
	SUB  $1, segment
	CBNZ segment, segment_loop

	VST1 [V0.S4, V1.S4], (rowC0)
	VST1 [V2.S4, V3.S4], (rowC1)
	VST1 [V4.S4, V5.S4], (rowC2)
	VST1 [V6.S4, V7.S4], (rowC3)
	NEXT_TILE
	BGT  tile
	RET

// func gemmPanel4NEON(m, segmentCount, k int, a *float32, ai, ap, skip int, b *float32, bp int, c *float32, ci int, s *float32, si int)
TEXT ·gemmPanel4NEON(SB), NOSPLIT, $0-104
	ARGUMENTS

tile:
	TILE
	CBZ  rowS0, zero
	VLD1 (rowS0), [V0.S4]
	VLD1 (rowS1), [V1.S4]
	VLD1 (rowS2), [V2.S4]
	VLD1 (rowS3), [V3.S4]
	B    segment_loop

zero:
	ZERO4(V0, V1, V2, V3)

segment_loop:
	MOVD columns, column

column_loop:
	VLD1.P (rowB)(strideB), [V24.S4]
	COLUMN_A
	FMLA(28, 24, 0)
	FMLA(29, 24, 1)
	FMLA(30, 24, 2)
	FMLA(31, 24, 3)
	SUB    $1, column
	CBNZ   column, column_loop

	ADD  skipA, offsetA
	SUB  $1, segment
	CBNZ segment, segment_loop

	VST1 [V0.S4], (rowC0)
	VST1 [V1.S4], (rowC1)
	VST1 [V2.S4], (rowC2)
	VST1 [V3.S4], (rowC3)
	NEXT_TILE
	BGT  tile
	RET

// func gemmPanel1NEON(m, segmentCount, k int, a *float32, ai, ap, skip int, b *float32, bp int, c *float32, ci int, s *float32, si int)
TEXT ·gemmPanel1NEON(SB), NOSPLIT, $0-104
	ARGUMENTS

tile:
	TILE
	CBZ   rowS0, zero
	FMOVS (rowS0), F0
	FMOVS (rowS1), F1
	FMOVS (rowS2), F2
	FMOVS (rowS3), F3
	B     segment_loop

zero:
	FMOVS ZR, F0
	FMOVS ZR, F1
	FMOVS ZR, F2
	FMOVS ZR, F3

segment_loop:
	MOVD columns, column

column_loop:
	FMOVS  (rowB), F24
	ADD    strideB, rowB
	COLUMN_A
	FMADDS F28, F0, F24, F0
	FMADDS F29, F1, F24, F1
	FMADDS F30, F2, F24, F2
	FMADDS F31, F3, F24, F3
	SUB    $1, column
	CBNZ   column, column_loop

	ADD  skipA, offsetA
	SUB  $1, segment
	CBNZ segment, segment_loop

	FMOVS F0, (rowC0)
	FMOVS F1, (rowC1)
	FMOVS F2, (rowC2)
	FMOVS F3, (rowC3)
	NEXT_TILE
	BGT   tile
	RET

// func gemmRow64NEON(k int, a *float32, ap int, b *float32, bp int, c, s *float32)
TEXT ·gemmRow64NEON(SB), NOSPLIT, $0-56
	MOVD   k+0(FP), column
	MOVD   a+8(FP), rowA0
	MOVD   ap+16(FP), strideAP
	MOVD   b+24(FP), firstB
	MOVD   bp+32(FP), strideB
	MOVD   c+40(FP), rowC0
	MOVD   s+48(FP), rowS0
	CBZ    rowS0, zero
	VLD1.P 64(rowS0), [V0.S4, V1.S4, V2.S4, V3.S4]
	VLD1.P 64(rowS0), [V4.S4, V5.S4, V6.S4, V7.S4]
	VLD1.P 64(rowS0), [V8.S4, V9.S4, V10.S4, V11.S4]
	VLD1.P 64(rowS0), [V12.S4, V13.S4, V14.S4, V15.S4]
	B      column_loop

zero:
	ZERO4(V0, V1, V2, V3)
	ZERO4(V4, V5, V6, V7)
	ZERO4(V8, V9, V10, V11)
	ZERO4(V12, V13, V14, V15)

column_loop:
	MOVD   firstB, rowB
	FMOVS  (rowA0), F28
	VLD1.P 64(rowB), [V16.S4, V17.S4, V18.S4, V19.S4]
	FMLA(28, 16, 0)
	FMLA(28, 17, 1)
	FMLA(28, 18, 2)
	FMLA(28, 19, 3)
	VLD1.P 64(rowB), [V20.S4, V21.S4, V22.S4, V23.S4]
	FMLA(28, 20, 4)
	FMLA(28, 21, 5)
	FMLA(28, 22, 6)
	FMLA(28, 23, 7)
	VLD1.P 64(rowB), [V16.S4, V17.S4, V18.S4, V19.S4]
	FMLA(28, 16, 8)
	FMLA(28, 17, 9)
	FMLA(28, 18, 10)
	FMLA(28, 19, 11)
	VLD1.P 64(rowB), [V20.S4, V21.S4, V22.S4, V23.S4]
	FMLA(28, 20, 12)
	FMLA(28, 21, 13)
	FMLA(28, 22, 14)
	FMLA(28, 23, 15)
	ADD    strideAP, rowA0
	ADD    strideB, firstB
	SUB    $1, column
	CBNZ   column, column_loop

	VST1.P [V0.S4, V1.S4, V2.S4, V3.S4], 64(rowC0)
	VST1.P [V4.S4, V5.S4, V6.S4, V7.S4], 64(rowC0)
	VST1.P [V8.S4, V9.S4, V10.S4, V11.S4], 64(rowC0)
	VST1.P [V12.S4, V13.S4, V14.S4, V15.S4], 64(rowC0)
	RET

// func peakFMANEON(rounds int)
TEXT ·peakFMANEON(SB), NOSPLIT, $0-8
	MOVD rounds+0(FP), column
	ZERO4(V0, V1, V2, V3)
	ZERO4(V4, V5, V6, V7)
	ZERO4(V8, V9, V10, V11)
	ZERO4(V12, V13, V14, V15)
	ZERO4(V16, V17, V18, V19)
	ZERO4(V20, V21, V22, V23)
	VEOR V24.B16, V24.B16, V24.B16

round:
	VFMLA V24.S4, V24.S4, V0.S4
	VFMLA V24.S4, V24.S4, V1.S4
	VFMLA V24.S4, V24.S4, V2.S4
	VFMLA V24.S4, V24.S4, V3.S4
	VFMLA V24.S4, V24.S4, V4.S4
	VFMLA V24.S4, V24.S4, V5.S4
	VFMLA V24.S4, V24.S4, V6.S4
	VFMLA V24.S4, V24.S4, V7.S4
	VFMLA V24.S4, V24.S4, V8.S4
	VFMLA V24.S4, V24.S4, V9.S4
	VFMLA V24.S4, V24.S4, V10.S4
	VFMLA V24.S4, V24.S4, V11.S4
	VFMLA V24.S4, V24.S4, V12.S4
	VFMLA V24.S4, V24.S4, V13.S4
	VFMLA V24.S4, V24.S4, V14.S4
	VFMLA V24.S4, V24.S4, V15.S4
	VFMLA V24.S4, V24.S4, V16.S4
	VFMLA V24.S4, V24.S4, V17.S4
	VFMLA V24.S4, V24.S4, V18.S4
	VFMLA V24.S4, V24.S4, V19.S4
	VFMLA V24.S4, V24.S4, V20.S4
	VFMLA V24.S4, V24.S4, V21.S4
	VFMLA V24.S4, V24.S4, V22.S4
	VFMLA V24.S4, V24.S4, V23.S4
	SUB   $1, column
	CBNZ  column, round
	RET
