package ranks

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Exchange is how one part of a program exchanges data with the same part of the other
// ranks. It is for one goroutine at a time.
type Exchange struct {
	Group
	ends   []int
	packed []byte // the small arrays, rank by rank
	notes  []byte // what all ranks tell in Agree
}

// NewExchange returns an exchange of the group.
func NewExchange(g Group) *Exchange {
	return &Exchange{Group: g, ends: make([]int, g.Size()), notes: make([]byte, g.Size()*note)}
}

// large is from how many bytes on an array is worth a message of its own: copying it takes
// longer than a message.
const large = 256 << 10

// Arrays completes arrays of which every rank has written its share. All ranks call it with
// as many arrays of the same sizes.
func (x *Exchange) Arrays(arrays ...Array) error {
	total := 0
	for r := range x.ends {
		for _, a := range arrays {
			if len(a.Bytes) < large {
				total += len(a.share(r, len(x.ends)))
			}
		}
		x.ends[r] = total
	}
	if total > 0 {
		if err := x.packedArrays(total, arrays); err != nil {
			return err
		}
	}
	for _, a := range arrays {
		if len(a.Bytes) < large {
			continue
		}
		end := 0
		for r := range x.ends {
			end += len(a.share(r, len(x.ends)))
			x.ends[r] = end
		}
		if err := lost(x.Gather(a.Bytes, x.ends)); err != nil {
			return err
		}
	}
	return nil
}

// packedArrays gathers the small arrays in one message of so many bytes.
func (x *Exchange) packedArrays(total int, arrays []Array) error {
	if cap(x.packed) < total {
		x.packed = make([]byte, total)
	}
	packed := x.packed[:total]
	own := packed[x.ends[x.Rank()]-x.shareOf(x.Rank()):]
	for _, a := range arrays {
		if len(a.Bytes) < large {
			own = own[copy(own, a.share(x.Rank(), x.Size())):]
		}
	}
	if err := lost(x.Gather(packed, x.ends)); err != nil {
		return err
	}
	for r := range x.ends {
		for _, a := range arrays {
			if len(a.Bytes) >= large {
				continue
			}
			share := a.share(r, len(x.ends))
			if r != x.Rank() {
				copy(share, packed)
			}
			packed = packed[len(share):]
		}
	}
	return nil
}

// shareOf returns how many bytes are a rank's by x.ends.
func (x *Exchange) shareOf(rank int) int {
	if rank == 0 {
		return x.ends[0]
	}
	return x.ends[rank] - x.ends[rank-1]
}

// Stopped is the error that all ranks get if some of them cannot go on: that of the first of
// these.
type Stopped struct {
	Rank    int
	Message []byte // what it told
}

// Error gives the message as text.
func (e *Stopped) Error() string { return fmt.Sprintf("ranks: rank %d: %s", e.Rank, e.Message) }

// Apart is the error of a rank that is not where rank 0 is.
type Apart struct{ Rank int }

// Error names the rank.
func (e *Apart) Error() string {
	return fmt.Sprintf("ranks: rank %d is at another place of the work than rank 0, or has other numbers; want all ranks to run one program, with the same settings, on the same data", e.Rank)
}

// note is how many bytes a rank tells in Agree: the place, and the length of its message.
const note = 16

// Agree returns nil on all ranks if all can go on and are at one place of the work, which is a
// number. A rank that cannot go on calls it with a message instead of whatever exchange the
// others are at next; then all get the same [*Stopped], and none has exchanged anything else.
// Ranks at different places get the same [*Apart]. So in front of every exchange there must be an
// Agree.
func (x *Exchange) Agree(place uint64, message []byte) error {
	_, err := x.agree(place, message)
	return err
}

// Leave ends the exchange: it returns once all ranks have called it. One that is still at something
// else is stopped by the message, which must not be empty. It returns an error only of the group.
func (x *Exchange) Leave(message []byte) error {
	for {
		left, err := x.agree(0, message)
		if stopped := (*Stopped)(nil); !errors.As(err, &stopped) {
			return err
		}
		if left == x.Size() {
			return nil
		}
	}
}

// agree is Agree, and tells how many ranks cannot go on.
func (x *Exchange) agree(place uint64, message []byte) (stopped int, err error) {
	own := x.notes[x.Rank()*note:]
	binary.LittleEndian.PutUint64(own, place)
	binary.LittleEndian.PutUint64(own[8:], uint64(len(message)))
	for r := range x.ends {
		x.ends[r] = (r + 1) * note
	}
	if err := lost(x.Gather(x.notes, x.ends)); err != nil {
		return 0, err
	}
	first := binary.LittleEndian.Uint64(x.notes)
	apart, total := -1, 0
	for r := range x.ends {
		told := x.notes[r*note:]
		if apart < 0 && binary.LittleEndian.Uint64(told) != first {
			apart = r
		}
		if n := int(binary.LittleEndian.Uint64(told[8:])); n > 0 {
			total += n
			stopped++
		}
		x.ends[r] = total
	}
	switch {
	case total > 0:
		return stopped, x.stop(message, total)
	case apart >= 0:
		return 0, &Apart{apart}
	}
	return 0, nil
}

// stop lets all ranks know the messages, of so many bytes, and returns the first.
func (x *Exchange) stop(message []byte, total int) error {
	all := make([]byte, total)
	copy(all[x.ends[x.Rank()]-x.shareOf(x.Rank()):], message)
	if err := lost(x.Gather(all, x.ends)); err != nil {
		return err
	}
	for r, end := range x.ends {
		if n := x.shareOf(r); n > 0 {
			return &Stopped{r, all[end-n : end]}
		}
	}
	panic("ranks: a message of no rank")
}

// Tell returns the messages of all ranks, of which this one's is message.
func (x *Exchange) Tell(message []byte) ([][]byte, error) {
	sizes := make([]int, x.Size())
	sizes[x.Rank()] = len(message)
	if err := x.Arrays(Of(sizes, len(sizes))); err != nil {
		return nil, err
	}
	total := 0
	for r, n := range sizes {
		total += n
		x.ends[r] = total
	}
	all := make([]byte, total)
	copy(all[x.ends[x.Rank()]-len(message):], message)
	if err := lost(x.Gather(all, x.ends)); err != nil {
		return nil, err
	}
	var messages [][]byte
	for r, end := range x.ends {
		messages = append(messages, all[end-sizes[r]:end])
	}
	return messages, nil
}
