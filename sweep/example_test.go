package sweep_test

import (
	"context"
	"fmt"
	"log"
	"math"
	"os"
	"strconv"

	"hourglass/sweep"
)

// Eight settings are tried, four at a time, and the best is told.
func Example() {
	dir, err := os.MkdirTemp("", "sweep-*")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	rate, err := sweep.ParseAxis("rate", sweep.Number, "1e-4..1e-1/4")
	if err != nil {
		log.Fatal(err)
	}
	optimizer, err := sweep.ParseAxis("optimizer", sweep.Word, "adam,sgd")
	if err != nil {
		log.Fatal(err)
	}
	store, err := sweep.Open(dir)
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	plan := sweep.Plan{Axes: []sweep.Axis{optimizer, rate}, Search: sweep.Grid, Score: "loss"}
	if err := store.Begin(sweep.Notes{Plan: plan}, false); err != nil {
		log.Fatal(err)
	}
	// In place of a training: a loss that is least at a rate of 0.01.
	try := func(_ context.Context, t sweep.Task, _ int) (sweep.Outcome, error) {
		rate, err := strconv.ParseFloat(t.Values["rate"], 64)
		loss := math.Abs(math.Log10(rate) + 2)
		if t.Values["optimizer"] == "sgd" {
			loss += 0.5
		}
		return sweep.Outcome{Task: t, Score: loss, Over: true}, err
	}
	err = sweep.Run(context.Background(), store, sweep.Local{Jobs: 4, Cores: 4, Try: try}, func(sweep.Progress) {})
	if err != nil {
		log.Fatal(err)
	}
	best, err := store.Results().Best()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(best.Values["optimizer"], best.Values["rate"])
	// Output: adam 0.01
}
