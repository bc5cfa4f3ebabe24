package kernel

// gemmGeneric is the twin of the products in assembly: blocks of 4×4 sums that live in registers.
func gemmGeneric(m, n, k int, a []float32, ai, ap int, b []float32, bp int, c []float32, ci int, start Start, bias []float32) {
	for i := 0; i < m; i += 4 {
		mb := min(4, m-i)
		for j := 0; j < n; j += 4 {
			nb := min(4, n-j)
			var s [4][4]float32
			for r := range mb {
				for q := range nb {
					switch start {
					case Accumulate:
						s[r][q] = c[(i+r)*ci+j+q]
					case Bias:
						s[r][q] = bias[j+q]
					}
				}
			}
			switch {
			case k == 0:
			case mb == 4 && nb == 4:
				block4x4(&s, k, a[i*ai:], ai, ap, b[j:], bp)
			default:
				blockEdge(&s, mb, nb, k, a[i*ai:], ai, ap, b[j:], bp)
			}
			for r := range mb {
				copy(c[(i+r)*ci+j:(i+r)*ci+j+nb], s[r][:nb])
			}
		}
	}
}

// block4x4 adds the product of four rows of A and four columns of B to s, as fma32 does.
func block4x4(s *[4][4]float32, k int, a []float32, ai, ap int, b []float32, bp int) {
	s00, s01, s02, s03 := float64(s[0][0]), float64(s[0][1]), float64(s[0][2]), float64(s[0][3])
	s10, s11, s12, s13 := float64(s[1][0]), float64(s[1][1]), float64(s[1][2]), float64(s[1][3])
	s20, s21, s22, s23 := float64(s[2][0]), float64(s[2][1]), float64(s[2][2]), float64(s[2][3])
	s30, s31, s32, s33 := float64(s[3][0]), float64(s[3][1]), float64(s[3][2]), float64(s[3][3])
	for p := range k {
		r := b[p*bp:][:4:4]
		b0, b1, b2, b3 := float64(r[0]), float64(r[1]), float64(r[2]), float64(r[3])
		a0 := float64(a[p*ap])
		s00 = float64(float32(addToOdd(float64(a0*b0), s00)))
		s01 = float64(float32(addToOdd(float64(a0*b1), s01)))
		s02 = float64(float32(addToOdd(float64(a0*b2), s02)))
		s03 = float64(float32(addToOdd(float64(a0*b3), s03)))
		a1 := float64(a[p*ap+ai])
		s10 = float64(float32(addToOdd(float64(a1*b0), s10)))
		s11 = float64(float32(addToOdd(float64(a1*b1), s11)))
		s12 = float64(float32(addToOdd(float64(a1*b2), s12)))
		s13 = float64(float32(addToOdd(float64(a1*b3), s13)))
		a2 := float64(a[p*ap+2*ai])
		s20 = float64(float32(addToOdd(float64(a2*b0), s20)))
		s21 = float64(float32(addToOdd(float64(a2*b1), s21)))
		s22 = float64(float32(addToOdd(float64(a2*b2), s22)))
		s23 = float64(float32(addToOdd(float64(a2*b3), s23)))
		a3 := float64(a[p*ap+3*ai])
		s30 = float64(float32(addToOdd(float64(a3*b0), s30)))
		s31 = float64(float32(addToOdd(float64(a3*b1), s31)))
		s32 = float64(float32(addToOdd(float64(a3*b2), s32)))
		s33 = float64(float32(addToOdd(float64(a3*b3), s33)))
	}
	s[0] = [4]float32{float32(s00), float32(s01), float32(s02), float32(s03)}
	s[1] = [4]float32{float32(s10), float32(s11), float32(s12), float32(s13)}
	s[2] = [4]float32{float32(s20), float32(s21), float32(s22), float32(s23)}
	s[3] = [4]float32{float32(s30), float32(s31), float32(s32), float32(s33)}
}

// blockEdge is block4x4 for the mb×nb blocks at the edges.
func blockEdge(s *[4][4]float32, mb, nb, k int, a []float32, ai, ap int, b []float32, bp int) {
	for p := range k {
		for r := range mb {
			for q := range nb {
				s[r][q] = fma32(a[p*ap+r*ai], b[p*bp+q], s[r][q])
			}
		}
	}
}

// transposeGeneric works in blocks of 16×16 so that both matrices stay in the cache.
func transposeGeneric(dst []float32, ldd int, src []float32, lds int, rows, cols int) {
	const block = 16
	for i0 := 0; i0 < rows; i0 += block {
		i1 := min(i0+block, rows)
		for j := range cols {
			to := dst[j*ldd+i0 : j*ldd+i1]
			for i := range to {
				to[i] = src[(i0+i)*lds+j]
			}
		}
	}
}

// peakFMAGeneric is the scalar version of the loop behind PeakFMA.
func peakFMAGeneric(rounds int) {
	var s [peakChains]float32
	for range rounds {
		for i := range s {
			s[i] = fma32(s[i], s[i], s[i])
		}
	}
}
