package train

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Reconstruction is the name of the loss without penalties, in the history of a
// network that has some; there the loss is the sum of it and all penalties.
const Reconstruction = "reconstruction"

// Tightening is the name of how much less the loss of a network that weighs several outputs of a
// sample is than the mean over them; see nn.ImportanceSampling.
const Tightening = "tightening"

// measures lists what a run measures beside the loss: what it consists of, if the
// network has penalties, what its stages measure, and metrics.
func (t *Trainer) measures() []string {
	var names []string
	if penalties := t.Network.Penalties(); len(penalties) > 0 {
		names = append([]string{Reconstruction}, penalties...)
	}
	if t.Network.Weighs() {
		names = append(names, Tightening)
	}
	names = append(names, t.Network.Measures()...)
	for _, m := range t.Metrics {
		names = append(names, m.Name())
	}
	return names
}

// validatePenalties reports a schedule for a penalty that the network does not have.
func (t *Trainer) validatePenalties() error {
	have := t.Network.Penalties()
	for _, name := range slices.Sorted(maps.Keys(t.Penalties)) {
		if !slices.Contains(have, name) {
			return fmt.Errorf("train: a schedule is for the penalty %q, the network has %q", name, have)
		}
		s := t.Penalties[name]
		if s == nil {
			return fmt.Errorf("train: the schedule of the penalty %q is nil", name)
		}
		if err := s.Validate(); err != nil {
			return err
		}
	}
	return nil
}

// penaltySchedules names the schedules in one word: "kl=ramp:5".
func (t *Trainer) penaltySchedules() string {
	var words []string
	for _, name := range slices.Sorted(maps.Keys(t.Penalties)) {
		words = append(words, name+"="+t.Penalties[name].Name())
	}
	return strings.Join(words, " ")
}

// ParsePenalty reads the schedule of a penalty's factor from one word, NAME=SCHEDULE: "kl=ramp:10",
// "kl=cycles:10:0.5", or any that ParseSchedule reads, over so many epochs.
func ParsePenalty(text string, epochs int) (name string, s Schedule, err error) {
	name, schedule, _ := strings.Cut(text, "=")
	kind, rest, _ := strings.Cut(schedule, ":")
	first, second, _ := strings.Cut(rest, ":")
	whole, wholeErr := strconv.Atoi(first)
	switch kind {
	case "ramp":
		s, err = Ramp{whole}, wholeErr
		if second != "" {
			err = errSchedule
		}
		err = cmp.Or(err, s.Validate())
	case "cycles":
		rise, riseErr := strconv.ParseFloat(second, 64)
		s = Cycles{whole, rise}
		err = cmp.Or(errors.Join(wholeErr, riseErr), s.Validate())
	default:
		if s, err = ParseSchedule(schedule, epochs); s == nil && err == nil {
			err = errSchedule // constant, which it is anyway
		}
	}
	if name == "" || err != nil {
		return "", nil, fmt.Errorf("train: penalty %q, want NAME=ramp:EPOCHS, NAME=cycles:EPOCHS:RISE or NAME= and a schedule of the learning rate", text)
	}
	return name, s, nil
}

// setPenaltyFactors sets the factors of the current step.
func (l *loop) setPenaltyFactors() {
	for i, name := range l.penalties {
		if s, ok := l.trainer.Penalties[name]; ok {
			l.pass.SetPenaltyFactor(i, s.Factor(l.epochs))
		}
	}
}

// addPenalties adds the penalties of the batch to the losses of its samples, and notes
// what these consist of and what stages have measured.
func (l *loop) addPenalties() {
	measured := len(l.metrics) - len(l.trainer.Metrics) - len(l.measured)
	for j := range l.measured {
		for i := range l.batch {
			l.metrics[measured+j][i] = l.pass.Measure(j, i)
		}
	}
	if len(l.penalties) == 0 {
		return
	}
	entries := float64(l.entries()) / float64(len(l.batch))
	for i := range l.batch {
		l.metrics[0][i] = l.losses[i] / entries
		for j := range l.penalties {
			penalty := l.pass.Penalty(j, i)
			l.metrics[1+j][i] = penalty
			l.losses[i] += float64(entries * penalty)
		}
		if l.trainer.Network.Weighs() {
			l.metrics[1+len(l.penalties)][i] = l.tightening[i] / entries
			l.losses[i] += l.tightening[i]
		}
	}
}

// Ramp lets a factor rise from 0 to 1 in a straight line over some epochs and stay
// there: the warm-up of a penalty (Bowman et al. 2016).
type Ramp struct {
	Epochs int // of the rise, at least 1
}

// Name returns "ramp:10".
func (s Ramp) Name() string { return fmt.Sprintf("ramp:%d", s.Epochs) }

// Validate reports a number of epochs below 1.
func (s Ramp) Validate() error {
	if s.Epochs < 1 {
		return fmt.Errorf("train: schedule ramp: epochs is %d, want at least 1", s.Epochs)
	}
	return nil
}

// Factor returns min(t/Epochs, 1).
func (s Ramp) Factor(epochs float64) float64 { return min(epochs/float64(s.Epochs), 1) }

// Cycles lets a factor rise from 0 to 1 over the first part of every cycle and stay
// there for the rest of it (Fu et al. 2019).
type Cycles struct {
	Epochs int     // of a cycle, at least 1
	Rise   float64 // the part of a cycle in which it rises, above 0 and at most 1
}

// Name returns "cycles:10:0.5".
func (s Cycles) Name() string { return fmt.Sprintf("cycles:%d:%v", s.Epochs, s.Rise) }

// Validate reports a setting out of range.
func (s Cycles) Validate() error {
	if s.Epochs < 1 {
		return fmt.Errorf("train: schedule cycles: epochs is %d, want at least 1", s.Epochs)
	}
	if !(s.Rise > 0 && s.Rise <= 1) {
		return fmt.Errorf("train: schedule cycles: rise is %v, want above 0 and at most 1", s.Rise)
	}
	return nil
}

// Factor returns min(u/Rise, 1) for the part u of the current cycle that has passed.
func (s Cycles) Factor(epochs float64) float64 {
	cycles := epochs / float64(s.Epochs)
	return min((cycles-float64(int(cycles)))/s.Rise, 1)
}

// terms lists what the loss consists of, by name; nothing if it is one term.
func (l *loop) terms() []string {
	names := l.trainer.measures()
	return names[:len(names)-len(l.trainer.Metrics)-len(l.measured)]
}

// checkFinite reports a loss of the batch that is NaN or infinite.
func (l *loop) checkFinite(total float64) error {
	if finite(total) {
		return nil
	}
	means := make([]float64, len(l.metrics))
	for j, values := range l.metrics {
		for _, v := range values[:len(l.batch)] {
			means[j] += v / float64(len(l.batch))
		}
	}
	return notFinite(total, l.terms(), means)
}

// notFinite reports a loss that is NaN or infinite, and which of its terms are.
func notFinite(loss float64, terms []string, values []float64) error {
	if finite(loss) {
		return nil
	}
	text := fmt.Sprint(loss)
	var bad []string
	for j, name := range terms {
		if !finite(values[j]) {
			bad = append(bad, fmt.Sprintf("%s is %v", name, values[j]))
		}
	}
	if len(bad) > 0 {
		text += ": " + strings.Join(bad, ", ")
	}
	return fmt.Errorf("%w (%s); a smaller learning rate or cleaner data may help", ErrNotFinite, text)
}
