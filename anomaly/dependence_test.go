package anomaly

import (
	"math"
	"testing"
)

// The dependence is the sum of the autocorrelations.
func TestWindowDependence(t *testing.T) {
	for _, window := range []int{1, 2, 32, 60} {
		sum := 0.0
		for k := -window + 1; k < window; k++ {
			r := 1 - math.Abs(float64(k))/float64(window)
			sum += r * r
		}
		if got := WindowDependence(window); math.Abs(got-sum) > 1e-9 {
			t.Errorf("window %d: %v, want %v", window, got, sum)
		}
	}
}

// A hundred scores of which ten say as much as one independent are ten.
func TestThresholdOfDependentSamples(t *testing.T) {
	d := &Detector{dependence: 10, seen: true, heldOut: map[Method][]float64{}}
	for i := range 100 {
		d.heldOut[Combined] = append(d.heldOut[Combined], float64(i))
		d.heldOut[Whitened] = append(d.heldOut[Whitened], float64(i))
	}
	for rate, want := range map[float64]float64{
		1.0 / 11: 99,                    // one of the ten is as high as the highest
		4.0 / 11: 60,                    // four of them, which are forty rows
		0.01:     99 + math.Log(1/0.11), // surprise is minus the logarithm of the share
	} {
		limit, err := d.Threshold(Combined, rate)
		if err != nil || math.Abs(limit.Score-want) > 1e-9 || limit.HeldOut != 10 || !limit.Seen {
			t.Errorf("rate %v: %+v, %v, want %v of 10", rate, limit, err, want)
		}
		if !(limit.Low <= rate && rate <= limit.High) {
			t.Errorf("rate %v is not within %v and %v", rate, limit.Low, limit.High)
		}
	}
	last := 0.0
	for _, rate := range []float64{0.5, 0.1, 0.05, 0.01, 0.001, 0} {
		limit, err := d.Threshold(Whitened, rate)
		if err != nil || !(limit.Score > last) || math.IsInf(limit.Score, 0) {
			t.Errorf("rate %v: threshold %v, %v, want more than %v", rate, limit.Score, err, last)
		}
		last = limit.Score
	}
	p, err := d.PValues(Combined, []float64{200, 90, 0})
	if want := []float64{1.0 / 11, 2.0 / 11, 1}; err != nil || math.Abs(p[0]-want[0])+math.Abs(p[1]-want[1])+math.Abs(p[2]-want[2]) > 1e-9 {
		t.Errorf("p-values %v, %v, want %v", p, err, want)
	}
}

// Two steps of a feature with means 0 and 2 and deviations 1 have one of √2 together.
func TestAlikeIsTheDeviationOverAllSteps(t *testing.T) {
	center, deviation := []float32{0, 5, 2, 5}, []float32{1, 3, 1, 3}
	alike(center, deviation, 2)
	root := float32(math.Sqrt2)
	if want := [4]float32{root, 3, root, 3}; [4]float32(deviation) != want {
		t.Errorf("deviations %v, want %v", deviation, want)
	}
}
