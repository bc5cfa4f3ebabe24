package anomaly

import (
	"context"
	"math/rand/v2"

	"hourglass/dataset"
	"hourglass/loss"
	"hourglass/nn"
	"hourglass/optim"
	"hourglass/tensor"
	"hourglass/train"
)

// How the small networks of [Masked] are made and trained, the same for all data.
const (
	maskedWidth  = 128  // of the hidden layers
	maskedSteps  = 1500 // of training
	maskedBatch  = 64
	maskedRate   = 2e-3
	maskedMost   = 0.5 // share of the values that is hidden at most
	maskedRounds = 3   // how often each value is hidden when samples are judged
	maskedGroups = 10  // into how many groups values are then divided to be hidden together
	maskedClip   = 5   // in front of the networks values beyond so many deviations are cut
)

// maskedNet is a small network that tells values of a sample from the others. Its input
// is a sample with some values hidden, as 0, and behind them which are, as 1; its output
// the whole sample. Trained on randomly hidden values, the loss being theirs alone, it is
// an autoencoder that cannot copy: Devlin et al. 2018 for words, Yin et al. 2024 ("MCM:
// masked cell modeling for anomaly detection in tabular data") for tables.
type maskedNet struct {
	network *nn.Network
	values  int
}

func newMaskedNet(values int) (*maskedNet, error) {
	network, err := nn.NewNetwork(tensor.Shape{2 * values},
		nn.Dense{Units: maskedWidth, Activation: nn.SELU},
		nn.Dense{Units: maskedWidth, Activation: nn.SELU},
		nn.Dense{Units: values})
	return &maskedNet{network, values}, err
}

// fit trains the network on samples.
func (m *maskedNet) fit(ctx context.Context, samples tensor.Tensor, seed uint64, threads int) error {
	m.network.Init(seed)
	trainer := train.Trainer{Network: m.network, Loss: loss.MeanSquaredError{}, Optimizer: optim.Adam{LearningRate: maskedRate},
		Schedule: train.OneCycle{Epochs: 1}, Epochs: 1, BatchSize: maskedBatch, Seed: seed, Threads: threads}
	_, err := trainer.Fit(ctx, &maskedSource{samples, seed}, nil)
	return err
}

// errors writes to dst, as long as samples, by how much each value differs from what the
// others say, the mean of several rounds.
func (m *maskedNet) errors(ctx context.Context, dst []float32, samples tensor.Tensor) error {
	const block = 64
	pass := m.network.NewPass(block)
	input := make([]float32, block*2*m.values)
	for lo := 0; lo < samples.Len(); lo += block {
		if err := ctx.Err(); err != nil {
			return err
		}
		hi := min(lo+block, samples.Len())
		part := samples.Slice(lo, hi)
		out := dst[lo*m.values : hi*m.values]
		for round := range maskedRounds {
			for _, group := range hiddenGroups(m.values, round) {
				m.predict(out, input, part, group, pass)
			}
		}
	}
	return nil
}

// predict adds the errors of a group of values, which is hidden.
func (m *maskedNet) predict(dst, input []float32, samples tensor.Tensor, group []int, pass *nn.Pass) {
	n := samples.Len()
	for i := range n {
		x, row := samples.Row(i), input[i*2*m.values:][:2*m.values]
		for j, v := range x {
			row[j] = clip(v)
		}
		hidden := row[m.values:]
		clear(hidden)
		for _, j := range group {
			row[j], hidden[j] = 0, 1
		}
	}
	y := pass.Forward(input[:n*2*m.values], n)
	for i := range n {
		x := samples.Row(i)
		for _, j := range group {
			dst[i*m.values+j] += (y[i*m.values+j] - x[j]) / maskedRounds
		}
	}
}

// hiddenGroups divides values at random, the same way for all samples.
func hiddenGroups(values, round int) [][]int {
	order := make([]int, values)
	dataset.Permutation(0, uint64(round), order)
	count := min(values, maskedGroups)
	groups := make([][]int, count)
	for g := range groups {
		groups[g] = order[g*values/count : (g+1)*values/count]
	}
	return groups
}

func clip(v float32) float32 { return max(-maskedClip, min(v, maskedClip)) }

// maskedSource has a sample for each place in the training: it is an original sample with
// values hidden that nothing but seed and place decide. Its targets are the original, its
// mask the values that are hidden.
type maskedSource struct {
	samples tensor.Tensor
	seed    uint64
}

// Faces of a maskedSource.
type maskedFace struct {
	*maskedSource
	face dataset.Face
}

var _ dataset.Faced = (*maskedSource)(nil)

func (s *maskedSource) Len() int             { return maskedSteps * maskedBatch }
func (s *maskedSource) Sample() tensor.Shape { return tensor.Shape{2 * s.samples.Sample().Size()} }

func (s *maskedSource) Face(f dataset.Face) dataset.Source {
	if f == dataset.Targets || f == dataset.Mask {
		return maskedFace{s, f}
	}
	return nil
}

func (s maskedFace) Sample() tensor.Shape { return s.samples.Sample() }

// hide writes which values of a sample are hidden, at least one.
func (s *maskedSource) hide(dst []float32, index int) {
	var generator rand.PCG
	generator.Seed(s.seed, uint64(index))
	share := uniform(&generator) * maskedMost
	first := int(uniform(&generator) * float64(len(dst)))
	for j := range dst {
		dst[j] = 0
		if j == first || uniform(&generator) < share {
			dst[j] = 1
		}
	}
}

// uniform returns a number in [0, 1).
func uniform(g *rand.PCG) float64 { return float64(g.Uint64()>>11) / (1 << 53) }

// Read makes samples. It allocates nothing.
func (s *maskedSource) Read(dst []float32, indices []int) error {
	n := s.samples.Sample().Size()
	for i, index := range indices {
		x, hidden := dst[2*n*i:][:n], dst[2*n*i+n:][:n]
		s.hide(hidden, index)
		for j, v := range s.samples.Row(index % s.samples.Len()) {
			x[j] = clip(v) * (1 - hidden[j])
		}
	}
	return nil
}

// Read gives targets or mask of the samples.
func (s maskedFace) Read(dst []float32, indices []int) error {
	n := s.samples.Sample().Size()
	for i, index := range indices {
		row := dst[n*i:][:n]
		if s.face == dataset.Mask {
			s.hide(row, index)
			continue
		}
		for j, v := range s.samples.Row(index % s.samples.Len()) {
			row[j] = clip(v)
		}
	}
	return nil
}
