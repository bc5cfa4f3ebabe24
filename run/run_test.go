package run

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hourglass"
	"hourglass/dataset"
	"hourglass/internal/filelock"
	"hourglass/loss"
	"hourglass/nn"
	"hourglass/optim"
	"hourglass/tensor"
	"hourglass/train"
)

// wave returns n samples of eight values without any meaning.
func wave(n int) dataset.Array {
	x := tensor.New(n, 8)
	for i := range x.Data {
		x.Data[i] = float32(i*i%17) / 17
	}
	return dataset.Array{Tensor: x}
}

// session returns a small run.
func session(t *testing.T, o Options) *Session {
	t.Helper()
	ae, err := hourglass.New(
		nn.Layers{nn.Input{8}, nn.GaussianNoise{Stddev: 0.1}, nn.Dense{Units: 3, Activation: nn.Tanh}},
		nn.Layers{nn.Dense{Units: 8, Activation: nn.Sigmoid}})
	if err != nil {
		t.Fatal(err)
	}
	o.SetDefaults()
	s := &Session{Options: o, Plan: Plan{Model: ae, Train: wave(22), Validation: wave(6), Test: wave(5),
		Loss: loss.MeanSquaredError{}, Optimizer: optim.Adam{}, Epochs: 4, BatchSize: 4, Seed: 3}}
	s.Numbers = s.NewMetrics("test", "wave")
	s.Finish = func(ctx context.Context) error { return errors.Join(s.Evaluate(ctx), s.DrawCurves()) }
	return s
}

// do runs a session in its folder.
func do(ctx context.Context, s *Session) error {
	folder, err := Open(&s.Options)
	if err != nil {
		return err
	}
	s.Folder = folder
	return errors.Join(s.Do(ctx), folder.Close())
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

func TestRunLeavesItsFolder(t *testing.T) {
	out := filepath.Join(t.TempDir(), "a", "b")
	s := session(t, Options{Out: out})
	if err := do(context.Background(), s); err != nil {
		t.Fatal(err)
	}
	if got, want := names(t, out), []string{CheckpointFolder, CurvesFigure, MetricsFile, ModelFile, NotesFile}; !slices.Equal(got, want) {
		t.Errorf("the folder has %v, want %v", got, want)
	}
	notes, err := ReadNotes(out)
	if err != nil {
		t.Fatal(err)
	}
	digest, err := dataset.Digest(context.Background(), wave(22))
	if err != nil {
		t.Fatal(err)
	}
	if notes.State != Finished || notes.Record.Data.Train != digest || len(notes.EpochWeights) != 4 ||
		notes.EpochWeights[3] != notes.Weights || !slices.Equal(notes.Files, []string{CurvesFigure}) {
		t.Errorf("notes %+v", notes)
	}
	ae, err := hourglass.Load(filepath.Join(out, ModelFile))
	if err != nil {
		t.Fatal(err)
	}
	var r Record
	if err := json.Unmarshal(ae.Record(), &r); err != nil || r.Data != notes.Record.Data || r.Seed != 3 || r.Optimizer != "adam" || r.Epochs != 4 {
		t.Errorf("the model's record is %s, %v", ae.Record(), err)
	}
}

// Whatever stands in the way of the first step, the folder is as it was, or not there.
func TestRefusedRunLeavesNoFolder(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "a", "b")
	s := session(t, Options{Out: out})
	s.BatchSize = 0
	if err := do(context.Background(), s); err == nil {
		t.Fatal("a batch size of 0 is taken")
	}
	if got := names(t, dir); len(got) != 0 {
		t.Errorf("left behind: %v", got)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := do(ctx, session(t, Options{Out: out})); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestResumeAndCompare(t *testing.T) {
	dir := t.TempDir()
	whole, out := filepath.Join(dir, "whole"), filepath.Join(dir, "out")
	if err := do(context.Background(), session(t, Options{Out: whole})); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := session(t, Options{Out: out})
	s.Observers = []train.Observer{observer(func(e train.Event, r *train.Run) error {
		if e == train.Stepped && r.Epoch == 3 {
			cancel()
		}
		return nil
	})}
	var stopped *Interrupted
	if err := do(ctx, s); !errors.As(err, &stopped) || stopped.Out != out || err.Error() != "interrupted in epoch 3 and saved in "+out {
		t.Fatalf("error %v", err)
	}
	if d, err := Compare(whole, out); err != nil || d == nil || d.Epoch != 3 {
		t.Errorf("the interrupted run differs in %v, %v; want epoch 3", d, err)
	}
	s = session(t, Options{Out: out, Resume: true})
	s.Seed = 4
	if err := do(context.Background(), s); err == nil || !strings.Contains(err.Error(), "the run has seed 3, not 4") {
		t.Errorf("error %v", err)
	}
	if err := do(context.Background(), session(t, Options{Out: out, Resume: true, Threads: 1})); err != nil {
		t.Fatal(err)
	}
	if d, err := Compare(whole, out); d != nil || err != nil {
		t.Errorf("the resumed run differs: %v, %v", d, err)
	}
	for _, name := range []string{ModelFile} {
		a, err := os.ReadFile(filepath.Join(whole, name))
		if err != nil {
			t.Fatal(err)
		}
		if b, err := os.ReadFile(filepath.Join(out, name)); err != nil || !bytes.Equal(a, b) {
			t.Errorf("%s differs, %v", name, err)
		}
	}
}

// Only files of runs are removed: not what has a strange name in a list that a
// stranger wrote, nor what looks like ours but is a folder or a link.
func TestOverwriteRemovesOnlyWhatRunsWrite(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	if err := os.MkdirAll(filepath.Join(out, CurvesFigure), 0o777); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"mine.png", "old.png", "notes.txt", "../other.png", ReportFile, "." + ModelFile + ".abc.tmp", ".mine.tmp"} {
		if err := os.WriteFile(filepath.Join(out, name), []byte(name), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(dir, "other.png"), filepath.Join(out, "confusion.png")); err != nil {
		t.Log(err)
	}
	text, err := json.Marshal(Notes{State: Finished, Files: []string{"old.png", "../other.png", "notes.txt", ""}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(out, NotesFile), text, 0o666); err != nil {
		t.Fatal(err)
	}
	s := session(t, Options{Out: out, Overwrite: true})
	s.Finish = nil
	if err := do(context.Background(), s); err != nil {
		t.Fatal(err)
	}
	if got, want := names(t, out), []string{".mine.tmp", CheckpointFolder, "confusion.png", CurvesFigure, MetricsFile, "mine.png", ModelFile, "notes.txt", NotesFile}; !slices.Equal(got, want) {
		t.Errorf("the folder has %v, want %v", got, want)
	}
	if _, err := os.Stat(filepath.Join(dir, "other.png")); err != nil {
		t.Error(err)
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	locked := filepath.Join(dir, "locked")
	first, err := Open(&Options{Out: locked})
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	folder := func(name, file, text string) string {
		t.Helper()
		path := filepath.Join(dir, name, file)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, []byte(text), 0o666)); err != nil {
			t.Fatal(err)
		}
		return filepath.Join(dir, name)
	}
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{Out: filepath.Join(file, "below")}, "output folder"},
		{Options{Out: locked}, "it is locked by process "},
		{Options{Out: locked, Overwrite: true}, "it is locked by process "},
		{Options{Out: filepath.Join(dir, "none"), Resume: true}, "there is no run in "},
		{Options{Out: folder("empty", "mine.txt", ""), Resume: true}, "there is no run in "},
		{Options{Out: folder("model", ModelFile, "")}, "holds a run already"},
		{Options{Out: folder("metrics", MetricsFile, "")}, "holds a run already"},
		{Options{Out: folder("old", filepath.Join(CheckpointFolder, "checkpoint-000001-000000001.safetensors"), "")}, "holds a run already"},
		{Options{Out: folder("running", NotesFile, `{"state":"running","command":{"name":"train"}}`)}, "not finished; go on with it (hourglass train --resume "},
		{Options{Out: folder("failed", NotesFile, `{"state":"failed"}`)}, "a run that failed"},
		{Options{Out: folder("broken", NotesFile, `{"state":`)}, "unexpected end of JSON input"},
		{Options{Out: folder("broken", NotesFile, `{"state":`), Resume: true}, "unexpected end of JSON input"},
	} {
		before, _ := os.ReadDir(c.o.Out)
		f, err := Open(&c.o)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%+v: error %v, want %q", c.o, err, c.want)
		}
		if err == nil {
			f.Close()
		}
		if after, _ := os.ReadDir(c.o.Out); len(after) != len(before) {
			t.Errorf("%+v: the folder had %v, now %v", c.o, before, after)
		}
	}
	var held *filelock.HeldError
	if _, err := Open(&Options{Out: locked}); !errors.As(err, &held) {
		t.Errorf("error %v", err)
	}
}

// Notes are whatever a file holds: they are read, or an error of one line.
func FuzzReadNotes(f *testing.F) {
	f.Add([]byte(`{"state":"finished","command":{"name":"run","args":["a"],"flags":{"seed":["1"]}},"record":{"seed":1,"optimizer_parameters":{"Beta1":0.5}}}`))
	f.Add([]byte(`{"record":{"data":{"train":"x"},"metrics":[null]},"epoch_weights":["",""]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, NotesFile), text, 0o666); err != nil {
			t.Fatal(err)
		}
		n, err := ReadNotes(dir)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("an error of several lines: %q", err)
			}
			return
		}
		n.Record.Differ(Record{})
		Record{}.Differ(n.Record)
		n.Record.Differ(n.Record)
	})
}

// What is asked for while a run goes on is noted at once, goes on with it, and repeats it.
func TestRateChangesAreNoted(t *testing.T) {
	dir := t.TempDir()
	out, again := filepath.Join(dir, "out"), filepath.Join(dir, "again")
	ctx, cancel := context.WithCancel(context.Background())
	s := session(t, Options{Out: out, Command: Command{Name: "train"}})
	s.Rates = &train.RateChanges{}
	s.Observers = []train.Observer{observer(func(e train.Event, r *train.Run) error {
		switch {
		case e == train.Stepped && r.Epoch == 2 && r.Step == 3:
			return s.Rates.Set(0.05)
		case e == train.Stepped && r.Epoch == 3:
			cancel()
		}
		return nil
	})}
	var stopped *Interrupted
	if err := do(ctx, s); !errors.As(err, &stopped) {
		t.Fatalf("error %v", err)
	}
	notes, err := ReadNotes(out)
	if err != nil || !slices.Equal(notes.Command.Flags[RateChangesFlag], []string{"9:0.05"}) {
		t.Fatalf("noted %+v (%v)", notes.Command, err)
	}
	change, err := train.ParseRateChange(notes.Command.Flags[RateChangesFlag][0])
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []Options{{Out: out, Resume: true}, {Out: again, Threads: 1}} {
		s := session(t, o)
		if s.Rates, err = train.NewRateChanges(change); err != nil {
			t.Fatal(err)
		}
		if err := do(context.Background(), s); err != nil {
			t.Fatal(err)
		}
	}
	if d, err := Compare(out, again); d != nil || err != nil {
		t.Errorf("repeated, the run differs: %v, %v", d, err)
	}
}

// The epochs of a run can be read while it goes on, and its numbers when it is over.
func TestJournal(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	s := session(t, Options{Out: out})
	var read []int
	s.Observers = []train.Observer{observer(func(e train.Event, r *train.Run) error {
		if e == train.Stepped && r.Step == 1 {
			epochs, err := ReadJournal(out)
			if read = append(read, len(epochs)); r.Epoch > 1 && epochs[r.Epoch-2]["val_loss"] != r.History.Last().Validation.Loss {
				t.Errorf("epoch %d is told as %v, want %+v", r.Epoch-1, epochs[r.Epoch-2], r.History.Last())
			}
			return err
		}
		return nil
	})}
	if err := do(context.Background(), s); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(read, []int{0, 1, 2, 3}) {
		t.Errorf("the journal has %v epochs", read)
	}
	if _, err := ReadJournal(out); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the journal is still there: %v", err)
	}
	half := `{"epoch":1,"loss":0.5,"val_loss":null}` + "\n" + `{"epoch":2,"lo`
	if err := os.WriteFile(filepath.Join(out, JournalFile), []byte(half), 0o666); err != nil {
		t.Fatal(err)
	}
	if epochs, err := ReadJournal(out); err != nil || len(epochs) != 1 || len(epochs[0]) != 2 || epochs[0]["loss"] != 0.5 {
		t.Errorf("half a journal is read as %v (%v)", epochs, err)
	}
}

func TestStateOfKilledRun(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	f, err := Open(&Options{Out: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Begin(&Notes{}); err != nil {
		t.Fatal(err)
	}
	notes, err := ReadNotes(dir)
	if err != nil {
		t.Fatal(err)
	}
	if state := StateOf(dir, notes); state != Running {
		t.Errorf("a run that is held is %s", state)
	}
	if err := f.Close(); err != nil { // as the system does when a process is killed
		t.Fatal(err)
	}
	if state := StateOf(dir, notes); state != Killed {
		t.Errorf("a run that nobody holds is %s", state)
	}
	if f, err = Open(&Options{Out: dir, Resume: true}); err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Begin(notes); err != nil {
		t.Fatal(err)
	}
	if err := f.Note(Finished); err != nil {
		t.Fatal(err)
	}
	f.lock.Release()
	f.lock = nil
	if state := StateOf(dir, &Notes{State: Running}); state != Finished {
		t.Errorf("a run that has ended since is %s", state)
	}
}
