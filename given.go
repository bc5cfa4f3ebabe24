package hourglass

import (
	"context"
	"fmt"
	"iter"

	"hourglass/dataset"
	"hourglass/nn"
	"hourglass/tensor"
)

// Conditioned is an autoencoder together with the labels of the samples it is given; see
// [Autoencoder.Given]. Its methods are those of the autoencoder.
type Conditioned struct {
	model  *Autoencoder
	labels []int
}

// Given returns the autoencoder for samples whose labels are known, which one with layers
// that ask for labels (nn.Condition) needs to encode and to decode: one label for each sample
// that the methods are then given, or one for all of them.
//
//	threes, err := ae.Given(3).Decode(codes)
//
// Encoding wants none where only the decoder asks for labels, nor decoding where only the
// encoder does. What reads its samples from a source (EncodeAll, ScoreAll, Fit, Evaluate,
// LearnScores) takes the labels from there, from the face dataset.Labels.
func (a *Autoencoder) Given(labels ...int) Conditioned { return Conditioned{a, labels} }

// Classes returns of how many classes the labels are that layers of the autoencoder ask
// for (nn.Condition), 0 if none does.
func (a *Autoencoder) Classes() int { return a.whole.Classes() }

// Encode is [Autoencoder.Encode] of samples with these labels.
func (g Conditioned) Encode(x tensor.Tensor) (tensor.Tensor, error) {
	const verb = "encode"
	if err := checkBatch(verb, x, g.model.encoder.Input()); err != nil {
		return tensor.Tensor{}, err
	}
	return g.model.encode(context.Background(), call{verb: verb, x: x.Data, labels: g.labels}, x.Len())
}

// Decode is [Autoencoder.Decode] of codes with these labels.
func (g Conditioned) Decode(codes tensor.Tensor) (tensor.Tensor, error) {
	const verb = "decode"
	if err := g.model.checkCodes(verb, codes); err != nil {
		return tensor.Tensor{}, err
	}
	return g.model.reconstruct(context.Background(), call{verb: verb, x: codes.Data, decode: true, labels: g.labels}, codes.Len())
}

// DecodeInto is [Autoencoder.DecodeInto] of codes with these labels.
func (g Conditioned) DecodeInto(ctx context.Context, dst []float32, codes tensor.Tensor) error {
	const verb = "decode"
	if err := g.model.checkCodes(verb, codes); err != nil {
		return err
	}
	if err := checkRoom(verb, "samples", false, len(dst), codes.Len()*g.model.whole.Output().Size()); err != nil {
		return err
	}
	return g.model.infer(ctx, call{verb: verb, x: codes.Data, decode: true, labels: g.labels, Output: Output{Reconstructions: dst}}, codes.Len())
}

// Reconstruct is [Autoencoder.Reconstruct] of samples with these labels.
func (g Conditioned) Reconstruct(x tensor.Tensor) (tensor.Tensor, error) {
	const verb = "reconstruct"
	if err := checkBatch(verb, x, g.model.whole.Input()); err != nil {
		return tensor.Tensor{}, err
	}
	return g.model.reconstruct(context.Background(), call{verb: verb, x: x.Data, labels: g.labels}, x.Len())
}

// Score is [Autoencoder.Score] of samples with these labels.
func (g Conditioned) Score(x tensor.Tensor) ([]float64, error) {
	const verb = "score"
	if err := checkBatch(verb, x, g.model.whole.Input()); err != nil {
		return nil, err
	}
	return g.model.score(context.Background(), call{verb: verb, x: x.Data, labels: g.labels}, x.Len())
}

// Run is [Autoencoder.Run] of samples with these labels.
func (g Conditioned) Run(ctx context.Context, x tensor.Tensor, want Want) (Results, error) {
	const verb = "run"
	var r Results
	if err := checkBatch(verb, x, g.model.whole.Input()); err != nil {
		return r, err
	}
	var err error
	if want.Codes {
		if r.Codes, err = room(verb, x.Len(), g.model.encoder); err != nil {
			return Results{}, err
		}
	}
	if want.Reconstructions {
		if r.Reconstructions, err = room(verb, x.Len(), g.model.whole); err != nil {
			return Results{}, err
		}
	}
	if want.Residuals {
		if r.Residuals, err = room(verb, x.Len(), g.model.whole); err != nil {
			return Results{}, err
		}
	}
	if want.Scores {
		r.Scores = make([]float64, x.Len())
	}
	out := Output{Codes: r.Codes.Data, Reconstructions: r.Reconstructions.Data, Residuals: r.Residuals.Data, Scores: r.Scores}
	if err := g.model.infer(ctx, call{verb: verb, x: x.Data, labels: g.labels, Output: out}, x.Len()); err != nil {
		return Results{}, err
	}
	return r, nil
}

// RunInto is [Autoencoder.RunInto] of samples with these labels.
func (g Conditioned) RunInto(ctx context.Context, out Output, x tensor.Tensor) error {
	const verb = "run"
	if err := checkBatch(verb, x, g.model.whole.Input()); err != nil {
		return err
	}
	n := x.Len()
	if err := checkRoom(verb, "codes", out.Codes == nil, len(out.Codes), n*g.model.encoder.Output().Size()); err != nil {
		return err
	}
	if err := checkRoom(verb, "reconstructions", out.Reconstructions == nil, len(out.Reconstructions), n*g.model.whole.Output().Size()); err != nil {
		return err
	}
	if err := checkRoom(verb, "residuals", out.Residuals == nil, len(out.Residuals), n*g.model.whole.Output().Size()); err != nil {
		return err
	}
	if err := checkRoom(verb, "scores", out.Scores == nil, len(out.Scores), n); err != nil {
		return err
	}
	return g.model.infer(ctx, call{verb: verb, x: x.Data, labels: g.labels, Output: out}, n)
}

// EncodeSeq is [Autoencoder.EncodeSeq] of samples with these labels.
func (g Conditioned) EncodeSeq(samples iter.Seq[[]float32]) iter.Seq2[[]float32, error] {
	return g.seq("encode", &g.model.encoding, samples, func(c call, n int) (tensor.Tensor, error) {
		return g.model.encode(context.Background(), c, n)
	})
}

// DecodeSeq is [Autoencoder.DecodeSeq] of codes with these labels.
func (g Conditioned) DecodeSeq(codes iter.Seq[[]float32]) iter.Seq2[[]float32, error] {
	if err := g.model.decoder.Complete(); err != nil {
		return func(yield func([]float32, error) bool) { yield(nil, fmt.Errorf("hourglass: decode: %w", err)) }
	}
	return g.seq("decode", &g.model.decoding, codes, func(c call, n int) (tensor.Tensor, error) {
		c.decode = true
		return g.model.reconstruct(context.Background(), c, n)
	})
}

// ReconstructSeq is [Autoencoder.ReconstructSeq] of samples with these labels.
func (g Conditioned) ReconstructSeq(samples iter.Seq[[]float32]) iter.Seq2[[]float32, error] {
	return g.seq("reconstruct", &g.model.reconstructing, samples, func(c call, n int) (tensor.Tensor, error) {
		return g.model.reconstruct(context.Background(), c, n)
	})
}

// part returns the labels of n samples of a stream, of which the first has a number in it.
// There may be too few, which the call will find.
func (g Conditioned) part(first, n int) []int {
	if len(g.labels) <= 1 {
		return g.labels
	}
	return g.labels[min(first, len(g.labels)):min(first+n, len(g.labels))]
}

// checkLabels reports labels that the networks a call runs do not ask for, or not such.
func (a *Autoencoder) checkLabels(c *call, n int) error {
	given := len(c.labels)
	switch classes := a.entry(c).network.Classes(); {
	case given > 0 && a.Classes() == 0:
		return fmt.Errorf("got %d labels, but no layer of the model asks for some", given)
	case classes == 0 || c.source != nil && given == 0:
		return nil
	case given == 0:
		return fmt.Errorf("the model asks for labels of %d classes, want Given(labels) in front", classes)
	case given > 1 && given != n:
		return fmt.Errorf("got %d labels for %d samples, want one for each, or one for all", given, n)
	}
	for i, label := range c.labels {
		if label < 0 || label >= a.Classes() {
			return fmt.Errorf("label %d is %d, want 0 to %d", i, label, a.Classes()-1)
		}
	}
	return nil
}

// readLabels puts the labels of samples lo to hi into the scratch, if the call has some and
// a network asks for them.
func (a *Autoencoder) readLabels(c *call, s *scratch, lo, hi int) error {
	s.labels = s.labels[:0]
	switch {
	case a.entry(c).network.Classes() == 0:
		return nil
	case c.source != nil && len(c.labels) == 0:
		return a.sourceLabels(c, s, hi-lo)
	}
	for i := lo; i < hi; i++ {
		s.labels = append(s.labels, float32(c.labels[min(i, len(c.labels)-1)]))
	}
	return nil
}

// lackOfLabels is the error of a source without labels that layers ask for.
func (a *Autoencoder) lackOfLabels() error {
	return fmt.Errorf("the model asks for labels of %d classes, but the samples have none; want data with labels (dataset.Labels)", a.Classes())
}

// sourceLabels reads those of the n samples that the scratch has the numbers of.
func (a *Autoencoder) sourceLabels(c *call, s *scratch, n int) error {
	face := dataset.FaceOf(c.source, dataset.Labels)
	if face == nil {
		return a.lackOfLabels()
	}
	s.labels = append(s.labels, make([]float32, n)...)
	if err := face.Read(s.labels, s.indices); err != nil {
		return err
	}
	for i, label := range s.labels {
		if err := nn.CheckLabel(label, a.Classes()); err != nil {
			return fmt.Errorf("sample %d has the %w", c.first+s.indices[i], err)
		}
	}
	return nil
}
