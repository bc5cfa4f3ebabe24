package train

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"hourglass/internal/portable"
)

// Schedule says how the learning rate changes in the course of a run. It is a
// function of time alone, so that a resumed run goes on with the same rates.
type Schedule interface {
	// Name returns the schedule and all its settings as ParseSchedule reads them,
	// "step:10:0.5"; schedules of one name are the same.
	Name() string
	// Validate reports a setting out of range.
	Validate() error
	// Factor returns what the optimiser's own rate is multiplied by, before a step
	// that so many epochs precede; 2.5 is in the middle of the third.
	Factor(epochs float64) float64
}

// Cosine lets the rate fall along half a wave from the optimiser's to zero:
// (1 + cos(π·t/Epochs))/2 after t epochs, and 0 beyond. Loshchilov and Hutter 2017
// (https://arxiv.org/abs/1608.03983) without restarts; Keras' CosineDecay.
type Cosine struct {
	Epochs int // of the whole fall, at least 1
}

// Name returns "cosine:10".
func (s Cosine) Name() string { return fmt.Sprintf("cosine:%d", s.Epochs) }

// Validate reports a number of epochs below 1.
func (s Cosine) Validate() error {
	if s.Epochs < 1 {
		return fmt.Errorf("train: schedule cosine: epochs is %d, want at least 1", s.Epochs)
	}
	return nil
}

// Factor returns (1 + cos(π·t/Epochs))/2.
func (s Cosine) Factor(epochs float64) float64 {
	return (1 + portable.Cos(math.Pi*min(epochs/float64(s.Epochs), 1))) / 2
}

// Steps multiplies the rate by By after every Every epochs, as PyTorch's StepLR.
type Steps struct {
	Every int     // epochs, at least 1
	By    float64 // above 0
}

// Name returns "step:10:0.5".
func (s Steps) Name() string { return fmt.Sprintf("step:%d:%v", s.Every, s.By) }

// Validate reports a setting out of range.
func (s Steps) Validate() error {
	if s.Every < 1 {
		return fmt.Errorf("train: schedule step: the epochs of a step are %d, want at least 1", s.Every)
	}
	return checkFactor("step", s.By)
}

// Factor returns By^⌊t/Every⌋.
func (s Steps) Factor(epochs float64) float64 {
	return portable.Pow(s.By, math.Floor(epochs/float64(s.Every)))
}

// Exponential multiplies the rate by By in every epoch, little by little: By^t
// after t epochs, Keras' ExponentialDecay with an epoch's steps as decay_steps.
type Exponential struct {
	By float64 // above 0
}

// Name returns "exponential:0.9".
func (s Exponential) Name() string { return fmt.Sprintf("exponential:%v", s.By) }

// Validate reports a factor that is none.
func (s Exponential) Validate() error { return checkFactor("exponential", s.By) }

// Factor returns By^t.
func (s Exponential) Factor(epochs float64) float64 { return portable.Pow(s.By, epochs) }

func checkFactor(schedule string, by float64) error {
	if !(by > 0) || math.IsInf(by, 1) {
		return fmt.Errorf("train: schedule %s: the factor is %v, want a finite number above 0", schedule, by)
	}
	return nil
}

// ParseSchedule reads a schedule from one word: "constant", which is nil, "cosine"
// (over so many epochs as the run has) or "cosine:EPOCHS", "step:EPOCHS:FACTOR" or
// "exponential:FACTOR".
func ParseSchedule(text string, epochs int) (Schedule, error) {
	bad := fmt.Errorf("train: schedule %q, want constant, cosine, cosine:EPOCHS, step:EPOCHS:FACTOR or exponential:FACTOR", text)
	kind, rest, found := strings.Cut(text, ":")
	var s Schedule
	var err error
	switch {
	case kind == "constant" && !found:
		return nil, nil
	case kind == "cosine" && !found:
		s = Cosine{epochs}
	case kind == "cosine":
		var c Cosine
		c.Epochs, err = strconv.Atoi(rest)
		s = c
	case kind == "step":
		every, by, _ := strings.Cut(rest, ":")
		var c Steps
		if c.Every, err = strconv.Atoi(every); err == nil {
			c.By, err = strconv.ParseFloat(by, 64)
		}
		s = c
	case kind == "exponential":
		var c Exponential
		c.By, err = strconv.ParseFloat(rest, 64)
		s = c
	default:
		return nil, bad
	}
	if err != nil {
		return nil, bad
	}
	return s, s.Validate()
}

// scheduleName names a schedule that may be nil.
func scheduleName(s Schedule) string {
	if s == nil {
		return ""
	}
	return s.Name()
}

// rate returns the learning rate of the run's next step.
func (r *Run) rate() float64 {
	base := r.Optimizer.Rate()
	if r.Schedule == nil {
		return base
	}
	return base * r.Schedule.Factor(r.epochs())
}

// epochs returns how many epochs precede the run's next step.
func (r *Run) epochs() float64 { return float64(r.Epoch-1) + float64(r.Step)/float64(r.Steps) }
