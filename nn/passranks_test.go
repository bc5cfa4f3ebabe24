package nn

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"hourglass/internal/golden"
	"hourglass/internal/parallel"
	"hourglass/ranks"
	"hourglass/tensor"
)

// rankRun is what a rank has after a step.
type rankRun struct {
	output, gradients []float32
	penalties         []float64
}

// runRanks takes a step of a network on a group of ranks, each with so many workers.
func runRanks(t *testing.T, layers Layers, shape tensor.Shape, classes, n, size, workers int) []rankRun {
	t.Helper()
	runs := make([]rankRun, size)
	var wait sync.WaitGroup
	for _, g := range ranks.Local(size) {
		net, err := NewNetwork(shape, layers...)
		if err != nil {
			t.Fatal(err)
		}
		net.Init(3)
		wait.Go(func() {
			team := parallel.NewTeam(workers)
			defer team.Close()
			p := net.NewTrainingPass(n+3, PassOptions{Workers: workers, Ranks: g})
			for step := range uint64(2) { // the second finds what the first has left in the memory
				p.StartTraining(n, 5, step)
				team.Run(func(w *parallel.Worker) {
					lo, hi := p.Share(w)
					x := golden.Values(11+step, n*shape.Size(), 0, 1)
					copy(p.InputRows(lo, hi), rows(x, lo, hi, shape.Size()))
					for i := range p.LabelRows(lo, hi) {
						p.LabelRows(lo, hi)[i] = float32((lo + i + int(step)) % classes)
					}
					p.ForwardShare(w, lo, hi)
					copy(p.OutputGradients(lo, hi), golden.Values(2, n*net.Output().Size()*p.Copies(), -1, 1)[lo*net.Output().Size()*p.Copies():])
					p.BackwardShare(w, lo, hi)
					w.Barrier()
					p.meet(w, func() error { return p.GatherBatch(true) })
					p.GradientShare(w, func(lo, hi int) {
						for i := lo; i < hi; i++ {
							net.Weights()[i] -= p.Gradients()[i] / 64
						}
					})
				})
			}
			p.must(p.gatherOutput())
			r := &runs[g.Rank()]
			r.output, r.gradients = slices.Clone(p.OutputRows(0, n)), slices.Concat(p.Gradients(), net.Weights())
			for i := range n {
				for j := range net.Penalties() {
					r.penalties = append(r.penalties, p.Penalty(j, i))
				}
				for j := range net.Measures() {
					r.penalties = append(r.penalties, p.Measure(j, i))
				}
			}
		})
	}
	wait.Wait()
	return runs
}

// rankLayers are layers with something of their own that ranks exchange; those of train's
// TestBits are compared there.
var rankLayers = map[string]Layers{
	"contractive":      {Flatten{}, Contractive{Layers: Layers{Dense{Units: 5, Activation: Tanh}}, Weight: 0.1}, Dense{Units: 36}},
	"attention":        {MultiHeadAttention{Heads: 2, KeyDim: 3}, Flatten{}, Dense{Units: 36}},
	"several draws":    {Flatten{}, Parallel{Branches: []Layers{{Dense{Units: 3}}, {Dense{Units: 3}}}}, ImportanceSampling{Samples: 3}, Dense{Units: 36}},
	"correlation":      {Flatten{}, Parallel{Branches: []Layers{{Dense{Units: 3}}, {Dense{Units: 3}}}}, TCSampling{Weight: 0.1, Correlation: 4, Samples: 100}, Dense{Units: 36}},
	"capacity":         {Flatten{}, Parallel{Branches: []Layers{{Dense{Units: 3}}, {Dense{Units: 3}}}}, Sampling{Weight: 0.1, Capacity: 2}, Dense{Units: 36}},
	"in time":          {TimeDistributed{Layer: Dense{Units: 3}}, TimeDistributed{Layer: BatchNormalization{}}, GRU{Units: 3, ResetBefore: true}, Dense{Units: 36}},
	"tied":             {Flatten{}, Named{Name: "a", Layer: Dense{Units: 7, Activation: GELU}}, Tied{To: "a"}},
	"frozen and named": {Flatten{}, Dense{Units: 4}, Frozen{Layer: BatchNormalization{}}, Frozen{Layer: Dense{Units: 9}}, Dense{Units: 36}},
	"skips":            {Flatten{}, Tap{Name: "a"}, Dense{Units: 36, Activation: SELU}, Join{Name: "a"}, Dense{Units: 36}},
	"labels":           {Flatten{}, Dense{Units: 5}, BatchNormalization{}, Condition{Classes: 3, Embedding: 2}, Dense{Units: 36}},
}

// Outputs, gradients, penalties and what weights become are the same bits for any number of
// ranks, whether there are fewer samples than ranks or more, with one worker each and with several.
func TestRanks(t *testing.T) {
	for name, layers := range rankLayers {
		for _, n := range []int{2, 9} {
			want := runRanks(t, layers, tensor.Shape{6, 6}, 3, n, 1, 1)[0]
			for _, size := range []int{2, 3, 5} {
				for rank, got := range runRanks(t, layers, tensor.Shape{6, 6}, 3, n, size, 1+size%2) {
					if !slices.Equal(got.output, want.output) || !slices.Equal(got.gradients, want.gradients) || !slices.Equal(got.penalties, want.penalties) {
						t.Errorf("%s, %d samples: rank %d of %d has other bits than one alone", name, n, rank, size)
					}
				}
			}
		}
	}
}

// Forward and Backward, which are for a single worker, give all ranks all outputs and gradients.
func TestRanksOfOneWorker(t *testing.T) {
	net := func() *Network {
		n, err := NewNetwork(tensor.Shape{4}, Dense{Units: 3, Activation: Tanh}, Dense{Units: 4})
		if err != nil {
			t.Fatal(err)
		}
		n.Init(1)
		return n
	}
	x, dy := golden.Values(1, 5*4, -1, 1), golden.Values(2, 5*4, -1, 1)
	step := func(p *Pass) string {
		y := fmt.Sprint(p.ForwardTraining(x, 5, 1, 2), p.Forward(x, 5))
		p.Backward(dy)
		return fmt.Sprint(y, p.Gradients())
	}
	want := step(net().NewTrainingPass(5, PassOptions{}))
	var wait sync.WaitGroup
	for _, g := range ranks.Local(3) {
		n := net()
		wait.Go(func() {
			if got := step(n.NewTrainingPass(5, PassOptions{Ranks: g})); got != want {
				t.Errorf("rank %d has %s, want %s", g.Rank(), got, want)
			}
		})
	}
	wait.Wait()
}
