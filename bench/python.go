package main

import (
	"errors"
	"fmt"
	"time"
)

// pythons are the interpreters that libraries are looked for in: the user's own
// choice first, then the one that Debian's packages are for.
var pythons = []string{"python3", "/usr/bin/python3"}

// startPython starts a peer's script in the first of some interpreters that has
// the library it needs. It returns the library's version, too.
func (h *harness) startPython(pythons []string, name, script string, args ...string) (p *peer, version string, err error) {
	var errs []error
	for _, python := range pythons {
		p, err := startPeer(h.ctx, name, python, append([]string{h.path(script)}, args...)...)
		if err == nil {
			var reply struct{ Version string }
			if err = p.ask(map[string]any{"op": "version"}, &reply, time.Minute); err == nil {
				return p, reply.Version, nil
			}
			p.close()
		}
		errs = append(errs, fmt.Errorf("%s: %w", python, err))
	}
	return nil, "", errors.Join(errs...)
}
