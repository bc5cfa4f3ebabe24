package tsne

import (
	"context"
	"math"

	"hourglass/internal/parallel"
)

// crew shares out blocks of work over goroutines. What a block is depends on the
// data alone, and no two blocks write or add to the same number, so that results
// do not depend on who takes which.
type crew struct{ team *parallel.Team }

// newCrew returns a crew of the given size, or of one goroutine per processor for
// a size below 1. Its team must be closed.
func newCrew(size int) *crew {
	return &crew{parallel.NewTeam(parallel.Workers(size, math.MaxInt))}
}

// each calls f for every block below the given number and returns when all are
// done; worker is below the crew's size, and only one block at a time has it. A
// block does not fail. Where one panics, each does, with a *parallel.PanicError for
// the caller's parallel.Try.
func (c *crew) each(blocks int, f func(worker, block int)) {
	err := c.team.Each(context.Background(), blocks, func(worker, block int) error {
		f(worker, block)
		return nil
	})
	if err != nil {
		panic(err)
	}
}

// blocksOf returns how many blocks of a size n items make.
func blocksOf(n, size int) int { return (n + size - 1) / size }
