package progress

import (
	"fmt"
	"math"
	"runtime"
	"time"

	"hourglass/train"
)

// forecast foretells the time and memory of a run from its first steps.
type forecast struct {
	now   func() time.Time // time.Now by default
	began time.Time
	steps int // since then
	told  bool
}

// Of how much of a run its rest is foretold: an epoch, which has validation in it, if
// that takes longer than the clock's and the first steps' whims, or some seconds of it.
const (
	soonest = 300 * time.Millisecond
	latest  = 3 * time.Second
)

// start begins to measure. What precedes the first step is not training.
func (f *forecast) start() {
	if f.now == nil {
		f.now = time.Now
	}
	f.began, f.steps, f.told = f.now(), 0, false
}

// after returns the forecast after a step, or an epoch, and "" where it has been told
// or is too early.
func (f *forecast) after(r *train.Run, epochEnded bool) string {
	if !epochEnded {
		f.steps++
	}
	elapsed := f.now().Sub(f.began)
	if f.told || f.steps == 0 || elapsed < soonest || !epochEnded && elapsed < latest {
		return ""
	}
	f.told = true
	left := (r.Epochs-r.Epoch)*r.Steps + r.Steps - r.Step
	total := elapsed + time.Duration(float64(elapsed)/float64(f.steps)*float64(left))
	return fmt.Sprintf("all %d epochs will take about %s and %s", r.Epochs, roughly(total), memory())
}

// roughly writes a time with two digits at most.
func roughly(d time.Duration) string {
	switch s := d.Seconds(); {
	case s < 10:
		return fmt.Sprintf("%.1f s", s)
	case s < 100:
		return fmt.Sprintf("%.0f s", s)
	case s < 100*60:
		return fmt.Sprintf("%.0f min", s/60)
	case s < 100*3600:
		return fmt.Sprintf("%.0f h", math.Round(s/3600))
	default:
		return fmt.Sprintf("%.0f days", math.Round(s/86400))
	}
}

// memory is what the program has of the system, in words. After the first step a run
// takes no more.
func memory() string {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return fmt.Sprintf("%d MB", max((m.Sys-m.HeapReleased)>>20, 1))
}
