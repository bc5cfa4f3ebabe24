package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	runs "hourglass/run"
)

// tree returns what a folder holds: names and contents.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			files[path] = string(readFile(t, path))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// sameTree fails if a folder does not hold what it held.
func sameTree(t *testing.T, what, dir string, want map[string]string) {
	t.Helper()
	got := tree(t, dir)
	for path, text := range want {
		if got[path] != text {
			t.Errorf("%s: %s has changed or is gone", what, path)
		}
	}
	for path := range got {
		if _, ok := want[path]; !ok {
			t.Errorf("%s: there is now %s", what, path)
		}
	}
}

// interrupted runs a command line and cancels it once it has written a text. The
// error must say how to go on.
func interrupted(t *testing.T, text, resume string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var stderr bytes.Buffer
	status := execute(ctx, args, &cancelAfter{text: text, cancel: cancel}, &stderr)
	if status != exitFailure || !strings.HasSuffix(stderr.String(), "to go on: hourglass "+resume+"\n") {
		t.Fatalf("%v: exit %d, %q", args, status, stderr.String())
	}
}

// tableRun trains on a table for some epochs, with everything in it that has a state.
func tableRun(data, out string, more ...string) []string {
	return append([]string{"train", data, "--label", "kind", "--codes", "2", "--epochs", "6", "--batch-size", "8", "--optimizer", "nadam",
		"--schedule", "cosine", "--early-stopping", "3", "--checkpoint", "1epoch", "--out", out}, more...)
}

// A run that is refused, whatever for, changes nothing in the folder of another.
func TestRefusedRunsChangeNothing(t *testing.T) {
	dir := t.TempDir()
	data, other := tableFile(t, dir, "table.csv", 60), tableFile(t, dir, "other.csv", 61)
	out := filepath.Join(dir, "out")
	interrupted(t, "Epoch 2/6", "train --resume "+out, tableRun(data, out)...)
	want := tree(t, out)
	for _, c := range []struct {
		args []string
		want string
	}{
		{tableRun(data, out), "holds a run that is not finished; go on with it (hourglass train --resume " + out + ")"},
		{[]string{"train", "--resume", out, "--batch-size", "9"}, "batches of size 8, not 9"},
		{[]string{"train", "--resume", out, "--seed", "7"}, "seed 42, not 7"},
		{[]string{"train", "--resume", out, "--optimizer", "adam"}, "optimizer nadam, not adam"},
		{[]string{"train", "--resume", out, "--learning-rate", "0.5"}, "learning rate 0.001, not 0.5"},
		{[]string{"train", "--resume", out, "--loss", "mae"}, "loss mse, not mae"},
		{[]string{"train", "--resume", out, "--metric", "mse"}, "metrics [mae], not [mse]"},
		{[]string{"train", "--resume", out, "--schedule", "constant"}, "schedule cosine:6, not constant"},
		{[]string{"train", "--resume", out, "--early-stopping", "4"}, "early stopping of 3, not 4"},
		{[]string{"train", "--resume", out, "--scale", "none"}, "scaling standard, not none"},
		{[]string{"train", "--resume", out, "--validation", "0.2"}, "training samples 54, not 48"},
		{[]string{"train", "--resume", out, "--codes", "1"}, "has the architecture input 3 >"},
		{[]string{"train", other, "--resume", out}, "has the data set table.csv, not other.csv"},
		{[]string{"train", "--resume", dir}, "there is no run in " + dir},
		{[]string{"run", "--resume", out}, "to go on: hourglass train --resume " + out},
	} {
		status, _, stderr := run(t, append(c.args, "--quiet")...)
		if status == 0 || !strings.Contains(stderr, c.want) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%v: exit %d, %q; want %q", c.args, status, stderr, c.want)
		}
		sameTree(t, strings.Join(c.args, " "), out, want)
	}
	// The same table with one value changed.
	text := readFile(t, data)
	writeText(t, dir, "table.csv", strings.Replace(string(text), "10.0000", "10.0001", 1))
	if status, _, stderr := run(t, "train", "--resume", out); status != exitFailure || !strings.Contains(stderr, "data has changed: its digest was ") {
		t.Errorf("exit %d, %q", status, stderr)
	}
	sameTree(t, "changed data", out, want)
	writeText(t, dir, "table.csv", string(text))

	// And --resume alone is enough, in any working directory.
	t.Chdir(t.TempDir())
	mustRun(t, "train", "--resume", out, "--threads", "1")
	whole := filepath.Join(dir, "whole")
	mustRun(t, tableRun(data, whole)...)
	if !bytes.Equal(readFile(t, filepath.Join(out, "model.safetensors")), readFile(t, filepath.Join(whole, "model.safetensors"))) {
		t.Error("the resumed run's model differs")
	}
	if status, stdout, stderr := run(t, "verify", out, "--threads", "3"); status != 0 || !strings.Contains(stdout, "the same bits in all ") {
		t.Errorf("verify: exit %d, %s%s", status, stdout, stderr)
	}
}

// A folder holds one run: what an earlier one drew goes with it, and nothing else.
func TestOverwriteLeavesNothingOfTheEarlierRun(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	mustRun(t, quick(out, "--quiet", "--report", "--checkpoint", "1epoch")...)
	writeText(t, out, "mine.png", "not of a run")
	want := tree(t, out)
	linear := []string{"run", "linear", "--epochs", "2", "--quiet", "--out", out}
	status, _, stderr := run(t, linear...)
	if status != exitFailure || !strings.Contains(stderr, "holds a run already; choose another folder (--out), or overwrite it (--overwrite)") {
		t.Errorf("exit %d, %q", status, stderr)
	}
	sameTree(t, "refused", out, want)
	mustRun(t, append(linear, "--overwrite")...)
	var got []string
	for path := range tree(t, out) {
		got = append(got, strings.TrimPrefix(path, out+string(filepath.Separator)))
	}
	slices.Sort(got)
	if want := []string{filepath.Join("checkpoints", "checkpoint-000003-000000000.safetensors"), "curves.png", "linear_autoencoder_pca_plot.png", "linear_autoencoder_planes.png",
		"metrics.json", "mine.png", "model.safetensors", "run.json"}; !slices.Equal(got, want) {
		t.Errorf("the folder holds %v, want %v", got, want)
	}
}

// Two runs into one folder: the second is refused, and told by whom.
func TestTwoRunsIntoOneFolder(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	second := &actAfter{text: "Epoch 1/", act: func() {
		status, _, stderr := run(t, quick(out, "--overwrite")...)
		if want := fmt.Sprintf("another run writes into %s: it is locked by process %d", out, os.Getpid()); status != exitFailure || !strings.Contains(stderr, want) {
			t.Errorf("exit %d, %q", status, stderr)
		}
	}}
	if status := execute(context.Background(), quick(out), second, os.Stderr); status != 0 || second.done == 0 {
		t.Errorf("exit %d", status)
	}
	if hidden, _ := filepath.Glob(filepath.Join(out, ".*")); len(hidden) > 0 {
		t.Errorf("left behind: %v", hidden)
	}
}

// actAfter does something once a text has been written to it.
type actAfter struct {
	text string
	act  func()
	done int
}

func (a *actAfter) Write(p []byte) (int, error) {
	if strings.Contains(string(p), a.text) && a.done == 0 {
		a.done++
		a.act()
	}
	return len(p), nil
}

// A run that is stopped while it draws has its model, and goes straight on drawing.
func TestInterruptWhileDrawing(t *testing.T) {
	whole, out := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "out")
	interrupted(t, "test loss", "run --resume "+out, "run", "linear", "--out", out)
	if notes, err := runs.ReadNotes(out); err != nil || notes.State != runs.Trained {
		t.Errorf("%+v, %v; want a run that is trained", notes, err)
	}
	mustRun(t, "run", "linear", "--out", whole)
	if !bytes.Equal(readFile(t, filepath.Join(out, "model.safetensors")), readFile(t, filepath.Join(whole, "model.safetensors"))) {
		t.Error("the model differs from that of a whole run")
	}
	if stdout := mustRun(t, "run", "--resume", out); strings.Contains(stdout, "Epoch") || !strings.Contains(stdout, "principal angles") {
		t.Errorf("it trained again, or did not draw:\n%s", stdout)
	}
	if notes, err := runs.ReadNotes(out); err != nil || notes.State != runs.Finished {
		t.Errorf("%+v, %v; want a run that is finished", notes, err)
	}
}

// The lecture goes on where it was stopped: what is finished stays as it is, what is
// not goes on, and the rest follows.
func TestResumeTheWholeLecture(t *testing.T) {
	if testing.Short() {
		t.Skip("runs all recipes")
	}
	out := filepath.Join(t.TempDir(), "all")
	interrupted(t, "Stacked autoencoder", "run --resume "+out, "run", "all", "--dataset", "digits", "--train-size", "64", "--epochs", "1", "--out", out)
	first := tree(t, filepath.Join(out, "linear"))
	ctx, cancel := context.WithCancel(context.Background())
	var stderr bytes.Buffer
	log := &cancelAfter{text: "Convolutional autoencoder", cancel: cancel}
	if status := execute(ctx, []string{"run", "--resume", out}, log, &stderr); status != exitFailure || !strings.Contains(stderr.String(), "convolutional: interrupted") {
		t.Errorf("exit %d, %q", status, stderr.String())
	}
	sameTree(t, "finished before", filepath.Join(out, "linear"), first)
	if notes, err := runs.ReadNotes(filepath.Join(out, "stacked")); err != nil || notes.State != runs.Finished {
		t.Errorf("%+v, %v; want the stacked autoencoder finished", notes, err)
	}
	if notes, err := runs.ReadNotes(filepath.Join(out, "convolutional")); err != nil || notes.State != runs.Stopped {
		t.Errorf("%+v, %v; want the convolutional one interrupted", notes, err)
	}
}

func TestVerifyTellsWhatDiffers(t *testing.T) {
	dir := t.TempDir()
	data, out := tableFile(t, dir, "table.csv", 40), filepath.Join(dir, "out")
	mustRun(t, tableRun(data, out, "--quiet")...)
	want := tree(t, out)
	var v struct {
		Same    bool
		Epochs  int
		Weights string
	}
	if err := json.Unmarshal([]byte(mustRun(t, "verify", out, "--json", "--quiet")), &v); err != nil || !v.Same || v.Epochs == 0 || len(v.Weights) != 64 {
		t.Errorf("%+v, %v", v, err)
	}
	sameTree(t, "verified", out, want)
	refuse := func(what string, status int, want string) {
		t.Helper()
		got, _, stderr := run(t, "verify", out, "--quiet")
		if got != status || !strings.Contains(stderr, want) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%s: exit %d, %q; want %d and %q", what, got, stderr, status, want)
		}
	}
	edit := func(name, old, replacement string) (undo func()) {
		t.Helper()
		path := filepath.Join(out, name)
		text := readFile(t, path)
		if !bytes.Contains(text, []byte(old)) {
			t.Fatalf("%s has no %s", name, old)
		}
		writeText(t, out, name, strings.Replace(string(text), old, replacement, 1))
		return func() { writeText(t, out, name, string(text)) }
	}
	notes, err := runs.ReadNotes(out)
	if err != nil {
		t.Fatal(err)
	}
	undo := edit("run.json", notes.EpochWeights[1], strings.Repeat("0", 64))
	refuse("weights of epoch 2", exitDiffers, "epoch 2 differs: weights was 0000")
	undo()
	undo = edit("metrics.json", `"val_loss": `, `"val_loss": 9`)
	refuse("a number of epoch 1", exitDiffers, "epoch 1 differs: val_loss was 9")
	undo()
	model := readFile(t, filepath.Join(out, "model.safetensors"))
	checkpoints, err := filepath.Glob(filepath.Join(out, "checkpoints", "checkpoint-*"))
	if err != nil || len(checkpoints) == 0 {
		t.Fatal(checkpoints, err)
	}
	writeText(t, out, "model.safetensors", string(readFile(t, checkpoints[0])))
	refuse("another model", exitDiffers, "the model differs: weights of model.safetensors was ")
	writeText(t, out, "model.safetensors", string(model))
	undo = edit("run.json", `"seed": 42`, `"seed": 43`)
	refuse("another seed", exitFailure, "the run has seed 43, not 42")
	undo()
	undo = edit("run.json", `"state": "finished"`, `"state": "interrupted"`)
	refuse("not finished", exitFailure, "the run is not finished (interrupted); go on with it first: hourglass train --resume "+out)
	undo()
	undo = edit("run.json", `"architecture": "input 3 > dense 32 selu`, `"architecture": "input 3 > dense 32 tanh`)
	refuse("an architecture that this version would not choose", exitDiffers, "epoch 1 differs")
	undo()
	text := readFile(t, data)
	writeText(t, dir, "table.csv", strings.Replace(string(text), "10.0000", "10.0001", 1))
	refuse("changed data", exitFailure, "data has changed: its digest was ")
	if err := os.Remove(data); err != nil {
		t.Fatal(err)
	}
	refuse("no data", exitFailure, "table.csv")
	if status, _, stderr := run(t, "verify", dir); status != exitFailure || !strings.Contains(stderr, "run.json") {
		t.Errorf("no run: exit %d, %q", status, stderr)
	}
	sameTree(t, "in the end", out, want)
}

// The scaling of the pixels is in every file of a run, so that all of them score
// alike.
func TestCheckpointsScoreAsTheModelDoes(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	mustRun(t, "run", "relu", "--dataset", "digits", "--train-size", "256", "--epochs", "1", "--checkpoint", "1epoch", "--quiet", "--out", out)
	score := func(name string) string {
		return mustRun(t, "score", "digits", "--model", filepath.Join(out, name), "--top", "3")
	}
	want := score("model.safetensors")
	if got := score(""); got != want {
		t.Errorf("the run's folder: scores\n%s\nwant\n%s", got, want)
	}
	for _, name := range []string{"best.safetensors", "checkpoint-000002-000000000.safetensors"} {
		if got := score(filepath.Join("checkpoints", name)); got != want {
			t.Errorf("%s: scores\n%s\nwant\n%s", name, got, want)
		}
	}
}

// A model without a checksum is used, and said to be unverified.
func TestModelWithoutChecksumIsNoted(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	mustRun(t, "run", "linear", "--epochs", "1", "--quiet", "--out", out)
	text := bytes.Replace(readFile(t, filepath.Join(out, "model.safetensors")), []byte(`"sha256"`), []byte(`"sha000"`), 1)
	path := writeText(t, out, "bare.safetensors", string(text))
	status, _, stderr := run(t, "summary", "--model", path)
	if status != 0 || !strings.Contains(stderr, path+" has no checksum") || strings.Count(stderr, "\n") != 1 {
		t.Errorf("exit %d, %q", status, stderr)
	}
}
