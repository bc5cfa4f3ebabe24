package parallel

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

// Panic is a panic that was caught.
type Panic struct {
	Value any
	Where string // the function that panicked, with file and line: "main.(*source).Read (main.go:12)"
	Stack []byte // of the goroutine that panicked
}

// Recovered describes the panic that recover has just returned v for. It is to be
// called by the deferred function that called recover. A *Panic is returned as it is;
// nil, where nothing but runtime.Goexit can have ended the goroutine, says so.
func Recovered(v any) *Panic {
	switch v := v.(type) {
	case *Panic:
		return v
	case nil:
		return &Panic{Value: "runtime.Goexit was called", Stack: debug.Stack()}
	}
	return &Panic{Value: v, Where: origin(), Stack: debug.Stack()}
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

// Error says in one line what happened where, should a Panic be a goroutine's last word
// or part of an error.
func (p *Panic) Error() string {
	value, _, _ := strings.Cut(fmt.Sprint(p.Value), "\n")
	if p.Where == "" {
		return value
	}
	return fmt.Sprintf("panic in %s: %s", p.Where, value)
}
