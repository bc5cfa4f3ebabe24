package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hourglass/sweep"
)

// sweepOf is a sweep of 8 trials that takes a fraction of a second.
func sweepOf(data, out string, more ...string) []string {
	return append([]string{"sweep", data, "--label", "kind", "--codes", "1,2", "--learning-rate", "1e-3..1e-1", "--seed", "1..2", "--trials", "8",
		"--epochs", "6", "--batch-size", "6", "--early-stopping", "3", "--test", "0.2", "--quiet", "--out", out}, more...)
}

// modelsOf returns what the trials of a sweep and its best model are, by their paths.
func modelsOf(t *testing.T, out string) map[string]string {
	t.Helper()
	models := map[string]string{}
	paths, err := filepath.Glob(filepath.Join(out, "trials", "*", "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range append(paths, filepath.Join(out, "model.safetensors")) {
		name, err := filepath.Rel(out, path)
		if err != nil {
			t.Fatal(err)
		}
		models[name] = string(readFile(t, path))
	}
	return models
}

// bestOf returns the trial of the best setting with the least loss.
func bestOf(r sweep.Results) sweep.Outcome {
	return slices.MinFunc(r.Settings[0].Outcomes, func(a, b sweep.Outcome) int { return cmp.Compare(a.Score, b.Score) })
}

func wantModels(t *testing.T, what, out string, want map[string]string) {
	t.Helper()
	got := modelsOf(t, out)
	if len(got) != len(want) {
		t.Errorf("%s: %d models, want %d", what, len(got), len(want))
	}
	for name, model := range want {
		if got[name] != model {
			t.Errorf("%s: %s is another model", what, name)
		}
	}
}

func TestSweepMakesTheModelsOfTrain(t *testing.T) {
	dir := t.TempDir()
	data := tableFile(t, dir, "table.csv", 60)
	one := filepath.Join(dir, "one")
	var results sweep.Results
	if err := json.Unmarshal([]byte(mustRun(t, sweepOf(data, one, "--jobs", "1", "--json")...)), &results); err != nil {
		t.Fatal(err)
	}
	want := modelsOf(t, one)
	if len(want) != 9 || results.Trials != 8 || len(results.Settings) != 4 || results.Test == nil {
		t.Fatalf("%d models, results %+v", len(want), results)
	}
	two := filepath.Join(dir, "two")
	mustRun(t, sweepOf(data, two, "--jobs", "2", "--threads", "4")...)
	wantModels(t, "two jobs", two, want)

	best := bestOf(results)
	alone := filepath.Join(dir, "alone")
	mustRun(t, "train", data, "--label", "kind", "--codes", best.Values["codes"], "--learning-rate", best.Values["learning-rate"], "--seed", best.Values["seed"],
		"--epochs", "6", "--batch-size", "6", "--early-stopping", "3", "--test", "0.2", "--split-seed", "42", "--quiet", "--out", alone)
	if got := readFile(t, filepath.Join(alone, "model.safetensors")); string(got) != want["model.safetensors"] {
		t.Error("train with the flags of the best trial makes another model")
	}
	var alike struct {
		BestEpoch int     `json:"best_epoch"`
		Test      float64 `json:"test_loss"`
		Epochs    []struct {
			Loss float64 `json:"val_loss"`
		}
	}
	if err := json.Unmarshal(readFile(t, filepath.Join(alone, "metrics.json")), &alike); err != nil {
		t.Fatal(err)
	}
	if alike.Test != *results.Test || alike.BestEpoch != best.Epoch || alike.Epochs[best.Epoch-1].Loss != best.Score {
		t.Errorf("train by itself comes to %+v, the sweep to %+v and %v", alike, best, *results.Test)
	}
	for _, trial := range []string{"00001", "00008", fmt.Sprintf("%05d", best.Trial)} {
		mustRun(t, "verify", filepath.Join(one, "trials", trial), "--quiet")
	}
	f, err := os.Open(filepath.Join(one, "sweep.png"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := png.Decode(f); err != nil {
		t.Error(err)
	}
	if rows := bytes.Count(readFile(t, filepath.Join(one, "sweep.csv")), []byte("\n")); rows != 9 {
		t.Errorf("sweep.csv has %d rows, want a header and 8", rows)
	}
}

// A sweep that is killed at any moment goes on, in the end with more trials than it had.
func TestKilledSweepsGoOn(t *testing.T) {
	dir := t.TempDir()
	data := tableFile(t, dir, "table.csv", 60)
	whole := filepath.Join(dir, "whole")
	begin := time.Now()
	if text, err := process(t, sweepOf(data, whole)...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	took := time.Since(begin)
	want := modelsOf(t, whole)
	out := filepath.Join(dir, "out")
	for i, options := 1, sweepOf(data, out); i < 6; i++ { // a little later each time
		cmd := process(t, options...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		kill := time.AfterFunc(took*time.Duration(i)/6, func() { cmd.Process.Kill() })
		cmd.Wait() // which may have been killed, or done
		kill.Stop()
		if _, err := os.Stat(filepath.Join(out, "sweep.json")); err == nil {
			options = []string{"sweep", "--resume", out, "--quiet"} // it knows the others
		}
	}
	if _, err := os.Stat(filepath.Join(out, "sweep.json")); err != nil {
		t.Fatal("the sweep has not begun in five sixths of the time it takes")
	}
	mustRun(t, "sweep", "--resume", out, "--quiet", "--jobs", "1")
	wantModels(t, "killed", out, want)
	if got, want := withoutSeconds(t, out), withoutSeconds(t, whole); got != want {
		t.Errorf("the table of a killed sweep is\n%s\nwant\n%s", got, want)
	}

	more := filepath.Join(dir, "more")
	mustRun(t, append(sweepOf(data, more), "--trials", "12")...)
	mustRun(t, "sweep", "--resume", out, "--quiet", "--trials", "12")
	for name, model := range modelsOf(t, more) {
		if name == "model.safetensors" && modelsOf(t, out)[name] != model {
			t.Error("a sweep that got more trials has another best model than one that had them from the start")
		}
	}
	if got, want := withoutSeconds(t, out), withoutSeconds(t, more); got != want {
		t.Errorf("the table of a sweep that got more trials is\n%s\nwant\n%s", got, want)
	}
}

// withoutSeconds returns the table of a sweep but for how long trials took.
func withoutSeconds(t *testing.T, out string) string {
	t.Helper()
	var kept []string
	for _, row := range strings.Split(strings.TrimSpace(string(readFile(t, filepath.Join(out, "sweep.csv")))), "\n") {
		cells := strings.Split(row, ",")
		kept = append(kept, strings.Join(append(cells[:len(cells)-3:len(cells)-3], cells[len(cells)-2:]...), ","))
	}
	return strings.Join(kept, "\n")
}

// Halving makes the models of trainings that never paused, on any number of cores and after kills.
func TestHalvingMakesTheModelsOfTrain(t *testing.T) {
	dir := t.TempDir()
	data := tableFile(t, dir, "table.csv", 60)
	one, out := filepath.Join(dir, "one"), filepath.Join(dir, "out")
	var results sweep.Results
	begin := time.Now()
	if err := json.Unmarshal([]byte(mustRun(t, sweepOf(data, one, "--search", "halving", "--reduction", "2", "--jobs", "1", "--json")...)), &results); err != nil {
		t.Fatal(err)
	}
	took := time.Since(begin)
	if len(results.Settings) != 4 || results.Settings[0].Rung != 2 || results.Settings[1].Rung != 1 || results.Settings[3].Rung != 0 || results.Settings[3].Outcomes[0].Epochs != 2 {
		t.Errorf("results %+v", results)
	}
	for i, options := 1, sweepOf(data, out, "--search", "halving", "--reduction", "2"); i < 5; i++ {
		cmd := process(t, options...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		kill := time.AfterFunc(took*time.Duration(i)/5, func() { cmd.Process.Kill() })
		cmd.Wait() // which may have been killed, or done
		kill.Stop()
		if _, err := os.Stat(filepath.Join(out, "sweep.json")); err == nil {
			options = []string{"sweep", "--resume", out, "--quiet"}
		}
	}
	mustRun(t, "sweep", "--resume", out, "--quiet", "--jobs", "2")
	wantModels(t, "killed", out, modelsOf(t, one))
	if got, want := withoutSeconds(t, out), withoutSeconds(t, one); got != want {
		t.Errorf("the table of a killed sweep is\n%s\nwant\n%s", got, want)
	}
	best := bestOf(results)
	alone := filepath.Join(dir, "alone")
	mustRun(t, "train", data, "--label", "kind", "--codes", best.Values["codes"], "--learning-rate", best.Values["learning-rate"], "--seed", best.Values["seed"],
		"--epochs", "6", "--batch-size", "6", "--early-stopping", "3", "--test", "0.2", "--split-seed", "42", "--quiet", "--out", alone)
	if !bytes.Equal(readFile(t, filepath.Join(alone, "model.safetensors")), readFile(t, filepath.Join(one, "model.safetensors"))) {
		t.Error("train with the flags of the best trial makes another model")
	}
	// One that was ended early goes on by itself, as any training does.
	early := filepath.Join(one, "trials", fmt.Sprintf("%05d", results.Settings[3].Outcomes[0].Trial))
	mustRun(t, "train", "--resume", early, "--quiet")
	mustRun(t, "verify", early, "--quiet")
}

// Ctrl-C lets no more trials begin, keeps those that are done, and says how to go on.
func TestInterruptedSweepsGoOn(t *testing.T) {
	dir := t.TempDir()
	data := tableFile(t, dir, "table.csv", 60)
	whole, out := filepath.Join(dir, "whole"), filepath.Join(dir, "out")
	mustRun(t, sweepOf(data, whole)...)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var stderr bytes.Buffer
	status := execute(ctx, append(sweepOf(data, out, "--jobs", "1"), "--quiet=false"), &cancelAfter{text: "[3/8]", cancel: cancel}, &stderr)
	if want := "hourglass: interrupted after 3 of 8 trials and saved in " + out + "; to go on: hourglass sweep --resume " + out + "\n"; status != 1 || stderr.String() != want {
		t.Fatalf("exit %d, %q, want %q", status, &stderr, want)
	}
	if text := mustRun(t, "sweep", "--resume", out); !strings.Contains(text, "3 of 8 are done") || strings.Contains(text, "[3/8]") {
		t.Errorf("it does not go on with the fourth:\n%s", text)
	}
	wantModels(t, "interrupted", out, modelsOf(t, whole))
}

func TestSweepTellsWhatItDoes(t *testing.T) {
	dir := t.TempDir()
	data := tableFile(t, dir, "table.csv", 40)
	out := filepath.Join(dir, "out")
	text := mustRun(t, "sweep", data, "--label", "kind", "--kind", "default,vae", "--codes", "1..2", "--epochs", "2", "--out", out)
	for _, want := range []string{"4 trials: 4 settings (grid), ranked by val_mse", "[4/4] trial", "rank  codes  kind", "--metric mse", "written to " + out + ": model.safetensors, sweep.csv, sweep.png, trials"} {
		if !strings.Contains(text, want) {
			t.Errorf("it does not say %q:\n%s", want, text)
		}
	}
	text = mustRun(t, "sweep", data, "--label", "kind", "--codes", "2", "--optimizer", "sgd", "--learning-rate", "0.01,1e30", "--epochs", "2", "--out", out, "--overwrite")
	for _, want := range []string{"failed: train: epoch 1", "  failed  "} {
		if !strings.Contains(text, want) {
			t.Errorf("it does not say %q:\n%s", want, text)
		}
	}
	mustRun(t, "summary", "--model", out)
}

func TestWrongUseOfSweep(t *testing.T) {
	dir := t.TempDir()
	data := tableFile(t, dir, "table.csv", 40)
	done := filepath.Join(dir, "done")
	mustRun(t, "sweep", data, "--label", "kind", "--codes", "1,2", "--epochs", "1", "--quiet", "--out", done)
	ofRun := filepath.Join(dir, "run")
	mustRun(t, "train", data, "--label", "kind", "--epochs", "1", "--quiet", "--out", ofRun)
	for _, c := range []struct {
		status int
		want   string
		args   []string
	}{
		{2, "there is nothing to vary", []string{data, "--codes", "2"}},
		{2, `--codes is "1,x": want whole numbers`, []string{data, "--codes", "1,x"}},
		{2, "--learning-rate is", []string{data, "--learning-rate", "1e-2..1e-4"}},
		{2, "want some of them", []string{data, "--learning-rate", "1e-4..1e-2", "--search", "grid"}},
		{2, "--trials says how many", []string{data, "--codes", "1,2", "--search", "grid", "--trials", "4"}},
		{2, "one for each seed", []string{data, "--codes", "1,2", "--seed", "1..3", "--trials", "2"}},
		{2, "want --epochs with one value", []string{data, "--codes", "1,2,3", "--search", "halving"}},
		{2, "too few to keep the best of 3", []string{data, "--codes", "1,2", "--search", "halving", "--epochs", "9"}},
		{2, "--reduction is 1", []string{data, "--codes", "1,2", "--search", "halving", "--epochs", "9", "--reduction", "1"}},
		{2, "--reduction is for", []string{data, "--codes", "1,2", "--reduction", "2"}},
		{2, `--search is "best"`, []string{data, "--codes", "1,2", "--search", "best"}},
		{2, `--rank-by is "loss"`, []string{data, "--codes", "1,2", "--rank-by", "loss"}},
		{2, "unknown optimizer", []string{data, "--optimizer", "adam,adams"}},
		{2, "--codes is 0, want at least 1 (trial 1)", []string{data, "--codes", "0,2"}},
		{2, "--jobs is 0", []string{data, "--codes", "1,2", "--jobs", "0"}},
		{2, "--validation is 0", []string{data, "--codes", "1,2", "--validation", "0", "--label", "kind"}},
		{1, "test fraction 0.1, want 0", []string{"digits", "--codes", "1,2", "--test", "0.1", "--out", filepath.Join(dir, "out")}},
		{2, "from a file", []string{"-", "--codes", "1,2"}},
		{2, "--scale is", []string{data, "--codes", "1,2", "--scale", "unit,standard"}},
		{2, "--image-size is for a folder of images", []string{data, "--label", "kind", "--codes", "1,2", "--image-size", "8x8"}},
		{1, "holds a sweep already", []string{data, "--codes", "1,2", "--out", done}},
		{1, "holds a run", []string{data, "--codes", "1,2", "--out", ofRun}},
		{1, "there is no sweep in", []string{"--resume", ofRun}},
		{1, "its trials have the flags --label=kind --epochs=1", []string{"--resume", done, "--epochs", "2"}},
		{1, "other values of codes", []string{"--resume", done, "--codes", "1,3"}},
	} {
		status, _, stderr := run(t, append([]string{"sweep", "--out", filepath.Join(dir, "out")}, c.args...)...)
		if c.status == 1 {
			status, _, stderr = run(t, append([]string{"sweep"}, c.args...)...)
		}
		if status != c.status || !strings.Contains(stderr, c.want) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%v: exit %d, %q; want %d and %q", c.args, status, stderr, c.status, c.want)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "out")); err == nil {
		t.Error("sweeps that were refused leave a folder")
	}
	other := tableFile(t, dir, "table.csv", 41)
	if status, _, stderr := run(t, "sweep", "--resume", done); status != 1 || !strings.Contains(stderr, "the data has changed") {
		t.Errorf("%s has changed: exit %d, %s", other, status, stderr)
	}
}

// The flag of a number is no path, even where a file is called like it.
func TestNumbersAreNoPaths(t *testing.T) {
	dir := t.TempDir()
	data := tableFile(t, dir, "table.csv", 40)
	t.Chdir(dir)
	for _, name := range []string{"2", "3"} {
		if err := os.Mkdir(name, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	mustRun(t, "train", data, "--label", "kind", "--codes", "2", "--epochs", "1", "--quiet", "--out", "out")
	mustRun(t, "train", "--resume", "out", "--epochs", "3", "--quiet")
	mustRun(t, "sweep", data, "--label", "kind", "--codes", "2,3", "--seed", "3", "--epochs", "1", "--quiet", "--out", "swept")
	mustRun(t, "sweep", "--resume", "swept", "--quiet")
}
