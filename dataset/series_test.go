package dataset_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hourglass/dataset"
	"hourglass/dataset/npy"
	"hourglass/tensor"
)

// loadSeries cuts a table in a file.
func loadSeries(t *testing.T, text, label string, o dataset.SeriesOptions) (*dataset.Data, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "log.csv")
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return dataset.Load(context.Background(), path, dataset.LoadOptions{Label: label, Series: o})
}

// firsts returns the first value of each step of each sample.
func firsts(t *testing.T, d *dataset.Data) (list [][]float32) {
	t.Helper()
	shape := d.Shape()
	x := make([]float32, shape.Size())
	for i := range d.Len() {
		if err := d.Samples.Read(x, []int{i}); err != nil {
			t.Fatal(err)
		}
		var steps []float32
		for s := range shape[0] {
			steps = append(steps, x[s*shape[1]])
		}
		list = append(list, steps)
	}
	return list
}

// minutes is a table with a row a minute, but for some.
func minutes(rows int, without ...int) string {
	var b strings.Builder
	b.WriteString("at,x,y\n")
	for i := range rows {
		if !slices.Contains(without, i) {
			fmt.Fprintf(&b, "2026-11-27 %02d:%02d,%d,%d\n", i/60, i%60, i, 100+i)
		}
	}
	return b.String()
}

func TestSeriesIsCut(t *testing.T) {
	for _, c := range []struct {
		name, text string
		o          dataset.SeriesOptions
		want       string
	}{
		{"the last window ends the stretch", minutes(8), dataset.SeriesOptions{Window: 3, Stride: 2, Time: "at"}, "[[0 1 2] [2 3 4] [4 5 6] [5 6 7]]"},
		{"the stride divides the rows", minutes(7), dataset.SeriesOptions{Window: 3, Stride: 2, Time: "at"}, "[[0 1 2] [2 3 4] [4 5 6]]"},
		{"a single window", minutes(3), dataset.SeriesOptions{Window: 3, Time: "at"}, "[[0 1 2]]"},
		{"no window over a gap", minutes(9, 4), dataset.SeriesOptions{Window: 3, Stride: 1, Time: "at", Gap: 60}, "[[0 1 2] [1 2 3] [5 6 7] [6 7 8]]"},
		{"a row that is missing is no gap", minutes(6, 2), dataset.SeriesOptions{Window: 3, Stride: 1, Time: "at"}, "[[0 1 3] [1 3 4] [3 4 5]]"},
		{"eleven are one", minutes(17, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13), dataset.SeriesOptions{Window: 3, Stride: 1, Time: "at"}, "[[0 1 2] [14 15 16]]"},
		{"rows are put in order", "t,x\n3,3\n1,1\n2,2\n4,4\n", dataset.SeriesOptions{Window: 2, Stride: 1, Time: "t"}, "[[1 2] [2 3] [3 4]]"},
		{"groups", "g,x\na,1\nb,10\na,2\nb,20\na,3\nb,30\n", dataset.SeriesOptions{Window: 2, Stride: 1, Group: "g"}, "[[1 2] [2 3] [10 20] [20 30]]"},
		{"groups with times", "g,t,x\na,1,1\nb,1,10\na,2,2\nb,900,20\na,3,3\nb,901,30\n", dataset.SeriesOptions{Window: 2, Stride: 1, Group: "g", Time: "t"}, "[[1 2] [2 3] [20 30]]"},
	} {
		d, err := loadSeries(t, c.text, "", c.o)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := fmt.Sprint(firsts(t, d)); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

func TestSeriesKnowsItsColumns(t *testing.T) {
	d, err := loadSeries(t, minutes(40), "", dataset.SeriesOptions{Window: 16, Time: "at"})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"x", "y"}; !slices.Equal(d.Features, want) || !d.Shape().Equal(tensor.Shape{16, 2}) {
		t.Errorf("features %v of samples %v, want %v and 16×2", d.Features, d.Shape(), want)
	}
	if o := d.Series.Options; o.Stride != 2 || o.Gap != 600 {
		t.Errorf("stride %d and gap %v, want 2 and ten minutes", o.Stride, o.Gap)
	}
	if got, want := d.SampleName(1), "2026-11-27 00:02 to 2026-11-27 00:17"; got != want {
		t.Errorf("the second sample is %q, want %q", got, want)
	}
	if note := strings.Join(d.Notes(), "; "); !strings.Contains(note, "13 windows of 16 rows, 2 apart, out of 40 rows in 1 stretch") {
		t.Errorf("notes are %q", note)
	}
	some, err := d.Select([]int{3, 0})
	if err != nil {
		t.Fatal(err)
	}
	if got := some.WindowRow(0, 1); got != 7 {
		t.Errorf("the second step of the fourth window is row %d, want 7", got)
	}
}

func TestSeriesLabels(t *testing.T) {
	text := "x,state\n1,ok\n2,ok\n3,ok\n4,bad\n5,ok\n6,ok\n"
	d, err := loadSeries(t, text, "state", dataset.SeriesOptions{Window: 2, Stride: 1})
	if err != nil {
		t.Fatal(err)
	}
	var labels []string
	for _, label := range d.Labels {
		labels = append(labels, d.Classes[label])
	}
	if got := strings.Join(labels, " "); got != "ok ok bad ok ok" {
		t.Errorf("labels are %s, want those of the last rows", got)
	}
	ok, err := d.SelectLabel("ok")
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(firsts(t, ok)); got != "[[1 2] [2 3] [5 6]]" {
		t.Errorf("windows without bad rows are %s", got)
	}
	if _, err := d.SelectLabel("bad"); err == nil || !strings.Contains(err.Error(), "no 2 rows") {
		t.Errorf("a label without a window: %v", err)
	}
	if _, err := d.SelectLabel("good"); err == nil || !strings.Contains(err.Error(), `"good"`) {
		t.Errorf("an unknown label: %v", err)
	}
}

// No row may be in a window for training and in one for validation.
func TestSeriesSplitSharesNoRow(t *testing.T) {
	short := func(n int) string {
		var b strings.Builder
		b.WriteString("g,x\n")
		for i := range 30 * n {
			fmt.Fprintf(&b, "%d,%d\n", i/30, i)
		}
		return b.String()
	}
	for _, c := range []struct {
		name, text string
		o          dataset.SeriesOptions
		share      float64 // of the rows that are set aside, at least
	}{
		{"one stretch", minutes(200), dataset.SeriesOptions{Window: 8, Stride: 1, Time: "at"}, 0.1},
		{"gaps", minutes(400, 150, 151, 152, 153, 154, 155, 156, 157, 158, 159, 160, 161), dataset.SeriesOptions{Window: 8, Stride: 3, Time: "at"}, 0.1},
		{"many groups", short(40), dataset.SeriesOptions{Window: 8, Stride: 4, Group: "g"}, 0.1},
		{"long windows", minutes(100), dataset.SeriesOptions{Window: 20, Stride: 1, Time: "at"}, 0.3},
	} {
		d, err := loadSeries(t, c.text, "", c.o)
		if err != nil {
			t.Fatal(err)
		}
		p, err := d.SplitBy(1, 0.1, 0)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		seen := map[int]string{}
		for _, part := range []struct {
			name string
			data *dataset.Data
		}{{"training", p.Train}, {"validation", p.Validation}} {
			for i := range part.data.Len() {
				for step := range c.o.Window {
					row := part.data.WindowRow(i, step)
					if before := seen[row]; before != "" && before != part.name {
						t.Fatalf("%s: row %d is in %s and in %s", c.name, row, before, part.name)
					}
					seen[row] = part.name
				}
			}
		}
		aside := 0
		for _, name := range seen {
			if name == "validation" {
				aside++
			}
		}
		if rows := d.Series.Rows.Len(); float64(aside) < c.share*float64(rows) || aside > rows/2 {
			t.Errorf("%s: %d of %d rows are set aside", c.name, aside, rows)
		}
	}
}

func TestSeriesOfArrays(t *testing.T) {
	dir := t.TempDir()
	x := tensor.New(10, 1)
	for i := range x.Data {
		x.Data[i] = float32(i)
	}
	path := filepath.Join(dir, "x.npy")
	if err := npy.WriteFile(path, x); err != nil {
		t.Fatal(err)
	}
	d, err := dataset.Load(context.Background(), path, dataset.LoadOptions{Series: dataset.SeriesOptions{Window: 4, Stride: 3}})
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(firsts(t, d)); got != "[[0 1 2 3] [3 4 5 6] [6 7 8 9]]" {
		t.Errorf("windows are %s", got)
	}
	if got := d.SampleName(1); got != "3 to 6" {
		t.Errorf("the second is called %q", got)
	}
	windows := filepath.Join(dir, "windows.npy")
	if err := npy.WriteFile(windows, tensor.New(3, 4, 1)); err != nil {
		t.Fatal(err)
	}
	if d, err = dataset.Load(context.Background(), windows, dataset.LoadOptions{Series: dataset.SeriesOptions{Window: 4}}); err != nil || d.Len() != 3 || d.Series != nil {
		t.Errorf("windows are not taken as they are: %v", err)
	}
	_, err = dataset.Load(context.Background(), windows, dataset.LoadOptions{Series: dataset.SeriesOptions{Window: 5}})
	if err == nil || !strings.Contains(err.Error(), "4×1") {
		t.Errorf("windows of another length: %v", err)
	}
}

func TestSeriesRefuses(t *testing.T) {
	for _, c := range []struct {
		text string
		o    dataset.SeriesOptions
		want string
	}{
		{minutes(5), dataset.SeriesOptions{Window: 6, Time: "at"}, "no 6 rows without a gap"},
		{minutes(5), dataset.SeriesOptions{Window: 1}, "at least 2"},
		{minutes(5), dataset.SeriesOptions{Stride: 1}, "want their length"},
		{minutes(5), dataset.SeriesOptions{Window: 2, Stride: -1}, "stride"},
		{minutes(5), dataset.SeriesOptions{Window: 2, Gap: 3}, "no column of times"},
		{minutes(5), dataset.SeriesOptions{Window: 2, Gap: math.NaN(), Time: "at"}, "finite"},
		{minutes(5), dataset.SeriesOptions{Window: 2, Time: "at", Group: "at"}, "want two"},
		{minutes(5), dataset.SeriesOptions{Window: 2, Time: "when"}, `"when" is not there`},
		{"at,x\n1,1\nsoon,2\n", dataset.SeriesOptions{Window: 2, Time: "at"}, `row 2, column "at": time "soon"`},
	} {
		if _, err := loadSeries(t, c.text, "", c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: got %v, want %q", c.o, err, c.want)
		}
	}
}

// The seconds are those of date(1).
func TestParseTime(t *testing.T) {
	const noon = 1795780473 // 2026-11-27 11:54:33 UTC
	for text, want := range map[string]float64{
		"2026-11-27 11:54:33": noon, "2026-11-27T11:54:33Z": noon, "2026-11-27T12:54:33+01:00": noon, "2026-11-27T11:54:33.25": noon + 0.25,
		"2026-11-27 11:54:33,5": noon + 0.5, "2026-11-27 11:54": noon - 33, "2026/11/27 11:54:33": noon, "27.11.2026 11:54:33": noon, "2026-11-27": 1795737600,
		"27/Nov/2026:11:54:33 +0000": noon, " 20261127T115433Z ": noon, "1795780473": noon, "1795780473000": noon, "1795780473000000000": noon, "0.5": 0.5, "-3": -3,
	} {
		if got, err := dataset.ParseTime(text); err != nil || got != want {
			t.Errorf("%q: got %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "noon", "03/04/2026", "NaN", "Inf", "2026-13-01", "2026-11-27 25:00:00"} {
		if got, err := dataset.ParseTime(text); err == nil {
			t.Errorf("%q is taken for %v", text, got)
		}
	}
}

func FuzzParseTime(f *testing.F) {
	for _, seed := range []string{"2026-11-27T11:54:33.25+01:00", "27.11.2026", "1795780473000", "-1e300", "0x1p3"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, err := dataset.ParseTime(text)
		if err == nil && v-v != 0 {
			t.Errorf("%q is %v", text, v)
		}
		if err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: an error of several lines: %v", text, err)
		}
	})
}

func FuzzSeries(f *testing.F) {
	f.Add(minutes(9, 4), 3, 2, "at", "", 60.0)
	f.Add("g,t,x\na,1,1\nb,1,10\na,2,2\n", 2, 1, "t", "g", 0.0)
	f.Fuzz(func(t *testing.T, text string, window, stride int, at, group string, gap float64) {
		d, err := dataset.Load(context.Background(), "-", dataset.LoadOptions{Stdin: strings.NewReader(text),
			Series: dataset.SeriesOptions{Window: window, Stride: stride, Time: at, Group: group, Gap: gap}})
		if err != nil || d.Series == nil {
			return
		}
		for i, steps := range firsts(t, d) {
			if len(steps) != window || d.SampleName(i) == "" {
				t.Fatalf("sample %d has %d steps, want %d", i, len(steps), window)
			}
			for step := 1; step < window; step++ {
				if a, b := d.WindowRow(i, step-1), d.WindowRow(i, step); d.Series.Group(a) != d.Series.Group(b) {
					t.Fatalf("sample %d reaches over the groups %q and %q", i, d.Series.Group(a), d.Series.Group(b))
				}
			}
		}
	})
}

// All steps of a feature are scaled alike: by the mean 4.5 and the deviation of 0 to 9.
func TestFitStepScaler(t *testing.T) {
	x := tensor.New(5, 2, 2)
	for i := range 10 {
		x.Data[2*i], x.Data[2*i+1] = float32(i), float32(-2*i)
	}
	s, err := dataset.FitStepScaler(context.Background(), dataset.StandardScaling, dataset.Array{Tensor: x}, 0)
	if err != nil {
		t.Fatal(err)
	}
	deviation := float32(math.Sqrt(8.25))
	if want := []float32{4.5, -9, 4.5, -9}; !slices.Equal(s.Offset, want) {
		t.Errorf("offsets %v, want %v", s.Offset, want)
	}
	if want := []float32{deviation, 2 * deviation, deviation, 2 * deviation}; !slices.Equal(s.Scale, want) {
		t.Errorf("scales %v, want %v", s.Scale, want)
	}
	if _, err := dataset.FitStepScaler(context.Background(), dataset.StandardScaling, dataset.Array{Tensor: tensor.New(5, 2)}, 0); err == nil {
		t.Error("samples without steps are scaled by step")
	}
}

func TestWindowOf(t *testing.T) {
	text := "g,x\na,1\nb,10\na,2\nc,0\nb,20\na,3\nb,30\na,4\n"
	d, err := loadSeries(t, text, "", dataset.SeriesOptions{Window: 3, Stride: 5, Group: "g"})
	if err != nil {
		t.Fatal(err)
	}
	every, err := d.EveryRow()
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(firsts(t, every)); got != "[[1 2 3] [2 3 4] [10 20 30]]" {
		t.Errorf("windows are %s", got)
	}
	if got, want := d.Series.WindowOf(), []int{0, 2, 0, -1, 2, 0, 2, 1}; !slices.Equal(got, want) {
		t.Errorf("rows are judged by %v, want %v", got, want)
	}
}
