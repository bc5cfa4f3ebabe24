package tsne

import (
	"runtime"
	"sync/atomic"

	"hourglass/internal/parallel"
)

// crew shares out blocks of work over goroutines. What a block is depends on the
// data alone, and no two blocks write or add to the same number, so that results
// do not depend on who takes which.
type crew struct {
	team *parallel.Team
	next atomic.Int64
}

// newCrew returns a crew of the given size, or of one goroutine per processor for
// a size below 1. Its team must be closed.
func newCrew(size int) *crew {
	if size < 1 {
		size = runtime.GOMAXPROCS(0)
	}
	return &crew{team: parallel.NewTeam(size)}
}

// each calls f for every block below the given number and returns when all are
// done; worker is below the crew's size, and only one block at a time has it.
func (c *crew) each(blocks int, f func(worker, block int)) {
	c.next.Store(0)
	c.team.Run(func(w *parallel.Worker) {
		for {
			b := int(c.next.Add(1)) - 1
			if b >= blocks {
				return
			}
			f(w.Index, b)
		}
	})
}

// blocksOf returns how many blocks of a size n items make.
func blocksOf(n, size int) int { return (n + size - 1) / size }
