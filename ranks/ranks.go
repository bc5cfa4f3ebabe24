// Package ranks lets several processes, each with a rank, compute together.
//
// What they compute they share out as workers of one process do: every rank has some of the
// items of an array, one after another in the order of the ranks, and between two phases of
// the work all come by all items. Nothing is ever added up across ranks, so no result depends on how
// many there are.
//
// A [Group] moves the bytes: [Local] between goroutines, hourglass/ranks/mpi between machines, or
// one's own. An [Exchange] is what calls it.
package ranks

import (
	"errors"
	"fmt"
	"unsafe"
)

// Group is a number of ranks that exchange data. All of them call Gather as often and with
// buffers of the same sizes. One goroutine at a time may call it.
type Group interface {
	// Rank is this process's number: 0 ≤ Rank < Size.
	Rank() int
	Size() int
	// Gather returns once all ranks have called it. Rank r has written whole[ends[r-1]:ends[r]]
	// before, from 0 for the first; afterwards all of whole is what its ranks have written. An
	// error, a [*Lost] if a rank is to blame for it, says that this rank can exchange nothing
	// any more.
	Gather(whole []byte, ends []int) error
	// Abort ends the work of all ranks: those that wait, or are going to, get an error with
	// the text of this one. A rank that leaves the others for good calls it.
	Abort(err error)
}

// Lost is the error of a group that lacks a rank.
type Lost struct {
	Rank int // that has died or is silent; -1 if nobody knows which
	Err  error
}

// Error names the rank.
func (e *Lost) Error() string {
	if e.Rank < 0 {
		return "ranks: " + e.Err.Error()
	}
	return fmt.Sprintf("ranks: rank %d is lost: %v", e.Rank, e.Err)
}

// Unwrap returns what happened to it.
func (e *Lost) Unwrap() error { return e.Err }

// lost makes the error of a Group one that says so.
func lost(err error) error {
	if l := (*Lost)(nil); errors.As(err, &l) || err == nil {
		return err
	}
	return &Lost{-1, err}
}

// Share returns a rank's share [lo, hi) of n items: contiguous, in the order of the ranks, with
// inner boundaries at multiples of align (at least 1).
func Share(rank, size, n, align int) (lo, hi int) {
	blocks := (n + align - 1) / align
	lo = blocks * rank / size * align
	hi = blocks * (rank + 1) / size * align
	return min(lo, n), min(hi, n)
}

// Array is memory that every rank has all of: so many items of equal size, of which a rank has
// written its Share.
type Array struct {
	Bytes []byte
	Items int
	Align int // of Share; 0 is 1
}

// Of returns the array of items whose numbers are in data, which must be as many for each.
func Of[T float32 | float64 | int](data []T, items int) Array {
	return Array{Bytes: Bytes(data), Items: items}
}

// Bytes returns the memory of numbers. Ranks that exchange it must be programs for one kind of
// processor.
func Bytes[T float32 | float64 | int](data []T) []byte {
	if len(data) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&data[0])), len(data)*int(unsafe.Sizeof(data[0])))
}

// share returns the bytes that a rank has written.
func (a Array) share(rank, size int) []byte {
	if a.Items == 0 {
		return nil
	}
	lo, hi := Share(rank, size, a.Items, max(a.Align, 1))
	item := len(a.Bytes) / a.Items
	return a.Bytes[lo*item : hi*item]
}
