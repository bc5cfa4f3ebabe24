package tsne

import (
	"fmt"
	"math"
)

// Options are the choices of [Embed] and [NewEmbedding]. A field left zero means
// its default, which is scikit-learn 1.2's.
type Options struct {
	Perplexity float64 // effective number of neighbours; default 30
	Init       Init    // what the map starts from; default PCA
	Gradient   Gradient

	EarlyExaggeration     float64 // factor on the attraction at first; default 12
	ExaggeratedIterations int     // how long; default 250
	Iterations            int     // of both stages together; default 1000

	// LearningRate is the step along the gradient; the default is
	// max(N/EarlyExaggeration/4, 50) (Belkina et al. 2019; scikit-learn's "auto"),
	// but no more than N: a few samples would be thrown apart.
	LearningRate float64

	// A stage ends early when, at one of its checks every 50 iterations, the
	// divergence has not improved for more than Patience iterations (default 300)
	// or the gradient's length is at most MinGradientNorm (default 10⁻⁷).
	Patience        int
	MinGradientNorm float64

	Seed    uint64 // of random initialisation
	Threads int    // default one per processor; results do not depend on it

	// Observe is called at the beginning of each stage, every Every iterations
	// (default 50) and at the end. An error from it ends the work and is returned.
	Observe func(Event) error
	Every   int
}

const (
	defaultPerplexity = 30
	checkEvery        = 50
	mapLimit          = 1e12 // no coordinate may reach it
)

// Init says what a map starts from.
type Init int

const (
	PCA    Init = iota // the first two principal components, see PCAInit
	Random             // see RandomInit
)

// Gradient says how the repulsion of all pairs of points is found.
type Gradient int

const (
	Automatic    Gradient = iota // Exact up to 500 points, Interpolated beyond
	Exact                        // sum over all pairs: cost N²
	Interpolated                 // convolution on a lattice: cost N and the map's area
)

// exactUpTo is where summing all pairs and interpolation take equally long.
const exactUpTo = 500

// Stage names the parts of the work.
type Stage int

const (
	AffinityStage     Stage = iota // neighbours and their calibrated affinities
	InitialStage                   // the first map
	ExaggerationStage              // optimisation with exaggerated attraction
	RefinementStage                // optimisation of the divergence itself
)

// String names the stage in lower case.
func (s Stage) String() string {
	names := [...]string{"affinities", "initialisation", "early exaggeration", "refinement"}
	if s < 0 || int(s) >= len(names) {
		return fmt.Sprintf("stage %d", int(s))
	}
	return names[s]
}

// Event is what an observer is told.
type Event struct {
	Stage      Stage
	Iteration  int        // how many are done
	Iterations int        // how many there will be at most
	Embedding  *Embedding // nil before the optimisation; do not optimise it from here
}

// withDefaults fills in the defaults for n samples and reports choices that make
// no sense.
func (o Options) withDefaults(n int) (Options, error) {
	fallback(&o.EarlyExaggeration, 12)
	fallback(&o.ExaggeratedIterations, 250)
	fallback(&o.Iterations, 1000)
	fallback(&o.LearningRate, min(float64(n), max(float64(n)/o.EarlyExaggeration/4, 50)))
	fallback(&o.Patience, 300)
	fallback(&o.MinGradientNorm, 1e-7)
	fallback(&o.Every, checkEvery)
	positive := map[string]float64{"early exaggeration": o.EarlyExaggeration, "learning rate": o.LearningRate,
		"minimum gradient norm": o.MinGradientNorm, "exaggerated iterations": float64(o.ExaggeratedIterations),
		"iterations": float64(o.Iterations), "patience": float64(o.Patience), "interval of observation": float64(o.Every)}
	for name, v := range positive {
		if !(v > 0) || math.IsInf(v, 1) {
			return o, fmt.Errorf("tsne: options: %s is %v, want a positive number", name, v)
		}
	}
	if o.Gradient < Automatic || o.Gradient > Interpolated {
		return o, fmt.Errorf("tsne: options: gradient is %d, want Automatic, Exact or Interpolated", o.Gradient)
	}
	if o.Init < PCA || o.Init > Random {
		return o, fmt.Errorf("tsne: options: init is %d, want PCA or Random", o.Init)
	}
	return o, nil
}

func fallback[T int | float64](v *T, or T) {
	if *v == 0 {
		*v = or
	}
}
