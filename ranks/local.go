package ranks

import (
	"errors"
	"fmt"
	"slices"
	"sync"
)

// Local returns the ranks of a group inside one process, each for a goroutine of its own: for
// tests, and to try things out.
func Local(size int) []Group {
	room := &room{buffers: make([][]byte, size), ends: make([][]int, size)}
	room.turn.L = &room.mu
	groups := make([]Group, size)
	for r := range groups {
		groups[r] = &local{r, room}
	}
	return groups
}

// room is where the ranks of a local group meet.
type room struct {
	mu      sync.Mutex
	turn    sync.Cond
	arrived int
	meeting int // the number of those that all have come to
	err     error

	buffers [][]byte
	ends    [][]int
}

type local struct {
	rank int
	*room
}

func (l *local) Rank() int { return l.rank }
func (l *local) Size() int { return len(l.buffers) }

// Gather copies what the others have written, while nobody writes.
func (l *local) Gather(whole []byte, ends []int) error {
	if err := l.meet(func() { l.buffers[l.rank], l.ends[l.rank] = whole, ends }); err != nil {
		return err
	}
	lo := 0
	for r, hi := range ends {
		if len(l.buffers[r]) != len(whole) || !slices.Equal(l.ends[r], ends) {
			l.Abort(fmt.Errorf("rank %d gathers %d bytes, rank %d %d", r, len(l.buffers[r]), l.rank, len(whole)))
			break
		}
		if r != l.rank {
			copy(whole[lo:hi], l.buffers[r][lo:hi])
		}
		lo = hi
	}
	return l.meet(func() {})
}

// meet returns once all ranks have called it, with what they have to do before.
func (r *room) meet(before func()) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return r.err
	}
	before()
	meeting := r.meeting
	if r.arrived++; r.arrived == len(r.buffers) {
		r.arrived = 0
		r.meeting++
		r.turn.Broadcast()
	}
	for r.meeting == meeting && r.err == nil {
		r.turn.Wait()
	}
	if r.meeting == meeting {
		return r.err
	}
	return nil
}

// Abort keeps the first error.
func (l *local) Abort(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.err = &Lost{l.rank, errors.New(err.Error())}
	}
	l.turn.Broadcast()
}
