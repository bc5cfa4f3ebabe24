package tensorboard

import (
	"context"
	"fmt"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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

// The check value of CRC-32C, and the masked checksum of the eight bytes of a length: that
// of TensorFlow's own files, which all begin with 18 0 0 0 0 0 0 0 a3 7f 4b 22.
func TestMaskedSum(t *testing.T) {
	if got := crc32.Checksum([]byte("123456789"), castagnoli); got != 0xe3069283 {
		t.Errorf("CRC-32C %#x", got)
	}
	if got := maskedSum([]byte{0x18, 0, 0, 0, 0, 0, 0, 0}); got != 0x224b7fa3 {
		t.Errorf("masked checksum of 24: %#x", got)
	}
}

// What a run writes is read back by a reader in Python that shares nothing with it, and is
// what the history says.
func TestEventsAreReadBack(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3")
	}
	x := tensor.New(10, 2)
	for i := range x.Data {
		x.Data[i] = float32(i%7) / 7
	}
	data := dataset.Array{Tensor: x}
	net, err := nn.NewNetwork(tensor.Shape{2}, nn.Dense{Units: 2})
	if err != nil {
		t.Fatal(err)
	}
	net.Init(1)
	dir := t.TempDir()
	var steps []string
	trainer := train.Trainer{Network: net, Loss: loss.MeanSquaredError{}, Optimizer: optim.SGD{}, Metrics: []metric.Metric{metric.MeanAbsoluteError{}},
		Schedule: train.Exponential{By: 0.5}, Epochs: 2, BatchSize: 4, Observers: []train.Observer{&Events{Dir: dir}, note(func(e train.Event, r *train.Run) {
			if e == train.Stepped {
				steps = append(steps, fmt.Sprintf("%d batch_loss %.6g", r.State.Step, float32(r.BatchLoss)),
					fmt.Sprintf("%d learning_rate %.6g", r.State.Step, float32(r.State.Rate)))
			}
		})}}
	history, err := trainer.Fit(context.Background(), data, data)
	if err != nil {
		t.Fatal(err)
	}
	var training, validation []string
	for i, e := range history.Epochs {
		training = append(training, steps[6*i:6*i+6]...)
		training = append(training, fmt.Sprintf("%d epoch_loss %.6g", e.Epoch, float32(e.Train.Loss)), fmt.Sprintf("%d epoch_mae %.6g", e.Epoch, float32(e.Train.Metrics[0])))
		validation = append(validation, fmt.Sprintf("%d epoch_loss %.6g", e.Epoch, float32(e.Validation.Loss)), fmt.Sprintf("%d epoch_mae %.6g", e.Epoch, float32(e.Validation.Metrics[0])))
	}
	for folder, want := range map[string][]string{"train": training, "validation": validation} {
		files, err := filepath.Glob(filepath.Join(dir, folder, "events.out.tfevents.*"))
		if err != nil || len(files) != 1 {
			t.Fatalf("files %v, %v", files, err)
		}
		out, err := exec.Command(python, "testdata/read.py", files[0]).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if got := strings.Split(strings.TrimSpace(string(out)), "\n"); !slices.Equal(got, append([]string{"version brain.Event:2"}, want...)) {
			t.Errorf("%s: read back\n%s\nwant\n%s", folder, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

// note makes a function an observer.
type note func(train.Event, *train.Run)

func (f note) Observe(e train.Event, r *train.Run) error {
	f(e, r)
	return nil
}

// A folder that cannot be made ends the run before its first step, in one line.
func TestNoFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	net, err := nn.NewNetwork(tensor.Shape{2}, nn.Dense{Units: 2})
	if err != nil {
		t.Fatal(err)
	}
	trainer := train.Trainer{Network: net, Loss: loss.MeanSquaredError{}, Optimizer: optim.SGD{}, Epochs: 1, BatchSize: 1, Observers: []train.Observer{&Events{Dir: path}}}
	history, err := trainer.Fit(context.Background(), dataset.Array{Tensor: tensor.New(3, 2)}, nil)
	if err == nil || !strings.HasPrefix(err.Error(), "tensorboard: mkdir ") || strings.Contains(err.Error(), "\n") || len(history.Epochs) != 0 {
		t.Errorf("error %v", err)
	}
}
