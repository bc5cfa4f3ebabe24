package train

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"hourglass/dataset"
	"hourglass/loss"
	"hourglass/optim"
)

// Settings are what a run must have in common with the one it continues.
type Settings struct {
	Samples    int     `json:"samples"`
	Validation int     `json:"validation_samples"`
	BatchSize  int     `json:"batch_size"`
	Seed       uint64  `json:"seed"`
	Loss       string  `json:"loss"`
	Optimizer  string  `json:"optimizer"`
	Rate       float64 `json:"learning_rate"`
	Schedule   string  `json:"schedule,omitempty"`
	Clipping   string  `json:"clipping,omitempty"`
	Penalties  string  `json:"penalties,omitempty"` // the schedules of their factors
	Binarize   bool    `json:"binarize,omitempty"`  // samples are
	Plateau    string  `json:"reduce_on_plateau,omitempty"`
	// Augmentation is how the training data varies; see dataset.Varied.
	Augmentation string `json:"augmentation,omitempty"`
	Buffer       int    `json:"shuffle_buffer,omitempty"` // and Block, see dataset.Window
	Block        int    `json:"shuffle_block,omitempty"`

	// Groups are the optimisers of groups of weights, by the groups' names.
	Groups map[string]GroupSettings `json:"optimizers,omitempty"`

	// What loss and optimiser have for parameters: their fields, see Parameters. Nil
	// in checkpoints that are older than these two.
	LossParameters      map[string]any `json:"loss_parameters"`
	OptimizerParameters map[string]any `json:"optimizer_parameters"`
}

// GroupSettings are an optimiser with its parameters.
type GroupSettings struct {
	Optimizer  string         `json:"optimizer"`
	Rate       float64        `json:"learning_rate"`
	Parameters map[string]any `json:"parameters"`
}

// groupSettings spells out a group's optimiser.
func groupSettings(o optim.Optimizer) GroupSettings {
	resolved := o
	if r, ok := o.(optim.Resolver); ok {
		resolved = r.Resolved()
	}
	parameters := Parameters(resolved)
	delete(parameters, "LearningRate") // which is Rate
	return GroupSettings{o.Name(), o.Rate(), parameters}
}

// differInGroups reports the first difference of the optimisers of groups.
func (s Settings) differInGroups(here Settings) error {
	names := slices.Sorted(maps.Keys(s.Groups))
	names = slices.Compact(slices.Sorted(slices.Values(slices.AppendSeq(names, maps.Keys(here.Groups)))))
	for _, name := range names {
		a, b := s.Groups[name], here.Groups[name]
		if a.Optimizer != b.Optimizer || a.Rate != b.Rate {
			return fmt.Errorf("the run has for the weights of %q the optimizer %s at %v, not %s at %v",
				name, cmp.Or(a.Optimizer, "of all"), a.Rate, cmp.Or(b.Optimizer, "of all"), b.Rate)
		}
		if err := differIn("optimizer "+a.Optimizer+" of "+name, a.Parameters, b.Parameters); err != nil {
			return err
		}
	}
	return nil
}

// Parameters returns the exported fields of a loss, an optimiser or the like, by
// name and as JSON has them: {"Beta1": 0.9, …}. It has none of what is not a struct
// or cannot be written as JSON.
func Parameters(of any) map[string]any {
	parameters := map[string]any{}
	text, err := json.Marshal(of)
	if err != nil || !bytes.HasPrefix(text, []byte("{")) {
		return parameters
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber() // so that no digit is lost
	if err := decoder.Decode(&parameters); err != nil {
		return map[string]any{}
	}
	return parameters
}

// Settings returns the settings of a run on such data.
func (t *Trainer) Settings(training, validation dataset.Source) Settings {
	lossFunction := t.Loss
	if r, ok := lossFunction.(loss.Resolver); ok {
		lossFunction = r.Resolved()
	}
	rule := groupSettings(t.Optimizer)
	s := Settings{Samples: training.Len(), BatchSize: t.BatchSize, Seed: t.Seed,
		Loss: t.Loss.Name(), Optimizer: rule.Optimizer, Rate: rule.Rate, Schedule: scheduleName(t.Schedule), Clipping: t.Clipping.String(), Penalties: t.penaltySchedules(), Binarize: t.Binarize,
		LossParameters: Parameters(lossFunction), OptimizerParameters: rule.Parameters}
	for name, o := range t.Optimizers {
		if s.Groups == nil {
			s.Groups = map[string]GroupSettings{}
		}
		s.Groups[name] = groupSettings(o)
	}
	for _, o := range t.Observers {
		if p, ok := o.(*ReduceOnPlateau); ok {
			s.Plateau = p.String()
		}
	}
	s.Augmentation = dataset.VariationOf(training)
	if validation != nil {
		s.Validation = validation.Len()
	}
	s.Buffer, s.Block = dataset.Window(training)
	return s
}

// old reports settings of a checkpoint that is older than parameters in it.
func (s Settings) old() bool { return s.OptimizerParameters == nil }

// Differ reports the first setting of a run that is otherwise here, with both values.
func (s Settings) Differ(here Settings) error {
	for _, c := range []struct {
		what        string
		saved, here any
	}{
		{"training samples", s.Samples, here.Samples},
		{"batches of size", s.BatchSize, here.BatchSize},
		{"seed", s.Seed, here.Seed},
		{"loss", s.Loss, here.Loss},
		{"optimizer", s.Optimizer, here.Optimizer},
		{"learning rate", s.Rate, here.Rate},
		{"penalties by", cmp.Or(s.Penalties, "their own weights"), cmp.Or(here.Penalties, "their own weights")},
		{"schedule", cmp.Or(s.Schedule, "constant"), cmp.Or(here.Schedule, "constant")},
		{"samples binarized", s.Binarize, here.Binarize},
		{"a learning rate reduced on plateaus", cmp.Or(s.Plateau, "never"), cmp.Or(here.Plateau, "never")},
		{"data augmented by", cmp.Or(s.Augmentation, "nothing"), cmp.Or(here.Augmentation, "nothing")},
		{"gradients clipped to", cmp.Or(s.Clipping, "nothing"), cmp.Or(here.Clipping, "nothing")},
	} {
		if c.saved != c.here {
			return fmt.Errorf("the run has %s %v, not %v", c.what, c.saved, c.here)
		}
	}
	if err := s.differInGroups(here); err != nil || s.old() {
		return err
	}
	if s.Validation != here.Validation {
		return fmt.Errorf("the run has %d validation samples, not %d", s.Validation, here.Validation)
	}
	if s.Buffer != here.Buffer || s.Block != here.Block {
		return fmt.Errorf("the run shuffles its data in %s, not in %s (how much memory may the samples take?)",
			bufferWords(s.Buffer, s.Block), bufferWords(here.Buffer, here.Block))
	}
	if err := differIn("loss "+s.Loss, s.LossParameters, here.LossParameters); err != nil {
		return err
	}
	return differIn("optimizer "+s.Optimizer, s.OptimizerParameters, here.OptimizerParameters)
}

// bufferWords says how data is shuffled.
func bufferWords(buffer, block int) string {
	if buffer == 0 {
		return "memory"
	}
	return fmt.Sprintf("a buffer of %d samples, %d at a time", buffer, block)
}

// differIn reports the first parameter that differs.
func differIn(what string, saved, here map[string]any) error {
	names := slices.Sorted(maps.Keys(saved))
	for name := range here {
		if _, ok := saved[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		// Read back from a checkpoint, a number has become a float64 perhaps.
		if a, b := fmt.Sprint(saved[name]), fmt.Sprint(here[name]); a != b && !reflect.DeepEqual(number(saved[name]), number(here[name])) {
			return fmt.Errorf("the run has %s with %s %s, not %s", what, words(name), a, b)
		}
	}
	return nil
}

// number returns a JSON number as a float64, and anything else as it is.
func number(v any) any {
	if n, ok := v.(json.Number); ok {
		if f, err := n.Float64(); err == nil {
			return f
		}
	}
	return v
}

// words writes the name of a Go field as people do: "WeightDecay" as "weight decay".
func words(name string) string {
	var b strings.Builder
	for i, r := range name {
		if i > 0 && unicode.IsUpper(r) {
			b.WriteByte(' ')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
