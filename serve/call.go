package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"strconv"
	"time"

	"hourglass/serve/batch"
	"hourglass/serve/registry"
)

// call is a request over HTTP on its way through the server.
type call struct {
	server    *Server
	w         http.ResponseWriter
	r         *http.Request
	ctx       context.Context
	began     time.Time
	operation string
	model     string // its name, once it is known to be one of ours
	status    int
	kind      string // of error, for the metrics; "" for none
	trace     trace

	memory share
	body   *[]byte
}

// handler answers a call or returns why it does not.
type handler func(c *call) error

// handle returns what net/http wants of a handler. Everything that all requests
// have in common is here. Open lets in requests without a token.
func (s *Server) handle(operation string, open bool, h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c := &call{server: s, w: w, r: r, began: time.Now(), operation: operation, status: http.StatusOK, memory: share{budget: &s.memory}}
		var cancel context.CancelFunc
		c.ctx, cancel = context.WithTimeout(r.Context(), s.config.Timeout)
		defer cancel()
		defer c.end()
		c.trace = readTrace(r.Header)
		c.trace.write(w.Header())
		if err := c.guarded(open, h); err != nil {
			c.fail(err)
		}
	}
}

// guarded calls the handler if the caller may.
func (c *call) guarded(open bool, h handler) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = &panicError{cause, debug.Stack()}
		}
	}()
	switch {
	case !c.server.hosts.allows(c.r.Host):
		return errHost
	case !open && !c.server.tokens.Load().allow(c.r.Header.Get("Authorization")):
		return errToken
	}
	if err := c.server.origins.Check(c.r); err != nil {
		return &forbiddenError{err}
	}
	return h(c)
}

// end gives back what the call holds, counts it and writes it down.
func (c *call) end() {
	if c.body != nil {
		putBuffer(c.body)
	}
	c.memory.release()
	s, took := c.server, time.Since(c.began)
	s.metrics.request(c.operation, c.model, c.status, c.kind, took)
	level := slog.LevelDebug
	switch {
	case c.status >= 500 && c.status != http.StatusServiceUnavailable:
		level = slog.LevelError
	case c.kind != "" || s.config.LogRequests:
		level = slog.LevelInfo
	}
	if s.log.Enabled(c.r.Context(), level) {
		s.log.LogAttrs(c.r.Context(), level, "request", c.attributes(took)...)
	}
}

func (c *call) attributes(took time.Duration) []slog.Attr {
	a := []slog.Attr{
		slog.String("operation", c.operation), slog.Int("status", c.status), slog.Duration("took", took),
		slog.String("remote", c.r.RemoteAddr),
	}
	if c.model != "" {
		a = append(a, slog.String("model", c.model))
	}
	if c.kind != "" {
		a = append(a, slog.String("error", c.kind))
	}
	if c.trace.id != "" {
		a = append(a, slog.String("trace_id", c.trace.id), slog.String("parent_id", c.trace.parent), slog.String("span_id", c.trace.span))
	}
	return a
}

// readBody reads the body of the request into memory that the call owns.
func (c *call) readBody() error {
	c.body = buffers.Get().(*[]byte)
	return readBody(c.r, c.body, c.server.config.MaxBody, &c.memory)
}

// reserve reserves memory for an answer whose values have n bytes; as text they
// have up to three times as many.
func (c *call) reserve(n int64) error {
	if n > c.server.config.MaxBody {
		return &tooLargeError{"the answer", c.server.config.MaxBody}
	}
	return c.memory.take(4 * n)
}

// json answers with a value as JSON.
func (c *call) json(v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return c.write("application/json", append(text, '\n'))
}

// write answers with a body, which may come in parts. That a client does not read it is
// no error of ours.
func (c *call) write(contentType string, body ...[]byte) error {
	h := c.w.Header()
	h.Set("Content-Type", contentType)
	size := 0
	for _, part := range body {
		size += len(part)
	}
	h.Set("Content-Length", strconv.Itoa(size))
	h.Set("X-Content-Type-Options", "nosniff")
	if c.r.Method == http.MethodHead {
		body, size = nil, 0
	}
	send(c.w, c.r, c.status, size, body)
	return nil
}

// panicError is a defect that came to light.
type panicError struct {
	cause any
	stack []byte
}

func (e *panicError) Error() string { return "internal error" }

// forbiddenError is a request that a page of somebody else's made.
type forbiddenError struct{ error }

// statusOf returns the status of the answer to a request that failed, and the kind
// of error for the metrics.
func statusOf(err error) (status int, kind string) {
	var (
		unknown   *registry.UnknownError
		unready   *registry.UnreadyError
		large     *tooLargeError
		panicked  *panicError
		broken    *batch.PanicError
		forbidden *forbiddenError
		timeout   net.Error
		refused   *statusError
	)
	switch {
	case errors.As(err, &refused):
		return refused.status, refused.kind
	case errors.As(err, &unknown):
		return http.StatusNotFound, "unknown_model"
	case errors.As(err, &unready):
		return http.StatusServiceUnavailable, "not_ready"
	case errors.Is(err, errHost):
		return http.StatusMisdirectedRequest, "host"
	case errors.Is(err, errToken):
		return http.StatusUnauthorized, "token"
	case errors.As(err, &forbidden):
		return http.StatusForbidden, "cross_origin"
	case errors.Is(err, batch.ErrFull):
		return http.StatusTooManyRequests, "queue_full"
	case errors.Is(err, errMemory):
		return http.StatusTooManyRequests, "memory"
	case errors.As(err, &large):
		return http.StatusRequestEntityTooLarge, "too_large"
	case errors.As(err, &panicked), errors.As(err, &broken):
		return http.StatusInternalServerError, "internal"
	case errors.Is(err, context.Canceled):
		return statusClientGone, "client_gone"
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout() && !errors.Is(err, context.DeadlineExceeded):
		return http.StatusRequestTimeout, "slow_request"
	case errors.Is(err, context.DeadlineExceeded):
		return http.StatusServiceUnavailable, "timeout"
	case errors.Is(err, registry.ErrNotFinite):
		return http.StatusUnprocessableEntity, "not_finite"
	}
	return http.StatusBadRequest, "bad_request"
}

// statusClientGone is what servers note for a request whose client hung up.
const statusClientGone = 499

// statusError is an error with a status of its own.
type statusError struct {
	status int
	kind   string
	text   string
}

func (e *statusError) Error() string { return e.text }

// retryAfter is how many seconds a client is asked to wait when it cannot be served.
const retryAfter = "1"

// fail answers with an error.
func (c *call) fail(err error) {
	c.status, c.kind = statusOf(err)
	h := c.w.Header()
	switch c.status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		h.Set("Retry-After", retryAfter)
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", `Bearer realm="hourglass"`)
	case http.StatusInternalServerError:
		c.server.log.Error("internal error", "operation", c.operation, "model", c.model, "error", detail(err))
		err = errors.New("internal error")
	case http.StatusRequestEntityTooLarge, http.StatusRequestTimeout:
		h.Set("Connection", "close") // what is left of the request is not read
	case statusClientGone:
		return
	}
	c.json(errorBody{err.Error()})
}

// errorBody is the body of an answer that is none, in the protocol's form.
type errorBody struct {
	Error string `json:"error"`
}

// detail returns what the log is told of an internal error.
func detail(err error) string {
	var p *panicError
	if errors.As(err, &p) {
		return fmt.Sprintf("panic: %v\n%s", p.cause, p.stack)
	}
	return err.Error()
}
