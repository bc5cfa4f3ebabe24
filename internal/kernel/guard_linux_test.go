package kernel

import (
	"syscall"
	"testing"
	"unsafe"
)

// guarded is memory between two pages that must not be touched.
type guarded struct{ bytes []byte }

// newGuarded returns memory for at least n bytes.
func newGuarded(t *testing.T, n int) *guarded {
	t.Helper()
	page := syscall.Getpagesize()
	size := (n + page - 1) / page * page
	whole, err := syscall.Mmap(-1, 0, size+2*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Skipf("mmap: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Munmap(whole); err != nil {
			t.Errorf("munmap: %v", err)
		}
	})
	for _, p := range [][]byte{whole[:page], whole[page+size:]} {
		if err := syscall.Mprotect(p, syscall.PROT_NONE); err != nil {
			t.Skipf("mprotect: %v", err)
		}
	}
	return &guarded{whole[page : page+size]}
}

// floats returns n floats that start where the memory starts or end where it ends.
func (g *guarded) floats(n int, atEnd bool) []float32 {
	if n == 0 {
		return nil
	}
	b := g.bytes[:4*n]
	if atEnd {
		b = g.bytes[len(g.bytes)-4*n:]
	}
	return unsafe.Slice((*float32)(unsafe.Pointer(&b[0])), n)
}

// TestGuardPagesVectors lets every kernel run into a guard page, if it would.
func TestGuardPagesVectors(t *testing.T) {
	var memory []*guarded
	for _, k := range vectorKernels {
		for len(memory) < k.slices {
			memory = append(memory, newGuarded(t, 4*300))
		}
	}
	eachLevel(t, func(t *testing.T) {
		for _, k := range vectorKernels {
			for n := range 140 {
				for _, atEnd := range []bool{false, true} {
					s := make([][]float32, k.slices)
					for i := range s {
						s[i] = memory[i].floats(n, atEnd)
					}
					k.run(s)
				}
			}
		}
	})
}

func TestGuardPagesGemm(t *testing.T) {
	const most = 320 * 320
	ma, mb, mc := newGuarded(t, 4*most), newGuarded(t, 4*most), newGuarded(t, 4*most)
	mt, mbias := newGuarded(t, 4*most), newGuarded(t, 4*most)
	check := func(m, n, k int, atEnd bool) {
		bias := mbias.floats(n, atEnd)
		a, b, c := ma.floats(m*k, atEnd), mb.floats(n*k, atEnd), mc.floats(m*n, atEnd)
		for _, start := range []Start{Overwrite, Accumulate, Bias} {
			Gemm(m, n, k, a, k, 1, b, n, c, n, start, bias)
			Gemm(m, n, k, a, 1, m, b, n, c, n, start, bias)
			GemmNT(m, n, k, a, k, 1, b, k, c, n, start, bias)
		}
		Transpose(mt.floats(m*n, atEnd), m, c, n, m, n)
	}
	eachLevel(t, func(t *testing.T) {
		for _, atEnd := range []bool{false, true} {
			for m := 1; m < 20; m++ {
				for _, n := range []int{1, 7, 8, 9, 16, 17, 24, 31, 33, 49, 63, 65, 100, 131} {
					check(m, n, 3, atEnd)
				}
			}
			check(300, 257, 261, atEnd) // copied panels
		}
	})
}

func TestGuardPagesSegments(t *testing.T) {
	const most = 3 * 70 * 70
	ma, mb, mc, mbias := newGuarded(t, 4*most), newGuarded(t, 4*most), newGuarded(t, 4*most), newGuarded(t, 4*most)
	eachLevel(t, func(t *testing.T) {
		for _, atEnd := range []bool{false, true} {
			for m := 1; m < 70; m += 3 {
				for _, n := range []int{1, 3, 4, 7, 9, 16, 17, 30, 33, 49} {
					p := imageRows(2, 3, m, n, 2, 3)
					a := ma.floats((p.Blocks+p.Segments-2)*p.ASegment+(m-1)*p.ARow+p.K, atEnd)
					b, c := mb.floats(p.Segments*p.K*n, atEnd), mc.floats(p.Blocks*m*n, atEnd)
					for _, start := range []Start{Overwrite, Accumulate, Bias} {
						GemmSegments(p, a, b, c, start, mbias.floats(n, atEnd))
					}
				}
			}
		}
	})
}
