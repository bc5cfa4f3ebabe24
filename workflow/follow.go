package workflow

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"hourglass/anomaly"
	"hourglass/dataset"
	"hourglass/tensor"
)

// Follower scores the rows of a table as they come, in memory that does not grow with them:
// a window for each group. Scores are those of [Model.Rank] of the whole table, bit for bit,
// however the rows come.
type Follower struct {
	m        *Model
	detector *anomaly.Detector
	ranking  Ranking // method and threshold
	explain  int
	score    func(context.Context, dataset.Source) ([]float64, error)

	window, width int
	gap           float64
	timed         bool
	grouped       bool
	columns       []string
	groups        map[string]*recent
	last          int // number of the row before

	waiting []answer // in the order in which they are given
	windows []float32
}

// answer is a row that is to be answered: by the window of that number among those of this
// call, -1 for one that there is not.
type answer struct {
	scored Scored
	window int
}

// recent are the last rows of a group.
type recent struct {
	rows    []float32 // of the stretch, the last window of them
	early   []Scored  // rows in front of the first window's end
	seconds float64
	count   int // of rows in the stretch, up to the window
}

const (
	// mostGroups bounds how many series are followed at once.
	mostGroups = 10000
	// followedTogether is how many rows that are there already are scored together.
	followedTogether = 512
)

// Follow returns a follower of tables with these columns; see [Model.FollowOptions].
func (m *Model) Follow(rows *dataset.RowReader, o RankOptions) (*Follower, error) {
	if m.Classes() > 0 {
		return nil, fmt.Errorf("workflow: follow: the model %s asks for labels, which rows do not have before they are judged", m.Path)
	}
	if m.Record.Schema != nil {
		return nil, fmt.Errorf("workflow: follow: the model %s was trained on columns of several kinds, or with missing cells; want one of plain numbers", m.Path)
	}
	f := &Follower{m: m, window: 1, groups: map[string]*recent{}, explain: o.Explain}
	var err error
	if f.detector, err = m.Detector(); err != nil {
		return nil, err
	}
	if o.Method == "" && f.detector == nil {
		o.Method = anomaly.Reconstruction
	}
	if o.Explain > 0 && f.detector == nil {
		return nil, fmt.Errorf("workflow: %s has not learned what normal samples are like, by which outliers are explained", m.Path)
	}
	f.ranking.Method = cmp.Or(o.Method, anomaly.Combined)
	if err := f.ranking.limit(m, f.detector, nil, o.Rate); err != nil {
		return nil, err
	}
	if f.score, err = m.scorer(f.ranking.Method); err != nil {
		return nil, err
	}
	if s := m.Record.Series; s != nil {
		f.window, f.gap, f.timed, f.grouped = s.Window, s.Gap, s.Time != "", s.Group != ""
	}
	size := m.Encoder().Input().Size()
	if f.width = rows.Width(); f.width*f.window != size {
		return nil, fmt.Errorf("workflow: follow: rows of %d columns, but the model %s was trained on %d", f.width, m.Path, size/f.window)
	}
	if f.columns = m.Record.Features; f.columns == nil {
		f.columns = stepColumns([]string{"value"}, f.width)
	}
	return f, nil
}

// FollowOptions says how the rows of a table are read that the model is to follow: as
// [Model.Load] reads them.
func (m *Model) FollowOptions(o dataset.LoadOptions) dataset.CSVOptions {
	o = m.loadOptions(o)
	if o.Label != "" {
		o.CSV.Label = o.Label
	}
	o.CSV.Aside = slices.Concat(o.CSV.Aside, o.Series.Aside())
	return o.CSV
}

// Ranking returns the method and the threshold by which rows are judged.
func (f *Follower) Ranking() Ranking { return f.ranking }

// Add scores rows that follow each other and returns the answers to those, and to earlier
// ones that had to wait: the first rows of a stretch, until there is a window. The rows are
// not kept.
func (f *Follower) Add(ctx context.Context, rows []dataset.Row) ([]Scored, error) {
	f.waiting, f.windows = f.waiting[:0], f.windows[:0]
	for _, row := range rows {
		if err := f.add(row); err != nil {
			return nil, err
		}
	}
	return f.answer(ctx)
}

// Close returns the answers to rows that have waited in vain, for want of a window.
func (f *Follower) Close(ctx context.Context) ([]Scored, error) {
	f.waiting, f.windows = f.waiting[:0], f.windows[:0]
	var names []string
	for name := range f.groups {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		f.giveUp(f.groups[name])
	}
	return f.answer(ctx)
}

// add takes a row into the series that it is of.
func (f *Follower) add(row dataset.Row) error {
	scored := Scored{Index: row.Number - 1, Sample: fmt.Sprint("row ", row.Number)}
	aside, seconds := row.Aside, 0.0
	if f.timed {
		var err error
		if seconds, err = dataset.ParseTime(aside[0]); err != nil {
			return fmt.Errorf("workflow: follow: %s: %w", row.Place, err)
		}
		scored.Sample, aside = aside[0], aside[1:]
	}
	if f.grouped {
		scored.Group = aside[0]
	}
	g, known := f.groups[scored.Group]
	switch {
	case !known && len(f.groups) == mostGroups:
		return fmt.Errorf("workflow: follow: %s: the group %.40q is one more than %d, the most that are followed", row.Place, scored.Group, mostGroups)
	case !known:
		g = &recent{}
		f.groups[scored.Group] = g
	case f.timed && seconds < g.seconds:
		return fmt.Errorf("workflow: follow: %s: the time %.40q is before that of the row before, want rows in the order of time", row.Place, scored.Sample)
	case f.timed && f.gap > 0 && seconds-g.seconds > f.gap, !f.timed && !f.grouped && row.Number != f.last+1:
		f.giveUp(g)
	}
	g.seconds, f.last = seconds, row.Number
	f.push(g, row.Values)
	g.early = append(g.early, scored)
	if g.count < f.window {
		return nil
	}
	number := len(f.windows) / (f.window * f.width)
	f.windows = append(f.windows, g.rows...)
	for _, s := range g.early {
		f.waiting = append(f.waiting, answer{s, number})
	}
	g.early = g.early[:0]
	return nil
}

// push appends a row to the last of a group.
func (f *Follower) push(g *recent, values []float32) {
	if g.count == f.window {
		copy(g.rows, g.rows[f.width:])
		copy(g.rows[len(g.rows)-f.width:], values)
		return
	}
	g.rows = append(g.rows, values...)
	g.count++
}

// giveUp ends the stretch of a group.
func (f *Follower) giveUp(g *recent) {
	for _, s := range g.early {
		s.Unscored = true
		f.waiting = append(f.waiting, answer{s, -1})
	}
	g.early, g.rows, g.count = g.early[:0], g.rows[:0], 0
}

// answer scores the windows and answers the rows that wait for them.
func (f *Follower) answer(ctx context.Context) ([]Scored, error) {
	var windows []Scored
	if n := len(f.windows) / (f.window * f.width); n > 0 {
		source := dataset.Array{Tensor: tensor.Tensor{Shape: append(tensor.Shape{n}, f.m.Encoder().Input()...), Data: f.windows}}
		var err error
		if windows, err = f.judge(ctx, source); err != nil {
			return nil, err
		}
	}
	answers := make([]Scored, 0, len(f.waiting))
	for _, a := range f.waiting {
		s := a.scored
		if a.window >= 0 {
			w := windows[a.window]
			s.Score, s.P, s.Outlier, s.Because = w.Score, w.P, w.Outlier, w.Because
		}
		answers = append(answers, s)
	}
	return answers, nil
}

// judge scores windows.
func (f *Follower) judge(ctx context.Context, source dataset.Source) ([]Scored, error) {
	scores, err := f.score(ctx, source)
	if err != nil {
		return nil, err
	}
	list := make([]Scored, len(scores))
	for i, score := range scores {
		list[i] = Scored{Index: i, Score: score, Outlier: f.ranking.Threshold != nil && score > *f.ranking.Threshold}
	}
	if f.detector == nil {
		return list, nil
	}
	p, err := f.detector.PValues(f.ranking.Method, scores)
	if err != nil {
		return nil, err
	}
	for i := range p {
		list[i].P = &p[i]
	}
	in := &Input{&dataset.Data{Samples: source, Features: f.columns}}
	return list, f.m.explainOutliers(ctx, in, f.detector, list, f.explain)
}

// FollowRows scores the rows of a table as they come and hands on the answers, together for
// those that are there already. It ends with the table, or when ctx does.
func (f *Follower) FollowRows(ctx context.Context, rows *dataset.RowReader, answer func([]Scored) error) error {
	incoming, failed := make(chan dataset.Row, followedTogether), make(chan error, 1)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		defer close(incoming)
		failed <- readRows(ctx, rows, incoming)
	}()
	var batch []dataset.Row
	for more := true; more; {
		batch, more = arrived(ctx, incoming, batch[:0])
		answers, err := f.Add(ctx, batch)
		if err == nil {
			err = answer(answers)
		}
		if err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	answers, err := f.Close(ctx)
	return errors.Join(<-failed, err, answer(answers))
}

// readRows hands on copies of all rows.
func readRows(ctx context.Context, rows *dataset.RowReader, to chan<- dataset.Row) error {
	for {
		row, err := rows.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		row.Values = slices.Clone(row.Values)
		select {
		case to <- row:
		case <-ctx.Done():
			return nil
		}
	}
}

// arrived waits for a row and returns it with those that are there, too; more is false once
// there are no others to come.
func arrived(ctx context.Context, incoming <-chan dataset.Row, batch []dataset.Row) (rows []dataset.Row, more bool) {
	select {
	case row, ok := <-incoming:
		if !ok {
			return batch, false
		}
		batch = append(batch, row)
	case <-ctx.Done():
		return batch, false
	}
	for len(batch) < followedTogether {
		select {
		case row, ok := <-incoming:
			if !ok {
				return batch, false
			}
			batch = append(batch, row)
		default:
			return batch, true
		}
	}
	return batch, true
}
