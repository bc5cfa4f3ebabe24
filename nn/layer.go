// Package nn describes neural networks and runs them.
//
// A [Layer] is a description: a plain value such as
//
//	nn.Dense{Units: 100, Activation: nn.SELU}
//
// comparable to its namesake in Keras. [NewNetwork] binds layers to an input
// shape; the resulting [Network] owns all weights in one contiguous arena. A
// [Pass] is the scratch memory in which a network runs forward and backward on
// a batch of samples.
//
// # Repeatability
//
// The same seed gives the same bits for any number of workers. The work of a
// pass is split so that no sum is ever cut in two: activations and their
// gradients are computed sample by sample, a worker taking some of the samples;
// the gradients of parameters, which are sums over samples, are computed weight
// by weight, a worker taking some of the weights. The statistics of a batch, which
// BatchNormalization needs, are computed channel by channel. Random numbers are a
// function of (seed, step, stage, sample).
package nn

import (
	"hourglass/tensor"
)

// Layer describes one stage of a network. It is a value: nothing is allocated
// and no shape is known until it is bound.
//
// A layer written outside this package needs only this interface, and
// [Register] if it is to be stored in model files; its exported fields are then
// stored as JSON.
type Layer interface {
	// Bind fixes the layer to samples of shape in (without the batch axis). It
	// reports arguments out of range, and a shape the layer does not take, by
	// saying which one it got and which it wants; the caller names the layer.
	Bind(in tensor.Shape) (Stage, error)
}

// Stage is a layer bound to an input shape. It is immutable and shared by every
// pass of its network; all that changes lives in the [Frame].
type Stage interface {
	// Plan says what the stage needs and makes. It is called once per network.
	Plan() Plan
	// Forward computes Y from X for the frame's samples.
	Forward(f *Frame)
	// Backward computes DX from DY for the frame's samples. It may overwrite DY,
	// for instance by the gradient before the activation, and what it leaves
	// there is what Gradient finds. DX is nil where nothing in front learns.
	Backward(f *Frame)
}

// Trainable is a stage with parameters.
type Trainable interface {
	Stage
	// Gradient computes rows lo to hi of the gradient of one parameter, summed
	// over all samples of the frame, into Grads[param]. Parameters are cut into
	// rows along all axes but the last (a bias has rows of one value). Row by row
	// the result must not depend on where lo and hi lie, nor on Params and Derived,
	// which other workers may be changing already.
	Gradient(f *Frame, param, lo, hi int)
}

// Deriver is a trainable stage that keeps a form of its parameters for Backward,
// such as transposed weights, in Frame.Derived.
type Deriver interface {
	Trainable
	// Derive brings Derived up to date after rows lo to hi of param changed.
	Derive(f *Frame, param, lo, hi int)
}

// Coupled is a stage whose output for one sample depends on the whole batch. In a
// training step the executor waits until all samples have reached it, lets every
// worker gather what it needs of its channels over the batch, waits again, and
// goes on sample by sample.
type Coupled interface {
	Stage
	// Channels returns how many channels there are to share out; with none the
	// stage is not coupled.
	Channels() int
	// GatherForward computes for channels lo to hi what Forward needs of the whole
	// batch into Frame.Shared. It is called only when the frame is Training, or in all
	// runs of a training pass if the plan says GatherAlways.
	GatherForward(f *Frame, lo, hi int)
	// GatherBackward does so for Backward, in training and otherwise.
	GatherBackward(f *Frame, lo, hi int)
}

// Follower is a trainable stage with parameters that are Frozen for the optimiser
// and follow the data instead, such as running statistics.
type Follower interface {
	Trainable
	// Follow moves rows lo to hi of a frozen parameter, once a training step.
	Follow(f *Frame, param, lo, hi int)
}

// RepeatReader is a stage over sequences that can do with a single row of its
// input where all are the same, which is what RepeatVector makes.
type RepeatReader interface {
	Stage
	// ReadsRepeats reports whether Forward, Backward and Gradient heed
	// Frame.Repeated.
	ReadsRepeats() bool
}

// SigmoidEnding is a stage whose last operation is an element-wise sigmoid that
// it can leave out: when Frame.Logits is set, Forward writes and Backward
// expects values before the sigmoid. It lets a cross-entropy work on logits,
// which is exact where probabilities have been rounded to 0 or 1.
type SigmoidEnding interface {
	Stage
	EndsInSigmoid() bool
}

// Plan is what a bound stage needs from a pass and makes of its input.
type Plan struct {
	Output tensor.Shape // shape of one output sample
	Params []Param      // in the order they are stored in the arena
	View   bool         // the output is the input's memory under another shape
	// Repeat tells that the output is the input, once for every element of the
	// output's first axis.
	Repeat bool

	Memory    []int // arrays that Forward keeps for Backward: the values of a sample in each
	Workspace int   // scratch values of one worker
	Derived   int   // values kept by a Deriver
	Shared    int   // values that a Coupled stage gathers
	// Solo tells that nothing is gained by running many samples at once, so that a
	// few samples may go through several such stages while they are in the cache.
	Solo bool
	// GatherAlways tells that a Coupled stage is to gather in evaluation too, as for a
	// penalty of the whole batch.
	GatherAlways bool
	// DerivedAlways tells that Backward needs Derived also where DX is not wanted.
	DerivedAlways bool

	// Copies tells that in a training pass the stage makes so many outputs of each input,
	// one behind another: draws from a distribution, say. All stages behind it run on every
	// copy, up to one that Merges. 0 is 1. Memory is that of an input.
	Copies int
	// Merges tells that the stage makes one output of so many inputs, which a stage in front
	// has made of one. 0 is 1. Memory is that of an output.
	Merges int
	// Weighs tells that the Copies count for the loss by how likely they are; see
	// Frame.LogWeights. There can be one such stage in a network.
	Weighs bool
}

// copiesBehind returns how many copies of a sample there are of a stage's output, where
// there are so many of its input.
func (p *Plan) copiesBehind(before int) int {
	return max(before*max(p.Copies, 1)/max(p.Merges, 1), 1)
}

// Param describes one array of weights.
type Param struct {
	Name          string // "kernel", "bias"
	Shape         tensor.Shape
	Init          Initializer
	FanIn, FanOut int // for the initialiser
	// Frozen keeps the optimiser away: the values have no gradient and are not
	// counted as trainable.
	Frozen bool
}

// rows returns into how many rows of which length a parameter is cut.
func (p Param) rows() (count, length int) {
	if len(p.Shape) < 2 {
		return p.Shape.Size(), 1
	}
	length = p.Shape[len(p.Shape)-1]
	return p.Shape.Size() / length, length
}

// Frame is what a stage sees of a pass: N samples, one after another, of its
// input and output, their gradients, and its parameters. In Forward and
// Backward these are the samples of one worker, in Gradient all of the batch.
type Frame struct {
	N      int       // samples; with copies of samples, all of these
	Batch  int       // samples of the whole batch, likewise
	X, Y   []float32 // input and output, N×in and N×out
	DX, DY []float32 // gradients of the loss with respect to X and Y; DX may be nil
	// Copies is how many outputs there are of each of the N inputs, or how many inputs
	// of each of N outputs: 1 but for stages that plan Copies or Merges, in a training pass.
	Copies int
	// LogWeights and Shares are for a stage that Weighs, and have a value for every copy.
	// Forward writes to LogWeights what the copy adds to the negative loss of its sample beside
	// the reconstruction, in the units of a loss that is a mean over values. The loss of the sample is
	// -ln of the mean of the exponentials of both, times the number of values; when Backward
	// is called, Shares hold the share of every copy in the gradient, which add up to 1.
	LogWeights []float64
	Shares     []float32
	// Xs and DXs are all inputs of a stage with several and their gradients, of which
	// any may be nil; X and DX are the first. See Builder.AddStage.
	Xs, DXs [][]float32
	Labels  []float32 // the class of each sample, for a LabelReader; nil where the network has none. See Label
	// Memory holds N×Plan.Memory[i] values in array i. They are zero at first and
	// written by this stage only, in one pass.
	Memory [][]float32

	Common [][]float32 // what Builder.Remember has given the stage, of these samples

	Params [][]float32 // one slice a parameter
	Grads  [][]float32 // their gradients; nil when not training
	// SharedParams are the parameters of others that a Sharer uses, and SharedGrads their
	// gradients.
	SharedParams [][]float32
	SharedGrads  [][]float32
	Derived      []float32 // Plan.Derived values; nil in inference and, unless DerivedAlways, where DX is not wanted
	Workspace    []float32 // Plan.Workspace values of this worker, zero at first
	Shared       []float32 // Plan.Shared values of the batch

	// Penalties holds for each penalty of a Penalizer what the frame's samples add to the
	// loss, and Factors what each is multiplied by; nil in inference.
	Penalties [][]float64
	Factors   []float64
	// Measures holds for each measure of a Measurer that of each sample; nil in inference.
	Measures [][]float64
	measured []penaltyTerm // that Measures are of
	terms    []penaltyTerm // that Penalties are of

	Training bool // noise and dropout act only in training
	// Evaluating tells that a loss is evaluated: noise rests, but what is random by nature,
	// such as the codes of a variational autoencoder, is drawn.
	Evaluating bool
	Logits     bool // see SigmoidEnding
	Repeated   bool // X and DX hold one row a sample, which stands for all; see RepeatReader
	Random     Random
}
