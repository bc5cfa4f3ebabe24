package hourglass

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"hourglass/dataset"
	"hourglass/internal/atomicfile"
	"hourglass/modelfile"
	"hourglass/nn"
	"hourglass/tensor"
	"hourglass/train"
)

// Checkpoints says when a training run writes checkpoints, and where. A
// checkpoint is a model file that also holds all that the rest of the run depends
// on, so that Load reads it and Resume goes on from it. Besides those that are
// asked for there is one at the end of a run, however it ends.
//
// A folder holds the checkpoints of one run: a run that does not go on from any
// removes those that are there when it starts.
type Checkpoints struct {
	Dir    string        // folder for the files; made if need be
	Epochs int           // write one every so many epochs; 0 for none
	Steps  int           // write one every so many steps; 0 for none
	Every  time.Duration // write one whenever so much time has passed; 0 for none
	Keep   int           // how many of the last ones are kept, at least 1; 3 by default
}

// validate reports a setting out of range.
func (c Checkpoints) validate() error {
	for _, s := range []struct {
		name  string
		value int64
	}{{"epochs", int64(c.Epochs)}, {"steps", int64(c.Steps)}, {"time", int64(c.Every)}, {"how many to keep", int64(c.Keep)}} {
		if s.value < 0 {
			return fmt.Errorf("hourglass: checkpoints: %s is %d, want at least 1, or 0 for the default", s.name, s.value)
		}
	}
	return nil
}

// scheduled reports whether any checkpoint but the last is asked for.
func (c Checkpoints) scheduled() bool { return c.Epochs > 0 || c.Steps > 0 || c.Every > 0 }

// BestFile is the model with the least validation loss so far (training loss
// without validation), beside the checkpoints of a run that writes some on its way.
const BestFile = "best.safetensors"

// The names of a checkpoint's file, by epoch and step of the epoch, and of the
// arrays in it that are not of the model: what the optimiser remembers, and what
// the observers do, by observer.
const (
	checkpointName   = "checkpoint-%06d-%09d.safetensors"
	checkpointPrefix = "checkpoint-"
	trainingPrefix   = "training."
	slotName         = trainingPrefix + "%d"
	observerName     = trainingPrefix + "observer.%d.%d"
	defaultKeep      = 3
)

// state is what a checkpoint says of the training, beside the arrays.
type state struct {
	*train.Snapshot
	Data *Digests `json:"data,omitempty"` // nil in older checkpoints, and where nobody knew them yet

	scaler *dataset.Scaler
}

// Digests are the SHA-256 of a run's data; see dataset.Digest. That of validation is
// "" where there is none.
type Digests struct {
	Train      string `json:"train"`
	Validation string `json:"validation,omitempty"`
}

// DataDigests gives Fit the digests of the data, to who knows them anyway. Without,
// Fit works them out if it writes checkpoints or resumes. The function is called at
// most once.
func DataDigests(of func() (Digests, error)) FitOption {
	return func(s *fitSettings) { s.digests = sync.OnceValues(of) }
}

// Checkpoint makes Fit write checkpoints.
func Checkpoint(c Checkpoints) FitOption { return func(s *fitSettings) { s.checkpoints = &c } }

// Resume makes Fit go on where the last readable checkpoint in a folder was
// written; the weights of the autoencoder are overwritten. The other options must
// be those of the interrupted run, except that there may be more epochs and any
// number of threads.
func Resume(dir string) FitOption { return func(s *fitSettings) { s.resume = dir } }

// checkpointer writes the checkpoints of a run.
type checkpointer struct {
	Checkpoints
	model   *Autoencoder
	digests func() (Digests, error)
	written time.Time
	last    string // name of the checkpoint written last
}

// Observe writes a checkpoint where one is due.
func (c *checkpointer) Observe(e train.Event, r *train.Run) error {
	switch e {
	case train.Started:
		c.written = time.Now()
		return c.prepare(r.Resume != nil)
	case train.Stepped:
		due := c.Steps > 0 && r.State.Step%c.Steps == 0 || c.Every > 0 && time.Since(c.written) >= c.Every
		if due {
			return c.write(r)
		}
	case train.EpochEnded:
		return errors.Join(c.keepBest(r), c.writeEpoch(r))
	}
	return nil
}

// lastCheckpoint writes the checkpoint at the end of a run.
type lastCheckpoint struct{ *checkpointer }

// Observe writes it unless the run ended before its first step, or with weights that do not
// belong to where it is.
func (c lastCheckpoint) Observe(e train.Event, r *train.Run) error {
	if e == train.Ended && r.Epoch > 0 && !r.Astray() {
		return c.write(r)
	}
	return nil
}

// prepare makes the folder and removes what is no part of the run: halves of files
// that a killed process left, and unless the run goes on, the checkpoints of another.
func (c *checkpointer) prepare(goesOn bool) error {
	if err := os.MkdirAll(c.Dir, 0o777); err != nil {
		return fmt.Errorf("hourglass: checkpoints: %w", err)
	}
	entries, err := os.ReadDir(c.Dir)
	if err != nil {
		return fmt.Errorf("hourglass: checkpoints: %w", err)
	}
	for _, e := range entries {
		whole := e.Name() == BestFile || isCheckpoint(e.Name())
		half := strings.HasSuffix(e.Name(), ".tmp") &&
			(strings.HasPrefix(e.Name(), "."+checkpointPrefix) || strings.HasPrefix(e.Name(), "."+BestFile))
		if half || whole && !goesOn {
			if err := os.Remove(filepath.Join(c.Dir, e.Name())); err != nil {
				return fmt.Errorf("hourglass: remove old checkpoint: %w", err)
			}
		}
	}
	return nil
}

func (c *checkpointer) writeEpoch(r *train.Run) error {
	if c.Epochs > 0 && r.Epoch%c.Epochs == 0 {
		return c.write(r)
	}
	return nil
}

// keepBest writes the model if its epoch is the best so far.
func (c *checkpointer) keepBest(r *train.Run) error {
	if !c.scheduled() {
		return nil
	}
	series := r.History.Series("val_loss")
	if series == nil {
		series = r.History.Series("loss")
	}
	if series[len(series)-1] > slices.Min(series) {
		return nil
	}
	if _, err := c.data(); err != nil { // who knows the digests may record them, too
		return err
	}
	return c.model.Save(filepath.Join(c.Dir, BestFile))
}

// data returns the digests of the data, nil if the run was cancelled before anybody
// knew them.
func (c *checkpointer) data() (*Digests, error) {
	d, err := c.digests()
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return &d, nil
}

// write writes a checkpoint and removes those that are too many.
func (c *checkpointer) write(r *train.Run) error {
	epoch, step := r.Epoch, r.Step
	if len(r.History.Epochs) == r.Epoch {
		epoch, step = epoch+1, 0 // the epoch is over and recorded
	}
	name := fmt.Sprintf(checkpointName, epoch, step)
	if name == c.last {
		return nil
	}
	snapshot, err := r.Snapshot()
	if err != nil {
		return err
	}
	data, err := c.data()
	if err != nil {
		return err
	}
	m, err := c.model.model()
	if err != nil {
		return fmt.Errorf("hourglass: checkpoint: %w", err)
	}
	if m.Training, err = json.Marshal(state{Snapshot: snapshot, Data: data}); err != nil {
		return fmt.Errorf("hourglass: checkpoint: %w", err)
	}
	m.Arrays = append(m.Arrays, trainingArrays(snapshot)...)
	path := filepath.Join(c.Dir, name)
	if err := atomicfile.Write(path, func(w io.Writer) error { return modelfile.Write(w, m) }); err != nil {
		return fmt.Errorf("hourglass: checkpoint: %w", err)
	}
	c.last, c.written = name, time.Now()
	return c.prune()
}

// trainingArrays returns the arrays of a snapshot beside the weights.
func trainingArrays(s *train.Snapshot) []nn.Array {
	var list []nn.Array
	add := func(name string, values []float32) {
		if len(values) > 0 {
			list = append(list, nn.Array{Name: name, Shape: tensor.Shape{len(values)}, Values: values})
		}
	}
	for i, slot := range s.Slots {
		add(fmt.Sprintf(slotName, i), slot)
	}
	for i, arrays := range s.Arrays {
		for j, a := range arrays {
			add(fmt.Sprintf(observerName, i, j), a)
		}
	}
	return list
}

// takeArrays puts a checkpoint's arrays where trainingArrays had them from.
func takeArrays(s *train.Snapshot, arrays []nn.Array) {
	byName := map[string][]float32{}
	for _, a := range arrays {
		byName[a.Name] = a.Values
	}
	for i := 0; ; i++ {
		slot, ok := byName[fmt.Sprintf(slotName, i)]
		if !ok {
			break
		}
		s.Slots = append(s.Slots, slot)
	}
	s.Arrays = make([][][]float32, len(s.Observers))
	for i := range s.Arrays {
		for j := 0; ; j++ {
			a, ok := byName[fmt.Sprintf(observerName, i, j)]
			if !ok {
				break
			}
			s.Arrays[i] = append(s.Arrays[i], a)
		}
	}
}

// prune removes all but the last checkpoints.
func (c *checkpointer) prune() error {
	names, err := checkpointNames(c.Dir)
	if err != nil {
		return err
	}
	keep := c.Keep
	if keep == 0 {
		keep = defaultKeep
	}
	for _, name := range names[:max(len(names)-keep, 0)] {
		if err := os.Remove(filepath.Join(c.Dir, name)); err != nil {
			return fmt.Errorf("hourglass: remove old checkpoint: %w", err)
		}
	}
	return nil
}

// checkpointNames lists a folder's checkpoints, the oldest first.
func checkpointNames(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("hourglass: checkpoints: %w", err)
	}
	var names []string
	for _, e := range entries {
		if isCheckpoint(e.Name()) {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names) // the numbers have leading zeros
	return names, nil
}

// isCheckpoint reports whether a file's name is that of a checkpoint.
func isCheckpoint(name string) bool {
	var epoch, step int
	n, _ := fmt.Sscanf(name, checkpointName, &epoch, &step)
	return n == 2 && name == fmt.Sprintf(checkpointName, epoch, step)
}

// loadState reads the last checkpoint in dir that can be read.
func (a *Autoencoder) loadState(dir string) (*state, error) {
	names, err := checkpointNames(dir)
	if err != nil {
		return nil, err
	}
	var damage error
	for _, name := range slices.Backward(names) {
		m, err := modelfile.ReadFile(filepath.Join(dir, name))
		if err == nil {
			return a.state(m, name)
		}
		damage = errors.Join(damage, err)
	}
	if damage != nil {
		return nil, fmt.Errorf("hourglass: resume: no checkpoint in %s can be read: %w", dir, damage)
	}
	return nil, fmt.Errorf("hourglass: resume: no checkpoint in %s", dir)
}

// state returns the training state in a checkpoint of this autoencoder.
func (a *Autoencoder) state(m *modelfile.Model, name string) (*state, error) {
	saved, err := fromModel(m)
	if err != nil {
		return nil, fmt.Errorf("hourglass: resume %s: %w", name, err)
	}
	theirs, err := json.Marshal(m.Architecture)
	if err != nil {
		return nil, fmt.Errorf("hourglass: resume %s: %w", name, err)
	}
	ours, err := json.Marshal(a.architecture())
	if err != nil {
		return nil, fmt.Errorf("hourglass: resume %s: %w", name, err)
	}
	if string(theirs) != string(ours) {
		return nil, fmt.Errorf("hourglass: resume %s: the checkpoint is of another architecture: %s, this model has %s",
			name, firstDifference(theirs, ours), firstDifference(ours, theirs))
	}
	text := m.Training
	if text == nil {
		text = m.Record // where older checkpoints have it
	}
	s := &state{Snapshot: &train.Snapshot{Weights: saved.whole.Weights()}}
	if err := json.Unmarshal(text, s); err != nil {
		return nil, fmt.Errorf("hourglass: resume %s: not a checkpoint: %w", name, err)
	}
	takeArrays(s.Snapshot, m.Arrays)
	s.scaler = saved.scaler
	return s, nil
}

// firstDifference returns the piece of a text from where another departs from it.
func firstDifference(text, other []byte) string {
	const before, most = 12, 60
	at := 0
	for at < min(len(text), len(other)) && text[at] == other[at] {
		at++
	}
	from := max(at-before, 0)
	return fmt.Sprintf("…%s…", text[from:min(from+most, len(text))])
}

// fits reports a state that is not of a run with these settings, on this data and
// scaled as it is here.
func (s *state) fits(a *Autoencoder, settings train.Settings, digests func() (Digests, error)) error {
	if err := s.Settings.Differ(settings); err != nil {
		return fmt.Errorf("hourglass: resume: %w", err)
	}
	if s.Data != nil {
		here, err := digests()
		if err != nil {
			return err
		}
		for _, part := range []struct{ name, saved, here string }{
			{"training", s.Data.Train, here.Train}, {"validation", s.Data.Validation, here.Validation},
		} {
			if part.saved != part.here {
				return fmt.Errorf("hourglass: resume: the %s data is other: its digest was %.12s, now it is %.12s",
					part.name, orNone(part.saved), orNone(part.here))
			}
		}
	}
	if !reflect.DeepEqual(s.scaler, a.scaler) {
		return fmt.Errorf("hourglass: resume: the run has %s, not %s", scalingWords(s.scaler), scalingWords(a.scaler))
	}
	return nil
}

// orNone returns a digest, or "none" where there is no data.
func orNone(digest string) string { return cmp.Or(digest, "none") }

// scalingWords describes a scaler that may be nil.
func scalingWords(s *dataset.Scaler) string {
	if s == nil {
		return "no scaling"
	}
	return fmt.Sprintf("scaling %s by %.60s", s.Kind, fmt.Sprint(s.Offset, s.Scale))
}

// Faces returns the faces of a source that decide what the autoencoder learns from it, and
// which a digest of its data must therefore cover: all, but labels only if layers ask for
// them.
func (a *Autoencoder) Faces() []dataset.Face {
	if a.Classes() > 0 {
		return dataset.Faces()
	}
	return slices.DeleteFunc(dataset.Faces(), func(f dataset.Face) bool { return f == dataset.Labels })
}

// digestsOf returns a function that works out the digests of data when it is first
// called. That of validation, which may be nil, is "" then.
func digestsOf(ctx context.Context, training, validation dataset.Source, faces []dataset.Face) func() (Digests, error) {
	return sync.OnceValues(func() (d Digests, err error) {
		if d.Train, err = dataset.Digest(ctx, training, faces...); err == nil && validation != nil {
			d.Validation, err = dataset.Digest(ctx, validation, faces...)
		}
		return d, err
	})
}
