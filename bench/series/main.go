// Series measures how well faults are found in logs of sensors, row by row, as the Skoltech
// Anomaly Benchmark (Katser and Kozitsin 2020) has it: the first 400 rows of each file are
// normal and train, all rows are judged, and the F1 score is over the rows of all files together,
// without adjustment. What is set is the same for all files.
//
//	go run ./bench/series --data FOLDER --out bench/series/RESULTS.md
//
// The folder has the files of the benchmark, such as valve1. Beside what "hourglass train
// --window" and "hourglass score" do with their defaults it has Hotelling's T² and Q (squared
// prediction error) of a principal component analysis, of the rows and of the same moving averages.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hourglass/anomaly"
	"hourglass/dataset"
	"hourglass/run"
	"hourglass/workflow"
)

// trainingRows is how many rows of a file train.
const trainingRows = 400

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	b := bench{counts: map[string]*count{}}
	flag.StringVar(&b.data, "data", filepath.Join(os.Getenv("HOURGLASS_DATA"), "anomaly", "skab", "valve1"), "`folder` of the benchmark's .csv files")
	flag.StringVar(&b.out, "out", "bench/series/RESULTS.md", "`file` to write")
	flag.IntVar(&b.window, "window", 32, "`rows` of a window")
	flag.Uint64Var(&b.seeds, "seeds", 1, "how many seeds, from 0")
	flag.Float64Var(&b.rate, "false-alarms", 0.01, "`share` of normal rows that may be called outliers")
	flag.Parse()
	if err := b.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "series:", err)
		os.Exit(1)
	}
}

// bench is what is asked for and what it comes to.
type bench struct {
	data, out string
	window    int
	seeds     uint64
	rate      float64

	names   []string
	counts  map[string]*count
	seconds float64
	rows    int
	files   int
}

// count is how rows were judged.
type count struct{ hits, misses, falseAlarms, right int }

func (c *count) add(unusual, called bool) {
	switch {
	case unusual && called:
		c.hits++
	case unusual:
		c.misses++
	case called:
		c.falseAlarms++
	default:
		c.right++
	}
}

func (c *count) f1() float64 {
	return 2 * float64(c.hits) / float64(2*c.hits+c.falseAlarms+c.misses)
}

// note counts the judgements of a method.
func (b *bench) note(method string, unusual, called []bool) {
	if b.counts[method] == nil {
		b.names, b.counts[method] = append(b.names, method), &count{}
	}
	for i := range unusual {
		b.counts[method].add(unusual[i], called[i])
	}
}

func (b *bench) run(ctx context.Context) error {
	paths, err := filepath.Glob(filepath.Join(b.data, "*.csv"))
	if err != nil || len(paths) == 0 {
		return errors.Join(err, fmt.Errorf("no .csv files in %q; want --data, a folder of the Skoltech Anomaly Benchmark", b.data))
	}
	for _, path := range paths {
		if err := b.measure(ctx, path); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	b.files = len(paths)
	return os.WriteFile(b.out, []byte(b.document()), 0o644)
}

// measure trains on the first rows of a file and judges all of them.
func (b *bench) measure(ctx context.Context, path string) error {
	dir, err := os.MkdirTemp("", "series")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	head := filepath.Join(dir, "head.csv")
	if err := writeHead(path, head, trainingRows); err != nil {
		return err
	}
	unusual, err := labels(ctx, path)
	if err != nil {
		return err
	}
	b.rows += len(unusual)
	options := dataset.LoadOptions{Series: dataset.SeriesOptions{Window: b.window, Time: "datetime"}}
	options.CSV.Ignore = []string{"anomaly", "changepoint"}
	for seed := range b.seeds {
		began := time.Now()
		data, err := workflow.Load(ctx, head, options)
		if err != nil {
			return err
		}
		if _, err := workflow.Train(ctx, data.Data, workflow.TrainOptions{Validation: 0.1, Seed: seed, Options: run.Options{Out: dir, Overwrite: true}}); err != nil {
			return err
		}
		b.seconds += time.Since(began).Seconds()
		model, err := workflow.OpenModel(filepath.Join(dir, run.ModelFile))
		if err != nil {
			return err
		}
		if err := b.judge(ctx, model, path, unusual); err != nil {
			return err
		}
	}
	return b.peers(ctx, path, options, unusual)
}

// judge scores all rows by each method.
func (b *bench) judge(ctx context.Context, model *workflow.Model, path string, unusual []bool) error {
	in, err := model.Load(ctx, path, dataset.LoadOptions{})
	if err != nil {
		return err
	}
	for _, method := range anomaly.Methods() {
		r, err := model.Rank(ctx, in, workflow.RankOptions{Method: method, Rate: b.rate})
		if err != nil {
			return err
		}
		called := make([]bool, len(r.Scores))
		for i, s := range r.Scores {
			called[i] = s.Outlier
		}
		b.note(string(method), unusual, called)
	}
	return nil
}

// labels returns which rows are known to be unusual.
func labels(ctx context.Context, path string) ([]bool, error) {
	o := dataset.LoadOptions{Label: "anomaly"}
	o.CSV.Ignore = []string{"datetime", "changepoint"}
	data, err := dataset.Load(ctx, path, o)
	if err != nil {
		return nil, err
	}
	unusual := make([]bool, data.Len())
	for i, label := range data.Labels {
		unusual[i] = strings.HasPrefix(data.Classes[label], "1")
	}
	return unusual, nil
}

// writeHead copies the header and the first rows of a table.
func writeHead(from, to string, rows int) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	text, err := io.ReadAll(f)
	if err != nil {
		return err
	}
	lines := slices.Collect(strings.Lines(string(text)))
	return os.WriteFile(to, []byte(strings.Join(lines[:min(rows+1, len(lines))], "")), 0o644)
}

// document writes the results as a page.
func (b *bench) document() string {
	var text strings.Builder
	fmt.Fprintf(&text, "# Faults in logs of sensors\n\nWritten by `go run ./bench/series` on %s: %d files of `%s`, %d rows, %d seeds.\n", time.Now().Format("2 January 2006"),
		b.files, filepath.Base(b.data), b.rows, b.seeds)
	fmt.Fprintf(&text, "The first %d rows of each file train, all are judged. F1 is over all rows of all files, without adjustment;\n"+
		"nothing is chosen by file. The first rows are `hourglass train --window %d --time datetime` and `hourglass score --false-alarms %v`,\n"+
		"all else by default, by each `--method`; `combined` is the default. A training took %.1f s on average.\n"+
		"T² and Q call a row unusual if one of them is higher than on any training row.\n\n", trainingRows, b.window, b.rate, b.seconds/float64(uint64(b.files)*b.seeds))
	text.WriteString("| | F1 | false alarms | missed |\n| --- | ---: | ---: | ---: |\n")
	for _, name := range b.names {
		c := b.counts[name]
		fmt.Fprintf(&text, "| %s | %.3f | %.1f %% | %.1f %% |\n", name, c.f1(), 100*float64(c.falseAlarms)/float64(c.falseAlarms+c.right), 100*float64(c.misses)/float64(c.hits+c.misses))
	}
	text.WriteString("\nPublished by the benchmark's authors over all of its files: convolutional autoencoder and MSET 0.78, T²+Q 0.76, LSTM autoencoder 0.74, isolation forest 0.29.\n")
	return text.String()
}
