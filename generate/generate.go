// Package generate makes codes that no sample had, for a decoder to turn into new
// samples, and judges by numbers how good such samples are.
//
//	mixture, err := generate.FitMixture(ctx, codes, generate.MixtureOptions{})
//	images, err := ae.Decode(mixture.Sample(25, seed))
//	path, err := generate.Spherical(codes.Row(0), codes.Row(1), 10)
//
// It knows codes and samples as arrays and nothing of the networks between them.
// Random numbers are a function of the seed alone.
package generate

import (
	"fmt"
	"math"
	"math/rand/v2"

	"hourglass/tensor"
)

// Sampler draws codes.
type Sampler interface {
	// Sample returns n codes, of shape n×(numbers a code). The same n and seed give
	// the same codes, and more of them begin with the same.
	Sample(n int, seed uint64) tensor.Tensor
}

// Normal draws codes of independent standard normal numbers: the prior of a
// variational autoencoder (Kingma and Welling 2014).
type Normal struct {
	Codes int // numbers in a code, at least 1
}

var (
	_ Sampler = Normal{}
	_ Sampler = (*Mixture)(nil)
)

// Sample draws from N(0, 1).
func (s Normal) Sample(n int, seed uint64) tensor.Tensor {
	codes, rng := tensor.New(n, s.Codes), generator(seed)
	for i := range codes.Data {
		codes.Data[i] = float32(rng.NormFloat64())
	}
	return codes
}

// generator returns the random numbers of a seed.
func generator(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0x67656e)) }

// Linear returns steps codes on the straight line from a to b, both included, of
// shape steps×(numbers a code).
func Linear(a, b []float32, steps int) (tensor.Tensor, error) {
	if err := checkPath(a, b, steps); err != nil {
		return tensor.Tensor{}, err
	}
	return between(a, b, steps, func(t float64) (float64, float64) { return 1 - t, t }), nil
}

// Spherical returns steps codes on the arc from a to b, both included, at even
// angles: sin((1-t)Ω)/sin Ω · a + sin(tΩ)/sin Ω · b with the angle Ω between them
// (Shoemake 1985). Between codes drawn from a normal distribution in many dimensions, whose
// lengths are all about the same, a straight line passes through lengths that hardly
// occur (White 2016); the arc does not. Where the angle is (almost) zero or straight
// it is the straight line.
func Spherical(a, b []float32, steps int) (tensor.Tensor, error) {
	if err := checkPath(a, b, steps); err != nil {
		return tensor.Tensor{}, err
	}
	angle := angle(a, b)
	if s := math.Sin(angle); !(s > 1e-6) {
		return Linear(a, b, steps)
	}
	return between(a, b, steps, func(t float64) (float64, float64) {
		return math.Sin((1-t)*angle) / math.Sin(angle), math.Sin(t*angle) / math.Sin(angle)
	}), nil
}

func checkPath(a, b []float32, steps int) error {
	switch {
	case len(a) == 0 || len(a) != len(b):
		return fmt.Errorf("generate: interpolate between codes of %d and %d numbers, want as many and at least 1", len(a), len(b))
	case steps < 2:
		return fmt.Errorf("generate: interpolate in %d steps, want at least 2", steps)
	}
	return nil
}

// between mixes a and b by the weights of t from 0 to 1.
func between(a, b []float32, steps int, weights func(t float64) (of, and float64)) tensor.Tensor {
	path := tensor.New(steps, len(a))
	for i := range steps {
		of, and := weights(float64(i) / float64(steps-1))
		for j, code := 0, path.Row(i); j < len(code); j++ {
			code[j] = float32(of*float64(a[j]) + and*float64(b[j]))
		}
	}
	copy(path.Row(0), a) // rounding has no say in the ends
	copy(path.Row(steps-1), b)
	return path
}

// angle returns that between two vectors, 0 to π; 0 if one of them is zero.
func angle(a, b []float32) float64 {
	var ab, aa, bb float64
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return math.Acos(max(-1, min(1, ab/math.Sqrt(aa*bb))))
}

// Traverse returns a copy of code for each value, with that value as its number dim:
// what one dimension of a code stands for shows when the rest stands still.
func Traverse(code []float32, dim int, values []float32) (tensor.Tensor, error) {
	if dim < 0 || dim >= len(code) || len(values) == 0 {
		return tensor.Tensor{}, fmt.Errorf("generate: traverse dimension %d of a code of %d numbers with %d values, want one below %d and at least 1 value",
			dim, len(code), len(values), len(code))
	}
	codes := tensor.New(len(values), len(code))
	for i, v := range values {
		copy(codes.Row(i), code)
		codes.Row(i)[dim] = v
	}
	return codes, nil
}

// Plane returns side×side codes of two numbers at the quantiles of the standard
// normal distribution, so that every cell of the grid is as probable: Φ⁻¹((i+½)/side),
// the first number growing along a row, the second from the last row to the first
// (Kingma and Welling 2014, figure 4).
func Plane(side int) (tensor.Tensor, error) {
	if side < 1 || side > 1<<12 {
		return tensor.Tensor{}, fmt.Errorf("generate: a plane of %d codes a side, want 1 to %d", side, 1<<12)
	}
	codes := tensor.New(side*side, 2)
	quantile := func(i int) float32 {
		return float32(math.Sqrt2 * math.Erfinv(2*(float64(i)+0.5)/float64(side)-1))
	}
	for row := range side {
		for column := range side {
			code := codes.Row(row*side + column)
			code[0], code[1] = quantile(column), quantile(side-1-row)
		}
	}
	return codes, nil
}

// checkCodes reports an array that is not at least one code of finite numbers.
func checkCodes(doing string, codes tensor.Tensor) error {
	if err := codes.Shape.Validate(); err != nil {
		return fmt.Errorf("generate: %s: %w", doing, err)
	}
	if len(codes.Shape) == 0 || len(codes.Data) != codes.Shape.Size() {
		return fmt.Errorf("generate: %s: %d numbers of shape %v, want N×(code) that they fill", doing, len(codes.Data), codes.Shape)
	}
	for i, v := range codes.Data {
		if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
			return fmt.Errorf("generate: %s: sample %d holds %v, want finite numbers", doing, i/codes.Sample().Size(), v)
		}
	}
	return nil
}
