package parallel

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

// PanicError is a panic of a function that others called for its caller.
type PanicError struct {
	Value any    // what panic was called with
	Where string // the function that panicked, with file and line: "main.(*source).Read (main.go:12)"
	Stack []byte // of the goroutine that panicked
}

// Recovered describes the panic that recover has just returned v for. It is to be
// called by the deferred function that called recover. A *PanicError is returned as it is;
// nil, where nothing but runtime.Goexit can have ended the goroutine, says so.
func Recovered(v any) *PanicError {
	switch v := v.(type) {
	case *PanicError:
		return v
	case nil:
		return &PanicError{Value: "runtime.Goexit was called", Stack: debug.Stack()}
	}
	return &PanicError{Value: v, Where: origin(), Stack: debug.Stack()}
}

// origin returns the function on the stack that panicked: the first one in front of
// the runtime's own.
func origin() string {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs[:])])
	panicking := false
	for {
		f, more := frames.Next()
		own := strings.HasPrefix(f.Function, "runtime.")
		if panicking && !own {
			return fmt.Sprintf("%s (%s:%d)", f.Function, f.File[strings.LastIndexByte(f.File, '/')+1:], f.Line)
		}
		panicking = panicking || own
		if !more {
			return ""
		}
	}
}

// Error says in one line what happened where, without the stack.
func (e *PanicError) Error() string {
	value, _, _ := strings.Cut(fmt.Sprint(e.Value), "\n")
	if e.Where == "" {
		return value
	}
	return fmt.Sprintf("panic in %s: %s", e.Where, value)
}

// Unwrap returns the error that panic was called with, if it was one.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// Catch sets err to the panic of the function that deferred it, if there is one.
func Catch(err *error) {
	if v := recover(); v != nil {
		*err = Recovered(v)
	}
}

// Try calls f and returns its error, a *PanicError if it panics.
func Try(f func() error) (err error) {
	defer Catch(&err)
	return f()
}
