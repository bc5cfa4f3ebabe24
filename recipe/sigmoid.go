package recipe

import (
	"context"
	"encoding/json"

	"hourglass/loss"
	"hourglass/nn"
	"hourglass/optim"
	"hourglass/train"
)

// sigmoid is the lecture's first PyTorch program.
var sigmoid = Recipe{
	Name:  "sigmoid",
	Title: "PyTorch's sigmoid autoencoder",
	About: "Codes of 128 numbers between 0 and 1, found with Adam in a hundred epochs. " +
		"Look at the grids, where test images can hardly be told from their reconstructions, " +
		"and at how many digits are recognised from ten labelled examples of each.",
	Shows: []string{CurvesFigure, trainingGrid, testGrid, reconstructedGrid,
		labelledGrid, recognisedGrid, confusionFigure, lectureLabelledGrid, lectureRecognisedGrid},

	Encoder: nn.Layers{
		nn.Input{28, 28},
		nn.Flatten{},
		torchLinear(256, nn.Sigmoid),
		torchLinear(128, nn.Sigmoid),
	},
	Decoder: nn.Layers{
		torchLinear(256, nn.Sigmoid),
		torchLinear(28*28, nn.Sigmoid),
		nn.Reshape{28, 28},
	},
	Loss:      loss.MeanSquaredError{},
	Optimizer: optim.Adam{Torch: true},
	Epochs:    100,
	BatchSize: 128,

	Watch: func(s *Session) train.Observer { return &summedLoss{session: s} },
	After: func(ctx context.Context, s *Session) error {
		if err := s.showGrids(); err != nil {
			return err
		}
		return s.recognize(ctx)
	},
}

// summedLoss prints the loss summed over the steps of every tenth epoch, the
// first included, as the lecture does, and keeps it for the metrics.
type summedLoss struct {
	session *Session
	sum     float64
}

var _ train.Stateful = (*summedLoss)(nil)

// summedLossState is what a resumed run must know.
type summedLossState struct {
	Sum    float64     `json:"sum"`
	Epochs []EpochLoss `json:"epochs"`
}

// State returns the sum so far and what has been printed.
func (o *summedLoss) State() any { return summedLossState{o.sum, o.session.Metrics.SummedLoss} }

// SetState puts back what State returned.
func (o *summedLoss) SetState(text json.RawMessage) error {
	var state summedLossState
	err := json.Unmarshal(text, &state)
	o.sum, o.session.Metrics.SummedLoss = state.Sum, state.Epochs
	return err
}

// EpochLoss is the summed loss of an epoch, counted from 1.
type EpochLoss struct {
	Epoch int     `json:"epoch"`
	Loss  float64 `json:"loss"`
}

// Observe sums the losses of the steps.
func (o *summedLoss) Observe(e train.Event, r *train.Run) error {
	switch e {
	case train.Stepped:
		o.sum += r.BatchLoss
	case train.EpochEnded:
		if i := r.Epoch - 1; i%10 == 0 {
			o.session.Logf("====> Epoch: %d Average loss: %.9f\n", i, o.sum)
			o.session.Metrics.SummedLoss = append(o.session.Metrics.SummedLoss, EpochLoss{r.Epoch, o.sum})
		}
		o.sum = 0
	}
	return nil
}
