package serve

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
)

// budget is the memory that requests and answers may take together.
type budget struct {
	limit int64
	used  atomic.Int64
}

// errMemory is the error of a request that comes when memory is taken.
var errMemory = errors.New("the requests of others take all the memory there is for them")

// take reserves n bytes.
func (b *budget) take(n int64) error {
	if b.used.Add(n) > b.limit {
		b.used.Add(-n)
		return errMemory
	}
	return nil
}

func (b *budget) give(n int64) { b.used.Add(-n) }

// share is what one request has reserved of the budget.
type share struct {
	*budget
	taken int64
}

func (s *share) take(n int64) error {
	err := s.budget.take(n)
	if err == nil {
		s.taken += n
	}
	return err
}

func (s *share) release() {
	s.budget.give(s.taken)
	s.taken = 0
}

// buffers lends memory for bodies; large ones are not kept.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

const (
	keptBuffer  = 1 << 20
	firstBuffer = 16 << 10 // allocated before anything has arrived
)

func putBuffer(b *[]byte) {
	if cap(*b) <= keptBuffer {
		*b = (*b)[:0]
		buffers.Put(b)
	}
}

// tooLargeError is the error of a request, or an answer, beyond the limit.
type tooLargeError struct {
	what  string
	limit int64
}

func (e *tooLargeError) Error() string {
	return fmt.Sprintf("%s has more than %d bytes", e.what, e.limit)
}

// readBody reads the body of a request into buffer. Memory grows with what has
// arrived, not with what is promised.
func readBody(r *http.Request, buffer *[]byte, limit int64, memory *share) error {
	tooLarge := &tooLargeError{"the request", limit}
	if r.ContentLength > limit {
		return tooLarge
	}
	b := (*buffer)[:0]
	if cap(b) == 0 {
		b = make([]byte, 0, firstBuffer)
	}
	if err := memory.take(int64(cap(b))); err != nil {
		return err
	}
	defer func() { *buffer = b }()
	for {
		if len(b) == cap(b) {
			grown := slices.Grow(b, max(cap(b), firstBuffer))
			if err := memory.take(int64(cap(grown) - cap(b))); err != nil {
				return err
			}
			b = grown
		}
		n, err := r.Body.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		switch {
		case int64(len(b)) > limit:
			return tooLarge
		case err == io.EOF:
			return nil
		case err != nil:
			return fmt.Errorf("read the request: %w", err)
		}
	}
}
