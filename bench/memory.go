package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	runs "hourglass/run"
)

// memoryRuns is how often the command is run; a run takes seconds.
const memoryRuns = 3

// measureMemory builds the command and runs it on all of MNIST, for the largest
// resident memory and for the time from its start to the end of its first step.
func (h *harness) measureMemory() (section, error) {
	s := section{title: "Memory and start"}
	command := h.path("hourglass" + exeSuffix())
	build := exec.CommandContext(h.ctx, "go", "build", "-o", command, "hourglass/cmd/hourglass")
	if text, err := build.CombinedOutput(); err != nil {
		return s, fmt.Errorf("go build: %w: %s", err, oneLine(string(text)))
	}
	var runs []commandRun
	for range min(h.repetitions, memoryRuns) {
		r, err := h.runCommand(command)
		if err != nil {
			return s, err
		}
		runs = append(runs, r)
	}
	s.write("`hourglass run stacked --dataset mnist --epochs 1 --quiet`, data in place; medians of " + plural(len(runs), "run") + ".")
	t := table{head: []string{"", "Hourglass", "PyTorch"}}
	mebibytes := medianOf(runs, func(r commandRun) float64 { return float64(r.resident) / (1 << 20) })
	t.add("peak resident memory, MiB", number(mebibytes))
	s.brief("peak resident memory of `run stacked`, all of MNIST", number(mebibytes)+" MiB", missing, missing)
	first := medianOf(runs, func(r commandRun) float64 { return r.firstStep })
	torch, torchErr := h.torchStart()
	t.add("start to end of the first step, s", number(first), number(torch))
	if first > 0 {
		s.brief("start to end of the first step", number(first)+" s", "PyTorch "+number(torch)+" s", quotient(torch, first))
	}
	s.write(t.String())
	s.write("PyTorch's first step counts from the start of Python, with the images as plain bytes in a file.")
	s.note("No PyTorch to compare with", torchErr)
	h.logf("  %s MiB, first step after %s s, PyTorch's after %s s\n", number(mebibytes), number(first), number(torch))
	return s, nil
}

func quotient(x, y float64) string {
	if x == 0 || y == 0 {
		return missing
	}
	return number(x / y)
}

func exeSuffix() string {
	if filepath.Separator == '\\' {
		return ".exe"
	}
	return ""
}

// commandRun is what one run of the command took.
type commandRun struct {
	resident  int64   // bytes at most
	firstStep float64 // seconds from start to the end of the first step, 0 if it does not tell
}

func medianOf(runs []commandRun, value func(commandRun) float64) float64 {
	var values []float64
	for _, r := range runs {
		values = append(values, value(r))
	}
	return median(values)
}

// runCommand trains the stacked autoencoder for an epoch.
func (h *harness) runCommand(command string) (commandRun, error) {
	out := h.path("run")
	cmd := exec.CommandContext(h.ctx, command, "run", "stacked", "--dataset", "mnist", "--epochs", "1", "--quiet", "--overwrite", "--out", out)
	dieWithParent(cmd)
	stderr := &lastLine{}
	cmd.Stderr = stderr
	if err := cmd.Run(); err != nil {
		return commandRun{}, fmt.Errorf("hourglass run: %w: %s", err, stderr)
	}
	var r commandRun
	resident, ok := maxResident(cmd.ProcessState)
	// On Linux a child inherits the peak of the process that starts it, so that a
	// small child of a large parent cannot be measured.
	if ok && resident > ownMaxResident() {
		r.resident = resident
	}
	var metrics struct {
		FirstStep float64 `json:"first_step_seconds"`
	}
	text, err := os.ReadFile(filepath.Join(out, runs.MetricsFile))
	if err := errors.Join(err, json.Unmarshal(text, &metrics)); err != nil {
		return commandRun{}, err
	}
	r.firstStep = metrics.FirstStep
	return r, nil
}

// torchStart returns how many seconds PyTorch takes from the start of Python to
// the end of a few first steps, the median of some starts.
func (h *harness) torchStart() (float64, error) {
	running, err := h.pytorch()
	if err != nil {
		return 0, err
	}
	var times []float64
	for range min(h.repetitions, memoryRuns) {
		start := time.Now()
		p, err := h.startPyTorch(running.cmd.Path)
		if err != nil {
			return 0, err
		}
		_, err = p.stepTime(latencySystem, slices.Max(h.threads), 0)
		times = append(times, time.Since(start).Seconds())
		p.close()
		if err != nil {
			return 0, err
		}
	}
	return median(times), nil
}
