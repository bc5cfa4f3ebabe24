package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"
)

// vectorKernel is a kernel over slices of equal length, which it may write to.
type vectorKernel struct {
	name   string
	slices int
	run    func(s [][]float32) float64
}

// void adapts a function without a result.
func void(f func(s [][]float32)) func(s [][]float32) float64 {
	return func(s [][]float32) float64 {
		f(s)
		return 0
	}
}

// unaryFunction adapts dst = f(x).
func unaryFunction(name string, f func(dst, x []float32)) vectorKernel {
	return vectorKernel{name, 2, void(func(s [][]float32) { f(s[0], s[1]) })}
}

// binaryFunction adapts dst = f(x, y).
func binaryFunction(name string, f func(dst, x, y []float32)) vectorKernel {
	return vectorKernel{name, 3, void(func(s [][]float32) { f(s[0], s[1], s[2]) })}
}

var (
	testKey     = Key{0x12345678, 0x9abcdef0}
	testCounter = Counter{0xfffffff5, 7, 8, 9} // wraps around within the first group
	adamTest    = AdamStep{Beta1: 0.9, Beta2: 0.999, Rate: 0.01, VScale: 1.7, Epsilon: 1e-7, Decay: 1e-3}
	rmspropTest = RMSPropStep{Rho: 0.9, Rate: 0.01, Inside: 1e-7, Epsilon: 1e-8}
)

// vectorKernels lists every kernel over slices.
var vectorKernels = []vectorKernel{
	unaryFunction("Exp", Exp),
	unaryFunction("Log", Log),
	unaryFunction("Tanh", Tanh),
	unaryFunction("Sigmoid", Sigmoid),
	unaryFunction("Softplus", Softplus),
	unaryFunction("ReLU", ReLU),
	unaryFunction("SELU", SELU),
	unaryFunction("LeakyReLU", func(dst, x []float32) { LeakyReLU(dst, x, 0.1) }),
	unaryFunction("ELU", func(dst, x []float32) { ELU(dst, x, 1.3) }),
	unaryFunction("Scale", func(dst, x []float32) { Scale(dst, x, 1.1) }),
	unaryFunction("Axpy", func(dst, x []float32) { Axpy(dst, 1.1, x) }),
	binaryFunction("Add", Add),
	binaryFunction("Mul", Mul),
	binaryFunction("SigmoidGrad", SigmoidGrad),
	binaryFunction("TanhGrad", TanhGrad),
	binaryFunction("SoftplusGrad", func(dz, dy, y []float32) {
		ReLU(y, y) // an output of softplus is not negative
		SoftplusGrad(dz, dy, y)
	}),
	binaryFunction("ReLUGrad", ReLUGrad),
	binaryFunction("SELUGrad", SELUGrad),
	binaryFunction("LeakyReLUGrad", func(dz, dy, y []float32) { LeakyReLUGrad(dz, dy, y, 0.1) }),
	binaryFunction("ELUGrad", func(dz, dy, y []float32) { ELUGrad(dz, dy, y, 1.3) }),
	{"Sum", 1, func(s [][]float32) float64 { return Sum(s[0]) }},
	{"SumSquares", 1, func(s [][]float32) float64 { return SumSquares(s[0]) }},
	{"Dot", 2, func(s [][]float32) float64 { return Dot(s[0], s[1]) }},
	{"SquaredDistance", 2, func(s [][]float32) float64 { return SquaredDistance(s[0], s[1]) }},
	{"BCELogits", 4, func(s [][]float32) float64 { return BCELogits(s[0], s[1], s[2], s[3], 0.1) }},
	{"BCELogitsLoss", 2, func(s [][]float32) float64 { return BCELogitsLoss(s[0], s[1]) }},
	{"SquaredError", 3, func(s [][]float32) float64 { return SquaredError(s[0], s[1], s[2], 0.1) }},
	{"RoundedAgree", 2, func(s [][]float32) float64 { return float64(RoundedAgree(s[0], s[1])) }},
	{"SGD", 2, void(func(s [][]float32) { SGD(s[0], s[1], 0.1) })},
	{"Momentum", 3, void(func(s [][]float32) { Momentum(s[0], s[1], s[2], 0.1, 0.9, false) })},
	{"Nesterov", 3, void(func(s [][]float32) { Momentum(s[0], s[1], s[2], 0.1, 0.9, true) })},
	{"Adam", 4, void(func(s [][]float32) { Adam(s[0], s[1], s[2], s[3], adamTest) })},
	{"Normalize", 5, void(func(s [][]float32) { Normalize(s[0], s[1], s[2], s[3], s[4]) })},
	{"NormalizeGrad", 7, void(func(s [][]float32) { NormalizeGrad(s[0], s[1], s[2], s[3], s[4], s[5], s[6]) })},
	{"RMSProp", 3, void(func(s [][]float32) { RMSProp(s[0], s[1], s[2], rmspropTest) })},
	{"Uniform", 1, void(func(s [][]float32) { Uniform(s[0], testKey, testCounter) })},
	{"Normal", 1, void(func(s [][]float32) { Normal(s[0], testKey, testCounter) })},
	{"AddNormal", 2, void(func(s [][]float32) { AddNormal(s[0], s[1], 0.2, testKey, testCounter) })},
	{"Dropout", 2, void(func(s [][]float32) { Dropout(s[0], s[1], 0.5, 2, testKey, testCounter) })},
}

// run calls k on copies of the slices on the given level, and returns them.
func (k vectorKernel) on(l level, s [][]float32) (after [][]float32, result float64) {
	for _, x := range s {
		after = append(after, canaried(x))
	}
	at(l, func() { result = k.run(after) })
	for _, x := range after {
		if !intact(x) {
			panic(k.name + ": wrote outside a slice")
		}
	}
	return after, result
}

// canaries is the number of floats before and after a slice that are watched; being odd, it also misaligns the slice.
const canaries = 19

// canary is a NaN that no kernel makes.
var canary = math.Float32frombits(0x7fdead01)

// canaried returns a copy of x between canaries.
func canaried(x []float32) []float32 {
	whole := make([]float32, len(x)+2*canaries)
	for i := range whole {
		whole[i] = canary
	}
	copy(whole[canaries:], x)
	return whole[canaries:][:len(x)]
}

// intact tells whether the canaries around x live.
func intact(x []float32) bool {
	first := unsafe.Add(unsafe.Pointer(unsafe.SliceData(x[:1:cap(x)])), -4*canaries)
	whole := unsafe.Slice((*float32)(first), len(x)+2*canaries)
	for _, watched := range [][]float32{whole[:canaries], whole[canaries+len(x):]} {
		for _, v := range watched {
			if math.Float32bits(v) != math.Float32bits(canary) {
				return false
			}
		}
	}
	return true
}

// testLengths are the lengths below three chunks, those around a block of a reduction and around the groups of random numbers.
func testLengths() []int {
	lengths := []int{63, 64, 65, 127, 128, 129, 200, 255, 784, 4095, 4096, 4097, 10000}
	for n := range 50 {
		lengths = append(lengths, n)
	}
	return lengths
}

// inputs returns slices for k: random numbers around the interesting range, special values among them if so desired.
func (k vectorKernel) inputs(r *rand.Rand, n int, withSpecial bool) [][]float32 {
	s := make([][]float32, k.slices)
	for i := range s {
		s[i] = random(n, 4, r)
		if withSpecial {
			for j := range s[i] {
				if r.IntN(2) == 0 {
					s[i][j] = special[r.IntN(len(special))]
				}
			}
		}
	}
	return s
}

// TestVectorKernels holds assembly and twin together, to the last bit.
func TestVectorKernels(t *testing.T) {
	for _, k := range vectorKernels {
		t.Run(k.name, func(t *testing.T) {
			for _, n := range testLengths() {
				for _, withSpecial := range []bool{false, true} {
					k.check(t, k.inputs(newRand(), n, withSpecial), fmt.Sprintf("n=%d special=%v", n, withSpecial))
				}
			}
		})
	}
}

// check runs k on every level.
func (k vectorKernel) check(t *testing.T, s [][]float32, what string) {
	t.Helper()
	want, wantSum := k.on(levelGeneric, s)
	for _, l := range vectorLevels() {
		got, gotSum := k.on(l, s)
		compareExactly(t, fmt.Sprintf("%s %v %s", k.name, l, what), got, want, gotSum, wantSum)
	}
}

func compareExactly(t *testing.T, what string, got, want [][]float32, gotSum, wantSum float64) {
	t.Helper()
	for i := range want {
		for j := range want[i] {
			if !sameBits(got[i][j], want[i][j]) {
				t.Fatalf("%s: slice %d, element %d: got %g, want the same bits as %g", what, i, j, got[i][j], want[i][j])
			}
		}
	}
	if gotSum != wantSum && !(math.IsNaN(gotSum) && math.IsNaN(wantSum)) {
		t.Fatalf("%s: got %g, want exactly %g", what, gotSum, wantSum)
	}
}

// TestInPlace runs kernels with the result in the place of an argument.
func TestInPlace(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		for _, k := range vectorKernels {
			if k.name == "Axpy" || k.slices > 3 {
				continue // y is an argument already
			}
			for source := 1; source < k.slices; source++ {
				s := k.inputs(newRand(), 101, false)
				copy(s[0], s[source])
				want, _ := k.on(current, s)
				s[source] = s[0]
				switch k.name {
				case "SGD", "Momentum", "Nesterov", "RMSProp", "Dot", "SquaredDistance", "BCELogitsLoss", "RoundedAgree":
					continue // all slices are arguments
				}
				k.run(s)
				expectSame(t, fmt.Sprintf("%s in place of argument %d", k.name, source), s[0], want[0])
			}
		}
	})
}

func FuzzVectorKernels(f *testing.F) {
	f.Add(uint8(0), uint16(100), true, uint64(1))
	f.Add(uint8(23), uint16(4100), false, uint64(2))
	f.Fuzz(func(t *testing.T, which uint8, n uint16, withSpecial bool, seed uint64) {
		k := vectorKernels[int(which)%len(vectorKernels)]
		k.check(t, k.inputs(rand.New(rand.NewPCG(seed, 0)), int(n), withSpecial), fmt.Sprintf("n=%d", n))
	})
}
