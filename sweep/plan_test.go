package sweep

import (
	"reflect"
	"strings"
	"testing"
)

var (
	codes = Axis{Name: "codes", Values: []string{"8", "16", "32"}, Whole: true}
	rate  = Axis{Name: "learning-rate", Low: 1e-4, High: 1e-2, Log: true}
	seed  = Axis{Name: "seed", Low: 1, High: 2, Whole: true}
)

func TestGridHasEveryCombinationOnce(t *testing.T) {
	p := Plan{Axes: []Axis{codes, {Name: "optimizer", Values: []string{"adam", "sgd"}}}, Repeats: []Axis{seed}, Search: Grid}
	tasks := p.Tasks()
	if len(tasks) != 12 {
		t.Fatalf("%d tasks, want 3×2×2", len(tasks))
	}
	want := Task{Trial: 4, Setting: 2, Values: Values{"codes": "8", "optimizer": "sgd", "seed": "2"}}
	if !reflect.DeepEqual(tasks[3], want) {
		t.Errorf("the fourth is %+v, want %+v", tasks[3], want)
	}
}

func TestSettingsStayWhenThereAreMore(t *testing.T) {
	p := Plan{Axes: []Axis{codes, rate}, Search: Random, Settings: 10, Seed: 3}
	few := p.All()
	p.Settings = 50
	many := p.All()
	if len(few) != 10 || len(many) != 50 || !reflect.DeepEqual(few, many[:10]) {
		t.Errorf("the first settings of more are others:\n%v\n%v", few, many[:10])
	}
	p.Axes = append(p.Axes, Axis{Name: "optimizer", Values: []string{"adam", "sgd"}})
	if with := p.All(); with[7]["codes"] != many[7]["codes"] || with[7]["learning-rate"] != many[7]["learning-rate"] {
		t.Errorf("another axis changes the values of the others: %v, %v", many[7], with[7])
	}
	p.Seed = 4
	if other := p.All(); reflect.DeepEqual(other[:10], few) {
		t.Error("another seed gives the same settings")
	}
}

func TestEachSettingIsDrawnOnce(t *testing.T) {
	p := Plan{Axes: []Axis{codes, {Name: "batch-size", Low: 1, High: 4, Whole: true}}, Search: Random, Settings: 100}
	seen := map[string]bool{}
	for _, v := range p.All() {
		seen[v["codes"]+" "+v["batch-size"]] = true
	}
	if n := len(p.All()); n != 12 || len(seen) != 12 {
		t.Errorf("%d settings, %d of them different, want all 12 there are", n, len(seen))
	}
}

func TestPlansThatCannotBe(t *testing.T) {
	for want, p := range map[string]Plan{
		"a grid cannot have all":  {Axes: []Axis{rate}, Search: Grid},
		"of which a setting":      {Axes: []Axis{codes}, Repeats: []Axis{{Name: "seed", Low: 0, High: 1}}, Search: Grid},
		"at least 1":              {Axes: []Axis{codes}, Search: Random},
		`search is "best"`:        {Axes: []Axis{codes}, Search: "best"},
		"a reduction of 1":        {Axes: []Axis{codes}, Search: Halving, Settings: 3, Epochs: 9, Reduction: 1},
		"3 settings and 2 epochs": {Axes: []Axis{codes}, Search: Halving, Settings: 3, Epochs: 2, Reduction: 3},
		"1000000 trials, want at": {Axes: []Axis{{Low: 1, High: 1000, Whole: true}, {Low: 1, High: 1000, Whole: true}}, Search: Grid},
	} {
		if err := p.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestPlansThatDiffer(t *testing.T) {
	p := Plan{Axes: []Axis{codes, rate}, Repeats: []Axis{seed}, Search: Random, Settings: 5, Seed: 1, Score: "val_loss"}
	more := p
	more.Settings = 9
	if err := p.Differ(&more); err != nil {
		t.Errorf("more settings: %v", err)
	}
	for want, change := range map[string]func(*Plan){
		"search grid": func(p *Plan) { p.Search = Grid }, "search seed 1": func(p *Plan) { p.Seed = 2 }, "ranked by": func(p *Plan) { p.Score = "val_mse" },
		"5 settings": func(p *Plan) { p.Settings = 4 }, "varies codes, learning-rate, not codes": func(p *Plan) { p.Axes = p.Axes[:1] },
		"other values of seed": func(p *Plan) { p.Repeats = []Axis{{Name: "seed", Low: 1, High: 3, Whole: true}} },
	} {
		other := p
		change(&other)
		err := p.Differ(&other)
		if want == "search grid" {
			want = "not grid"
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
