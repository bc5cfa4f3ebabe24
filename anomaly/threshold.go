package anomaly

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mathext"
)

// PValues returns for each score by a method how likely a normal sample is to score as
// high: (1 + the number of n held-out normal samples that did) / (n + 1), which is right
// whatever the distribution of the scores (Vovk, Gammerman and Shafer 2005, "Algorithmic
// learning in a random world"). Held-out samples that depend on each other count as so
// many fewer, see [Options].
func (d *Detector) PValues(m Method, scores []float64) ([]float64, error) {
	held, err := d.held(m)
	if err != nil {
		return nil, err
	}
	p := make([]float64, len(scores))
	for i, s := range scores {
		p[i] = (1 + float64(atLeast(held, s))/max(d.dependence, 1)) / (d.independent(held) + 1)
	}
	return p, nil
}

// independent is as how many independent samples those held out count.
func (d *Detector) independent(held []float64) float64 {
	return float64(len(held)) / max(d.dependence, 1)
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
	// Seen says that training samples are among those that it was learned from, so that the
	// rate may well be higher.
	Seen bool `json:"seen,omitempty"`
}

// intervalProbability is that of a threshold's interval.
const intervalProbability = 0.9

// Threshold returns the score of a method above which a share, the rate, of normal samples
// is expected: the k-th highest of n held-out ones for k = rate·(n+1), rounded down. The true rate
// above it has the beta distribution of k and n+1-k (of an order statistic). With fewer
// than 1/rate-1 held-out samples it is the highest of their scores, and the interval says
// how far from the rate wanted that may be.
//
// Samples that depend on each other are fewer than they seem, as a rule too few to have
// seen one in 1/rate: then the share that is as high as their highest, 1/(n+1), is taken to
// fall beyond it as it does within the tail, as a Pareto distribution's; the interval is that
// of the highest, made smaller alike.
func (d *Detector) Threshold(m Method, rate float64) (Threshold, error) {
	if !(rate >= 0 && rate <= 1) {
		return Threshold{}, fmt.Errorf("anomaly: threshold: a rate of %v, want 0 to 1", rate)
	}
	held, err := d.held(m)
	if err != nil {
		return Threshold{}, err
	}
	if d.dependence > 1 {
		return d.dependentThreshold(m, rate, held), nil
	}
	n := len(held)
	// The product is rounded up a little: 0.07·100 is less than 7.
	k := min(max(int(math.Floor(rate*float64(n+1)*(1+1e-12))), 1), n)
	const each = (1 - intervalProbability) / 2
	a, b := float64(k), float64(n+1-k)
	return Threshold{Score: held[n-k], Rate: rate, HeldOut: n, Low: mathext.InvRegIncBeta(a, b, each), High: mathext.InvRegIncBeta(a, b, 1-each)}, nil
}

// dependentThreshold is Threshold where held-out samples depend on each other.
func (d *Detector) dependentThreshold(m Method, rate float64, held []float64) Threshold {
	n := d.independent(held)
	k := max(rate*(n+1), 1)
	const each = (1 - intervalProbability) / 2
	t := Threshold{Rate: rate, HeldOut: max(int(n), 1), Seen: d.seen}
	t.Low, t.High = mathext.InvRegIncBeta(k, max(n+1-k, 1), each), mathext.InvRegIncBeta(k, max(n+1-k, 1), 1-each)
	above := min(int(k*d.dependence), len(held))
	if k > 1 {
		t.Score = held[len(held)-above]
		return t
	}
	beyond := 1 / ((n + 1) * max(rate, leastRate))
	t.Score = d.beyond(m, held, beyond)
	t.Low, t.High = t.Low/beyond, t.High/beyond
	return t
}

// leastRate stands for a rate of 0, which no distribution's tail ends at.
const leastRate = 1e-6

// beyond returns the score that so many times fewer normal samples have than are as high
// as the highest held-out one.
func (d *Detector) beyond(m Method, held []float64, times float64) float64 {
	highest := held[len(held)-1]
	if m == Combined { // which is minus the logarithm of such a share
		return highest + math.Log(times)
	}
	s := newSurprise(held)
	return highest + float64((s.scale+highest-s.above)*(times-1))
}
