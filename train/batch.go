package train

import (
	"fmt"

	"hourglass/dataset"
	"hourglass/internal/parallel"
	"hourglass/loss"
	"hourglass/nn"
)

// sides is what a source has for the samples of a batch besides, where it has it.
type sides struct {
	source []dataset.Source // by dataset.Face; nil for none
	values [][]float32      // of the batch

	present []int       // values of each sample that are there, if there is a mask
	compact [][]float32 // of each worker: prediction, target and gradient of a sample without what is missing
}

// use makes source what the loop reads from, and makes room for what it has besides.
func (l *loop) use(source dataset.Source, what string) {
	l.source, l.what = source, what
	size, capacity := l.trainer.Network.Output().Size(), len(l.losses)
	s := &l.sides
	if s.source == nil {
		s.source, s.values = make([]dataset.Source, len(dataset.Faces())), make([][]float32, len(dataset.Faces()))
	}
	for _, f := range dataset.Faces() {
		s.source[f] = dataset.FaceOf(source, f)
		if f == dataset.Labels && l.trainer.Network.Classes() == 0 {
			s.source[f] = nil
		}
		if s.source[f] != nil && s.values[f] == nil {
			s.values[f] = make([]float32, capacity*s.source[f].Sample().Size())
		}
	}
	if s.source[dataset.Mask] != nil && s.present == nil {
		s.present = make([]int, capacity)
		s.compact = make([][]float32, l.team.Size())
		for w := range s.compact {
			s.compact[w] = make([]float32, 3*size)
		}
	}
}

// checkSides reports what a source has besides that does not fit the network.
func checkSides(n *nn.Network, what string, source dataset.Source) error {
	targets := dataset.FaceOf(source, dataset.Targets)
	if targets == nil && n.Output().Size() != n.Input().Size() {
		return fmt.Errorf("train: the network gives samples of shape %v for inputs of shape %v, want as many elements", n.Output(), n.Input())
	}
	if n.Classes() > 0 && dataset.FaceOf(source, dataset.Labels) == nil {
		return fmt.Errorf("train: the network has layers that ask for labels of %d classes, but the %s samples have none; want data with labels (dataset.Labels)", n.Classes(), what)
	}
	for i, want := range [...]int{dataset.Targets: n.Output().Size(), dataset.Weights: 1, dataset.Mask: n.Output().Size(), dataset.Labels: 1} {
		f := dataset.Face(i)
		face := dataset.FaceOf(source, f)
		switch {
		case face == nil:
		case face.Len() != source.Len():
			return fmt.Errorf("train: %d %s samples have %v for %d", source.Len(), what, f, face.Len())
		case face.Sample().Size() != want:
			return fmt.Errorf("train: %v of %s samples have shape %v, want %d values", f, what, face.Sample(), want)
		}
	}
	return nil
}

// has reports whether the source has a face.
func (l *loop) has(f dataset.Face) bool { return l.sides.source[f] != nil }

// rows returns a face of samples lo to hi of the batch.
func (s *sides) rows(f dataset.Face, lo, hi int) []float32 {
	size := s.source[f].Sample().Size()
	return s.values[f][lo*size : hi*size]
}

// read reads samples lo to hi of the batch, and all that belongs to them.
func (l *loop) read(lo, hi int) error {
	if err := l.readFrom(l.source, l.pass.InputRows(lo, hi), lo, hi); err != nil {
		return err
	}
	for f, source := range l.sides.source {
		if source == nil {
			continue
		}
		if err := l.readFrom(source, l.sides.rows(dataset.Face(f), lo, hi), lo, hi); err != nil {
			return err
		}
	}
	for i := lo; i < hi; i++ {
		if err := l.checkSides(i); err != nil {
			return err
		}
	}
	if l.has(dataset.Labels) { // the network only gets to see what has been checked
		copy(l.pass.LabelRows(lo, hi), l.sides.rows(dataset.Labels, lo, hi))
	}
	return nil
}

// readFrom reads samples lo to hi of the batch from a source, as they are in this epoch or, in
// an evaluation, as they are.
func (l *loop) readFrom(source dataset.Source, dst []float32, lo, hi int) error {
	if !l.training {
		return source.Read(dst, l.batch[lo:hi])
	}
	return dataset.ReadEpoch(source, dst, l.batch[lo:hi], dataset.Epoch{Seed: l.trainer.Seed, Number: uint64(l.epochs) + 1})
}

// checkSides checks label, weight and mask of sample i of the batch and counts what is there.
func (l *loop) checkSides(i int) error {
	if l.has(dataset.Labels) {
		if err := nn.CheckLabel(l.sides.values[dataset.Labels][i], l.trainer.Network.Classes()); err != nil {
			return fmt.Errorf("sample %d has the %w", l.batch[i], err)
		}
	}
	if l.has(dataset.Weights) {
		if w := l.sides.values[dataset.Weights][i]; !(w >= 0) || !finite(float64(w)) {
			return fmt.Errorf("sample %d has the weight %v, want at least 0", l.batch[i], w)
		}
	}
	if !l.has(dataset.Mask) {
		return nil
	}
	l.sides.present[i] = 0
	for j, m := range l.sides.rows(dataset.Mask, i, i+1) {
		switch {
		case m == 1:
			l.sides.present[i]++
		case m != 0:
			return fmt.Errorf("value %d of the mask of sample %d is %v, want 0 or 1", j, l.batch[i], m)
		case l.has(dataset.Targets):
			l.sides.rows(dataset.Targets, i, i+1)[j] = 0 // whatever stands for what is missing
		}
	}
	return nil
}

// targetRows returns what samples lo to hi of the batch are to become.
func (l *loop) targetRows(lo, hi int) []float32 {
	if l.has(dataset.Targets) {
		return l.sides.rows(dataset.Targets, lo, hi)
	}
	return l.pass.InputRows(lo, hi)
}

// entries returns the number of values in the batch that count.
func (l *loop) entries() int {
	if !l.has(dataset.Mask) {
		return len(l.batch) * l.trainer.Network.Output().Size()
	}
	sum := 0
	for _, n := range l.sides.present[:len(l.batch)] {
		sum += n
	}
	return max(sum, 1)
}

// judge computes loss and metrics of sample i of the batch, and the gradient of
// the loss unless grad is nil.
func (l *loop) judge(w *parallel.Worker, i int, grad []float32, scale float32) {
	if l.failures[w.Index] != nil {
		return // the step comes to nothing
	}
	weight := float32(1)
	if l.has(dataset.Weights) {
		weight = l.sides.values[dataset.Weights][i]
	}
	if l.perCopy != nil {
		l.judgeCopies(w, i, grad, scale, weight)
		return
	}
	target, output := l.targetRows(i, i+1), l.pass.OutputRows(i, i+1)
	var mask []float32
	whole := grad
	if l.has(dataset.Mask) {
		mask = l.sides.rows(dataset.Mask, i, i+1)
		output, target, grad = l.pack(w, i, output, target, grad)
	}
	if masked, ok := l.bound[w.Index].(loss.Masked); ok && mask != nil {
		l.losses[i] = masked.EvalMasked(whole, l.pass.OutputRows(i, i+1), l.targetRows(i, i+1), mask, scale*weight)
		grad = nil // it is in its place
	} else {
		l.losses[i] = l.evaluateOutput(w, grad, output, target, scale*weight)
	}
	if l.has(dataset.Weights) {
		l.losses[i] *= float64(weight)
	}
	if mask != nil && grad != nil {
		unpack(whole, grad, mask)
	}
	own := l.metrics[len(l.metrics)-len(l.trainer.Metrics):]
	for j, m := range l.trainer.Metrics {
		own[j][i] = m.Eval(output, target)
	}
}

// evaluateOutput returns the loss of an output, and its gradient unless grad is nil. Logits
// become probabilities.
func (l *loop) evaluateOutput(w *parallel.Worker, grad, output, target []float32, scale float32) float64 {
	if l.logits != nil {
		return l.logits[w.Index].EvalLogits(grad, output, target, scale)
	}
	return l.bound[w.Index].Eval(grad, output, target, scale)
}

// binarize draws samples lo to hi of the batch, if the trainer wants that.
func (l *loop) binarize(w *parallel.Worker, lo, hi int) {
	if !l.trainer.Binarize {
		return
	}
	drawn := l.drawn[w.Index]
	for i := lo; i < hi; i++ {
		l.pass.Uniform(drawn, i)
		x := l.pass.InputRows(i, i+1)
		for j, p := range x {
			if x[j] = 0; drawn[j] < p {
				x[j] = 1
			}
		}
	}
}

// pack copies what is there of a sample into the worker's memory, without gaps.
func (l *loop) pack(w *parallel.Worker, i int, output, target, grad []float32) (o, t, g []float32) {
	n, size, memory := l.sides.present[i], len(output), l.sides.compact[w.Index]
	o, t = memory[:n], memory[size:size+n]
	if grad != nil {
		g = memory[2*size : 2*size+n]
	}
	at := 0
	for j, m := range l.sides.rows(dataset.Mask, i, i+1) {
		if m != 0 {
			o[at], t[at] = output[j], target[j]
			at++
		}
	}
	return o, t, g
}

// unpack puts the gradients of what is there in their places, and 0 in the others.
func unpack(whole, packed, mask []float32) {
	at := 0
	for j, m := range mask {
		if whole[j] = 0; m != 0 {
			whole[j] = packed[at]
			at++
		}
	}
}

// masked reports whether the bound loss can do with missing entries in their places.
func (t *Trainer) masked() bool {
	bound, err := t.bindLoss()
	_, ok := bound.(loss.Masked)
	return ok && err == nil
}

// bindLoss returns the loss for the samples that the network gives.
func (t *Trainer) bindLoss() (loss.Loss, error) {
	b, ok := t.Loss.(loss.Binder)
	if !ok {
		return t.Loss, nil
	}
	bound, err := b.Bind(t.Network.Output())
	if err != nil {
		return nil, fmt.Errorf("train: loss %s for samples of shape %v: %w", t.Loss.Name(), t.Network.Output(), err)
	}
	return bound, nil
}
