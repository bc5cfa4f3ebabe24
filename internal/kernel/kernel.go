// Package kernel holds the single-threaded inner loops of Hourglass: the matrix
// product, vector mathematics, losses, optimiser updates, byte conversion and
// counter-based random numbers, all over float32 slices.
//
// Every kernel exists three times: as AVX-512 and as AVX2+FMA assembly, which
// package gen writes, and as a plain Go twin, which runs everywhere, documents what
// is computed and is what the tests compare the assembly with. For arm64 there is
// assembly, written by hand, for the matrix products [Gemm], [GemmNT] and [GemmSegments];
// everything else is the twin there. Which of them runs
// is decided once, when the program starts; see [SIMD].
//
// # Repeatability
//
// The order of every floating-point operation is fixed by the shapes of the
// arguments and by nothing else. AVX2, AVX-512, NEON and the twins give the same bits for
// everything here, NaNs apart, which are all alike but not in their bits; no result depends on
// the alignment of a slice. A caller that splits
// the rows or columns of an elementwise kernel or of a matrix product over goroutines
// gets the bits of the undivided call.
//
// # Panics
//
// A slice too short for the stated shape is an error of the programmer and panics
// before any memory is touched. Nothing is read or written outside the slices.
// Slices written to may be the same as slices read from, element for element,
// unless a function says otherwise; partly overlapping slices are not supported.
package kernel

import (
	"fmt"
	"os"
	"slices"
)

// level is an instruction set.
type level int

const (
	levelGeneric level = iota
	levelAVX2
	levelAVX512
	levelNEON
)

// levelNames are the names that HOURGLASS_SIMD takes and SIMD returns.
var levelNames = [...]string{levelGeneric: "generic", levelAVX2: "avx2", levelAVX512: "avx512", levelNEON: "neon"}

// String returns the level's name.
func (l level) String() string { return levelNames[l] }

// simdVariable is the environment variable that forces an instruction set.
const simdVariable = "HOURGLASS_SIMD"

// current is the level in use and active its implementations; set when the program
// starts, and otherwise only by tests.
var (
	current level
	active  *table
	simdErr error
)

func init() {
	l, err := choose(os.Getenv(simdVariable), availableLevels())
	simdErr = err
	use(l)
}

// use makes l the level in use.
func use(l level) { current, active = l, tables[l] }

// SIMD returns the name of the instruction set in use: "avx512" (F, BW, DQ, VL),
// "avx2" (with FMA), "neon" (arm64; matrix products only), or "generic", plain Go. It is the fastest one that the processor and
// the operating system support, unless the environment variable HOURGLASS_SIMD names
// another.
func SIMD() string { return current.String() }

// SIMDError reports that HOURGLASS_SIMD asks for an instruction set that is unknown
// or that this machine lacks; the fastest available one is in use then.
func SIMDError() error { return simdErr }

// choose returns the level for the request (the value of HOURGLASS_SIMD, perhaps
// empty) on a machine with the available levels, the fastest of which is the last.
func choose(request string, available []level) (level, error) {
	best := available[len(available)-1]
	if request == "" {
		return best, nil
	}
	for l, name := range levelNames {
		if name != request {
			continue
		}
		if !slices.Contains(available, level(l)) {
			return best, fmt.Errorf("kernel: %s=%s: not available on this machine or in this build, using %s", simdVariable, request, best)
		}
		return level(l), nil
	}
	return best, fmt.Errorf("kernel: %s=%s: unknown instruction set, want avx512, avx2, neon or generic", simdVariable, request)
}

// sameLength panics unless every length is n.
func sameLength(name string, n int, lengths ...int) {
	for i, l := range lengths {
		if l != n {
			panic(fmt.Sprintf("kernel: %s: slice %d has %d elements, want %d", name, i+2, l, n))
		}
	}
}
