package train

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"hourglass/internal/portable"
	"hourglass/optim"
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

// scheduleForms are what ParseSchedule reads.
const scheduleForms = "constant, cosine, cosine:EPOCHS, step:EPOCHS:FACTOR, exponential:FACTOR, onecycle, onecycle:EPOCHS, cyclic:EPOCHS:LOW or warmup:EPOCHS:REST"

// ParseSchedule reads a schedule from one word: "constant", which is nil, "cosine"
// (over so many epochs as the run has) or "cosine:EPOCHS", "step:EPOCHS:FACTOR",
// "exponential:FACTOR", "onecycle" or "onecycle:EPOCHS", "cyclic:EPOCHS:LOW", and
// "warmup:EPOCHS:REST", where REST is any of these. If it is not known how many epochs
// the run has, epochs is 0 and Over to be called later.
func ParseSchedule(text string, epochs int) (Schedule, error) {
	s, err := parseSchedule(text)
	if err != nil {
		return nil, fmt.Errorf("train: schedule %q, want %s", text, scheduleForms)
	}
	if s == nil {
		return nil, nil
	}
	if err := Over(s, max(epochs, 1)).Validate(); err != nil {
		return nil, err
	}
	return Over(s, epochs), nil
}

var errSchedule = errors.New("not a schedule")

func parseSchedule(text string) (Schedule, error) {
	kind, rest, found := strings.Cut(text, ":")
	first, second, _ := strings.Cut(rest, ":")
	whole, wholeErr := strconv.Atoi(first)
	if wholeErr == nil && whole < 1 {
		whole = -1 // 0 would be the whole run
	}
	number, numberErr := strconv.ParseFloat(second, 64)
	switch {
	case kind == "constant" && !found:
		return nil, nil
	case kind == "cosine" && !found:
		return Cosine{}, nil
	case kind == "cosine" && second == "":
		return Cosine{whole}, wholeErr
	case kind == "onecycle" && !found:
		return OneCycle{}, nil
	case kind == "onecycle" && second == "":
		return OneCycle{whole}, wholeErr
	case kind == "step":
		return Steps{whole, number}, errors.Join(wholeErr, numberErr)
	case kind == "cyclic":
		return Cyclic{whole, number}, errors.Join(wholeErr, numberErr)
	case kind == "exponential":
		by, err := strconv.ParseFloat(rest, 64)
		return Exponential{by}, err
	case kind == "warmup" && wholeErr == nil:
		then, err := parseSchedule(second)
		return Warmup{whole, then}, err
	}
	return nil, errSchedule
}

// Over returns the schedule of a run of so many epochs: what ParseSchedule has read
// without knowing them, or the same for one that says itself how long it is.
func Over(s Schedule, epochs int) Schedule {
	switch s := s.(type) {
	case Cosine:
		s.Epochs = orDefault(s.Epochs, epochs)
		return s
	case OneCycle:
		s.Epochs = orDefault(s.Epochs, epochs)
		return s
	case Warmup:
		if s.Then != nil && epochs > 0 {
			s.Then = Over(s.Then, max(epochs-s.Epochs, 1))
		}
		return s
	}
	return s
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
	return r.Trainer.rate(r.Optimizer, r.reduced(), r.epochs())
}

// rate returns the learning rate of an optimiser after so many epochs, where an observer
// has reduced it.
func (t *Trainer) rate(o optim.Optimizer, reduced, epochs float64) float64 {
	base := o.Rate() * reduced
	if t.Schedule == nil {
		return base
	}
	return base * t.Schedule.Factor(epochs)
}

// epochs returns how many epochs precede the run's next step.
func (r *Run) epochs() float64 { return float64(r.Epoch-1) + float64(r.Step)/float64(r.Steps) }
