package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	runs "hourglass/run"
)

func TestStudioTellsRunsFromData(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"runs/one/run.json", "photos/cats/1.png", "model.safetensors", "table.csv", "new/dropped/table.csv"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "empty"), 0o777); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"runs": false, "runs/one": false, "photos": true, "photos/cats": true, "model.safetensors": false, "table.csv": true, "empty": false, "new": false} {
		if got, err := isDataArgument(filepath.Join(dir, name)); err != nil || got != want {
			t.Errorf("%s is data: %v (%v), want %v", name, got, err, want)
		}
	}
	if isData, err := isDataArgument("digits"); err != nil || !isData {
		t.Errorf("digits is data: %v (%v)", isData, err)
	}
	var f studioFlags
	cmd := f.command()
	if err := cmd.Flags().Parse([]string{"--label", "kind", "--no-open"}); err != nil {
		t.Fatal(err)
	}
	if flags := readingFlags(cmd); len(flags) != 1 || !slices.Equal(flags["label"], []string{"kind"}) {
		t.Errorf("read by %v", flags)
	}
	if err := f.sort(cmd, []string{filepath.Join(dir, "runs"), "digits"}); err != nil || f.config.Train.Path != "digits" || len(f.config.Paths) != 1 {
		t.Errorf("sorted as %+v (%v)", f.config, err)
	}
}

func TestStudioFindsTheDataOfARun(t *testing.T) {
	table := filepath.Join(t.TempDir(), "table.csv")
	if err := os.WriteFile(table, []byte("a,b\n1,2\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	n := &runs.Notes{Command: runs.Command{Name: "train", Args: []string{table}, Flags: map[string][]string{"label": {"b"}, "ignore": {"x", "y"}, "codes": {"3"}}}}
	data, err := dataOfRun(n)
	if err != nil || data.Path != table || data.Options.Label != "b" || !slices.Equal(data.Options.CSV.Ignore, []string{"x", "y"}) {
		t.Errorf("%+v (%v)", data, err)
	}
	n = &runs.Notes{Command: runs.Command{Name: "run", Flags: map[string][]string{"data-dir": {"here"}}}, Record: runs.Record{Dataset: "fashion-mnist"}}
	if data, err := dataOfRun(n); err != nil || data.Path != "fashion-mnist" || data.Options.DataDir != "here" {
		t.Errorf("%+v (%v)", data, err)
	}
	n.Record.Dataset = "linear"
	if data, err := dataOfRun(n); err != nil || data.Path != "" {
		t.Errorf("%+v (%v)", data, err)
	}
}

// lines is output that somebody waits for.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) has(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.text.String(), text)
}

// A training with a page ends when it is interrupted, though it has been over before.
func TestTrainWithStudio(t *testing.T) {
	dir := t.TempDir()
	table := filepath.Join(dir, "table.csv")
	if err := os.WriteFile(table, []byte(strings.Repeat("1,2,3\n3,1,2\n2,3,2\n", 20)), 0o666); err != nil {
		t.Fatal(err)
	}
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	var told lines
	status := make(chan int, 1)
	out := filepath.Join(dir, "runs", "one")
	go func() {
		status <- execute(ctx, []string{"train", table, "--epochs", "2", "--out", out, "--studio", "--no-open", "--quiet"}, io.Discard, &told)
	}()
	for deadline := time.Now().Add(time.Minute); !told.has("stays open until Ctrl-C") && time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
	}
	if !told.has("shows this training at http://127.0.0.1:") || !holdsRun(out) {
		t.Errorf("it told %s", &told.text)
	}
	interrupt()
	if s := <-status; s != 0 {
		t.Errorf("exit status %d: %s", s, &told.text)
	}
	if notes, err := runs.ReadNotes(out); err != nil || notes.Command.Flags["studio"] != nil {
		t.Errorf("noted %+v (%v)", notes, err)
	}
	if status, _, text := run(t, "train", table, "--no-open"); status != exitUsage || text == "" {
		t.Errorf("--no-open alone: %d %s", status, text)
	}
}

func TestStudioRefuses(t *testing.T) {
	for _, args := range [][]string{{"studio", "nowhere"}, {"studio", "--addr", "0.0.0.0:1", "digits"}, {"studio", "digits", "mnist"}, {"studio", "--threads", "0"}} {
		if status, _, text := run(t, args...); status == 0 || text == "" {
			t.Errorf("%v: %d %s", args, status, text)
		}
	}
}
