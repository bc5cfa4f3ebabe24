package tsne

import "math"

// laneBlock is how many sequences are transformed together: enough for long inner
// loops, few enough that two copies of them stay in a core's second-level cache.
const laneBlock = 16

// convolution replaces values on a lattice by the potential of the kernel
// q(d) = 1/(1+|d|²) that they make, Σ_g' K(g-g')·value(g'). Values and potential
// stand row by row; K is q made ready for B-spline interpolation, see newSpectrum.
//
// The lattice is padded with zeros to twice its size, so that the transform's
// period does not show. Two real columns, c and c+nx/2, are transformed as the
// real and imaginary part of one complex sequence.
type convolution struct {
	kernels  map[kernelKey]*kernel
	plans    map[int]*fft
	spectrum []complex128 // nx×(m/2+1): the transform of each column
	scratch  [][2][]complex128
}

type kernelKey struct {
	m       int
	spacing float64
}

// kernel is K, ready for use.
type kernel struct {
	// spectrum is the transform, m×(m/2+1), by frequency along the rows and along
	// the columns, divided by the m² of a transform there and back.
	spectrum []float64
	near     nearPotential
}

// nearPotential is K: the potential at a node some columns and rows away from a
// node of value one.
type nearPotential [splineOrder]weights

// apply convolves the ny×nx values in place. It returns K nearby.
func (v *convolution) apply(c *crew, l lattice, values []float64) *nearPotential {
	m := fftLength(2 * max(l.nx, l.ny))
	kernel := v.kernel(kernelKey{m, l.spacing})
	plan, half, k := v.plan(m), l.nx/2, m/2+1
	v.spectrum = grow(v.spectrum, l.nx*k)
	v.reserve(c.team.Size(), m)

	c.each(blocksOf(half, laneBlock), func(worker, b int) {
		v.columnsForward(plan, worker, l, values, b*laneBlock, min((b+1)*laneBlock, half))
	})
	c.each(blocksOf(k, laneBlock), func(worker, b int) {
		v.rows(plan, worker, l, kernel.spectrum, b*laneBlock, min((b+1)*laneBlock, k))
	})
	c.each(blocksOf(half, laneBlock), func(worker, b int) {
		v.columnsBack(plan, worker, l, values, b*laneBlock, min((b+1)*laneBlock, half))
	})
	return &kernel.near
}

// columnsForward transforms columns lo to hi and their partners into the spectrum.
func (v *convolution) columnsForward(plan *fft, worker int, l lattice, values []float64, lo, hi int) {
	lanes, m, half, k := hi-lo, plan.n, l.nx/2, plan.n/2+1
	x, work := v.scratch[worker][0][:m*lanes], v.scratch[worker][1][:m*lanes]
	for r := range l.ny {
		row, re, im := x[r*lanes:][:lanes], values[r*l.nx+lo:][:lanes], values[r*l.nx+half+lo:][:lanes]
		for i := range row {
			row[i] = complex(re[i], im[i])
		}
	}
	clear(x[l.ny*lanes:])
	z := plan.transform(x, work, lanes)
	// Z = A + iB with the transforms A and B of real columns, whose A[m-f] is the
	// conjugate of A[f].
	for i := range lanes {
		a, b := v.spectrum[(lo+i)*k:][:k], v.spectrum[(half+lo+i)*k:][:k]
		for f := range a {
			p, q := z[f*lanes+i], z[(m-f)%m*lanes+i]
			a[f] = complex((real(p)+real(q))/2, (imag(p)-imag(q))/2)
			b[f] = complex((imag(p)+imag(q))/2, (real(q)-real(p))/2)
		}
	}
}

// rows transforms the spectrum along the rows, at the frequencies lo to hi of the
// columns, multiplies it with the kernel's, and transforms it back.
func (v *convolution) rows(plan *fft, worker int, l lattice, kernel []float64, lo, hi int) {
	lanes, m, k := hi-lo, plan.n, plan.n/2+1
	x, work := v.scratch[worker][0][:m*lanes], v.scratch[worker][1][:m*lanes]
	for c := range l.nx {
		copy(x[c*lanes:][:lanes], v.spectrum[c*k+lo:])
	}
	clear(x[l.nx*lanes:])
	z := plan.transform(x, work, lanes)
	// The conjugate of the transform of the conjugate is the transform back.
	for f := range m {
		row, factors := z[f*lanes:][:lanes], kernel[f*k+lo:][:lanes]
		for i, factor := range factors {
			row[i] = complex(factor*real(row[i]), -factor*imag(row[i]))
		}
	}
	if &z[0] == &work[0] {
		x, work = work, x
	}
	z = plan.transform(x, work, lanes)
	for c := range l.nx {
		to, from := v.spectrum[c*k+lo:][:lanes], z[c*lanes:][:lanes]
		for i, f := range from {
			to[i] = complex(real(f), -imag(f))
		}
	}
}

// columnsBack transforms the spectra of columns lo to hi and their partners back
// into values.
func (v *convolution) columnsBack(plan *fft, worker int, l lattice, values []float64, lo, hi int) {
	lanes, m, half, k := hi-lo, plan.n, l.nx/2, plan.n/2+1
	x, work := v.scratch[worker][0][:m*lanes], v.scratch[worker][1][:m*lanes]
	for i := range lanes {
		a, b := v.spectrum[(lo+i)*k:][:k], v.spectrum[(half+lo+i)*k:][:k]
		for f := range a { // conjugates of A + iB
			x[f*lanes+i] = complex(real(a[f])-imag(b[f]), -imag(a[f])-real(b[f]))
			x[(m-f)%m*lanes+i] = complex(real(a[f])+imag(b[f]), imag(a[f])-real(b[f]))
		}
	}
	z := plan.transform(x, work, lanes)
	for r := range l.ny {
		row, re, im := z[r*lanes:][:lanes], values[r*l.nx+lo:][:lanes], values[r*l.nx+half+lo:][:lanes]
		for i, v := range row {
			re[i], im[i] = real(v), -imag(v)
		}
	}
}

func (v *convolution) plan(m int) *fft {
	if v.plans == nil {
		v.plans = map[int]*fft{}
	}
	if v.plans[m] == nil {
		v.plans[m] = newFFT(m)
	}
	return v.plans[m]
}

// reserve makes room for the transforms of each worker.
func (v *convolution) reserve(workers, m int) {
	for len(v.scratch) < workers {
		v.scratch = append(v.scratch, [2][]complex128{})
	}
	for w := range v.scratch {
		for i := range v.scratch[w] {
			v.scratch[w][i] = grow(v.scratch[w][i], m*laneBlock)
		}
	}
}

// grow returns x with n elements, their values unspecified.
func grow[T any](x []T, n int) []T {
	if cap(x) < n {
		return make([]T, n+n/4)[:n]
	}
	return x[:n]
}

// kernel returns that of the key.
func (v *convolution) kernel(key kernelKey) *kernel {
	if v.kernels == nil {
		v.kernels = map[kernelKey]*kernel{}
	}
	if v.kernels[key] == nil {
		spectrum := newSpectrum(v.plan(key.m), key.spacing)
		v.kernels[key] = &kernel{spectrum, newNearPotential(spectrum, key.m)}
	}
	return v.kernels[key]
}

// newSpectrum transforms K.
//
// Both where a value is put on the lattice and where the potential is read off
// it, a B-spline smooths; dividing by the square of its spectrum, in either
// direction, makes up for that. Towards the highest frequency that the lattice can
// hold the splines cannot tell a wave from its alias, and points would be drawn to
// the lattice's nodes; there K fades out. This blunts q a little for points closer
// than the spacing, in the same way everywhere. Of 5,000 codes of MNIST the map so
// reaches a divergence within 0.1 % of that of exact forces, and without it, 1.2 %
// more.
//
// As q is even its transform is real, and two of them are computed as one complex
// sequence.
func newSpectrum(plan *fft, spacing float64) []float64 {
	m, k := plan.n, plan.n/2+1
	lanes := (k + 1) / 2
	// q of nodes r rows and c columns apart, on a torus of m×m
	q := func(r, c int) float64 {
		y, x := spacing*float64(min(r, m-r)), spacing*float64(min(c, m-c))
		return 1 / (1 + x*x + y*y)
	}
	columns := transformEven(plan, lanes, q)
	both := transformEven(plan, lanes, func(c, f int) float64 { return columns(min(f, k-1), min(c, m-c)) })
	spectrum := make([]float64, m*k)
	for r := range m {
		for c := range k {
			spline := splineSpectrum(r, m) * splineSpectrum(c, m)
			spectrum[r*k+c] = fade(math.Hypot(frequency(r, m), frequency(c, m))) * both(r, c) / (spline * spline * float64(m) * float64(m))
		}
	}
	return spectrum
}

// transformEven transforms sequences that are even, element j of sequence i being
// at(j, i), and returns the same of the result. Sequences i and i+lanes go
// together, as the real and imaginary part of one.
func transformEven(plan *fft, lanes int, at func(j, i int) float64) func(j, i int) float64 {
	x, work := make([]complex128, plan.n*lanes), make([]complex128, plan.n*lanes)
	for j := range plan.n {
		for i := range lanes {
			x[j*lanes+i] = complex(at(j, i), at(j, lanes+i))
		}
	}
	z := plan.transform(x, work, lanes)
	return func(j, i int) float64 {
		if i < lanes {
			return real(z[j*lanes+i])
		}
		return imag(z[j*lanes+i-lanes])
	}
}

// frequency returns the magnitude of frequency k of m, of which the highest is 1.
func frequency(k, m int) float64 { return 2 * float64(min(k, m-k)) / float64(m) }

// fade is 1 at frequencies up to fadeFrom, and 0 from 1 on.
func fade(frequency float64) float64 {
	const fadeFrom = 0.5
	t := max(0, min(1, (frequency-fadeFrom)/(1-fadeFrom)))
	return (1 + math.Cos(math.Pi*t)) / 2
}

// newNearPotential transforms the spectrum back, for a few nodes only.
func newNearPotential(spectrum []float64, m int) (near nearPotential) {
	k := m/2 + 1
	for dx := range near {
		columns := make([]float64, k) // transformed back along the rows
		for r := range m {
			w := real(unit(r*dx, m))
			for f, v := range spectrum[r*k:][:k] {
				columns[f] += w * v
			}
		}
		for dy := range near[dx] {
			for f, v := range columns {
				w := real(unit(f*dy, m))
				if f != 0 && f != m-f {
					w *= 2 // frequencies f and m-f
				}
				near[dx][dy] += w * v
			}
		}
	}
	return near
}
