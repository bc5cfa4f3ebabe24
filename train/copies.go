package train

import (
	"math"

	"hourglass/internal/kernel"
	"hourglass/internal/parallel"
	"hourglass/internal/portable"
)

// copies is what the loop keeps of networks that make several outputs of a sample.
type copies struct {
	tightening []float64   // of each sample of the batch; see Tightening
	perCopy    [][]float64 // of each worker: the losses of a sample's outputs
}

// allocateCopies makes room for the outputs of a sample, if there are several.
func (l *loop) allocateCopies(capacity, threads int) {
	n := l.trainer.Network
	if !n.Weighs() && n.Copies() == 1 {
		return
	}
	l.tightening = make([]float64, capacity)
	for range threads {
		l.perCopy = append(l.perCopy, make([]float64, n.Copies()))
	}
}

// judgeCopies is judge for a network that makes several outputs of a sample: their losses
// and gradients count by their shares, which are alike unless the network weighs.
func (l *loop) judgeCopies(w *parallel.Worker, i int, grads []float32, scale, weight float32) {
	losses, size := l.perCopy[w.Index], l.trainer.Network.Output().Size()
	target, outputs := l.targetRows(i, i+1), l.pass.OutputRows(i, i+1)
	own := l.metrics[len(l.metrics)-len(l.trainer.Metrics):]
	for j := range own {
		own[j][i] = 0
	}
	for k := range losses {
		output := outputs[k*size : (k+1)*size]
		losses[k] = float64(weight) * l.evaluateOutput(w, copyOf(grads, k, size), output, target, scale*weight)
		for j, m := range l.trainer.Metrics {
			own[j][i] += m.Eval(output, target) / float64(len(losses))
		}
	}
	l.losses[i] = 0
	for _, loss := range losses {
		l.losses[i] += loss / float64(len(losses))
	}
	share := func(int) float32 { return 1 / float32(len(losses)) }
	if l.trainer.Network.Weighs() {
		shares := l.weigh(i, losses)
		share = func(k int) float32 { return shares[k] }
	}
	for k := range losses {
		if grad := copyOf(grads, k, size); grad != nil {
			kernel.Scale(grad, grad, share(k))
		}
	}
}

// copyOf returns the k-th of several rows, nil of nil.
func copyOf(rows []float32, k, size int) []float32 {
	if rows == nil {
		return nil
	}
	return rows[k*size : (k+1)*size]
}

// weigh notes the tightening of sample i, whose outputs have such losses, and returns the outputs'
// shares in the gradient: of w = exp(-loss)·p(z)/q(z|x), each divided by their sum.
func (l *loop) weigh(i int, losses []float64) (shares []float32) {
	logWeights, shares := l.pass.LogWeights(i)
	values, most := float64(l.trainer.Network.Output().Size()), math.Inf(-1)
	var divergence, sum float64
	for k, loss := range losses {
		prior := float64(values * logWeights[k])
		divergence -= prior / float64(len(losses))
		losses[k] = prior - loss
		most = max(most, losses[k])
	}
	for _, w := range losses {
		sum += portable.Exp(w - most)
	}
	for k, w := range losses {
		shares[k] = float32(portable.Exp(w-most) / sum)
	}
	bound := most + portable.Log(sum/float64(len(losses)))
	l.tightening[i] = -bound - l.losses[i] - divergence
	return shares
}
