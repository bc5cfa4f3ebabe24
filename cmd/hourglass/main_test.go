package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"hourglass/dataset"
	"hourglass/internal/race"
)

// run executes a command line and returns its exit status and what it wrote.
func run(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	status = execute(context.Background(), args, &out, &errs)
	return status, out.String(), errs.String()
}

// quick is a run of a recipe that takes a fraction of a second.
func quick(out string, more ...string) []string {
	return append([]string{"run", "denoising", "--dataset", "digits", "--train-size", "640", "--epochs", "2", "--out", out}, more...)
}

func TestRunWritesModelMetricsAndFigures(t *testing.T) {
	out := filepath.Join(t.TempDir(), "new", "folder")
	status, stdout, stderr := run(t, quick(out)...)
	if status != 0 || stderr != "" {
		t.Fatalf("exit %d, stderr %q", status, stderr)
	}
	for _, want := range []string{"digits, 640 training, 5000 validation and 10000 test samples", "Epoch 2/2", out} {
		if !strings.Contains(stdout, want) {
			t.Errorf("stdout lacks %q:\n%s", want, stdout)
		}
	}
	for _, name := range []string{"curves.png", "denoising_plot.png"} {
		f, err := os.Open(filepath.Join(out, name))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := png.Decode(f); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		f.Close()
	}
	if files, _ := os.ReadDir(out); len(files) != 6 {
		t.Errorf("the folder has %v, want model, metrics, notes, checkpoints and two figures", files)
	}
}

func TestRunJSONFollowsTheDesign(t *testing.T) {
	out := t.TempDir()
	status, stdout, _ := run(t, quick(out, "--json", "--quiet", "--threads", "1", "--seed", "7")...)
	if status != 0 {
		t.Fatalf("exit %d", status)
	}
	file, err := os.ReadFile(filepath.Join(out, "metrics.json"))
	if err != nil {
		t.Fatal(err)
	}
	if stdout != string(file) {
		t.Errorf("--json printed\n%s\nbut metrics.json holds\n%s", stdout, file)
	}
	var m struct {
		Recipe     string
		Dataset    struct{ Name string }
		Seed       int
		Threads    int
		Parameters int
		Epochs     []map[string]float64
	}
	if err := json.Unmarshal(file, &m); err != nil {
		t.Fatal(err)
	}
	if m.Recipe != "denoising" || m.Dataset.Name != "digits" || m.Seed != 7 || m.Threads != 1 || m.Parameters != 163814 || len(m.Epochs) != 2 {
		t.Errorf("got %+v", m)
	}
	for _, key := range []string{"epoch", "seconds", "loss", "val_loss", "rounded_accuracy", "val_rounded_accuracy"} {
		if _, ok := m.Epochs[1][key]; !ok {
			t.Errorf("epoch 2 lacks %q: %v", key, m.Epochs[1])
		}
	}
	if m.Epochs[1]["val_loss"] >= m.Epochs[0]["val_loss"] {
		t.Errorf("validation loss did not fall: %v", m.Epochs)
	}
}

func TestModelIsTheSameForAnyNumberOfThreads(t *testing.T) {
	var first []byte
	for _, threads := range []string{"1", "2", "3", "8"} {
		out := t.TempDir()
		if status, _, stderr := run(t, quick(out, "--quiet", "--threads", threads)...); status != 0 {
			t.Fatal(stderr)
		}
		model, err := os.ReadFile(filepath.Join(out, "model.safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = model
		}
		if !bytes.Equal(model, first) {
			t.Errorf("--threads %s: the model differs from that of one thread", threads)
		}
	}
}

func TestReportOfARun(t *testing.T) {
	out := t.TempDir()
	if status, _, stderr := run(t, quick(out, "--quiet", "--report")...); status != 0 {
		t.Fatal(stderr)
	}
	again := filepath.Join(t.TempDir(), "again.html")
	if status, _, stderr := run(t, "report", out, "--out", again); status != 0 {
		t.Fatal(stderr)
	}
	first, err := os.ReadFile(filepath.Join(out, "report.html"))
	if err != nil {
		t.Fatal(err)
	}
	if second, err := os.ReadFile(again); err != nil || !bytes.Equal(first, second) || !bytes.Contains(first, []byte("Gaussian noise")) {
		t.Errorf("run --report and report differ, or do not tell of the run (%v)", err)
	}
}

func TestReconstructReadsWhatRunWrote(t *testing.T) {
	out := t.TempDir()
	if status, _, stderr := run(t, quick(out, "--quiet")...); status != 0 {
		t.Fatal(stderr)
	}
	model := filepath.Join(out, "model.safetensors")
	status, stdout, stderr := run(t, "reconstruct", "--model", model, "--dataset", "digits", "--out", out, "--json")
	if status != 0 {
		t.Fatal(stderr)
	}
	var r reconstruction
	if err := json.Unmarshal([]byte(stdout), &r); err != nil {
		t.Fatal(err)
	}
	if r.Images != 10000 || r.MSE <= 0 || r.MSE > 0.11 || r.RoundedAccuracy == nil || *r.RoundedAccuracy < 0.8 {
		t.Errorf("got %+v", r)
	}
	if _, err := os.Stat(r.Figure); err != nil {
		t.Error(err)
	}
	if status, stdout, _ := run(t, "summary", "--model", model); status != 0 || !strings.Contains(stdout, "dense_1 (Dense)") {
		t.Errorf("summary of the model: exit %d\n%s", status, stdout)
	}
}

func TestWrongUsageAndFailures(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("not a model"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args   []string
		status int
		want   string // part of the error
	}{
		{[]string{"frobnicate"}, exitUsage, `unknown command "frobnicate"`},
		{[]string{"trian", "digits"}, exitUsage, `unknown command "trian" for "hourglass", did you mean "train"?`},
		{[]string{"data", "lsit"}, exitUsage, `did you mean "list"?`},
		{[]string{"run", "staked"}, exitUsage, `unknown recipe "staked", did you mean "stacked"?`},
		{[]string{"run", "stacked", "--epocs", "3"}, exitUsage, "unknown flag: --epocs, did you mean --epochs?"},
		{[]string{"run", "stacked", "-epochs", "3"}, exitUsage, "did you mean --epochs?"},
		{[]string{"run", "stacked", "--epochs", "99999999999999999999"}, exitUsage, `--epochs is "99999999999999999999", want a whole number, not that large a one`},
		{[]string{"run", "stacked", "--learning-rate", "fast"}, exitUsage, `--learning-rate is "fast", want a number`},
		{[]string{"run", "stacked", "--seed", "-1"}, exitUsage, `--seed is "-1", want a whole number from 0`},
		{[]string{"run", "stacked", "--quick=maybe"}, exitUsage, `--quick is "maybe", want true or false`},
		{[]string{"run", "stacked", "--out"}, exitUsage, "--out is not followed by a value, want folder"},
		{[]string{"run", "stacked", "--dataset", "digits", "--data-dir", dir}, exitUsage, "--data-dir is where a data set is looked for"},
		{[]string{"run"}, exitUsage, "accepts 1 arg(s), received 0"},
		{[]string{"run", "nonsense"}, exitUsage, `unknown recipe "nonsense", want one of: `},
		{[]string{"run", "stacked", "--nonsense"}, exitUsage, "unknown flag: --nonsense"},
		{[]string{"run", "stacked", "--epochs", "0"}, exitUsage, "--epochs is 0, want at least 1"},
		{[]string{"run", "stacked", "--epochs", "ten"}, exitUsage, `--epochs is "ten", want a whole number`},
		{[]string{"run", "stacked", "--batch-size", "-1"}, exitUsage, "--batch-size is -1, want at least 1"},
		{[]string{"run", "stacked", "--learning-rate", "NaN"}, exitUsage, "--learning-rate is NaN, want a number above 0"},
		{[]string{"run", "stacked", "--threads", "0"}, exitUsage, "--threads is 0, want at least 1"},
		{[]string{"run", "stacked", "--dataset", "digits", "--train-size", "55001", "--out", dir}, exitFailure, "55001"},
		{[]string{"run", "stacked", "--dataset", "no-such-set", "--out", dir}, exitFailure, "no-such-set"},
		{[]string{"run", "stacked", "--dataset", "mnist", "--data-dir", dir, "--out", dir}, exitFailure, dir},
		{[]string{"run", "stacked", "--dataset", "digits", "--out", filepath.Join(file, "below")}, exitFailure, "output folder"},
		{[]string{"run", "stacked", "--keep", "0"}, exitUsage, "--keep is 0, want at least 1"},
		{[]string{"run", "stacked", "--checkpoint", "often"}, exitUsage, `--checkpoint is "often"`},
		{[]string{"run", "stacked", "--checkpoint", "0steps"}, exitUsage, `--checkpoint is "0steps"`},
		{[]string{"run", "stacked", "--resume", dir, "--out", "elsewhere"}, exitUsage, "--out cannot be elsewhere"},
		{[]string{"run", "stacked", "--quiet", "--dataset", "digits", "--resume", dir}, exitFailure, "there is no run in " + dir},
		{[]string{"run", "stacked", "--baseline", "svd"}, exitUsage, `--baseline is "svd", want pca`},
		{[]string{"summary"}, exitUsage, "want either a recipe or a model"},
		{[]string{"summary", "--model", file}, exitFailure, "not a safetensors file"},
		{[]string{"summary", "--model", filepath.Join(dir, "missing")}, exitFailure, "missing"},
		{[]string{"reconstruct"}, exitUsage, "want --model FILE and --dataset NAME"},
		{[]string{"data", "get", "imagenet"}, exitUsage, `unknown data set "imagenet", want one of: mnist`},
		{[]string{"data", "info", filepath.Join(dir, "missing")}, exitFailure, "missing"},
	} {
		status, stdout, stderr := run(t, c.args...)
		if status != c.status || !strings.Contains(stderr, c.want) {
			t.Errorf("%v: exit %d, %q; want %d and %q", c.args, status, stderr, c.status, c.want)
		}
		if strings.Count(stderr, "\n") != 1 || stdout != "" {
			t.Errorf("%v: want one line on stderr and nothing on stdout, got %q and %q", c.args, stderr, stdout)
		}
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("failures left files behind: %v", files)
	}
}

// What the libraries cannot say, since they know no flags.
func TestHints(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{fmt.Errorf("open mnist: %w", dataset.ErrUnavailable), "; --data-dir FOLDER says where its files are, and the built-in digits (--dataset digits"},
		{fmt.Errorf("x: %w", &dataset.UnreadableError{File: "a.png", Err: io.EOF}), "; --skip-unreadable goes on"},
		{fmt.Errorf("x: %w", &dataset.ColumnsError{Names: []string{"a", "two words"}}), "; to leave out: --ignore a --ignore 'two words'"},
		{fmt.Errorf("x: %w", &dataset.ColumnsError{Names: make([]string, 9)}), "; --ignore NAME leaves a column out"},
		{io.EOF, ""},
	} {
		if got := hint(c.err); got != c.want && !strings.HasPrefix(got, c.want) || c.want == "" && got != "" {
			t.Errorf("%v: got %q, want %q", c.err, got, c.want)
		}
	}
}

func TestDivergenceIsReported(t *testing.T) {
	status, _, stderr := run(t, quick(t.TempDir(), "--quiet", "--learning-rate", "1e30")...)
	if status != exitFailure || !strings.Contains(stderr, "epoch 1, step") || !strings.Contains(stderr, "loss is not finite") {
		t.Errorf("exit %d, %q", status, stderr)
	}
}

func TestInterruptSavesTheModel(t *testing.T) {
	out := t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	var stderr bytes.Buffer
	log := &cancelAfter{text: "Epoch  1/50", cancel: cancel}
	status := execute(ctx, quick(out, "--epochs", "50"), log, &stderr)
	if status != exitFailure || !strings.Contains(stderr.String(), "interrupted") {
		t.Fatalf("exit %d, %q", status, stderr.String())
	}
	if status, _, errs := run(t, "summary", "--model", filepath.Join(out, "model.safetensors")); status != 0 {
		t.Errorf("the saved model cannot be read: %s", errs)
	}
	text, err := os.ReadFile(filepath.Join(out, "metrics.json"))
	if err != nil || !strings.Contains(string(text), `"interrupted": true`) {
		t.Errorf("metrics.json: %v\n%s", err, text)
	}
	if want := "--resume " + out; !strings.Contains(stderr.String(), want) {
		t.Errorf("stderr %q does not say how to go on with %q", stderr.String(), want)
	}
}

func TestResumedRunLeavesTheSameModel(t *testing.T) {
	whole, out := t.TempDir(), t.TempDir()
	if status, _, stderr := run(t, quick(whole, "--quiet", "--epochs", "4")...); status != 0 {
		t.Fatal(stderr)
	}
	ctx, cancel := context.WithCancel(context.Background())
	status := execute(ctx, quick(out, "--epochs", "4"), &cancelAfter{text: "Epoch 2/4", cancel: cancel}, new(bytes.Buffer))
	if status != exitFailure {
		t.Fatalf("exit %d, want the run to be interrupted", status)
	}
	resume := []string{"run", "--resume", out}
	if status, _, stderr := run(t, resume...); status != 0 {
		t.Fatal(stderr)
	}
	want, err := os.ReadFile(filepath.Join(whole, "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(out, "model.safetensors")); err != nil || !bytes.Equal(got, want) {
		t.Errorf("the resumed run's model differs (%v)", err)
	}
}

// cancelAfter cancels once a text has been written to it.
type cancelAfter struct {
	text   string
	cancel func()
}

func (c *cancelAfter) Write(p []byte) (int, error) {
	if strings.Contains(string(p), c.text) {
		c.cancel()
	}
	return len(p), nil
}

func TestEveryCommandTeaches(t *testing.T) {
	for _, args := range [][]string{{}, {"run"}, {"recipes"}, {"summary"}, {"reconstruct"}, {"report"}, {"verify"}, {"sweep"}, {"data"},
		{"data", "list"}, {"data", "info"}, {"data", "get"}, {"version"}} {
		status, stdout, _ := run(t, append(args, "--help")...)
		if status != 0 || !strings.Contains(stdout, "hourglass "+strings.Join(args, " ")) {
			t.Errorf("%v --help: exit %d\n%s", args, status, stdout)
		}
		if len(args) > 0 && strings.Count(stdout, "\n  hourglass ") < 2 {
			t.Errorf("%v --help has fewer than two examples:\n%s", args, stdout)
		}
	}
}

func TestListsAndVersion(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"recipes"}, "stacked - Stacked autoencoder"},
		{[]string{"recipes", "--json"}, `"name": "stacked"`},
		{[]string{"data", "list"}, "fashion-mnist"},
		{[]string{"data", "list", "--json"}, `"name": "digits"`},
		{[]string{"data", "info", "fashion-mnist"}, "T-shirt/top"},
		{[]string{"summary", "stacked"}, "Total params: 81,530"},
		{[]string{"summary", "stacked", "--json"}, `"parameters": 78500`},
		{[]string{"version"}, runtime.Version()},
		{[]string{"version", "--json"}, `"simd":`},
		{[]string{"completion", "bash"}, "bash completion"},
	} {
		status, stdout, stderr := run(t, c.args...)
		if status != 0 || !strings.Contains(stdout, c.want) {
			t.Errorf("%v: exit %d, %q\n%s\nwant %q", c.args, status, stderr, stdout, c.want)
		}
	}
}

func TestDigitsCanBeWrittenAndReadBack(t *testing.T) {
	if testing.Short() || race.Enabled {
		t.Skip("compresses 55 MB, which takes a minute under the race detector")
	}
	dir := t.TempDir()
	if status, _, stderr := run(t, "data", "get", "digits", "--data-dir", dir, "--quiet"); status != 0 {
		t.Fatal(stderr)
	}
	status, stdout, stderr := run(t, "data", "info", filepath.Join(dir, "digits"))
	if status != 0 || !strings.Contains(stdout, "60000 training and 10000 test images of 28×28") {
		t.Errorf("exit %d, %q\n%s", status, stderr, stdout)
	}
}
