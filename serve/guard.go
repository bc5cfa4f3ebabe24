package serve

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
)

// hosts decides which names the server may be called by. A page of somebody else's
// whose name is made to point at this machine comes with that name, which is none
// of ours; numeric addresses cannot be made to point elsewhere.
type hosts struct {
	any   bool
	names []string
}

func newHosts(names []string) hosts {
	h := hosts{any: slices.Contains(names, "*")}
	for _, name := range names {
		h.names = append(h.names, strings.ToLower(name))
	}
	return h
}

// allows reports whether a request for host, with or without a port, is for us.
func (h hosts) allows(host string) bool {
	if h.any {
		return true
	}
	name := host
	if n, _, err := net.SplitHostPort(host); err == nil {
		name = n
	}
	name = strings.ToLower(strings.TrimSuffix(strings.Trim(name, "[]"), "."))
	if name == "localhost" || slices.Contains(h.names, name) {
		return true
	}
	_, err := netip.ParseAddr(name)
	return err == nil
}

// tokens are what clients show to be let in. They are kept and compared as hashes
// of one length, all of them every time, so that how long it takes tells nothing.
type tokens [][sha256.Size]byte

// minToken is the shortest token that is accepted: too long to be guessed.
const minToken = 16

// readTokens reads a file with a token on each line; empty lines and lines that
// begin with # are skipped. No path gives no tokens, which lets everybody in.
func readTokens(path string) (tokens, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("serve: tokens: %w", err)
	}
	var all tokens
	lines := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		token := strings.TrimSpace(lines.Text())
		if token == "" || token[0] == '#' {
			continue
		}
		if len(token) < minToken {
			return nil, fmt.Errorf("serve: tokens: line %d of %s has %d characters, want at least %d", n, path, len(token), minToken)
		}
		all = append(all, sha256.Sum256([]byte(token)))
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("serve: tokens: %s: %w", path, err)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("serve: tokens: %s has none", path)
	}
	return all, nil
}

// allow reports whether the value of an Authorization header lets in.
func (t tokens) allow(authorization string) bool {
	if t == nil {
		return true
	}
	const scheme = "bearer "
	if len(authorization) < len(scheme) || !strings.EqualFold(authorization[:len(scheme)], scheme) {
		return false
	}
	hash := sha256.Sum256([]byte(strings.TrimSpace(authorization[len(scheme):])))
	found := 0
	for i := range t {
		found |= subtle.ConstantTimeCompare(t[i][:], hash[:])
	}
	return found == 1
}

// Errors of requests that are not let in.
var (
	errHost  = errors.New("this server is not known by that name; --host adds names")
	errToken = errors.New("want an Authorization header with a bearer token that this server knows")
)
