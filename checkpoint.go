package hourglass

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

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
	Keep   int           // how many of the last ones are kept; 3 by default
}

// scheduled reports whether any checkpoint but the last is asked for.
func (c Checkpoints) scheduled() bool { return c.Epochs > 0 || c.Steps > 0 || c.Every > 0 }

// BestFile is the model with the least validation loss so far (training loss
// without validation), beside the checkpoints of a run that writes some on its way.
const BestFile = "best.safetensors"

// The names of a checkpoint's file, by epoch and step of the epoch, and of the
// arrays in it that are not of the model.
const (
	checkpointName   = "checkpoint-%06d-%09d.safetensors"
	checkpointPrefix = "checkpoint-"
	trainingPrefix   = "training."
	defaultKeep      = 3
)

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

// Observe writes it unless the run ended before its first step.
func (c lastCheckpoint) Observe(e train.Event, r *train.Run) error {
	if e == train.Ended && r.Epoch > 0 {
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
	return c.model.Save(filepath.Join(c.Dir, BestFile))
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
	m, err := c.model.model(snapshot)
	if err != nil {
		return fmt.Errorf("hourglass: checkpoint: %w", err)
	}
	for i, slot := range snapshot.Slots {
		m.Arrays = append(m.Arrays, nn.Array{Name: fmt.Sprint(trainingPrefix, i), Shape: tensor.Shape{len(slot)}, Values: slot})
	}
	path := filepath.Join(c.Dir, name)
	if err := atomicfile.Write(path, func(w io.Writer) error { return modelfile.Write(w, m) }); err != nil {
		return fmt.Errorf("hourglass: checkpoint: %w", err)
	}
	c.last, c.written = name, time.Now()
	return c.prune()
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

// loadSnapshot reads the last checkpoint in dir that can be read.
func (a *Autoencoder) loadSnapshot(dir string) (*train.Snapshot, error) {
	names, err := checkpointNames(dir)
	if err != nil {
		return nil, err
	}
	var damage error
	for _, name := range slices.Backward(names) {
		m, err := modelfile.ReadFile(filepath.Join(dir, name))
		if err == nil {
			return a.snapshot(m, name)
		}
		damage = errors.Join(damage, err)
	}
	if damage != nil {
		return nil, fmt.Errorf("hourglass: resume: no checkpoint in %s can be read: %w", dir, damage)
	}
	return nil, fmt.Errorf("hourglass: resume: no checkpoint in %s", dir)
}

// snapshot returns the training state in a checkpoint of this autoencoder.
func (a *Autoencoder) snapshot(m *modelfile.Model, name string) (*train.Snapshot, error) {
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
		return nil, fmt.Errorf("hourglass: resume %s: the checkpoint is of another architecture", name)
	}
	if !reflect.DeepEqual(saved.scaler, a.scaler) {
		return nil, fmt.Errorf("hourglass: resume %s: the checkpoint scales its data otherwise; is the data another?", name)
	}
	snapshot := &train.Snapshot{Weights: saved.whole.Weights()}
	if err := json.Unmarshal(m.Record, snapshot); err != nil {
		return nil, fmt.Errorf("hourglass: resume %s: not a checkpoint: %w", name, err)
	}
	for _, array := range m.Arrays[len(modelArrays(m)):] {
		snapshot.Slots = append(snapshot.Slots, array.Values)
	}
	return snapshot, nil
}
