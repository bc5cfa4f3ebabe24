package hourglass_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"hourglass"
	"hourglass/dataset"
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

func newSmall(t *testing.T) *hourglass.Autoencoder {
	t.Helper()
	ae, err := hourglass.New(
		nn.Layers{nn.Input{8}, nn.GaussianNoise{Stddev: 0.1}, nn.Dense{Units: 3, Activation: nn.Tanh}},
		nn.Layers{nn.Dense{Units: 8, Activation: nn.Sigmoid}})
	if err != nil {
		t.Fatal(err)
	}
	return ae
}

// fitSmall trains with checkpoints in dir; it cancels the run after a number of
// steps, unless that is 0.
func fitSmall(t *testing.T, ae *hourglass.Autoencoder, dir string, steps int, more ...hourglass.FitOption) error {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	options := append([]hourglass.FitOption{
		hourglass.Epochs(5), hourglass.BatchSize(4), hourglass.Optimizer(optim.Adam{LearningRate: 0.01}),
		hourglass.Validation(wave(6)),
		hourglass.Checkpoint(hourglass.Checkpoints{Dir: dir, Steps: 7, Epochs: 1}),
		hourglass.Observe(&train.EarlyStopping{Patience: 4}, observerFunc(func(e train.Event, r *train.Run) error {
			if e == train.Stepped && r.State.Step == steps {
				cancel()
			}
			return nil
		})),
	}, more...)
	_, err := ae.Fit(ctx, wave(22), options...)
	return err
}

type observerFunc func(e train.Event, r *train.Run) error

func (f observerFunc) Observe(e train.Event, r *train.Run) error { return f(e, r) }

func savedBytes(t *testing.T, ae *hourglass.Autoencoder) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "model")
	if err := ae.Save(path); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestResumeEndsWithTheSameModel(t *testing.T) {
	whole := newSmall(t)
	if err := fitSmall(t, whole, t.TempDir(), 0); err != nil {
		t.Fatal(err)
	}
	for _, steps := range []int{1, 6, 7, 12, 29} {
		dir := t.TempDir()
		if err := fitSmall(t, newSmall(t), dir, steps); err == nil {
			t.Fatal("the run was not interrupted")
		}
		resumed := newSmall(t)
		resumed.Init(99) // its weights are to be those of the checkpoint
		if err := fitSmall(t, resumed, dir, 0, hourglass.Resume(dir), hourglass.Threads(1)); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(savedBytes(t, resumed), savedBytes(t, whole)) {
			t.Errorf("interrupted after %d steps and resumed: the model differs", steps)
		}
	}
}

func TestDamagedCheckpointIsPassedOver(t *testing.T) {
	whole, dir := newSmall(t), t.TempDir()
	if err := fitSmall(t, whole, t.TempDir(), 0); err != nil {
		t.Fatal(err)
	}
	if err := fitSmall(t, newSmall(t), dir, 17); err == nil {
		t.Fatal("the run was not interrupted")
	}
	names := checkpoints(t, dir)
	if want := []string{"checkpoint-000003-000000002.safetensors", "checkpoint-000003-000000005.safetensors"}; !slices.Equal(names[1:], want) {
		t.Fatalf("checkpoints %v, want three that end in %v", names, want)
	}
	for _, size := range []int64{0, 7, 100, 2000} {
		if err := os.Truncate(filepath.Join(dir, names[2]), size); err != nil {
			t.Fatal(err)
		}
		resumed := newSmall(t)
		copied := t.TempDir()
		if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		if err := fitSmall(t, resumed, copied, 0, hourglass.Resume(copied)); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(savedBytes(t, resumed), savedBytes(t, whole)) {
			t.Errorf("last checkpoint cut to %d bytes: the model differs", size)
		}
	}
}

func checkpoints(t *testing.T, dir string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "checkpoint-*"))
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range paths {
		paths[i] = filepath.Base(p)
	}
	return paths
}

func TestCheckpointsAreModels(t *testing.T) {
	dir, ae := t.TempDir(), newSmall(t)
	if err := fitSmall(t, ae, dir, 0); err != nil {
		t.Fatal(err)
	}
	names := checkpoints(t, dir)
	if len(names) != 3 || names[2] != "checkpoint-000006-000000000.safetensors" {
		t.Errorf("after five epochs there are %v, want the last three, up to the end of epoch 5", names)
	}
	for _, name := range append(names, hourglass.BestFile) {
		if _, err := hourglass.Load(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
}

func TestResumeRefuses(t *testing.T) {
	dir, empty := t.TempDir(), t.TempDir()
	if err := fitSmall(t, newSmall(t), dir, 9); err == nil {
		t.Fatal("the run was not interrupted")
	}
	other, err := hourglass.New(nn.Layers{nn.Input{8}, nn.Dense{Units: 2}}, nn.Layers{nn.Dense{Units: 8}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		dir, want string
		ae        *hourglass.Autoencoder
		option    hourglass.FitOption
	}{
		{empty, "no checkpoint in " + empty, newSmall(t), hourglass.Threads(1)},
		{filepath.Join(empty, "missing"), "missing", newSmall(t), hourglass.Threads(1)},
		{dir, "another architecture", other, hourglass.Threads(1)},
		{dir, "batches of size 4, not 5", newSmall(t), hourglass.BatchSize(5)},
		{dir, "seed 42, not 43", newSmall(t), hourglass.Seed(43)},
		{dir, "optimizer adam with beta2 0.999, not 0.99", newSmall(t), hourglass.Optimizer(optim.Adam{LearningRate: 0.01, Beta2: 0.99})},
		{dir, "the validation data is other", newSmall(t), hourglass.Validation(wave(7).Slice(1, 7))},
	} {
		err := fitSmall(t, c.ae, t.TempDir(), 0, hourglass.Resume(c.dir), c.option)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("got error %q, want one line with %q", fmt.Sprint(err), c.want)
		}
	}
}

// With checkpoints of every epoch, what early stopping learned from an epoch must
// be in the epoch's checkpoint.
func TestResumeAfterTheBestEpoch(t *testing.T) {
	fit := func(dir string, kill int, more ...hourglass.FitOption) (*hourglass.Autoencoder, int) {
		ae := newSmall(t)
		killed := errors.New("killed")
		history, err := ae.Fit(context.Background(), wave(22), append([]hourglass.FitOption{
			hourglass.Epochs(6), hourglass.BatchSize(8), hourglass.Optimizer(optim.Adam{LearningRate: 0.3}), hourglass.Validation(wave(6)),
			hourglass.Checkpoint(hourglass.Checkpoints{Dir: dir, Epochs: 1, Keep: 20}),
			hourglass.Observe(&train.EarlyStopping{Patience: 2}, observerFunc(func(e train.Event, r *train.Run) error {
				if e == train.Stepped && r.Epoch == kill {
					return killed
				}
				return nil
			})),
		}, more...)...)
		if err != nil && !errors.Is(err, killed) {
			t.Fatal(err)
		}
		return ae, len(history.Epochs)
	}
	whole, epochs := fit(t.TempDir(), 0)
	for kill := 2; kill <= epochs; kill++ {
		dir := t.TempDir()
		fit(dir, kill)
		last := checkpoints(t, dir)
		// A killed process does not write the checkpoint at the end of a run.
		if err := os.Remove(filepath.Join(dir, last[len(last)-1])); err != nil {
			t.Fatal(err)
		}
		resumed, _ := fit(dir, 0, hourglass.Resume(dir))
		if !bytes.Equal(savedBytes(t, resumed), savedBytes(t, whole)) {
			t.Errorf("killed in epoch %d of %d: the model differs", kill, epochs)
		}
	}
}

func TestNewRunRemovesCheckpointsOfAnother(t *testing.T) {
	dir := t.TempDir()
	if err := fitSmall(t, newSmall(t), dir, 0); err != nil {
		t.Fatal(err)
	}
	half := filepath.Join(dir, ".checkpoint-000001-000000007.safetensors.abc.tmp")
	for _, path := range []string{half, filepath.Join(dir, "mine.txt")} {
		if err := os.WriteFile(path, nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := fitSmall(t, newSmall(t), dir, 8); err == nil {
		t.Fatal("the run was not interrupted")
	}
	want := []string{"checkpoint-000002-000000000.safetensors", "checkpoint-000002-000000001.safetensors",
		"checkpoint-000002-000000002.safetensors"}
	if got := checkpoints(t, dir); !slices.Equal(got, want) {
		t.Errorf("checkpoints %v, want those of the new run, %v", got, want)
	}
	if _, err := os.Stat(half); err == nil {
		t.Error("half a file is still there")
	}
	if _, err := os.Stat(filepath.Join(dir, "mine.txt")); err != nil {
		t.Error(err)
	}
}

func TestResumeRefusesOtherScaling(t *testing.T) {
	dir := t.TempDir()
	fit := func(kind dataset.Scaling, more ...hourglass.FitOption) error {
		scaler, err := dataset.FitScaler(context.Background(), kind, wave(22), 0)
		if err != nil {
			t.Fatal(err)
		}
		ae := newSmall(t)
		if err := ae.SetScaler(scaler); err != nil {
			t.Fatal(err)
		}
		return fitSmall(t, ae, dir, 0, more...)
	}
	if err := fit(dataset.UnitScaling); err != nil {
		t.Fatal(err)
	}
	if err := fit(dataset.MinMaxScaling, hourglass.Resume(dir)); err == nil || !strings.Contains(err.Error(), "the run has scaling unit by [] [0.94") {
		t.Errorf("got %v", err)
	}
	if err := fit(dataset.UnitScaling, hourglass.Resume(dir)); err != nil {
		t.Error(err)
	}
}

func TestResumeRefusesOtherData(t *testing.T) {
	dir := t.TempDir()
	fit := func(data dataset.Source, more ...hourglass.FitOption) error {
		_, err := newSmall(t).Fit(context.Background(), data, append(more, hourglass.Epochs(2), hourglass.Checkpoint(hourglass.Checkpoints{Dir: dir}))...)
		return err
	}
	if err := fit(wave(22)); err != nil {
		t.Fatal(err)
	}
	other := wave(22)
	other.Data = slices.Clone(other.Data)
	other.Data[100] += 1e-6
	if err := fit(other, hourglass.Resume(dir)); err == nil || !strings.Contains(err.Error(), "the training data is other: its digest was ") {
		t.Errorf("error %v", err)
	}
	if err := fit(wave(22), hourglass.Resume(dir)); err != nil {
		t.Error(err)
	}
}

// Every file that a model can be loaded from has all that is known of it, and keeps
// it when it is saved again.
func TestEveryFileHasTheWholeRecord(t *testing.T) {
	dir, ae := t.TempDir(), newSmall(t)
	scaler, err := dataset.FitScaler(context.Background(), dataset.MinMaxScaling, wave(22), 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(ae.SetScaler(scaler), ae.SetRecord(map[string]int{"answer": 42})); err != nil {
		t.Fatal(err)
	}
	if err := fitSmall(t, ae, dir, 0); err != nil {
		t.Fatal(err)
	}
	if err := ae.LearnScores(context.Background(), wave(22)); err != nil {
		t.Fatal(err)
	}
	model := filepath.Join(dir, "model.safetensors")
	if err := ae.Save(model); err != nil {
		t.Fatal(err)
	}
	for _, name := range append(checkpoints(t, dir), hourglass.BestFile, "model.safetensors") {
		loaded, err := hourglass.Load(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		again := filepath.Join(dir, "again")
		if err := loaded.Save(again); err != nil {
			t.Fatal(err)
		}
		if loaded, err = hourglass.Load(again); err != nil {
			t.Fatal(err)
		}
		if string(loaded.Record()) != `{"answer":42}` || !reflect.DeepEqual(loaded.Scaler(), scaler) || loaded.Unverified() {
			t.Errorf("%s: record %s, scaler %v", name, loaded.Record(), loaded.Scaler())
		}
		if _, err := loaded.Threshold(0.5); (err == nil) != (name == "model.safetensors") {
			t.Errorf("%s: threshold: %v", name, err)
		}
	}
	first, err := os.ReadFile(model)
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := hourglass.Load(model)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(savedBytes(t, loaded), first) {
		t.Error("loaded and saved again, the file differs")
	}
}

// What early stopping keeps is as large as the model: a checkpoint has it as
// numbers, not as text, which for 5 million weights would be more than a header may
// be.
func TestCheckpointOfALargeModelWithEarlyStopping(t *testing.T) {
	large := func() *hourglass.Autoencoder {
		ae, err := hourglass.New(nn.Layers{nn.Input{8}, nn.Dense{Units: 2200, Activation: nn.Tanh}, nn.Dense{Units: 2200}},
			nn.Layers{nn.Dense{Units: 60}, nn.Dense{Units: 8, Activation: nn.Sigmoid}})
		if err != nil {
			t.Fatal(err)
		}
		return ae
	}
	dir := t.TempDir()
	fit := func(ae *hourglass.Autoencoder, epochs int, more ...hourglass.FitOption) {
		t.Helper()
		_, err := ae.Fit(context.Background(), wave(4), append(more, hourglass.Epochs(epochs), hourglass.Optimizer(optim.SGD{Momentum: 0.9}),
			hourglass.Validation(wave(3)), hourglass.Checkpoint(hourglass.Checkpoints{Dir: dir, Keep: 1}),
			hourglass.Observe(&train.EarlyStopping{Patience: 2}))...)
		if err != nil {
			t.Fatal(err)
		}
	}
	ae := large()
	weights := int64(len(ae.Network().Weights()))
	if weights < 5e6-1e5 {
		t.Fatalf("%d weights", weights)
	}
	fit(ae, 1)
	names := checkpoints(t, dir)
	info, err := os.Stat(filepath.Join(dir, names[0]))
	if err != nil {
		t.Fatal(err)
	}
	// Weights, momentum, and the best weights.
	if want := 3 * 4 * weights; info.Size() < want || info.Size() > want+10000 {
		t.Errorf("the checkpoint has %d bytes, want %d and a little", info.Size(), want)
	}
	fit(large(), 2, hourglass.Resume(dir))
}

func TestCheckpointsRefuseNegativeSettings(t *testing.T) {
	for _, c := range []hourglass.Checkpoints{{Keep: -1}, {Epochs: -1}, {Steps: -2}, {Every: -1}} {
		c.Dir = filepath.Join(t.TempDir(), "new")
		_, err := newSmall(t).Fit(context.Background(), wave(22), hourglass.Checkpoint(c))
		if err == nil || !strings.Contains(err.Error(), "want at least 1") {
			t.Errorf("%+v: error %v", c, err)
		}
		if _, err := os.Stat(c.Dir); err == nil {
			t.Errorf("%+v: the folder was made", c)
		}
	}
}
