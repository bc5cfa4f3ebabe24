package train

import (
	"bytes"
	"context"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc64"

	"hourglass/internal/parallel"
	"hourglass/ranks"
)

// meeting is how the loops of several ranks go through a run together.
//
// Each runs the samples of its share, and then all come by what the others have found. In
// front of every exchange they agree to go on. A rank that cannot, for whatever reason, tells
// its error the next time the others ask, wherever they are: it then is the error of all, and they
// leave the step, or the evaluation, at the same place.
type meeting struct {
	group    ranks.Group // nil for a process alone
	exchange *ranks.Exchange
}

func newMeeting(g ranks.Group) *meeting {
	if g == nil || g.Size() == 1 {
		return &meeting{}
	}
	return &meeting{g, ranks.NewExchange(g)}
}

// Where in a run ranks may meet.
const (
	placeBegin = iota + 1
	placeObserved
	placeBatch
	placeMasks
	placeStepped
	placeEvaluate
	placeEpoch
	placeEnd
)

// place is a place with numbers that must be the same on all ranks.
func place(kind uint64, numbers ...uint64) uint64 {
	for _, n := range numbers {
		kind = (kind<<7 | kind>>57) ^ n*0x9e3779b97f4a7c15
	}
	return kind
}

// checksum returns a number that other weights very likely have not.
func checksum(weights []float32) uint64 {
	return crc64.Checksum(ranks.Bytes(weights), crc64.MakeTable(crc64.ECMA))
}

// settled is an error that all ranks know of.
type settled struct {
	error
	whole bool // it says in which step of the run it happened
}

func (e settled) Unwrap() error { return e.error }

// agree returns nil if all ranks can go on, or else the error of the first that cannot, on
// all of them. An error that they have agreed on is returned as it is.
func (m *meeting) agree(place uint64, err error) error {
	if m.group == nil {
		return err
	}
	if p := (*PanicError)(nil); errors.As(err, &p) && agreed(p.Unwrap()) {
		err = p.Unwrap() // by which the workers have left a step together
	}
	if errors.As(err, &settled{}) {
		return err
	}
	if stopped := (*ranks.Stopped)(nil); errors.As(err, &stopped) { // in an exchange of the pass
		return stoppedError(stopped)
	}
	if broken(err) {
		return settled{error: err}
	}
	var message []byte
	if err != nil {
		err = m.named(err)
		message = tellError(err, place == placeObserved || place == placeEnd)
	}
	told := m.exchange.Agree(place, message)
	stopped := (*ranks.Stopped)(nil)
	switch {
	case told == nil:
		return nil
	case errors.As(told, &stopped) && stopped.Rank == m.group.Rank():
		return settled{error: err} // with the type it has here
	case stopped != nil:
		return stoppedError(stopped)
	}
	return settled{error: told}
}

// agreed reports an error that is from an exchange.
func agreed(err error) bool {
	stopped := (*ranks.Stopped)(nil)
	return errors.As(err, &settled{}) || errors.As(err, &stopped) || broken(err)
}

// broken reports an error after which ranks need not, or cannot, talk about it.
func broken(err error) bool {
	lost, apart := (*ranks.Lost)(nil), (*ranks.Apart)(nil)
	return errors.As(err, &lost) || errors.As(err, &apart)
}

// settle makes an error, if it is one, that of all ranks.
func (m *meeting) settle(place uint64, err error) error {
	if err == nil {
		return nil
	}
	return m.agree(place, err)
}

// named adds the rank to an error that is not one of what all train on.
func (m *meeting) named(err error) error {
	sample := (*SampleError)(nil)
	if errors.As(err, &sample) || errors.Is(err, ErrNotFinite) || errors.Is(err, ErrStop) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fmt.Errorf("rank %d: %w", m.group.Rank(), err)
}

// together makes what observers of one rank want that of all.
func (m *meeting) together(stop bool, err error) (bool, error) {
	if m.group == nil {
		return stop, err
	}
	if err == nil && stop {
		err = ErrStop
	}
	return false, m.agree(placeObserved, err)
}

// end makes the way in which a run ended that of all ranks.
func (m *meeting) end(err error) error {
	err = m.agree(placeEnd, err)
	if m.group != nil && errors.Is(err, ErrStop) {
		return nil
	}
	if s := (settled{}); errors.As(err, &s) && s.whole {
		return s
	}
	return err
}

// meet has one worker exchange something while the others wait; all have passed a barrier just
// before. An error ends the work of all.
func (l *loop) meet(w *parallel.Worker, exchange func() error) {
	if l.group == nil {
		return
	}
	if w.Index == 0 {
		if err := exchange(); err != nil {
			panic(err)
		}
	}
	w.Barrier()
}

// gatherPresent exchanges how many values of each sample are there.
func (l *loop) gatherPresent() error {
	if err := l.agree(place(placeMasks, uint64(len(l.batch))), l.checkSamples()); err != nil {
		return err
	}
	return l.exchange.Arrays(ranks.Of(l.sides.present[:len(l.batch)], len(l.batch)))
}

// gatherBatch exchanges what has become of the batch.
func (l *loop) gatherBatch() error {
	n := len(l.batch)
	at := place(placeBatch, uint64(n), uint64(l.batch[0]))
	if l.training {
		at = place(at, uint64(l.state.Step))
	}
	if err := l.agree(at, l.checkSamples()); err != nil {
		return err
	}
	arrays := []ranks.Array{ranks.Of(l.losses[:n], n)}
	for _, own := range l.metrics[len(l.metrics)-len(l.trainer.Metrics):] {
		arrays = append(arrays, ranks.Of(own[:n], n))
	}
	if l.tightening != nil {
		arrays = append(arrays, ranks.Of(l.tightening[:n], n))
	}
	if l.sides.present != nil {
		arrays = append(arrays, ranks.Of(l.sides.present[:n], n))
	}
	return l.pass.GatherBatch(l.training, arrays...)
}

// fitTerms are what ranks must have in common to train together.
type fitTerms struct {
	Settings    Settings
	Epochs      int
	Epoch, Step int // where they begin
	Weights     uint64
}

// evaluateTerms are what ranks must have in common to evaluate together.
type evaluateTerms struct {
	Samples, BatchSize int
	Loss               string
	Seed               uint64
	Weights            uint64
}

// compare reports the first rank that has other terms than rank 0.
func (m *meeting) compare(terms any) error {
	own, err := json.Marshal(terms)
	if err := m.agree(placeBegin, err); err != nil {
		return err
	}
	told, err := m.exchange.Tell(own)
	if err != nil {
		return settled{error: err}
	}
	for rank, there := range told {
		if !bytes.Equal(there, told[0]) {
			return settled{error: fmt.Errorf("train: rank %d is to do something else than rank 0: %w", rank, differ(told[0], there))}
		}
	}
	return nil
}

// differ says what in terms differs.
func differ(first, other []byte) error {
	var a, b fitTerms
	if errA, errB := json.Unmarshal(first, &a), json.Unmarshal(other, &b); errA != nil || errB != nil || a.Epochs == 0 {
		return fmt.Errorf("%s, want %s", other, first)
	}
	switch err := a.Settings.Differ(b.Settings); {
	case err != nil:
		return err
	case a.Epochs != b.Epochs:
		return fmt.Errorf("the run has %d epochs, not %d", a.Epochs, b.Epochs)
	case a.Epoch != b.Epoch || a.Step != b.Step:
		return fmt.Errorf("the run begins in epoch %d behind step %d, not in epoch %d behind step %d", a.Epoch, a.Step, b.Epoch, b.Step)
	}
	return errors.New("the weights are others")
}

// toldError is an error as one rank tells it to the others.
type toldError struct {
	Text                               string
	Sample                             *SampleError
	Panicked                           bool
	Value, Where                       string
	Stack                              []byte
	NotFinite, Stop, Canceled, Overdue bool
	Whole                              bool
}

// tellError encodes an error.
func tellError(err error, whole bool) []byte {
	told := toldError{Text: err.Error(), Whole: whole, NotFinite: errors.Is(err, ErrNotFinite), Stop: errors.Is(err, ErrStop),
		Canceled: errors.Is(err, context.Canceled), Overdue: errors.Is(err, context.DeadlineExceeded)}
	errors.As(err, &told.Sample)
	if p := (*PanicError)(nil); errors.As(err, &p) {
		told.Panicked, told.Value, told.Where, told.Stack = true, fmt.Sprint(p.Value), p.Where, p.Stack
	}
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(told); err != nil {
		return []byte{0} // no field can make it fail, and no rank reads it as one of these
	}
	return b.Bytes()
}

// stoppedError decodes the error of another rank, which has the text and the kinds that it has
// there.
func stoppedError(s *ranks.Stopped) settled {
	var told toldError
	if err := gob.NewDecoder(bytes.NewReader(s.Message)).Decode(&told); err != nil {
		return settled{error: s}
	}
	e := remoteError{text: told.Text}
	if told.Sample != nil {
		e.kinds = append(e.kinds, told.Sample)
	}
	if told.Panicked {
		e.kinds = append(e.kinds, &PanicError{Value: told.Value, Where: told.Where, Stack: told.Stack})
	}
	for kind, is := range map[error]bool{ErrNotFinite: told.NotFinite, ErrStop: told.Stop, context.Canceled: told.Canceled, context.DeadlineExceeded: told.Overdue} {
		if is {
			e.kinds = append(e.kinds, kind)
		}
	}
	return settled{e, told.Whole}
}

// remoteError is the error of another rank.
type remoteError struct {
	text  string
	kinds []error
}

func (e remoteError) Error() string   { return e.text }
func (e remoteError) Unwrap() []error { return e.kinds }
