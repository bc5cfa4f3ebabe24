package sweep

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"

	"hourglass/run"
)

// begin opens a store with a plan in a folder.
func begin(t *testing.T, dir string, p Plan, goesOn bool) *Store {
	t.Helper()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := s.Begin(Notes{Command: run.Command{Name: "sweep"}, Plan: p}, goesOn); err != nil {
		t.Fatal(err)
	}
	return s
}

// left is how many trials have no outcome yet.
func left(s *Store) int { return len(s.climb().left) }

// score is what a trial of the tests comes to: better for larger codes, a little different from
// seed to seed.
func score(t Task) Outcome {
	v := map[string]float64{"8": 3, "16": 2, "32": 1}[t.Values["codes"]] + map[string]float64{"1": 0.1, "2": -0.1}[t.Values["seed"]]
	return Outcome{Task: t, Over: t.Stop == 0, Score: v, Epoch: 2, Epochs: 2, Numbers: map[string]float64{"val_loss": v}, Seconds: 1, Parameters: 7}
}

func pool(jobs int, tried *atomic.Int64) Local {
	return Local{Jobs: jobs, Try: func(_ context.Context, t Task, _ int) (Outcome, error) {
		tried.Add(1)
		return score(t), nil
	}}
}

var grid = Plan{Axes: []Axis{codes}, Repeats: []Axis{seed}, Search: Grid, Score: "val_loss"}

func TestResultsDoNotDependOnWhereAndWhenTrialsRan(t *testing.T) {
	var want *Results
	for _, jobs := range []int{1, 2, 5} {
		var tried atomic.Int64
		s := begin(t, t.TempDir(), grid, false)
		last := Progress{}
		if err := Run(t.Context(), s, pool(jobs, &tried), func(p Progress) { last = p }); err != nil {
			t.Fatal(err)
		}
		if tried.Load() != 6 || last.Done != 6 || last.Of != 6 {
			t.Errorf("%d jobs: %d tried, %+v", jobs, tried.Load(), last)
		}
		got := s.Results()
		if want == nil {
			want = got
		}
		if !reflect.DeepEqual(got.Settings, want.Settings) {
			t.Errorf("%d jobs: got %+v, want %+v", jobs, got, want)
		}
	}
	first := want.Settings[0]
	// statistics.stdev([1.1, 0.9]) of Python is 0.14142135623730956.
	if first.Values["codes"] != "32" || *first.Mean != 1 || math.Abs(*first.Deviation-0.14142135623730956) > 1e-15 {
		t.Errorf("the best is %+v, mean %v, deviation %v", first, *first.Mean, *first.Deviation)
	}
	if best, err := want.Best(); err != nil || best.Trial != 6 {
		t.Errorf("the best trial is %d, %v, want the second of the third setting", best.Trial, err)
	}
	var table, csv bytes.Buffer
	if err := errors.Join(want.WriteTable(&table, 2), want.WriteCSV(&csv)); err != nil {
		t.Fatal(err)
	}
	wantTable := "rank  codes  val_loss     trials  epochs  seconds\n1     32     1.00 ± 0.14  2       2       2\n2     16     2.00 ± 0.14  2       2       2\nand 1 more in sweep.csv\n"
	if table.String() != wantTable {
		t.Errorf("table\n%s\nwant\n%s", &table, wantTable)
	}
	rows := strings.Split(csv.String(), "\n")
	if rows[0] != "trial,setting,rank,codes,seed,epochs,epoch,val_loss,parameters,seconds,failed,folder" || rows[6] != "6,3,1,32,2,2,2,0.9,7,1.000,,trials/00006" {
		t.Errorf("CSV\n%s", &csv)
	}
	if f, err := want.Draw(); f == nil || err != nil {
		t.Errorf("no figure: %v", err)
	}
}

func TestHigherMayBeBetter(t *testing.T) {
	var tried atomic.Int64
	p := grid
	p.HigherIsBetter = true
	s := begin(t, t.TempDir(), p, false)
	if err := Run(t.Context(), s, pool(2, &tried), func(Progress) {}); err != nil {
		t.Fatal(err)
	}
	if best, err := s.Results().Best(); err != nil || best.Trial != 1 {
		t.Errorf("the best trial is %d, %v, want the first", best.Trial, err)
	}
}

// What has an outcome is not run again, and half a line, the last that a killed program wrote, does
// not count.
func TestSweepGoesOn(t *testing.T) {
	dir := t.TempDir()
	s := begin(t, dir, grid, false)
	stop := errors.New("stop")
	err := Run(t.Context(), s, Local{Jobs: 1, Try: func(_ context.Context, t Task, _ int) (Outcome, error) {
		if t.Trial == 4 {
			return Outcome{}, stop
		}
		return score(t), nil
	}}, func(Progress) {})
	if !errors.Is(err, stop) || left(s) != 3 {
		t.Fatalf("got %v with %d trials left", err, left(s))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, OutcomesFile)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, cut := range []int{1, 20, len(text) / 3} {
		if err := os.WriteFile(path, text[:len(text)-cut], 0o666); err != nil {
			t.Fatal(err)
		}
		var tried atomic.Int64
		s = begin(t, dir, grid, true)
		if err := Run(t.Context(), s, pool(2, &tried), func(Progress) {}); err != nil {
			t.Fatal(err)
		}
		if tried.Load() != 4 || left(s) != 0 {
			t.Errorf("%d bytes less: %d trials were run, %d are left; want 4, those from the half line on", cut, tried.Load(), left(s))
		}
		s.Close()
		s = begin(t, dir, grid, true) // the file is whole again
		if left(s) != 0 {
			t.Errorf("%d trials are left after reading again", left(s))
		}
		s.Close()
	}
	if err := os.WriteFile(path, append([]byte("{nonsense}\n"), text...), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("a line of nonsense: %v", err)
	}
	if err := os.WriteFile(path, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if s = begin(t, dir, grid, true); left(s) != 6 {
		t.Errorf("%d trials are left of an empty file, want 6", left(s))
	}
}

func TestFailedTrialsAreRankedLast(t *testing.T) {
	s := begin(t, t.TempDir(), grid, false)
	fail := func(what string) Local {
		return Local{Jobs: 2, Try: func(_ context.Context, t Task, _ int) (Outcome, error) {
			if t.Values["codes"] == what || what == "" {
				return Outcome{Task: t, Failed: "loss is not finite", Over: true}, nil
			}
			return score(t), nil
		}}
	}
	if err := Run(t.Context(), s, fail("32"), func(Progress) {}); err != nil {
		t.Fatal(err)
	}
	r := s.Results()
	if r.Failed != 2 || r.Settings[0].Values["codes"] != "16" || r.Settings[2].Mean != nil {
		t.Errorf("got %+v", r)
	}
	s = begin(t, t.TempDir(), grid, false)
	if err := Run(t.Context(), s, fail(""), func(Progress) {}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Results().Best(); !errors.Is(err, ErrNothing) || !strings.Contains(err.Error(), "not finite") {
		t.Errorf("got %v", err)
	}
	if f, err := s.Results().Draw(); f != nil || err != nil {
		t.Errorf("there is a figure of nothing (%v)", err)
	}
}

func TestCancelledPoolsRunNothingMore(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var tried atomic.Int64
	err := Local{Jobs: 2, Try: func(ctx context.Context, t Task, _ int) (Outcome, error) {
		tried.Add(1)
		cancel()
		return Outcome{}, context.Cause(ctx)
	}}.Run(ctx, grid.Tasks(), func(Outcome) error { return nil })
	if !errors.Is(err, context.Canceled) || tried.Load() > 2 {
		t.Errorf("got %v after %d trials", err, tried.Load())
	}
}

func TestAFolderIsOneSweeps(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "another sweep") {
		t.Errorf("a second sweep gets %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("the folder of a sweep that did not begin stays")
	}
	s = begin(t, dir, grid, false)
	if err := s.Add(score(grid.Tasks()[0])); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if s = begin(t, dir, grid, false); left(s) != 6 {
		t.Errorf("a sweep that starts anew has %d trials left, want 6", left(s))
	}
}

// The steps of the example in Li et al., Hyperband (JMLR 2018), table 1: its bracket s = 4.
func TestRungsAreThoseOfHyperband(t *testing.T) {
	p := Plan{Search: Halving, Epochs: 81, Reduction: 3}
	if got, want := p.rungs(81), []rung{{81, 1}, {27, 3}, {9, 9}, {3, 27}, {1, 0}}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got, want := p.Rungs(81), "81 settings for 1, 27 for 3, 9 for 9, 3 for 27, 1 for 81 epochs"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for n := 2; n < 40; n++ {
		for epochs := 2; epochs < 40; epochs++ {
			p := Plan{Search: Halving, Epochs: epochs, Reduction: 2}
			rungs := p.rungs(n)
			if rungs[0].settings != n || rungs[len(rungs)-1].stop != 0 || len(rungs) < 2 {
				t.Fatalf("%d settings, %d epochs: %v", n, epochs, rungs)
			}
			for i, r := range rungs[:len(rungs)-1] {
				next := rungs[i+1]
				if r.stop < 1 || r.stop >= epochs || next.stop > 0 && next.stop <= r.stop || next.settings < 1 || next.settings > r.settings/2 {
					t.Fatalf("%d settings, %d epochs: %v", n, epochs, rungs)
				}
			}
		}
	}
}

var halving = Plan{Axes: []Axis{codes, {Name: "optimizer", Values: []string{"adam", "nadam", "sgd"}}}, Repeats: []Axis{seed}, Search: Halving,
	Settings: 9, Epochs: 9, Reduction: 3, Score: "val_loss"}

// Halving gives the best of each step more epochs, whatever the order in which trials end, and a
// trial that is over or has failed is not run again.
func TestHalvingGoesOnWithTheBest(t *testing.T) {
	var want *Results
	for _, jobs := range []int{1, 4} {
		stops := map[int]int{}
		s := begin(t, t.TempDir(), halving, false)
		local := Local{Jobs: jobs, Try: func(_ context.Context, t Task, _ int) (Outcome, error) {
			o := score(t)
			o.Over = t.Stop == 0 || t.Trial == 18
			if t.Values["optimizer"] == "sgd" && t.Values["codes"] == "32" {
				return Outcome{Task: t, Failed: "loss is not finite", Over: true}, nil
			}
			return o, nil
		}}
		if err := Run(t.Context(), s, local, func(p Progress) { stops[p.Last.Stop]++ }); err != nil {
			t.Fatal(err)
		}
		r := s.Results()
		if stops[1] != 18 || stops[3] != 6 && stops[3] != 5 || stops[0] > 2 || r.Of != 26 || r.Trials != 26 || r.Failed != 2 {
			t.Errorf("%d jobs: trials by where they were to stop %v, %d of %d, %d failed", jobs, stops, r.Trials, r.Of, r.Failed)
		}
		if r.Settings[0].Rung != 2 || r.Settings[0].Values["codes"] != "32" || r.Settings[1].Rung != 1 || r.Settings[3].Rung != 0 || r.Settings[8].Mean != nil {
			t.Errorf("%d jobs: ranked %+v", jobs, r.Settings)
		}
		if want == nil {
			want = r
		}
		if !reflect.DeepEqual(r, want) {
			t.Errorf("%d jobs: %+v, want %+v", jobs, r, want)
		}
	}
}

func TestFewTrialsHaveMoreCores(t *testing.T) {
	for tasks, want := range map[int]int{1: 8, 2: 4, 3: 2, 4: 2, 6: 2} {
		l := Local{Jobs: 4, Cores: 8, Try: func(_ context.Context, task Task, cores int) (Outcome, error) {
			if cores != want {
				t.Errorf("%d tasks: %d cores each, want %d", tasks, cores, want)
			}
			return score(task), nil
		}}
		if err := l.Run(t.Context(), grid.Tasks()[:tasks], func(Outcome) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
}
