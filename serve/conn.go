package serve

import (
	"context"
	"net"
	"net/http"
	"sync"
)

// heldBytes is the longest answer, with its header, that is sent at once.
const heldBytes = 16 << 10

// holdingListener accepts connections that can hold back what is written.
type holdingListener struct{ net.Listener }

func (l holdingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &holdingConn{Conn: conn}, nil
}

// holdingConn can hold back what net/http writes of an answer, which is its first four
// KiB and then the rest, and send it at once: a system call less here, and for the
// client one less time to be woken.
type holdingConn struct {
	net.Conn
	held *[]byte // what was written since hold; nil while everything is sent
}

var heldBuffers = sync.Pool{New: func() any {
	b := make([]byte, 0, heldBytes)
	return &b
}}

// hold holds back what is written from now on, unless it becomes too much.
func (c *holdingConn) hold() { c.held = heldBuffers.Get().(*[]byte) }

// release sends what was held back.
func (c *holdingConn) release() error {
	if c.held == nil {
		return nil
	}
	held := c.held
	c.held = nil
	var err error
	if len(*held) > 0 {
		_, err = c.Conn.Write(*held)
	}
	*held = (*held)[:0]
	heldBuffers.Put(held)
	return err
}

// Write sends p, or holds it back.
func (c *holdingConn) Write(p []byte) (int, error) {
	if c.held != nil && len(*c.held)+len(p) <= heldBytes {
		*c.held = append(*c.held, p...)
		return len(p), nil
	}
	if err := c.release(); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

type connKey struct{}

// withConn makes the connection known to the requests that come over it. One with TLS
// has a protocol of its own and is left alone.
func withConn(ctx context.Context, conn net.Conn) context.Context {
	if held, ok := conn.(*holdingConn); ok {
		return context.WithValue(ctx, connKey{}, held)
	}
	return ctx
}

// send writes the header and body of an answer, at once where that needs help. Size is
// that of all parts of the body.
func send(w http.ResponseWriter, r *http.Request, status, size int, body [][]byte) {
	const (
		header = 1 << 10 // a usual one
		whole  = 2 << 10 // net/http sends it at once
	)
	conn, _ := r.Context().Value(connKey{}).(*holdingConn)
	flusher, ok := w.(http.Flusher)
	hold := conn != nil && ok && size >= whole && size <= heldBytes-header
	if hold {
		conn.hold()
		defer conn.release()
	}
	w.WriteHeader(status)
	for _, part := range body {
		w.Write(part)
	}
	if hold {
		flusher.Flush()
	}
}
