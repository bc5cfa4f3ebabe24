package main

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	runs "hourglass/run"
)

// asCommand in the environment makes the test's program the command itself, which
// can then be run and killed as a process of its own.
const asCommand = "HOURGLASS_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// killRounds is how often the run is killed: HOURGLASS_KILL_ROUNDS, or a few times.
func killRounds(t *testing.T) int {
	text := os.Getenv("HOURGLASS_KILL_ROUNDS")
	if text == "" {
		return 3
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("HOURGLASS_KILL_ROUNDS is %q, want a number", text)
	}
	return n
}

// A run that is killed at random moments, with everything in it that has a state,
// and resumed each time, leaves the model of one that was never interrupted.
func TestKilledRunsLeaveTheSameModel(t *testing.T) {
	dir := t.TempDir()
	data := tableFile(t, dir, "table.csv", 60)
	options := []string{"train", data, "--label", "kind", "--codes", "2", "--epochs", "12", "--batch-size", "6", "--optimizer", "nadam", "--learning-rate", "0.03",
		"--schedule", "cosine", "--early-stopping", "3", "--checkpoint", "5steps", "--quiet"}
	whole := filepath.Join(dir, "whole")
	begin := time.Now()
	if out, err := process(t, append(options, "--out", whole)...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	took := time.Since(begin)
	want := readFile(t, filepath.Join(whole, "model.safetensors"))

	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	t.Logf("moments of seed %d within %v", seed, took)
	const never = time.Hour
	rounds, killed, finished := killRounds(t), 0, 0
	for run := 0; killed < rounds; run++ {
		out := filepath.Join(dir, strconv.Itoa(run))
		after := func() time.Duration {
			if killed == rounds {
				return never
			}
			return time.Duration(random.Int64N(int64(took)))
		}
		for !finish(t, options, out, after()) {
			killed++
		}
		finished++
		if got := readFile(t, filepath.Join(out, "model.safetensors")); !bytes.Equal(got, want) {
			t.Fatalf("run %d, after %d kills in all: the model differs from that of an uninterrupted run", run, killed)
		}
		for _, dir := range []string{out, filepath.Join(out, "checkpoints")} {
			if half, _ := filepath.Glob(filepath.Join(dir, ".*")); len(half) > 0 {
				t.Errorf("run %d left halves of files behind: %v", run, half)
			}
		}
	}
	t.Logf("killed %d times in %d runs", killed, finished)
	// Nothing of the kills is left in what the last run noted, either.
	last := filepath.Join(dir, strconv.Itoa(finished-1))
	if d, err := runs.Compare(whole, last); d != nil || err != nil {
		t.Errorf("the notes of a killed run differ: %v, %v", d, err)
	}
	mustRun(t, "verify", last, "--quiet")
}

// finish runs the command, or resumes it where it has begun, and kills it after a
// while. It reports whether the run was faster than that.
func finish(t *testing.T, options []string, out string, after time.Duration) bool {
	t.Helper()
	options = append(options[:len(options):len(options)], "--out", out)
	if _, err := os.Stat(filepath.Join(out, "run.json")); err == nil {
		options = []string{"train", "--resume", out, "--quiet"} // it knows the others
	}
	ctx, cancel := context.WithTimeout(context.Background(), after)
	defer cancel()
	cmd := process(t, options...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop := context.AfterFunc(ctx, func() { cmd.Process.Kill() })
	defer stop()
	err := cmd.Wait()
	if err != nil && ctx.Err() == nil || stderr.Len() > 0 {
		t.Fatalf("%v: %v\n%s", options, err, &stderr)
	}
	return err == nil
}

// process returns the command as a process of its own.
func process(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), asCommand+"=1")
	return cmd
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// The moments that chance seldom finds: nothing written yet, a checkpoint cut short
// by a full disk, everything written but the model.
func TestResumeAtOddMoments(t *testing.T) {
	dir := t.TempDir()
	data := tableFile(t, dir, "table.csv", 30)
	options := func(more ...string) []string {
		return append([]string{"train", data, "--label", "kind", "--codes", "2", "--epochs", "4", "--batch-size", "5",
			"--early-stopping", "1", "--checkpoint", "2steps", "--quiet"}, more...)
	}
	whole, out := filepath.Join(dir, "whole"), filepath.Join(dir, "out")
	mustRun(t, options("--out", whole)...)
	want := readFile(t, filepath.Join(whole, "model.safetensors"))
	check := func(what string) {
		t.Helper()
		mustRun(t, options("--resume", out)...)
		if !bytes.Equal(readFile(t, filepath.Join(out, "model.safetensors")), want) {
			t.Errorf("%s: the model differs", what)
		}
	}
	mustRun(t, options("--out", out)...)
	for _, name := range []string{"model.safetensors", "metrics.json", "checkpoints"} {
		if err := os.RemoveAll(filepath.Join(out, name)); err != nil {
			t.Fatal(err)
		}
	}
	check("before the first checkpoint")
	if err := os.Remove(filepath.Join(out, "model.safetensors")); err != nil {
		t.Fatal(err)
	}
	check("before the model was written")
	names, err := filepath.Glob(filepath.Join(out, "checkpoints", "checkpoint-*"))
	if err != nil || len(names) < 2 {
		t.Fatalf("checkpoints %v, %v", names, err)
	}
	if err := os.Truncate(names[len(names)-1], 1000); err != nil {
		t.Fatal(err)
	}
	check("last checkpoint cut short")
}
