package main

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// nativePeer is the program peers/openblas.c, which measures OpenBLAS and what
// the processor could do at most.
type nativePeer struct {
	*peer
	version string // OpenBLAS' and the kernels it chose
	noBLAS  error  // why it measures the peak only
}

// compiled builds and starts the native peer: with OpenBLAS if it can be linked,
// and without it otherwise.
func (h *harness) compiled() (*nativePeer, error) {
	return h.native.get(func() (*nativePeer, error) {
		noBLAS := h.compile("-lopenblas")
		if noBLAS != nil {
			if err := h.compile("-DPEAK_ONLY"); err != nil {
				return nil, err
			}
		}
		p, err := startPeer(h.ctx, "openblas.c", h.path("native"))
		if err != nil {
			return nil, err
		}
		var reply struct{ Version, Core string }
		if err := p.ask(map[string]any{"op": "version"}, &reply, time.Minute); err != nil {
			p.close()
			return nil, err
		}
		return &nativePeer{p, strings.TrimSpace(reply.Version + ", kernels for " + reply.Core), noBLAS}, nil
	})
}

// compile builds the native peer.
func (h *harness) compile(option string) error {
	cc := exec.CommandContext(h.ctx, "cc", "-O3", "-march=native", "-o", h.path("native"), h.path("peers/openblas.c"), "-pthread", option)
	text, err := cc.CombinedOutput()
	if err == nil {
		return nil
	}
	first, _, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
	if first == "" {
		return fmt.Errorf("cc: %w", err)
	}
	return fmt.Errorf("cc %s: %s", option, first)
}

// rate asks for a rate in GFLOP/s; a nil peer has none.
func (p *nativePeer) rate(request map[string]any, seconds float64) (float64, error) {
	if p == nil {
		return 0, errors.New("not measured")
	}
	request["seconds"] = seconds
	var reply struct{ GFLOPS float64 }
	err := p.ask(request, &reply, patience(seconds))
	return reply.GFLOPS, err
}

// peak returns what so many threads reach with nothing but multiply-adds.
func (p *nativePeer) peak(threads int, seconds float64) (float64, error) {
	return p.rate(map[string]any{"op": "peak", "threads": threads}, seconds)
}
