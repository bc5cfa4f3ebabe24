package train

import "hourglass/internal/parallel"

// PanicError is a panic in code that a run was given, such as a loss, a layer, a data
// source or an observer, on whatever goroutine it happened. Its text is one line that
// names the function, "panic in main.(*source).Read (main.go:12): index out of range";
// for whoever mends it there are three fields:
//
//	Value any    // what panic was called with
//	Where string // the function that panicked, with file and line
//	Stack []byte // of its goroutine, as runtime/debug.Stack formats it
type PanicError = parallel.PanicError
