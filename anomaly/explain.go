package anomaly

import (
	"cmp"
	"context"
	"slices"

	"hourglass/tensor"
)

// Contributions returns by how much each value of each sample makes it unusual, as shares
// that sum to 1: N×(sample). They are the squares of what the value differs by from what
// the other values say ([Masked]) and from its reconstruction, each in units of what is
// usual for that value; the mean of both shares. A sample that is as expected in every
// way has zeros.
func (d *Detector) Contributions(ctx context.Context, v Views) (tensor.Tensor, error) {
	if err := d.fits("explain", v); err != nil {
		return tensor.Tensor{}, err
	}
	shares := tensor.New(v.Len(), d.values)
	parts := 1 + min(len(d.masked), 1)
	row := make([]float64, d.values)
	for i := range v.Len() {
		for j, r := range v.Residuals.Row(i) {
			row[j] = float64(r) * float64(r) / float64(d.whitening.variance[j])
		}
		addShares(shares.Row(i), row, parts)
	}
	if d.masked == nil {
		return shares, nil
	}
	samples := d.space(v)
	total, wrong := make([]float64, len(samples.Data)), make([]float32, len(samples.Data))
	for _, net := range d.masked {
		clear(wrong)
		if err := net.errors(ctx, wrong, samples); err != nil {
			return tensor.Tensor{}, err
		}
		for i, e := range wrong {
			total[i] += float64(e) * float64(e) / float64(d.spread[i%d.values])
		}
	}
	for i := range v.Len() {
		addShares(shares.Row(i), total[i*d.values:(i+1)*d.values], parts)
	}
	return shares, nil
}

// addShares adds the shares that squares have of their sum, divided by the number of parts.
func addShares(dst []float32, squares []float64, parts int) {
	sum := 0.0
	for _, s := range squares {
		sum += s
	}
	if sum == 0 {
		return
	}
	for j, s := range squares {
		dst[j] += float32(s / sum / float64(parts))
	}
}

// Heaviest returns which values of a row of [Detector.Contributions] weigh most, at most so
// many, the heaviest first; those without weight are left out.
func Heaviest(shares []float32, most int) []int {
	var order []int
	for j, s := range shares {
		if s > 0 {
			order = append(order, j)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(shares[b], shares[a]) })
	return order[:min(most, len(order))]
}
