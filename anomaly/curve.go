package anomaly

import (
	"cmp"
	"fmt"
	"slices"
)

// Curve is how well scores tell unusual samples from normal ones, at every threshold.
type Curve struct {
	// ROCAUC is the area under the receiver operating characteristic: the chance that an
	// unusual sample scores higher than a normal one (half if they score alike). 0.5 is
	// what guessing reaches.
	ROCAUC float64 `json:"roc_auc"`
	// AveragePrecision is the mean of the precisions at the thresholds, weighted by what
	// each adds to the recall. Guessing reaches the share of unusual samples.
	AveragePrecision float64 `json:"average_precision"`
	// Points has the curves themselves, from the highest threshold to the lowest.
	Points []Point `json:"-"`
}

// Point is what a threshold comes to: the shares of samples at or above it.
type Point struct {
	Threshold     float64
	FalseAlarms   float64 // of the normal samples
	Recall        float64 // of the unusual samples
	Precision     float64 // share of unusual ones among those at or above the threshold
	Unusual, Flag int     // how many unusual ones, and how many samples, are at or above it
}

// NewCurve judges scores by what is known to be unusual, as scikit-learn's roc_auc_score
// and average_precision_score do. There must be both kinds of samples.
func NewCurve(scores []float64, unusual []bool) (*Curve, error) {
	if len(scores) != len(unusual) {
		return nil, fmt.Errorf("anomaly: curve: %d scores and %d labels, want as many", len(scores), len(unusual))
	}
	order, positives := make([]int, len(scores)), 0
	for i, is := range unusual {
		order[i] = i
		if is {
			positives++
		}
	}
	negatives := len(scores) - positives
	if positives == 0 || negatives == 0 {
		return nil, fmt.Errorf("anomaly: curve: %d unusual samples and %d normal ones, want some of each", positives, negatives)
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(scores[b], scores[a]) })
	c := &Curve{}
	var last Point
	hits := 0
	for at := 0; at < len(order); {
		threshold := scores[order[at]]
		for ; at < len(order) && scores[order[at]] == threshold; at++ {
			if unusual[order[at]] {
				hits++
			}
		}
		p := Point{Threshold: threshold, Unusual: hits, Flag: at, Recall: float64(hits) / float64(positives),
			FalseAlarms: float64(at-hits) / float64(negatives), Precision: float64(hits) / float64(at)}
		c.ROCAUC += (p.FalseAlarms - last.FalseAlarms) * (p.Recall + last.Recall) / 2
		c.AveragePrecision += (p.Recall - last.Recall) * p.Precision
		c.Points, last = append(c.Points, p), p
	}
	return c, nil
}
