package progress

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"hourglass/dataset"
	"hourglass/loss"
	"hourglass/metric"
	"hourglass/nn"
	"hourglass/optim"
	"hourglass/tensor"
	"hourglass/train"
)

// samples returns n samples of two values between 0 and 1.
func samples(n int) dataset.Array {
	a := tensor.New(n, 2)
	for i := range a.Data {
		a.Data[i] = float32(i%7) / 7
	}
	return dataset.Array{Tensor: a}
}

func TestProgressLines(t *testing.T) {
	net, err := nn.NewNetwork(tensor.Shape{2}, nn.Dense{Units: 2})
	if err != nil {
		t.Fatal(err)
	}
	net.Init(1)
	for _, where := range []string{"buffer", "file"} {
		var buffer bytes.Buffer
		progress := &Bar{Out: &buffer}
		path := filepath.Join(t.TempDir(), "log")
		if where == "file" {
			f, err := os.Create(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			progress.Out = f
		}
		trainer := train.Trainer{Network: net, Loss: loss.MeanSquaredError{}, Optimizer: optim.SGD{}, Epochs: 10, BatchSize: 2,
			Metrics: []metric.Metric{metric.MeanAbsoluteError{}}, Observers: []train.Observer{progress}}
		if _, err := trainer.Fit(context.Background(), samples(5), samples(2)); err != nil {
			t.Fatal(err)
		}
		text := buffer.String()
		if where == "file" {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			text = string(b)
		}
		lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
		form := regexp.MustCompile(`^Epoch ( [1-9]|10)/10 - 3 steps - \d+\.\ds - loss: \d\.\d{4} - mae: \d\.\d{4} - val_loss: \d\.\d{4} - val_mae: \d\.\d{4}$`)
		if len(lines) != 10 {
			t.Errorf("%s: %d lines, want 10", where, len(lines))
		}
		for _, l := range lines {
			if !form.MatchString(l) {
				t.Errorf("%s: line %q, want %v", where, l, form)
			}
		}
	}
}

// Long runs have fewer lines, but always the first and the last.
func TestProgressOfManyEpochs(t *testing.T) {
	net, err := nn.NewNetwork(tensor.Shape{2}, nn.Dense{Units: 2})
	if err != nil {
		t.Fatal(err)
	}
	net.Init(1)
	var text bytes.Buffer
	trainer := train.Trainer{Network: net, Loss: loss.MeanSquaredError{}, Optimizer: optim.SGD{}, Epochs: 1003, BatchSize: 5,
		Observers: []train.Observer{&Bar{Out: &text}}}
	if _, err := trainer.Fit(context.Background(), samples(5), nil); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(text.String()), "\n")
	if len(lines) < 40 || len(lines) > 60 || !strings.HasPrefix(lines[0], "Epoch    1/1003") || !strings.HasPrefix(lines[len(lines)-1], "Epoch 1003/1003") {
		t.Errorf("%d lines, from %.20q to %.20q; want some fifty from the first epoch to the last", len(lines), lines[0], lines[len(lines)-1])
	}
}
