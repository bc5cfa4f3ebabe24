package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hourglass/dataset/npy"
	"hourglass/generate"
)

// TestCodesBeyondTheData does with a small model of small pictures all that can be
// done with codes that no sample has.
func TestCodesBeyondTheData(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	data := writePictures(t, path("pictures"), 48)
	mustRun(t, "train", data, "--architecture", "flatten > dense 2 tanh | dense 64 sigmoid > reshape 8x8", "--epochs", "3", "--out", path("run"))
	model := filepath.Join(path("run"), "model.safetensors")

	var quality generate.Quality
	text := mustRun(t, "generate", data, "--model", model, "--count", "6", "--components", "3", "--out", path("new.npy"), "--json")
	if err := json.Unmarshal([]byte(text), &quality); err != nil || quality.K != 5 {
		t.Errorf("generate says %q: %v", text, err)
	}
	mustRun(t, "generate", "--model", model, "--plane", "--count", "9", "--out", path("plane"))
	mustRun(t, "interpolate", data, "--model", model, "--between", "0,1", "--between", "3,2", "--steps", "4", "--spherical", "--out", path("walk.npy"))
	mustRun(t, "traverse", data, "--model", model, "--sample", "3", "--steps", "5", "--out", path("traverse.npy"))
	for name, want := range map[string]int{"new.npy": 6, "walk.npy": 8, "traverse.npy": 10} {
		samples, err := npy.ReadFile(path(name), 1<<20)
		if err != nil || samples.Shape[0] != want {
			t.Errorf("%s: %v, %d samples, want %d", name, err, samples.Shape[0], want)
		}
	}
	for _, picture := range []string{"new.png", "plane.png", "walk.png", "traverse.png", "plane/8.png"} {
		if _, err := os.Stat(path(picture)); err != nil {
			t.Error(err)
		}
	}

	near := mustRun(t, "nearest", data, "--model", model, "--sample", "4", "--count", "2")
	if lines := strings.Split(strings.TrimSpace(near), "\n"); !strings.HasPrefix(lines[0], "distance,sample,neighbour") || len(lines) < 3 {
		t.Errorf("nearest prints %q", near)
	}
	mustRun(t, "nearest", data, "--query", data, "--count", "1", "--out", path("near.csv"))
	if near := string(readFile(t, path("near.csv"))); !strings.Contains(near, "0,flat/000.png,flat/") {
		t.Errorf("a picture is not its own neighbour: %q", near)
	}

	said := mustRun(t, "probe", data, "--model", model, "--per-class", "6", "--save", path("probe.json"))
	if !strings.Contains(said, "2 classes learned from 12 codes") || !strings.Contains(said, "of 36 others are right") {
		t.Errorf("probe says %q", said)
	}
	mustRun(t, "probe", data, "--model", model, "--apply", path("probe.json"), "--out", path("labels.csv"))
	if labels := string(readFile(t, path("labels.csv"))); strings.Count(labels, "\n") != 49 || !strings.HasPrefix(labels, "probability,sample,recognized") {
		t.Errorf("the labels are %q", labels)
	}

	for _, wrong := range [][]string{
		{"generate", "--model", model, "--from", "mixture"}, {"generate", "--model", model, "--count", "0"}, {"generate", "--model", model, "--plane", "--count", "8"},
		{"interpolate", data, "--model", model, "--between", "1"}, {"interpolate", data, "--model", model, "--between", "1,48"},
		{"traverse", data, "--model", model, "--sample", "-1"}, {"traverse", data, "--model", model, "--dimension", "2"},
		{"nearest", data, "--model", model, "--count", "48"}, {"probe", data, "--model", model, "--apply", "x", "--save", "y"},
	} {
		if status, _, stderr := run(t, wrong...); status != exitUsage || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%v: exit %d, %q, want one line and exit %d", wrong, status, stderr, exitUsage)
		}
	}
}

// A model that asks for labels makes samples of the class that is asked for.
func TestClassOfWhatIsMade(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	data := writePictures(t, path("pictures"), 48)
	mustRun(t, "train", data, "--architecture", "flatten > condition 2 > dense 2 tanh | condition 2 > dense 64 sigmoid > reshape 8x8", "--epochs", "3", "--out", path("run"))
	made := func(name string, args ...string) []float32 {
		t.Helper()
		mustRun(t, append(args, "--model", path("run"), "--out", path(name))...)
		samples, err := npy.ReadFile(path(name), 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		return samples.Values
	}
	flat := made("flat.npy", "generate", "--count", "4", "--class", "flat")
	for what, other := range map[string][]float32{
		"by its number": made("0.npy", "generate", "--count", "4", "--class", "0"),
		"in its turn":   made("all.npy", "generate", "--count", "4")[:64],
	} {
		if !slices.Equal(other, flat[:len(other)]) {
			t.Errorf("a class %s is another than by its name", what)
		}
	}
	if all := made("all.npy", "generate", "--count", "4"); slices.Equal(all[64:128], flat[64:128]) {
		t.Error("the second class makes the same of a code as the first")
	}
	if text := mustRun(t, "generate", data, "--model", path("run"), "--class", "flat", "--count", "4", "--out", path("near.npy"), "--json"); !strings.Contains(text, "precision") {
		t.Errorf("generate says %q", text)
	}
	for _, args := range [][]string{{"interpolate", data, "--between", "0,47", "--steps", "3"}, {"traverse", data, "--steps", "3"}} {
		own, first := made("own.npy", args...), made("first.npy", append(args, "--class", "0")...)
		if other := made("other.npy", append(args, "--class", "1")...); !slices.Equal(own, first) || slices.Equal(own, other) {
			t.Errorf("%s decodes by default with another class than that of sample 0", args[0])
		}
	}
	status, _, stderr := run(t, "generate", "--model", path("run"), "--class", "flad")
	if status != exitUsage || !strings.Contains(stderr, `no class "flad"`) {
		t.Errorf("exit %d, %q", status, stderr)
	}
}
