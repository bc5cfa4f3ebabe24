package kernel

import "sync"

// workspace is scratch memory for packed panels and transposed copies.
type workspace struct{ floats []float32 }

var workspaces = sync.Pool{New: func() any { return new(workspace) }}

// getWorkspace returns a workspace of at least n floats with arbitrary content.
func getWorkspace(n int) *workspace {
	w := workspaces.Get().(*workspace)
	if cap(w.floats) < n {
		w.floats = make([]float32, n)
	}
	w.floats = w.floats[:cap(w.floats)]
	return w
}

// putWorkspace gives w back for the next call.
func putWorkspace(w *workspace) { workspaces.Put(w) }
