package registry

import "sync"

// memory is for values that are used once and then forgotten.
type memory struct {
	codes, samples []float32
	scores         []float64
}

var memories = sync.Pool{New: func() any { return new(memory) }}

// keptValues bounds memory that is kept for others.
const keptValues = 1 << 18

func borrow() *memory { return memories.Get().(*memory) }

func (m *memory) giveBack() {
	if cap(m.codes)+cap(m.samples)+cap(m.scores) <= keptValues {
		memories.Put(m)
	}
}

// enough returns n values of some memory, which it replaces if there are fewer. What
// they are is left over from others.
func enough[T any](values *[]T, n int) []T {
	if cap(*values) < n {
		*values = make([]T, n)
	}
	return (*values)[:n]
}
