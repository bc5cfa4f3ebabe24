package ranks

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
)

// each runs a function on all ranks of a group inside the process and returns their errors.
func each(size int, f func(g Group) error) []error {
	errs := make([]error, size)
	var wait sync.WaitGroup
	for _, g := range Local(size) {
		wait.Go(func() { errs[g.Rank()] = f(g) })
	}
	wait.Wait()
	return errs
}

// Shares are contiguous, in the order of the ranks, and cut where they may be.
func TestShare(t *testing.T) {
	for _, n := range []int{0, 1, 7, 64, 65} {
		for size := 1; size < 10; size++ {
			for _, align := range []int{1, 8} {
				at := 0
				for rank := range size {
					lo, hi := Share(rank, size, n, align)
					if lo != at || hi < lo || hi < n && hi%align != 0 {
						t.Fatalf("rank %d of %d has [%d, %d) of %d, from %d on and in steps of %d", rank, size, lo, hi, n, at, align)
					}
					at = hi
				}
				if at != n {
					t.Fatalf("%d ranks have %d of %d items", size, at, n)
				}
			}
		}
	}
}

// All ranks come by all of small and large arrays, whatever the items are and however many.
func TestArrays(t *testing.T) {
	for _, size := range []int{1, 2, 3, 5, 8} {
		for _, err := range each(size, func(g Group) error {
			x := NewExchange(g)
			for _, items := range []int{1, 3, 8, 100} {
				each := large/4/items + 1
				singles, doubles, counts := make([]float32, items*3), make([]float64, items), make([]int, 16*items)
				huge := make([]float32, items*each)
				fill := func(rank int) {
					lo, hi := Share(rank, size, items, 1)
					for i := lo; i < hi; i++ {
						singles[3*i+2], doubles[i], huge[i*each] = float32(i+1), float64(i+1)/3, float32(i)-7
					}
					lo, hi = Share(rank, size, len(counts), 8)
					for i := lo; i < hi; i++ {
						counts[i] = i + 100
					}
				}
				fill(g.Rank())
				if err := x.Arrays(Of(singles, items), Array{}, Of(huge, items), Of(doubles, items), Array{Bytes(counts), len(counts), 8}); err != nil {
					return err
				}
				got := fmt.Sprint(singles, doubles, counts, huge[0], huge[len(huge)-each])
				for rank := range size {
					fill(rank)
				}
				if want := fmt.Sprint(singles, doubles, counts, huge[0], huge[len(huge)-each]); got != want {
					return fmt.Errorf("%d ranks, %d items: rank %d has %s, want %s", size, items, g.Rank(), got, want)
				}
			}
			return nil
		}) {
			if err != nil {
				t.Error(err)
			}
		}
	}
}

// Every rank gets all messages, empty ones too.
func TestTell(t *testing.T) {
	for _, err := range each(4, func(g Group) error {
		told, err := NewExchange(g).Tell([]byte(strings.Repeat("x", 3*g.Rank())))
		if got := fmt.Sprintf("%s", told); got != "[ xxx xxxxxx xxxxxxxxx]" {
			return fmt.Errorf("rank %d was told %s (%v)", g.Rank(), got, err)
		}
		return err
	}) {
		if err != nil {
			t.Error(err)
		}
	}
}

// One rank that cannot go on stops all, and all know why; they can agree on something else
// afterwards.
func TestAgree(t *testing.T) {
	for _, err := range each(3, func(g Group) error {
		x := NewExchange(g)
		if err := x.Agree(1, nil); err != nil {
			return err
		}
		var message []byte
		place := uint64(2)
		if g.Rank() > 0 { // what it is doing meanwhile is no matter
			message, place = fmt.Appendf(nil, "no %d", g.Rank()), 7
		}
		var stopped *Stopped
		if err := x.Agree(place, message); !errors.As(err, &stopped) || stopped.Rank != 1 || string(stopped.Message) != "no 1" {
			return fmt.Errorf("rank %d: got %v, want the message of rank 1", g.Rank(), err)
		}
		var apart *Apart
		if err := x.Agree(uint64(g.Rank()/2), nil); !errors.As(err, &apart) || apart.Rank != 2 {
			return fmt.Errorf("rank %d: got %v, want to know that rank 2 is elsewhere", g.Rank(), err)
		}
		return x.Agree(3, nil)
	}) {
		if err != nil {
			t.Error(err)
		}
	}
}

// A rank that leaves stops those that have not, and returns once they have left, too.
func TestLeave(t *testing.T) {
	for _, err := range each(3, func(g Group) error {
		x := NewExchange(g)
		for at := range uint64(3 - g.Rank()) {
			var stopped *Stopped
			if err := x.Agree(at, nil); err != nil && (!errors.As(err, &stopped) || string(stopped.Message) == "") {
				return err
			}
		}
		return x.Leave([]byte("done"))
	}) {
		if err != nil {
			t.Error(err)
		}
	}
}

// Who waits for a rank that has left is told, and so is who comes later; ranks that gather
// different things too.
func TestAbort(t *testing.T) {
	check := func(what string, errs []error, want string) {
		for rank, err := range errs {
			if lost := (*Lost)(nil); !errors.As(err, &lost) || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: rank %d: got %v, want %q", what, rank, err, want)
			}
		}
	}
	check("one leaves", each(3, func(g Group) error {
		x := NewExchange(g)
		if g.Rank() == 1 {
			g.Abort(errors.New("no memory"))
			g.Abort(errors.New("and something else"))
		}
		return x.Agree(1, nil)
	}), "rank 1 is lost: no memory")
	check("other sizes", each(2, func(g Group) error {
		return lost(g.Gather(make([]byte, 2+g.Rank()), []int{1, 2 + g.Rank()}))
	}), "bytes")
}
