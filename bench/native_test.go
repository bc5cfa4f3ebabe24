package main

import (
	"os/exec"
	"testing"
)

// The C program must build, agree on the protocol, and know how to multiply at
// no more than the peak.
func TestNativePeer(t *testing.T) {
	if _, err := exec.LookPath("cc"); err != nil {
		t.Skip("no C compiler")
	}
	h, err := newHarness(t.Context(), settings{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.close)
	p, err := h.compiled()
	if err != nil {
		t.Fatal(err)
	}
	if peak, err := p.peak(1, 0); err != nil || peak <= 0 {
		t.Errorf("peak: got %v, error %v", peak, err)
	}
	if _, err := p.peak(0, 0); err == nil {
		t.Error("peak of no threads: got no error")
	}
	for _, f := range []form{plainForm, transA, transB} {
		rate, err := p.gemm(product{m: 17, n: 5, k: 9, form: f}, 0)
		if p.noBLAS == nil && (err != nil || rate <= 0) || p.noBLAS != nil && err == nil {
			t.Errorf("%s: got %v, error %v; OpenBLAS: %v", f, rate, err, p.noBLAS)
		}
	}
}
