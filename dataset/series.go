package dataset

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"hourglass/tensor"
)

// SeriesOptions says how samples are cut out of a long table whose rows follow each
// other in time: every sample is a window of consecutive rows, window×columns. Windows
// overlap if they are longer than the stride.
//
// No window reaches over the end of a stretch: over a gap in time, from one group to
// another, or over rows that were left out for missing cells (unless times say that
// there is no gap).
type SeriesOptions struct {
	// Window is how many rows a sample has, at least 2; 0 for a table whose rows are
	// samples.
	Window int `json:"window"`
	// Stride is how many rows there are from one window to the next; 0 for an eighth of
	// the window. The last window of a stretch ends with it, whatever the stride.
	Stride int `json:"stride,omitempty"`
	// Time is the column of the rows' times, by name or number, see [ParseTime]; empty for
	// rows that are equally far apart. It is no feature. Rows are put in order by it.
	Time string `json:"time,omitempty"`
	// Group is the column that tells which of several series a row is of, a machine's
	// name perhaps; empty for a single one. It is no feature.
	Group string `json:"group,omitempty"`
	// Gap is the time in seconds from one row to the next above which there is a gap;
	// 0 for ten times the median.
	Gap float64 `json:"gap,omitempty"`
}

const (
	strideShare = 8  // a stride is this part of the window
	gapSteps    = 10 // a gap is longer than so many usual steps
)

// Validate reports options that nothing can be cut by.
func (o SeriesOptions) Validate() error {
	switch {
	case o == SeriesOptions{}:
		return nil
	case o.Window == 0:
		return fmt.Errorf("dataset: series: a stride, a gap or columns of times and groups are for windows, want their length, too")
	case o.Window < 2:
		return fmt.Errorf("dataset: series: a window of %d rows, want at least 2", o.Window)
	case o.Stride < 0:
		return fmt.Errorf("dataset: series: a stride of %d rows, want at least 1", o.Stride)
	case !(o.Gap >= 0) || math.IsInf(o.Gap, 0):
		return fmt.Errorf("dataset: series: a gap of %v seconds, want a finite number above 0", o.Gap)
	case o.Gap > 0 && o.Time == "":
		return fmt.Errorf("dataset: series: a gap of %v seconds, but no column of times", o.Gap)
	case o.Time != "" && o.Time == o.Group:
		return fmt.Errorf("dataset: series: the column %.40q is that of times and of groups, want two", o.Time)
	}
	return nil
}

// Aside lists the columns that are no features, that of times first.
func (o SeriesOptions) Aside() []string {
	return slices.DeleteFunc([]string{o.Time, o.Group}, func(name string) bool { return name == "" })
}

// Series is the long table that the samples of [Data] were cut out of.
type Series struct {
	// Options are those it was cut by, with the stride and the gap that were chosen.
	Options SeriesOptions
	// Rows are the rows of the table in the order of the file, N×columns.
	Rows tensor.Tensor
	// Stretches are the runs of rows without a gap, in the order in which they begin.
	Stretches []Stretch
	// Labels has the class number of each row, or nothing.
	Labels []int

	times    []string // of each row, as they are written
	seconds  []float64
	groups   []string
	order    []int // place to row; nil if the rows are in order
	rowNames func(row int) string
	sorted   bool // rows had to be put in order by time
	gaps     int
}

// Stretch is a run of rows without a gap: First to First+Len-1 of those in order, see
// [Series.Row].
type Stretch struct {
	Group      string
	First, Len int
}

// Row returns the row of the table that has a place in the order of groups and times.
func (s *Series) Row(place int) int {
	if s.order == nil {
		return place
	}
	return s.order[place]
}

// RowName is what messages and tables call a row: its time, if it has one, else "row 7".
func (s *Series) RowName(row int) string {
	if s.times != nil {
		return s.times[row]
	}
	return s.rowNames(row)
}

// Time returns the time of a row as it is written, empty without a column of times.
func (s *Series) Time(row int) string {
	if s.times == nil {
		return ""
	}
	return s.times[row]
}

// Group returns the group of a row, empty without a column of groups.
func (s *Series) Group(row int) string {
	if s.groups == nil {
		return ""
	}
	return s.groups[row]
}

// Windows returns the windows of all stretches that begin every so many rows, as a
// [Source] that shares memory with the rows, and the place of the first row of each.
// The last window of a stretch ends with it.
func (s *Series) Windows(stride int) (source Source, starts []int) {
	for _, stretch := range s.Stretches {
		starts = stretch.windows(starts, s.Options.Window, stride)
	}
	return s.source(starts), starts
}

// windows appends the places where windows of a stretch begin.
func (s Stretch) windows(starts []int, window, stride int) []int {
	last := s.First + s.Len - window
	for at := s.First; at < last; at += stride {
		starts = append(starts, at)
	}
	if last >= s.First {
		starts = append(starts, last)
	}
	return starts
}

func (s *Series) source(starts []int) Source {
	return &windows{rows: s.Rows, order: s.order, starts: starts, shape: tensor.Shape{s.Options.Window, s.Rows.Sample().Size()}}
}

// windows are samples that overlap in the rows of a table.
type windows struct {
	rows   tensor.Tensor
	order  []int
	starts []int
	shape  tensor.Shape
}

var _ Source = (*windows)(nil)

func (w *windows) Len() int             { return len(w.starts) }
func (w *windows) Sample() tensor.Shape { return w.shape }

func (w *windows) Read(dst []float32, indices []int) error {
	steps, features := w.shape[0], w.shape[1]
	for i, index := range indices {
		start, sample := w.starts[index], dst[i*steps*features:(i+1)*steps*features]
		if w.order == nil {
			copy(sample, w.rows.Data[start*features:])
			continue
		}
		for step, row := range w.order[start : start+steps] {
			copy(sample[step*features:(step+1)*features], w.rows.Row(row))
		}
	}
	return nil
}

// cut makes windows of the rows. What are windows already stays.
func (d *Data) cut(o SeriesOptions) error {
	if shape := d.Shape(); len(shape) == 2 && shape[0] == o.Window && o.Time == "" && o.Group == "" {
		return nil
	} else if len(shape) != 1 || d.Test != nil {
		return fmt.Errorf("dataset: series: %s has samples of shape %v, which cannot be cut into windows of %d rows; want a table or an array of rows×columns", d.Path, shape, o.Window)
	}
	s := &Series{Options: o, Labels: d.Labels}
	var err error
	if s.Rows, err = d.rowsInMemory(); err != nil {
		return err
	}
	whole := *d
	s.rowNames = whole.SampleName
	if o.Time != "" {
		s.times = d.aside[0]
	}
	if o.Group != "" {
		s.groups = d.aside[len(d.aside)-1]
	}
	if err := s.sort(d); err != nil {
		return fmt.Errorf("dataset: series: %s: %w", d.Path, err)
	}
	s.divide(d.rows)
	s.Options.Stride = cmp.Or(o.Stride, max(o.Window/strideShare, 1))
	d.aside = nil
	return d.setSeries(s)
}

// rowsInMemory returns all samples as an array, without copying one.
func (d *Data) rowsInMemory() (tensor.Tensor, error) {
	switch s := d.Samples.(type) {
	case Array:
		return s.Tensor, nil
	case *Blocks:
		return tensor.Tensor{}, fmt.Errorf("dataset: series: %s is read in blocks, but to be cut into windows it must fit memory; want more of it (--memory)", d.Path)
	}
	all, indices := tensor.New(d.Len(), d.Shape().Size()), make([]int, d.Len())
	for i := range indices {
		indices[i] = i
	}
	return all, d.Samples.Read(all.Data, indices)
}

// setSeries makes the windows of a series the samples.
func (d *Data) setSeries(s *Series) error {
	source, starts := s.Windows(s.Options.Stride)
	if len(starts) == 0 {
		longest := 0
		for _, stretch := range s.Stretches {
			longest = max(longest, stretch.Len)
		}
		return fmt.Errorf("dataset: series: %s has no %d rows without a gap, which a window takes; the longest of its %d stretches has %d", d.Path, s.Options.Window, len(s.Stretches), longest)
	}
	d.Series, d.Samples, d.starts = s, source, starts
	d.rows, d.names, d.Largest = nil, nil, 0
	if s.Labels != nil {
		d.Labels = make([]int, len(starts))
		for i, start := range starts {
			d.Labels[i] = s.Labels[s.Row(start+s.Options.Window-1)]
		}
	}
	return nil
}

// EveryRow returns the windows that end with each row of the series, but for the first
// rows of stretches, which no window ends with; as a view.
func (d *Data) EveryRow() (*Data, error) {
	s := *d.Series
	s.Options.Stride = 1
	view := *d
	return &view, view.setSeries(&s)
}

// WindowOf returns for each row of the table, in the order of the file, which sample of
// [Data.EveryRow] it is judged by: the one that ends with it, or the first of the stretch for
// the rows in front of that; -1 of a stretch that is shorter than a window.
func (s *Series) WindowOf() []int {
	of := make([]int, s.Rows.Len())
	for i := range of {
		of[i] = -1
	}
	sample := 0
	for _, stretch := range s.Stretches {
		if stretch.Len < s.Options.Window {
			continue
		}
		for i := range stretch.Len {
			of[s.Row(stretch.First+i)] = sample + max(i-s.Options.Window+1, 0)
		}
		sample += stretch.Len - s.Options.Window + 1
	}
	return of
}

// windowName names a sample by its first and its last row.
func (d *Data) windowName(i int) string {
	s := d.Series
	first, last := s.Row(d.starts[i]), s.Row(d.starts[i]+s.Options.Window-1)
	name := s.RowName(first) + " to " + s.RowName(last)
	if group := s.Group(first); group != "" {
		name = group + ", " + name
	}
	return name
}

// sort finds the order of the rows: by group, in the order in which groups first appear,
// and by time.
func (s *Series) sort(d *Data) error {
	n := s.Rows.Len()
	if s.times != nil {
		s.seconds = make([]float64, n)
		for i, text := range s.times {
			var err error
			if s.seconds[i], err = ParseTime(text); err != nil {
				return fmt.Errorf("%s, column %.40q: %w", d.SampleName(i), s.Options.Time, err)
			}
		}
	}
	rank := make(map[string]int)
	for _, group := range s.groups {
		if _, known := rank[group]; !known {
			rank[group] = len(rank)
		}
	}
	compare := func(a, b int) int {
		if s.groups != nil {
			if c := cmp.Compare(rank[s.groups[a]], rank[s.groups[b]]); c != 0 {
				return c
			}
		}
		if s.times == nil {
			return 0
		}
		return cmp.Compare(s.seconds[a], s.seconds[b])
	}
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	if slices.IsSortedFunc(order, compare) {
		return nil
	}
	slices.SortStableFunc(order, compare)
	s.order = order
	last := make(map[string]float64)
	for row := range n {
		if s.times != nil {
			before, known := last[s.Group(row)]
			s.sorted = s.sorted || known && s.seconds[row] < before
			last[s.Group(row)] = s.seconds[row]
		}
	}
	return nil
}

// divide finds the stretches. Kept are the numbers of the rows in the file, if some were
// left out.
func (s *Series) divide(kept []int) {
	if s.times != nil && s.Options.Gap == 0 {
		s.Options.Gap = gapSteps * s.usualStep()
	}
	n := s.Rows.Len()
	first := 0
	for place := 1; place <= n; place++ {
		gap := place < n && s.gapAt(place, kept)
		if place < n && !gap && s.Group(s.Row(place)) == s.Group(s.Row(place-1)) {
			continue
		}
		if gap && s.Group(s.Row(place)) == s.Group(s.Row(place-1)) {
			s.gaps++
		}
		s.Stretches = append(s.Stretches, Stretch{s.Group(s.Row(first)), first, place - first})
		first = place
	}
}

// gapAt reports whether there is a gap in front of a place.
func (s *Series) gapAt(place int, kept []int) bool {
	row, before := s.Row(place), s.Row(place-1)
	if s.times != nil {
		return s.Options.Gap > 0 && s.seconds[row]-s.seconds[before] > s.Options.Gap
	}
	return kept != nil && s.groups == nil && kept[row] != kept[before]+1
}

// usualStep returns the median time from one row to the next of its group, 0 if there are
// no two.
func (s *Series) usualStep() float64 {
	var steps []float64
	for place := 1; place < s.Rows.Len(); place++ {
		row, before := s.Row(place), s.Row(place-1)
		if step := s.seconds[row] - s.seconds[before]; s.Group(row) == s.Group(before) && step > 0 {
			steps = append(steps, step)
		}
	}
	if len(steps) == 0 {
		return 0
	}
	slices.Sort(steps)
	return steps[len(steps)/2]
}

// notes says in words what was cut out of what.
func (s *Series) notes(windows int) []string {
	list := []string{fmt.Sprintf("%d windows of %d rows, %d apart, out of %d rows in %s", windows, s.Options.Window, s.Options.Stride, s.Rows.Len(), plural(len(s.Stretches), "stretch", "stretches"))}
	if s.gaps > 0 {
		list[0] += fmt.Sprintf(", %s between them", plural(s.gaps, "gap", "gaps"))
		if s.times != nil {
			list[0] += fmt.Sprintf(" of more than %.6g s", s.Options.Gap)
		}
	}
	if s.sorted {
		list = append(list, fmt.Sprintf("rows were put in order by the column %.40q", s.Options.Time))
	}
	short, rows := 0, 0
	for _, stretch := range s.Stretches {
		if stretch.Len < s.Options.Window {
			short, rows = short+1, rows+stretch.Len
		}
	}
	if short > 0 {
		list = append(list, fmt.Sprintf("%s of less rows than a window, %d rows in all, left out", plural(short, "stretch", "stretches"), rows))
	}
	return list
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprint(n, " ", many)
}

// within returns the series in these stretches of it alone.
func (s *Series) within(stretches []Stretch) *Series {
	part := *s
	part.Stretches = stretches
	return &part
}

// labelled returns the runs of rows with one label.
func (s *Series) labelled(label int) []Stretch {
	var runs []Stretch
	for _, stretch := range s.Stretches {
		first := stretch.First
		for place := stretch.First; place <= stretch.First+stretch.Len; place++ {
			if place < stretch.First+stretch.Len && s.Labels[s.Row(place)] == label {
				continue
			}
			if place > first {
				runs = append(runs, Stretch{stretch.Group, first, place - first})
			}
			first = place + 1
		}
	}
	return runs
}

// WindowRow returns which row of the table a step of a sample is, both counted from 0, of
// data that was cut out of a series.
func (d *Data) WindowRow(sample, step int) int { return d.Series.Row(d.starts[sample] + step) }
