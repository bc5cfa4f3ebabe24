package anomaly

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mathext"
)

// PValues returns for each score by a method how likely a normal sample is to score as
// high: (1 + the number of n held-out normal samples that did) / (n + 1), which is right
// whatever the distribution of the scores (Vovk, Gammerman and Shafer 2005, "Algorithmic
// learning in a random world").
func (d *Detector) PValues(m Method, scores []float64) ([]float64, error) {
	held, err := d.held(m)
	if err != nil {
		return nil, err
	}
	p := make([]float64, len(scores))
	for i, s := range scores {
		p[i] = float64(1+atLeast(held, s)) / float64(len(held)+1)
	}
	return p, nil
}

func (d *Detector) held(m Method) ([]float64, error) {
	held, ok := d.heldOut[m]
	if !ok {
		return nil, fmt.Errorf("anomaly: the method %.40q is not among those learned, %v", m, d.Methods())
	}
	return held, nil
}

// Threshold is a score above which samples are called unusual.
type Threshold struct {
	Score float64 `json:"score"`
	// Rate is the share of normal samples wanted above it, HeldOut by how many held-out
	// samples it was learned.
	Rate    float64 `json:"rate"`
	HeldOut int     `json:"held_out"`
	// Low and High are what the rate on normal samples really is within, with a
	// probability of 0.9: it has a beta distribution.
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// intervalProbability is that of a threshold's interval.
const intervalProbability = 0.9

// Threshold returns the score of a method above which a share, the rate, of normal samples
// is expected: the k-th highest of n held-out ones for k = rate·(n+1), rounded down. The true rate
// above it has the beta distribution of k and n+1-k (of an order statistic). With fewer
// than 1/rate-1 held-out samples it is the highest of their scores, and the interval says
// how far from the rate wanted that may be.
func (d *Detector) Threshold(m Method, rate float64) (Threshold, error) {
	if !(rate >= 0 && rate <= 1) {
		return Threshold{}, fmt.Errorf("anomaly: threshold: a rate of %v, want 0 to 1", rate)
	}
	held, err := d.held(m)
	if err != nil {
		return Threshold{}, err
	}
	n := len(held)
	// The product is rounded up a little: 0.07·100 is less than 7.
	k := min(max(int(math.Floor(rate*float64(n+1)*(1+1e-12))), 1), n)
	const each = (1 - intervalProbability) / 2
	a, b := float64(k), float64(n+1-k)
	return Threshold{held[n-k], rate, n, mathext.InvRegIncBeta(a, b, each), mathext.InvRegIncBeta(a, b, 1-each)}, nil
}
