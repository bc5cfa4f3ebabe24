package anomaly

import (
	"math"
	"sort"
)

// surprise turns the scores of a method into numbers that can be compared with those of
// others: −ln of the share of normal samples that score as high. Beyond the last tenth
// of the normal scores that share is taken to fall as a Pareto distribution's tail does,
// so that what is far out is told apart, yet no method drowns the others.
type surprise struct {
	sorted []float64 // scores of normal samples
	above  float64   // where the tail begins
	scale  float64   // mean excess over it
	tail   int       // normal samples in the tail
}

// newSurprise learns from scores of normal samples, at least one.
func newSurprise(scores []float64) *surprise {
	s := &surprise{sorted: kept(scores)}
	n := len(s.sorted)
	s.tail = min(max(3, n/10), n)
	s.above = s.sorted[max(n-s.tail-1, 0)]
	for _, v := range s.sorted[n-s.tail:] {
		s.scale += (v - s.above) / float64(s.tail)
	}
	if !(s.scale > 0) {
		s.scale = math.Max(math.Abs(s.above), 1) * 1e-6
	}
	return s
}

// of returns the surprise of a score.
func (s *surprise) of(score float64) float64 {
	n := float64(len(s.sorted))
	if score > s.above {
		return -math.Log((float64(s.tail)+1)/(n+1)) + math.Log1p(min((score-s.above)/s.scale, math.MaxFloat64))
	}
	return -math.Log(float64(atLeast(s.sorted, score)+1) / (n + 1))
}

// atLeast counts the sorted scores that are as high as one.
func atLeast(sorted []float64, score float64) int {
	return len(sorted) - sort.SearchFloat64s(sorted, score)
}
