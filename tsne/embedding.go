package tsne

import (
	"context"
	"fmt"
	"math"
	"slices"

	"hourglass/internal/parallel"
	"hourglass/tensor"
)

// Momentum and gains of the gradient descent, as in scikit-learn: the gain of a
// coordinate grows by gainUp while the gradient points against its velocity and
// shrinks to the share gainDown else.
const (
	exaggeratedMomentum = 0.5
	refinedMomentum     = 0.8
	gainUp              = 0.2
	gainDown            = 0.8
	leastGain           = 0.01
)

// Embedding is a map in the making: the last stage of t-SNE, gradient descent on
// KL(P‖Q). It may be looked at between calls, never during one.
type Embedding struct {
	affinities *Affinities
	options    Options
	repulsion  repulsion

	points, velocity, gains []point
	gradient, repelled      []point
	z                       float64 // the sum of the kernels at points

	stage     Stage
	iteration int
	converged bool
	current   bool    // gradient and z are those of points
	kl, norm  float64 // at points, after measure
	best      float64 // the least divergence of this stage's checks
	bestAt    int     // and its iteration
	observed  moment  // that of the last event
}

// moment is when an event happens.
type moment struct {
	stage     Stage
	iteration int
}

// Embed makes a map of samples of shape N×(code), from the first stage to the
// last. If the context or an observer ends it during the optimisation, the
// embedding so far comes with the error; Run goes on with it.
func Embed(ctx context.Context, codes tensor.Tensor, o Options) (*Embedding, error) {
	o, err := o.withDefaults(max(1, codes.Len())) // before the long first stage
	if err != nil {
		return nil, err
	}
	if err := o.announce(AffinityStage); err != nil {
		return nil, err
	}
	affinities, err := NewAffinities(ctx, codes, o.Perplexity, o.Threads)
	if err != nil {
		return nil, err
	}
	if err := o.announce(InitialStage); err != nil {
		return nil, err
	}
	initial, err := o.initial(codes)
	if err != nil {
		return nil, err
	}
	e, err := NewEmbedding(affinities, initial, o)
	if err != nil {
		return nil, err
	}
	return e, e.Run(ctx)
}

func (o Options) initial(codes tensor.Tensor) (tensor.Tensor, error) {
	if o.Init == Random {
		return RandomInit(codes.Len(), o.Seed)
	}
	return PCAInit(codes, o.Seed)
}

func (o Options) announce(stage Stage) error {
	if o.Observe == nil {
		return nil
	}
	return o.Observe(Event{Stage: stage, Iterations: o.Iterations})
}

// NewEmbedding prepares the optimisation of an initial map, of shape N×2, of N
// samples. Maps of other dimensions are not supported.
func NewEmbedding(a *Affinities, initial tensor.Tensor, o Options) (*Embedding, error) {
	n := a.Len()
	points, err := a.pointsOf(initial)
	if err != nil {
		return nil, fmt.Errorf("tsne: embedding: %w", err)
	}
	if o, err = o.withDefaults(n); err != nil {
		return nil, err
	}
	e := &Embedding{affinities: a, options: o, points: points, velocity: make([]point, n), gains: make([]point, n),
		gradient: make([]point, n), repelled: make([]point, n), kl: math.NaN(), norm: math.NaN()}
	e.repulsion = &interpolatedRepulsion{}
	if o.Gradient == Exact || o.Gradient == Automatic && n <= exactUpTo {
		e.repulsion = &exactRepulsion{}
	}
	e.begin(ExaggerationStage)
	return e, nil
}

// Points returns a copy of the map, N×2.
func (e *Embedding) Points() tensor.Tensor {
	y := tensor.New(len(e.points), 2)
	for i, p := range e.points {
		y.Data[2*i], y.Data[2*i+1] = float32(p[0]), float32(p[1])
	}
	return y
}

// Iteration returns how many iterations are done.
func (e *Embedding) Iteration() int { return e.iteration }

// Stage returns the stage of the optimisation.
func (e *Embedding) Stage() Stage { return e.stage }

// Converged reports whether the last stage ended before its iterations were used
// up.
func (e *Embedding) Converged() bool { return e.converged }

// KL returns the divergence KL(P‖Q) of the map, without exaggeration, as of the
// last event or the end of the last call; NaN before. Like scikit-learn's
// kl_divergence_ it uses the Z of the gradient, interpolated as that may be; see
// [Affinities.KL] for the exact one.
func (e *Embedding) KL() float64 { return e.kl }

// GradientNorm returns the Euclidean length of the gradient where KL was measured,
// that of the exaggerated divergence in the stage of exaggeration.
func (e *Embedding) GradientNorm() float64 { return e.norm }

// Run optimises to the end of the iterations in the options, or what is left of
// them.
func (e *Embedding) Run(ctx context.Context) error {
	return e.Optimize(ctx, max(0, e.options.Iterations-e.iteration))
}

// Optimize does n more iterations, fewer only if the optimisation converges, the
// context ends or an observer returns an error; it may go beyond the iterations in
// the options. However a run is divided into calls, the map has the same bits.
func (e *Embedding) Optimize(ctx context.Context, n int) error {
	return parallel.Try(func() error { return e.optimize(ctx, n) })
}

func (e *Embedding) optimize(ctx context.Context, n int) error {
	c := newCrew(e.options.Threads)
	defer c.team.Close()
	for range n {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("tsne: optimise: stopped after iteration %d: %w", e.iteration, err)
		}
		if err := e.arrive(c); err != nil || e.converged {
			return err
		}
		e.evaluate(c)
		if !e.update(c) {
			return fmt.Errorf("tsne: optimise: iteration %d: the map diverged, want a learning rate below %v",
				e.iteration, e.options.LearningRate)
		}
		e.iteration++
	}
	e.measure(c)
	return e.observe()
}

// arrive does what is due before an iteration: a new stage, an event, a check.
func (e *Embedding) arrive(c *crew) error {
	first := e.iteration == 0
	if e.stage == ExaggerationStage && e.iteration >= e.options.ExaggeratedIterations {
		e.begin(RefinementStage)
		first = true
	}
	check := e.iteration > 0 && e.iteration%checkEvery == 0
	if !first && !check && e.iteration%e.options.Every != 0 {
		return nil
	}
	e.measure(c)
	if check && e.stalled() {
		if e.converged = e.stage == RefinementStage; !e.converged {
			e.begin(RefinementStage)
			e.measure(c)
			first = true
		}
	}
	if first || e.converged || e.iteration%e.options.Every == 0 {
		return e.observe()
	}
	return nil
}

// begin enters a stage, at rest.
func (e *Embedding) begin(stage Stage) {
	e.stage, e.best, e.bestAt, e.current = stage, math.Inf(1), e.iteration, false
	clear(e.velocity)
	for i := range e.gains {
		e.gains[i] = point{1, 1}
	}
}

// stalled reports whether the measured divergence says that the stage is over.
func (e *Embedding) stalled() bool {
	if e.kl < e.best {
		e.best, e.bestAt = e.kl, e.iteration
	}
	return e.iteration-e.bestAt > e.options.Patience || e.norm <= e.options.MinGradientNorm
}

// observe tells the observer of the iteration, once in each stage.
func (e *Embedding) observe() error {
	now := moment{e.stage, e.iteration}
	if e.options.Observe == nil || e.observed == now {
		return nil
	}
	e.observed = now
	return e.options.Observe(Event{Stage: e.stage, Iteration: e.iteration, Iterations: e.options.Iterations, Embedding: e})
}

// evaluate finds the gradient of the divergence,
//
//	∂KL/∂y_i = 4·(Σ_j P_ij·q·(y_i-y_j) - Σ_j q²/Z·(y_i-y_j))
//
// with P multiplied by the stage's exaggeration.
func (e *Embedding) evaluate(c *crew) {
	if e.current {
		return
	}
	exaggeration := 1.0
	if e.stage == ExaggerationStage {
		exaggeration = e.options.EarlyExaggeration
	}
	e.z = e.repulsion.forces(c, e.points, e.repelled)
	c.each(blocksOf(len(e.points), pointBlock), func(_, b int) {
		for i := b * pointBlock; i < min((b+1)*pointBlock, len(e.points)); i++ {
			force := attract(e.points[i], e.points, e.affinities.row(i))
			for a, repelled := range e.repelled[i] {
				e.gradient[i][a] = 4 * (exaggeration*force[a] - repelled/e.z)
			}
		}
	})
	e.current = true
}

// measure finds the divergence and the length of the gradient.
func (e *Embedding) measure(c *crew) {
	e.evaluate(c)
	e.kl = e.affinities.divergence(c, e.points, e.z)
	var squares float64
	for _, g := range e.gradient {
		squares += g[0]*g[0] + g[1]*g[1]
	}
	e.norm = math.Sqrt(squares)
}

// update moves the points. It reports whether all stayed within the limits of a
// map; those that would not have stay where they are.
func (e *Embedding) update(c *crew) bool {
	momentum := exaggeratedMomentum
	if e.stage == RefinementStage {
		momentum = refinedMomentum
	}
	blocks := blocksOf(len(e.points), pointBlock)
	lost := make([]bool, blocks)
	c.each(blocks, func(_, b int) {
		for i := b * pointBlock; i < min((b+1)*pointBlock, len(e.points)); i++ {
			for a := range e.points[i] {
				lost[b] = !e.move(i, a, momentum) || lost[b]
			}
		}
	})
	e.current = false
	return !slices.Contains(lost, true)
}

func (e *Embedding) move(i, a int, momentum float64) bool {
	gradient, velocity, gain := e.gradient[i][a], &e.velocity[i][a], &e.gains[i][a]
	if *velocity*gradient < 0 {
		*gain += gainUp
	} else {
		*gain = max(*gain*gainDown, leastGain)
	}
	*velocity = momentum**velocity - e.options.LearningRate**gain*gradient
	y := e.points[i][a] + *velocity
	if !(math.Abs(y) < mapLimit) {
		return false
	}
	e.points[i][a] = y
	return true
}
