package dataset

import (
	"math"

	"hourglass/tensor"
)

// Curve is a set of points in space.
type Curve [][3]float64

// Curve3D returns the m points of the lecture's linear autoencoder: part of an
// ellipse, noisy and tilted, centred in each coordinate, that a plane nearly
// holds. It is the lecture's program, with np.random.seed(4) before:
//
//	def generate_3d_data(m, w1=0.1, w2=0.3, noise=0.1):
//	    angles = np.random.rand(m) * 3 * np.pi / 2 - 0.5
//	    data = np.empty((m, 3))
//	    data[:, 0] = np.cos(angles) + np.sin(angles)/2 + noise * np.random.randn(m) / 2
//	    data[:, 1] = np.sin(angles) * 0.7 + noise * np.random.randn(m) / 2
//	    data[:, 2] = data[:, 0] * w1 + data[:, 1] * w2 + noise * np.random.randn(m)
//	    return data
//	X = generate_3d_data(m)
//	X = X - X.mean(axis=0, keepdims=0)
//
// The values are NumPy's bit for bit where NumPy takes sine and cosine from
// the C library. On processors with AVX-512 versions 1.22 to 1.25 of NumPy take
// a faster approximation, and the last one or two bits of the result differ
// there; rounded to float32 the points are the same in either case. For m
// below 1 there are none.
func Curve3D(m int) Curve {
	const w1, w2, noise = 0.1, 0.3, 0.1
	const seed = 4
	m = max(m, 0)
	random := newNumpyRandom(seed)
	angles := make([]float64, m)
	for i := range angles {
		angles[i] = float64(random.uniform()*3*math.Pi/2) - 0.5
	}
	// The draws go column by column. The conversions keep compilers from fusing
	// a product into the sum around it, which would round differently.
	points := make(Curve, m)
	for i, angle := range angles {
		points[i][0] = cos(angle) + float64(sin(angle)/2) + float64(noise*random.normal()/2)
	}
	for i, angle := range angles {
		points[i][1] = float64(sin(angle)*0.7) + float64(noise*random.normal()/2)
	}
	for i := range points {
		p := &points[i]
		p[2] = float64(p[0]*w1) + float64(p[1]*w2) + float64(noise*random.normal())
	}
	points.centre()
	return points
}

// centre subtracts the mean of each coordinate, summed in the order of the
// points as NumPy does along the first axis.
func (c Curve) centre() {
	var sum [3]float64
	for _, p := range c {
		for j := range sum {
			sum[j] += p[j]
		}
	}
	for i := range c {
		for j := range sum {
			c[i][j] -= sum[j] / float64(len(c))
		}
	}
}

// Array returns the points as an array of float32, one point a sample. There
// must be at least one.
func (c Curve) Array() Array {
	x := tensor.New(len(c), 3)
	for i, p := range c {
		for j, v := range p {
			x.Row(i)[j] = float32(v)
		}
	}
	return Array{x}
}
