package workflow

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"hourglass/anomaly"
	"hourglass/dataset"
	"hourglass/figure"
	"hourglass/tensor"
)

// Scored is a sample and how unusual it is.
type Scored struct {
	Index   int     `json:"index"` // among the samples, from 0
	Sample  string  `json:"sample"`
	Group   string  `json:"group,omitempty"` // of a row of a series
	Score   float64 `json:"score"`
	Outlier bool    `json:"outlier,omitempty"`
	// Unscored is a row of a series in a stretch that is shorter than a window.
	Unscored bool `json:"unscored,omitempty"`
	// P is how likely a normal sample is to score as high, if the model has learned that.
	P       *float64 `json:"p,omitempty"`
	Label   string   `json:"label,omitempty"`
	Because []Reason `json:"because,omitempty"` // the values that weigh most, the heaviest first
}

// Reason is a value of a sample that makes it unusual, and its share in that.
type Reason struct {
	Value string  `json:"value"` // its column, or its place in the array
	Share float64 `json:"share"`
}

// Ranking is what [Model.Rank] comes to.
type Ranking struct {
	Method  anomaly.Method `json:"method"`
	Samples int            `json:"samples"`
	// Threshold is the score that outliers exceed; nil if the model has none. With a
	// detector FalseAlarms says how it came about.
	Threshold   *float64           `json:"threshold"`
	FalseAlarms *anomaly.Threshold `json:"false_alarms,omitempty"`
	Outliers    int                `json:"outliers"`
	// Curve is how well the scores tell the labels, if it is known which are normal.
	Curve  *anomaly.Curve `json:"curve,omitempty"`
	Scores []Scored       `json:"scores"` // highest first; of a series in the order of the rows
}

// RankOptions are the choices of [Model.Rank].
type RankOptions struct {
	// Method is how samples are scored; empty for the best there is: [anomaly.Combined], or
	// the reconstruction error of a model that has learned nothing of normal samples.
	Method anomaly.Method
	Rate   float64 // share of normal samples that may be called outliers
	// Normal is the label of normal samples, if the data has labels; empty for that of the
	// samples that the model was trained on alone, if it was ([TrainOptions.Only]).
	Normal string
	// Explain is how many reasons are given for each outlier; 0 for none.
	Explain  int
	Progress func(done, total int) // told now and then how many are done; may be nil
}

// Rank scores all samples, highest first; of equals the earlier sample is first. Of a series
// it scores every row, by the window that ends with it, and keeps their order.
func (m *Model) Rank(ctx context.Context, in *Input, o RankOptions) (*Ranking, error) {
	detector, err := m.Detector()
	if err != nil {
		return nil, err
	}
	if o.Method == "" && detector == nil {
		o.Method = anomaly.Reconstruction
	}
	var rows *Input
	if in.Series != nil {
		every, err := in.EveryRow()
		if err != nil {
			return nil, err
		}
		rows, in = in, &Input{every}
	}
	r := &Ranking{Method: cmp.Or(o.Method, anomaly.Combined), Samples: in.Len()}
	if o.Explain > 0 && detector == nil {
		return nil, fmt.Errorf("workflow: %s has not learned what normal samples are like, by which outliers are explained; it must be trained with some set aside for validation", m.Path)
	}
	scores, err := m.ScoreBy(ctx, in, r.Method, o.Progress)
	if err != nil {
		return nil, err
	}
	for i, score := range scores {
		r.Scores = append(r.Scores, Scored{Index: i, Sample: in.SampleName(i), Score: score, Label: in.Label(i)})
	}
	if err := r.limit(m, detector, scores, o.Rate); err != nil {
		return nil, err
	}
	for i := range r.Scores {
		r.Scores[i].Outlier = r.Threshold != nil && r.Scores[i].Score > *r.Threshold
	}
	normal := cmp.Or(o.Normal, m.Record.Only)
	if rows != nil {
		if err := m.explainOutliers(ctx, in, detector, r.Scores, o.Explain); err != nil {
			return nil, err
		}
		r.spread(rows)
		return r, r.judge(rows, normal)
	}
	if err := r.judge(in, normal); err != nil {
		return nil, err
	}
	slices.SortStableFunc(r.Scores, func(a, b Scored) int { return cmp.Compare(b.Score, a.Score) })
	for r.Outliers < r.Samples && r.Scores[r.Outliers].Outlier {
		r.Outliers++
	}
	return r, m.explain(ctx, in, detector, r.Scores[:r.Outliers], o.Explain)
}

// judge compares the scores with the labels, if it is known which are normal.
func (r *Ranking) judge(in *Input, normal string) (err error) {
	if in.Labels == nil || normal == "" {
		return nil
	}
	if !slices.Contains(in.Classes, normal) {
		return fmt.Errorf("workflow: score: no sample of %s has the label %.40q of normal ones", in.Path, normal)
	}
	var unusual []bool
	var scores []float64
	for _, s := range r.Scores {
		if !s.Unscored {
			scores, unusual = append(scores, s.Score), append(unusual, s.Label != normal)
		}
	}
	if !slices.Contains(unusual, true) {
		return nil
	}
	r.Curve, err = anomaly.NewCurve(scores, unusual)
	return err
}

// limit finds the threshold and how likely the scores are.
func (r *Ranking) limit(m *Model, detector *anomaly.Detector, scores []float64, rate float64) error {
	if detector == nil {
		if threshold, err := m.Threshold(1 - rate); err == nil {
			r.Threshold = &threshold
		}
		return nil
	}
	t, err := detector.Threshold(r.Method, rate)
	if err != nil {
		return err
	}
	r.FalseAlarms, r.Threshold = &t, &t.Score
	p, err := detector.PValues(r.Method, scores)
	for i := range p {
		r.Scores[i].P = &p[i]
	}
	return err
}

// explain finds for each of some samples the values that weigh most.
func (m *Model) explain(ctx context.Context, in *Input, detector *anomaly.Detector, scored []Scored, most int) error {
	if most == 0 || len(scored) == 0 {
		return nil
	}
	shares, err := m.contributions(ctx, in, detector, indicesOf(scored))
	if err != nil {
		return err
	}
	columns := m.reasons(in)
	for i := range scored {
		row := shares.Row(i)
		if in.Schema != nil {
			row = foldColumns(row, in.Schema)
		}
		row = byColumn(row, len(columns))
		for _, j := range anomaly.Heaviest(row, most) {
			scored[i].Because = append(scored[i].Because, Reason{columns[j], float64(row[j])})
		}
	}
	return nil
}

// indicesOf returns which samples were scored.
func indicesOf(scored []Scored) []int {
	indices := make([]int, len(scored))
	for i := range scored {
		indices[i] = scored[i].Index
	}
	return indices
}

// Contributions returns by how much each value of some samples makes them unusual, as shares
// that sum to 1: N×(sample). The model must have learned what normal samples are like (see
// [Model.Detector]).
func (m *Model) Contributions(ctx context.Context, in *Input, samples ...int) (tensor.Tensor, error) {
	detector, err := m.Detector()
	if err != nil {
		return tensor.Tensor{}, err
	}
	if detector == nil {
		return tensor.Tensor{}, fmt.Errorf("workflow: %s has not learned what normal samples are like, by which others are explained", m.Path)
	}
	return m.contributions(ctx, in, detector, samples)
}

// contributions returns by how much each value of some samples makes them unusual.
func (m *Model) contributions(ctx context.Context, in *Input, detector *anomaly.Detector, indices []int) (tensor.Tensor, error) {
	source, err := m.samples(in)
	if err != nil {
		return tensor.Tensor{}, err
	}
	if source, err = dataset.Subset(source, indices); err != nil {
		return tensor.Tensor{}, err
	}
	v, err := m.views(ctx, source)
	if err != nil {
		return tensor.Tensor{}, err
	}
	return detector.Contributions(ctx, v)
}

// HeatMaps draws the first of some images that were scored, at most so many, each beside
// itself with the pixels in red that make it unusual.
func (m *Model) HeatMaps(ctx context.Context, in *Input, scored []Scored, most int) (*figure.Figure, error) {
	if !IsImage(in.Shape()) || IsSeries(in.Data) {
		return nil, fmt.Errorf("workflow: heat maps are of images, but %s has samples of shape %v", in.Path, in.Shape())
	}
	detector, err := m.Detector()
	if err != nil {
		return nil, err
	}
	if detector == nil {
		return nil, fmt.Errorf("workflow: %s has not learned what normal samples are like, by which heat maps are drawn", m.Path)
	}
	scored = scored[:min(most, len(scored))]
	shares, err := m.contributions(ctx, in, detector, indicesOf(scored))
	if err != nil {
		return nil, err
	}
	height, width := in.Shape()[0], in.Shape()[1]
	pairs, labels := tensor.New(2*len(scored), height, width, 3), make([]string, 2*len(scored))
	x, pixels := make([]float32, in.Shape().Size()), height*width
	r := m.Range()
	for i, s := range scored {
		if err := in.Samples.Read(x, []int{s.Index}); err != nil {
			return nil, err
		}
		for j := range x {
			x[j] = max(0, min((x[j]-r.Low)/(r.High-r.Low), 1))
		}
		paint(pairs.Row(2*i), pairs.Row(2*i+1), x, shares.Row(i), len(x)/pixels)
		labels[2*i], labels[2*i+1] = s.Sample, "why"
	}
	return figure.Grid(pairs, 2*min(len(scored), heatColumns), figure.GridOptions{Labels: labels})
}

// heatColumns is how many images with their heat maps stand beside each other.
const heatColumns = 4

// paint writes an image of so many channels in colours, plain and with its shares in red
// over a paler picture of it.
func paint(plain, hot, x, shares []float32, channels int) {
	largest := slices.Max(shares)
	for p := range len(x) / channels {
		heat := float32(0)
		for c := range channels {
			heat = max(heat, shares[p*channels+c])
		}
		if largest > 0 {
			heat /= largest
		}
		for c := range 3 {
			v := x[p*channels+c%channels]
			plain[3*p+c] = v
			hot[3*p+c] = v / 2 * (1 - heat)
			if c == 0 {
				hot[3*p+c] += heat
			}
		}
	}
}

// ScoreBy returns the score of each sample by a method. Progress is told now and then how
// many are done; it may be nil.
func (m *Model) ScoreBy(ctx context.Context, in *Input, method anomaly.Method, progress func(done, total int)) ([]float64, error) {
	source, err := m.samples(in)
	if err != nil {
		return nil, err
	}
	score, err := m.scorer(method)
	if err != nil {
		return nil, err
	}
	const mostSamples, mostValues = 1 << 13, 1 << 22 // between two reports
	block := max(min(mostSamples, mostValues/source.Sample().Size()), 1)
	scores := make([]float64, 0, source.Len())
	for at := 0; at < source.Len(); at += block {
		indices := make([]int, min(block, source.Len()-at))
		for i := range indices {
			indices[i] = at + i
		}
		part, err := dataset.Subset(source, indices)
		if err != nil {
			return nil, err
		}
		s, err := score(ctx, part)
		if err != nil {
			return nil, err
		}
		scores = append(scores, s...)
		if progress != nil {
			progress(len(scores), source.Len())
		}
	}
	return scores, nil
}

// scorer returns what scores samples by a method.
func (m *Model) scorer(method anomaly.Method) (func(context.Context, dataset.Source) ([]float64, error), error) {
	detector, err := m.Detector()
	if err != nil {
		return nil, err
	}
	// Rows of a series are scored by the last of a window and by its mean.
	if method == anomaly.Reconstruction && (m.Record.Series == nil || detector == nil) {
		return m.ScoreAll, nil
	}
	if detector == nil {
		return nil, fmt.Errorf("workflow: %s has not learned what normal samples are like, so that its only method is %s", m.Path, anomaly.Reconstruction)
	}
	return func(ctx context.Context, part dataset.Source) ([]float64, error) {
		v, err := m.views(ctx, part)
		if err != nil {
			return nil, err
		}
		return detector.Score(ctx, method, v)
	}, nil
}

// DrawCurve draws the receiver operating characteristic and the precision over the recall.
func DrawCurve(c *anomaly.Curve) (*figure.Figure, error) {
	roc := figure.RateCurve{XLabel: "false alarms", YLabel: "recall", Name: fmt.Sprintf("area %.3f", c.ROCAUC), X: []float64{0}, Y: []float64{0}, Chance: [2]float64{0, 1}}
	last := c.Points[len(c.Points)-1]
	pr := figure.RateCurve{XLabel: "recall", YLabel: "precision", Name: fmt.Sprintf("average %.3f", c.AveragePrecision), Chance: [2]float64{last.Precision, last.Precision}}
	for _, p := range c.Points {
		roc.X, roc.Y = append(roc.X, p.FalseAlarms), append(roc.Y, p.Recall)
		pr.X, pr.Y = append(pr.X, p.Recall), append(pr.Y, p.Precision)
	}
	return figure.Rates(roc, pr)
}
