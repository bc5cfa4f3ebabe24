package run

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"hourglass"
	"hourglass/dataset"
	"hourglass/loss"
	"hourglass/nn"
	"hourglass/progress"
	"hourglass/tensor"
	"hourglass/train"
)

// Stage is the training of a part of a model by itself.
type Stage struct {
	Layers string  `json:"layers"` // "784-100-784"
	Loss   string  `json:"loss"`
	Rate   float64 `json:"learning_rate"`
	// Training and Validation are the losses of the epochs.
	Training   []float64 `json:"training"`
	Validation []float64 `json:"validation"`
}

// stagePrefix begins the names of the folders of stages' checkpoints.
const stagePrefix = "stage-"

// trainStagewise trains the model stage by stage, as deep networks once had to be (Hinton &
// Salakhutdinov 2006; Bengio et al. 2007): its outermost layers as a shallow autoencoder by
// the run's loss, then the layers within those by the mean squared error of the codes of the
// stage before, and so on; the run then tunes the whole. Each stage takes as many epochs as
// the run. What they come to is added to the run's numbers.
//
// The decoder must mirror the encoder: as many layers with kernels, at least two, between
// values of the same sizes. All codes of a stage are in memory.
func (s *Session) trainStagewise(ctx context.Context) error {
	stages, err := stagesOf(s.Model)
	if err != nil {
		return err
	}
	data, validation := s.Train, s.Validation
	for i, st := range stages {
		l := s.Loss
		if i > 0 {
			l = loss.MeanSquaredError{}
		}
		model, err := s.trainStage(ctx, i+1, len(stages), st, data, validation, l)
		if err != nil {
			return err
		}
		st.hand(model, s.Model)
		if i == len(stages)-1 {
			break
		}
		if data, err = codesOf(ctx, model, data); err == nil && validation != nil {
			validation, err = codesOf(ctx, model, validation)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// codesOf returns the codes of all samples.
func codesOf(ctx context.Context, model *hourglass.Autoencoder, data dataset.Source) (dataset.Source, error) {
	codes, err := model.EncodeAll(ctx, data)
	return dataset.Array{Tensor: codes}, err
}

// trainStage trains one of several stages and keeps its history. A run that was interrupted goes on
// in the stage that it was in.
func (s *Session) trainStage(ctx context.Context, number, of int, st stretches, data, validation dataset.Source, l loss.Loss) (*hourglass.Autoencoder, error) {
	model, err := hourglass.New(st.encoder, st.decoder)
	if err != nil {
		return nil, fmt.Errorf("stage %d of %d: %w", number, of, err)
	}
	if scaler := s.Model.Scaler(); scaler != nil && number == 1 { // later ones learn codes
		if err := model.SetScaler(scaler); err != nil {
			return nil, err
		}
	}
	model.Init(s.Seed + uint64(number))
	o, values := s.Stages(number), model.Network().Input().Size()
	stage := Stage{Layers: fmt.Sprintf("%d-%d-%d", values, model.Encoder().Output().Size(), values), Loss: l.Name(), Rate: o.Rate()}
	s.stage = fmt.Sprintf("stage %d of %d, %s", number, of, stage.Layers)
	s.Logf("%s\n", s.stage)
	var c hourglass.Checkpoints
	if s.Checkpoints != nil {
		c = *s.Checkpoints
	}
	c.Dir = filepath.Join(s.checkpointFolder(), fmt.Sprint(stagePrefix, number))
	options := []hourglass.FitOption{hourglass.Loss(l), hourglass.Optimizer(o), hourglass.Epochs(s.Epochs), hourglass.BatchSize(s.BatchSize),
		hourglass.Seed(s.Seed), hourglass.Threads(s.Threads), hourglass.Ranks(s.Ranks),
		hourglass.Observe(observer(s.watch), &progress.Bar{Out: s.Log})}
	if s.Follows == "" {
		options = append(options, hourglass.Checkpoint(c))
	}
	if validation != nil {
		options = append(options, hourglass.Validation(validation))
	}
	if entries, _ := os.ReadDir(c.Dir); s.Resume && len(entries) > 0 { // what is not there counts as empty
		options = append(options, hourglass.Resume(c.Dir))
	}
	history, err := model.Fit(ctx, data, options...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.stage, err)
	}
	s.stage = ""
	stage.Training, stage.Validation = history.Series("loss"), history.Series("val_loss")
	s.Numbers.Stages = append(s.Numbers.Stages, stage)
	return model, nil
}

// stretches are the layers of a stage, and where their weights are among those of the whole
// encoder and decoder.
type stretches struct {
	encoder, decoder nn.Layers
	encoderAt        int
	decoderAt        int
}

// hand copies the weights of a stage into the whole.
func (st stretches) hand(stage, whole *hourglass.Autoencoder) {
	copy(whole.Encoder().Weights()[st.encoderAt:], stage.Encoder().Weights())
	copy(whole.Decoder().Weights()[st.decoderAt:], stage.Decoder().Weights())
}

// stagesOf cuts an autoencoder into shallow ones, the outermost first: the encoder in front of
// its layers with kernels, so that what pools is the end of a stage, and the decoder behind
// them, so that what enlarges again is the beginning of one.
func stagesOf(ae *hourglass.Autoencoder) ([]stretches, error) {
	kernels := [2][]int{withKernels(ae.Encoder()), withKernels(ae.Decoder())}
	n := len(kernels[0])
	if n != len(kernels[1]) || n < 2 {
		return nil, fmt.Errorf("run: the encoder has %d layers with kernels and the decoder %d, want as many and at least 2 to train stage by stage", n, len(kernels[1]))
	}
	behind := make([]int, n-1)
	for i := range behind {
		behind[i] = kernels[1][i] + 1
	}
	encoder, err := cut(ae.Encoder(), kernels[0][1:])
	if err != nil {
		return nil, err
	}
	decoder, err := cut(ae.Decoder(), behind)
	if err != nil {
		return nil, err
	}
	stages := make([]stretches, n)
	for i, e := range encoder {
		d := decoder[n-1-i]
		if e.out.Size() != d.in.Size() {
			return nil, fmt.Errorf("run: layer %d of the encoder's with kernels gives samples of shape %v, but its counterpart in the decoder takes %v; want a decoder that mirrors the encoder to train stage by stage", i+1, e.out, d.in)
		}
		st := stretches{encoder: e.layers, decoder: d.layers, encoderAt: e.at, decoderAt: d.at}
		if i > 0 {
			st.encoder = append(nn.Layers{nn.Input(e.in)}, e.layers...)
		}
		if !e.out.Equal(d.in) {
			st.decoder = append(nn.Layers{nn.Reshape(d.in)}, d.layers...)
		}
		stages[i] = st
	}
	return stages, nil
}

// withKernels returns the places of a network's layers that have a kernel.
func withKernels(n *nn.Network) []int {
	var places []int
	for _, a := range n.Arrays() {
		if strings.Contains(a.Name, "kernel") && !slices.Contains(places, a.Layer) {
			places = append(places, a.Layer)
		}
	}
	return places
}

// piece is a stretch of a network's layers.
type piece struct {
	layers  nn.Layers
	in, out tensor.Shape
	at      int // of its weights among those of the network
}

// cut cuts a network in front of some of its layers.
func cut(n *nn.Network, places []int) ([]piece, error) {
	layers := n.Layers()
	list := make([]piece, len(places)+1)
	from, in := 0, n.Input()
	for i, to := range append(slices.Clone(places), len(layers)) {
		out, err := nn.OutputShape(in, layers[from:to]...)
		if err != nil {
			return nil, fmt.Errorf("run: train stage by stage: %w", err)
		}
		list[i] = piece{layers: layers[from:to], in: in, out: out}
		for _, a := range n.Arrays() {
			if a.Layer < from {
				list[i].at += len(a.Values)
			}
		}
		from, in = to, out
	}
	return list, nil
}

// stageKeeper keeps the stages in the checkpoints of the training that follows.
type stageKeeper struct{ numbers *Metrics }

var _ train.Stateful = stageKeeper{}

// Observe does nothing.
func (stageKeeper) Observe(train.Event, *train.Run) error { return nil }

// State returns the stages.
func (k stageKeeper) State() any { return k.numbers.Stages }

// SetState puts back what State returned.
func (k stageKeeper) SetState(text json.RawMessage) error {
	return json.Unmarshal(text, &k.numbers.Stages)
}
