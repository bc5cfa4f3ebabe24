package train

import (
	"fmt"
	"math"
	"strings"

	"hourglass/dataset"
	"hourglass/internal/kernel"
	"hourglass/loss"
)

// SampleError is a sample that a network cannot take or learn from: one of its values is NaN
// or infinite, or not one that the loss is defined for. If it is not finite the error
// is also [ErrNotFinite].
type SampleError struct {
	Data      string  // what the sample is for: "training", "validation", "evaluation" or, otherwise, ""
	Sample    int     // its number, from 0
	Element   int     // the first bad value's place in it, from 0
	Value     float32 // as the network was to get it
	Loss      string  // name of the loss; "" if the value is not finite
	Low, High float32 // of what the loss wants
}

// Error names the sample, the value and what would be right.
func (e *SampleError) Error() string {
	text := strings.TrimLeft(fmt.Sprintf("%s sample %d: value %d is %v, want ", e.Data, e.Sample, e.Element, e.Value), " ")
	if e.Loss == "" {
		return text + "a finite number"
	}
	return text + fmt.Sprintf("%v to %v for the loss %s", e.Low, e.High, e.Loss)
}

// Is reports whether target is ErrNotFinite and the value is not.
func (e *SampleError) Is(target error) bool { return target == ErrNotFinite && e.Loss == "" }

// anyNumber is every finite one.
var anyNumber = interval{-math.MaxFloat32, math.MaxFloat32}

// interval is from low to high, both included.
type interval struct{ low, high float32 }

// domain returns the values that a loss can be trained on.
func domain(l loss.Loss) interval {
	if d, ok := l.(loss.Domain); ok {
		low, high := d.Domain()
		return interval{low, high}
	}
	return anyNumber
}

// findBad returns the place of the first of samples lo to hi of the batch that has
// values outside of what is wanted, or -1.
func (l *loop) findBad(lo, hi int) int {
	bad := -1
	inputs, targets := l.wanted()
	if !kernel.Within(l.pass.InputRows(lo, hi), inputs.low, inputs.high) {
		for bad = lo; kernel.Within(l.pass.InputRows(bad, bad+1), inputs.low, inputs.high); {
			bad++
		}
	}
	if l.has(dataset.Targets) && !kernel.Within(l.targetRows(lo, hi), targets.low, targets.high) {
		at := lo
		for kernel.Within(l.targetRows(at, at+1), targets.low, targets.high) {
			at++
		}
		if bad < 0 || at < bad {
			bad = at
		}
	}
	return bad
}

// wanted returns what values inputs and targets must have.
func (l *loop) wanted() (inputs, targets interval) {
	if l.has(dataset.Targets) {
		return anyNumber, l.want
	}
	return l.want, l.want
}

// firstBad returns the place of the first bad sample of the batch, or -1: workers
// have their shares in the order of the samples.
func (l *loop) firstBad() int {
	for _, i := range l.bad {
		if i >= 0 {
			return i
		}
	}
	return -1
}

// checkSamples reports the first bad sample of the batch.
func (l *loop) checkSamples() error {
	i := l.firstBad()
	if i < 0 {
		return nil
	}
	for _, err := range l.failures {
		if err != nil {
			return fmt.Errorf("read %s samples: %w", l.what, err)
		}
	}
	inputs, targets := l.wanted()
	if e := l.sampleError(i, l.what, l.pass.InputRows(i, i+1), inputs); e != nil {
		return e
	}
	return l.sampleError(i, "target of "+l.what, l.targetRows(i, i+1), targets)
}

// sampleError reports the first value of sample i of the batch that is not within the
// interval; nil if all are.
func (l *loop) sampleError(i int, what string, values []float32, want interval) error {
	for j, x := range values {
		if want.low <= x && x <= want.high {
			continue
		}
		e := &SampleError{Data: what, Sample: l.batch[i], Element: j, Value: x, Low: want.low, High: want.high}
		if finite(float64(x)) {
			e.Loss = l.trainer.Loss.Name()
		}
		return e
	}
	return nil
}
