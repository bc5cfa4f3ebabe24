package tsne

import (
	"math"
	"math/cmplx"
)

// fft is a discrete Fourier transform of fixed length n = 2ᵃ·3ᵇ·5ᶜ,
//
//	X[k] = Σ_j x[j]·exp(-2πi·jk/n)
//
// of many sequences at once: row j of the data holds element j of all of them,
// side by side. This is Stockham's self-sorting algorithm with decimation in
// frequency (Van Loan 1992, section 1.7) begun at a stride of one row: every inner
// loop runs along whole rows with one twiddle factor, which a processor does
// several times faster than the transform of one sequence.
type fft struct {
	n      int
	passes []fftPass
}

// fftPass splits each of its sequences of length radix·len(twiddles) by radix.
type fftPass struct {
	radix    int
	twiddles [][]complex128 // [p][j-1] = exp(-2πi·pj/length)
}

// newFFT plans a transform of a length that [fftLength] returned.
func newFFT(n int) *fft {
	f := &fft{n: n}
	for length := n; length > 1; {
		radix := 4
		for length%radix != 0 {
			radix = map[int]int{4: 3, 3: 5, 5: 2}[radix]
		}
		pass := fftPass{radix: radix, twiddles: make([][]complex128, length/radix)}
		for p := range pass.twiddles {
			for j := 1; j < radix; j++ {
				pass.twiddles[p] = append(pass.twiddles[p], unit(-p*j, length))
			}
		}
		f.passes = append(f.passes, pass)
		length /= radix
	}
	return f
}

// unit returns exp(2πi·k/n).
func unit(k, n int) complex128 { return cmplx.Rect(1, 2*math.Pi*float64(k)/float64(n)) }

// fftLength returns the least length of at least n that is even and that the
// transform does fast: 2ᵃ, 3·2ᵃ or 5·2ᵃ.
func fftLength(n int) int {
	for best := 2; ; best *= 2 {
		switch {
		case best >= n:
			return best
		case best%8 == 0 && best/4*5 >= n:
			return best / 4 * 5
		case best%4 == 0 && best/2*3 >= n:
			return best / 2 * 3
		}
	}
}

// transform replaces the n rows of x, of lanes elements each, by their transform.
// Work is scratch of the same size. It returns the one of the two that holds the
// result.
func (f *fft) transform(x, work []complex128, lanes int) []complex128 {
	stride := lanes
	for _, pass := range f.passes {
		m := len(pass.twiddles)
		for p, w := range pass.twiddles {
			// Input j of this butterfly is m strides after input j-1; its outputs
			// follow each other.
			in, out := x[p*stride:], work[p*pass.radix*stride:][:pass.radix*stride]
			switch pass.radix {
			case 2:
				butterfly2(in, out, stride, m*stride, w[0])
			case 3:
				butterfly3(in, out, stride, m*stride, w[0], w[1])
			case 4:
				butterfly4(in, out, stride, m*stride, w[0], w[1], w[2])
			case 5:
				butterfly5(in, out, stride, m*stride, [4]complex128(w))
			}
		}
		x, work = work, x
		stride *= pass.radix
	}
	return x
}

func butterfly2(in, out []complex128, n, step int, w complex128) {
	a, b := in[:n], in[step:][:n]
	y0, y1 := out[:n], out[n:][:n]
	for i := range a {
		y0[i], y1[i] = a[i]+b[i], w*(a[i]-b[i])
	}
}

func butterfly3(in, out []complex128, n, step int, w1, w2 complex128) {
	a, b, c := in[:n], in[step:][:n], in[2*step:][:n]
	y0, y1, y2 := out[:n], out[n:][:n], out[2*n:][:n]
	const sin60 = 0.866025403784438646763723170752936183
	for i := range a {
		sum, diff := b[i]+c[i], b[i]-c[i]
		mid := a[i] - complex(real(sum)/2, imag(sum)/2)
		turned := complex(sin60*imag(diff), -sin60*real(diff))
		y0[i], y1[i], y2[i] = a[i]+sum, w1*(mid+turned), w2*(mid-turned)
	}
}

func butterfly4(in, out []complex128, n, step int, w1, w2, w3 complex128) {
	a, b, c, d := in[:n], in[step:][:n], in[2*step:][:n], in[3*step:][:n]
	y0, y1, y2, y3 := out[:n], out[n:][:n], out[2*n:][:n], out[3*n:][:n]
	for i := range a {
		ac, bd := a[i]+c[i], b[i]+d[i]
		amc, bmd := a[i]-c[i], b[i]-d[i]
		turned := complex(imag(bmd), -real(bmd))
		y0[i], y1[i], y2[i], y3[i] = ac+bd, w1*(amc+turned), w2*(ac-bd), w3*(amc-turned)
	}
}

func butterfly5(in, out []complex128, n, step int, w [4]complex128) {
	a, b, c, d, e := in[:n], in[step:][:n], in[2*step:][:n], in[3*step:][:n], in[4*step:][:n]
	y0, y1, y2, y3, y4 := out[:n], out[n:][:n], out[2*n:][:n], out[3*n:][:n], out[4*n:][:n]
	const (
		cos72, sin72   = 0.309016994374947424102293417182819059, 0.951056516295153572116439333379382143
		cos144, sin144 = -0.809016994374947424102293417182819059, 0.587785252292473129168705954639072769
	)
	for i := range a {
		be, cd, bme, cmd := b[i]+e[i], c[i]+d[i], b[i]-e[i], c[i]-d[i]
		r1 := a[i] + complex(cos72*real(be)+cos144*real(cd), cos72*imag(be)+cos144*imag(cd))
		r2 := a[i] + complex(cos144*real(be)+cos72*real(cd), cos144*imag(be)+cos72*imag(cd))
		t1 := complex(sin72*imag(bme)+sin144*imag(cmd), -sin72*real(bme)-sin144*real(cmd))
		t2 := complex(sin144*imag(bme)-sin72*imag(cmd), -sin144*real(bme)+sin72*real(cmd))
		y0[i] = a[i] + be + cd
		y1[i], y4[i] = w[0]*(r1+t1), w[3]*(r1-t1)
		y2[i], y3[i] = w[1]*(r2+t2), w[2]*(r2-t2)
	}
}
