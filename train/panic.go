package train

import "hourglass/internal/parallel"

// PanicError is a panic in code that a run was given, such as a loss, a layer, a
// data source or an observer, on whatever goroutine it happened. Its text is one
// line that names the function; the stack is for whoever mends it.
type PanicError struct {
	Value any    // what the code panicked with
	Where string // the function that did, with file and line
	Stack []byte // of the goroutine, as runtime/debug.Stack formats it
}

// Error returns "panic in main.(*source).Read (main.go:12): index out of range".
func (e *PanicError) Error() string {
	return (&parallel.Panic{Value: e.Value, Where: e.Where}).Error()
}

// catch makes an error of a panic. It is deferred by itself.
func catch(err *error) {
	if v := recover(); v != nil {
		p := parallel.Recovered(v)
		*err = &PanicError{p.Value, p.Where, p.Stack}
	}
}
