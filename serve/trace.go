package serve

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"regexp"
)

// trace is the place of a request in a distributed trace
// (https://www.w3.org/TR/trace-context/): the trace it belongs to, the span of who
// sent it, and a span of its own, under which the answer and the log name it.
type trace struct {
	id, parent, span, flags string
	state                   string
}

const (
	traceParent = "Traceparent"
	traceState  = "Tracestate"
)

// validTrace is a traceparent of version 00, or of a later one that begins like it.
var validTrace = regexp.MustCompile(`^(?:00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})|(?:0[1-9a-f]|[1-9a-e][0-9a-f]|f[0-9a-e])-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?)$`)

const (
	noTrace = "00000000000000000000000000000000"
	noSpan  = "0000000000000000"
	// maxState is as much of a tracestate as is passed on.
	maxState = 512
)

// readTrace returns the trace of a request; an invalid one is none.
func readTrace(h http.Header) (t trace) {
	value := h.Get(traceParent)
	if value == "" {
		return trace{}
	}
	return parseTrace(value, h.Get(traceState))
}

func parseTrace(parent, state string) (t trace) {
	m := validTrace.FindStringSubmatch(parent)
	if m == nil {
		return trace{}
	}
	t.id, t.parent, t.flags = m[1]+m[4], m[2]+m[5], m[3]+m[6]
	if t.id == noTrace || t.parent == noSpan {
		return trace{}
	}
	var span [8]byte
	rand.Read(span[:])
	t.span = hex.EncodeToString(span[:])
	if len(state) <= maxState {
		t.state = state
	}
	return t
}

// String returns the traceparent of what follows.
func (t trace) String() string { return "00-" + t.id + "-" + t.span + "-" + t.flags }

// write passes the trace on with the answer.
func (t trace) write(h http.Header) {
	if t.id == "" {
		return
	}
	h.Set(traceParent, t.String())
	if t.state != "" {
		h.Set(traceState, t.state)
	}
}
