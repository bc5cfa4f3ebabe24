package recipe

import (
	"context"
	"encoding/json"
	"fmt"

	"hourglass"
	"hourglass/dataset"
	"hourglass/loss"
	"hourglass/nn"
	"hourglass/optim"
	"hourglass/train"
)

// greedy is the stacked autoencoder trained stage by stage of Géron's notebook to chapter
// 17 (Hinton and Salakhutdinov 2006; Bengio et al. 2007).
var greedy = Recipe{
	Name:  "greedy",
	Title: "Stacked autoencoder, trained stage by stage",
	About: "A shallow autoencoder learns 100 numbers, another one 30 numbers of these; stacked they are the system that is then tuned as a whole. " +
		"Look at how good the loss is after the first epoch of that, and at the losses of the stages.",
	Shows: []string{CurvesFigure, ReconstructionFigure},

	Encoder:    stacked.Encoder,
	Decoder:    stacked.Decoder,
	Loss:       stacked.Loss,
	Optimizer:  optim.SGD{LearningRate: 0.1},
	Metrics:    stacked.Metrics,
	Epochs:     10,
	BatchSize:  32,
	Validation: 5000,

	Stages: func(ctx context.Context, s *Session) error { return s.trainStages(ctx) },
	Watch:  func(s *Session) train.Observer { return stageKeeper{s} },
	After: func(_ context.Context, s *Session) error {
		return s.showReconstructions(s.Data.Validation.Tensor(0, shownImages))
	},
}

// Stage is the training of a part of a model by itself.
type Stage struct {
	Layers string  `json:"layers"` // "784-100-784"
	Loss   string  `json:"loss"`
	Rate   float64 `json:"learning_rate"`
	// Training and Validation are the losses of the epochs.
	Training   []float64 `json:"training"`
	Validation []float64 `json:"validation"`
}

// trainStages trains the outer layers on images, the inner ones on the codes of those, and starts the
// model with the weights of both.
func (s *Session) trainStages(ctx context.Context) error {
	const wide, narrow = 100, 30
	outer, err := s.trainStage(ctx, 1, s.Train, s.Validation,
		nn.Layers{nn.Input{28, 28}, nn.Flatten{}, nn.Dense{Units: wide, Activation: nn.SELU}},
		nn.Layers{nn.Dense{Units: 28 * 28, Activation: nn.Sigmoid}, nn.Reshape{28, 28}},
		loss.BinaryCrossEntropy{}, optim.SGD{LearningRate: 1.5})
	if err != nil {
		return err
	}
	codes, err := outer.EncodeAll(ctx, s.Train)
	if err != nil {
		return err
	}
	unseen, err := outer.EncodeAll(ctx, s.Validation)
	if err != nil {
		return err
	}
	inner, err := s.trainStage(ctx, 2, dataset.Array{Tensor: codes}, dataset.Array{Tensor: unseen},
		nn.Layers{nn.Input{wide}, nn.Dense{Units: narrow, Activation: nn.SELU}},
		nn.Layers{nn.Dense{Units: wide, Activation: nn.SELU}},
		loss.MeanSquaredError{}, optim.SGD{LearningRate: 0.05})
	if err != nil {
		return err
	}
	for part, whole := range map[*nn.Network]*nn.Network{outer.Encoder(): s.Model.Encoder(), inner.Decoder(): s.Model.Decoder()} {
		copy(whole.Weights(), part.Weights())
	}
	for part, whole := range map[*nn.Network]*nn.Network{inner.Encoder(): s.Model.Encoder(), outer.Decoder(): s.Model.Decoder()} {
		copy(whole.Weights()[len(whole.Weights())-len(part.Weights()):], part.Weights())
	}
	return nil
}

// trainStage trains one stage and keeps its history.
func (s *Session) trainStage(ctx context.Context, number int, data, validation dataset.Source, encoder, decoder nn.Layers, l loss.Loss, o optim.Optimizer) (*hourglass.Autoencoder, error) {
	model, err := hourglass.New(encoder, decoder)
	if err != nil {
		return nil, err
	}
	model.Init(s.Options.Seed + uint64(number))
	values := model.Network().Input().Size()
	stage := Stage{Layers: fmt.Sprintf("%d-%d-%d", values, model.Encoder().Output().Size(), values), Loss: l.Name(), Rate: o.Rate()}
	name := fmt.Sprintf("stage %d of 2, %s", number, stage.Layers)
	history, err := s.Stage(ctx, number, name, model, data, validation, hourglass.Loss(l), hourglass.Optimizer(o),
		hourglass.Epochs(s.Recipe.Epochs), hourglass.BatchSize(s.Recipe.BatchSize))
	if err != nil {
		return nil, err
	}
	stage.Training, stage.Validation = history.Series("loss"), history.Series("val_loss")
	s.Metrics.Stages = append(s.Metrics.Stages, stage)
	return model, nil
}

// stageKeeper keeps the stages in the checkpoints of the training that follows.
type stageKeeper struct{ session *Session }

var _ train.Stateful = stageKeeper{}

// Observe does nothing.
func (stageKeeper) Observe(train.Event, *train.Run) error { return nil }

// State returns the stages.
func (k stageKeeper) State() any { return k.session.Metrics.Stages }

// SetState puts back what State returned.
func (k stageKeeper) SetState(text json.RawMessage) error {
	return json.Unmarshal(text, &k.session.Metrics.Stages)
}
