// Anomaly measures how well outliers are found in tables whose outliers are known, beside
// what scikit-learn finds on the same split: half of the normal samples, drawn by the
// seed, train with the defaults of "hourglass train"; the others and all outliers are scored.
//
//	go run ./bench/anomaly --data FOLDER --seeds 3 --out bench/anomaly/RESULTS.md
//
// The folder has .npz files with the arrays X (samples) and y (1 for an outlier), as ADBench
// (Han et al., NeurIPS 2022) has them.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"hourglass/anomaly"
	"hourglass/dataset"
	"hourglass/dataset/npy"
	"hourglass/run"
	"hourglass/tensor"
	"hourglass/workflow"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	b := bench{areas: map[string]map[string][]float64{}}
	flag.StringVar(&b.data, "data", filepath.Join(os.Getenv("HOURGLASS_DATA"), "anomaly", "adbench"), "`folder` of .npz files with arrays X and y")
	flag.StringVar(&b.out, "out", "bench/anomaly/RESULTS.md", "`file` to write")
	flag.StringVar(&b.only, "only", "", "tables to measure, `NAMES` separated by commas (default all)")
	flag.Uint64Var(&b.seeds, "seeds", 1, "how many seeds, from 0")
	flag.IntVar(&b.most, "most", 0, "take at most so many training samples, and twice as many to score (default all)")
	flag.Parse()
	if err := b.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "anomaly:", err)
		os.Exit(1)
	}
}

// bench is what is asked for and what it comes to.
type bench struct {
	data, out, only string
	seeds           uint64
	most            int

	tables  []string
	methods []string
	areas   map[string]map[string][]float64 // ROC AUC by method and table, of each seed
	seconds float64                         // of training, all together
	sklearn string                          // its version, or why it is not there
}

func (b *bench) run(ctx context.Context) error {
	paths, err := filepath.Glob(filepath.Join(b.data, "*.npz"))
	if err != nil || len(paths) == 0 {
		return errors.Join(err, fmt.Errorf("no .npz files in %q; want --data, a folder with tables of ADBench", b.data))
	}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".npz")
		if b.only != "" && !slices.Contains(strings.Split(b.only, ","), name) {
			continue
		}
		b.tables = append(b.tables, name)
		for seed := range b.seeds {
			if err := b.measure(ctx, name, path, seed); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return os.WriteFile(b.out, []byte(b.document()), 0o644)
}

// measure trains on a table and scores it.
func (b *bench) measure(ctx context.Context, name, path string, seed uint64) error {
	data, err := dataset.Load(ctx, path, dataset.LoadOptions{Array: "X", Label: "y"})
	if err != nil {
		return err
	}
	defer data.Close()
	data.Largest = 0 // columns of a table, whatever type they are kept in
	training, scored, unusual, err := b.split(data, seed)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "anomaly")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	began := time.Now()
	if _, err := workflow.Train(ctx, training, workflow.TrainOptions{Validation: 0.1, Seed: seed, Options: run.Options{Out: dir}}); err != nil {
		return err
	}
	b.seconds += time.Since(began).Seconds()
	model, err := workflow.OpenModel(filepath.Join(dir, run.ModelFile))
	if err != nil {
		return err
	}
	for _, method := range anomaly.Methods() {
		scores, err := model.ScoreBy(ctx, &workflow.Input{Data: scored}, method, nil)
		if err != nil {
			return err
		}
		if err := b.note(string(method), name, scores, unusual); err != nil {
			return err
		}
	}
	if err := b.peers(ctx, dir, name, training, scored, unusual, seed); err != nil {
		b.sklearn = "scikit-learn is missing: " + strings.ReplaceAll(err.Error(), "\n", "; ")
	}
	fmt.Printf("%s, seed %d: combined %.3f\n", name, seed, b.areas[string(anomaly.Combined)][name][seed])
	return nil
}

// note keeps how well a method tells.
func (b *bench) note(method, table string, scores []float64, unusual []bool) error {
	c, err := anomaly.NewCurve(scores, unusual)
	if err != nil {
		return err
	}
	if b.areas[method] == nil {
		b.areas[method], b.methods = map[string][]float64{}, append(b.methods, method)
	}
	b.areas[method][table] = append(b.areas[method][table], c.ROCAUC)
	return nil
}

// split takes half of the normal samples for training and all others to be scored.
func (b *bench) split(data *dataset.Data, seed uint64) (training, scored *dataset.Data, unusual []bool, err error) {
	order := make([]int, data.Len())
	dataset.Permutation(seed, 0, order)
	var normal, outliers []int
	for _, i := range order {
		if data.Classes[data.Labels[i]] == "1" {
			outliers = append(outliers, i)
		} else {
			normal = append(normal, i)
		}
	}
	train, rest := normal[:len(normal)/2], normal[len(normal)/2:]
	if b.most > 0 {
		train, rest = train[:min(b.most, len(train))], rest[:min(2*b.most, len(rest))]
	}
	if training, err = data.Select(train); err != nil {
		return nil, nil, nil, err
	}
	scored, err = data.Select(slices.Concat(rest, outliers))
	unusual = slices.Concat(make([]bool, len(rest)), slices.Repeat([]bool{true}, len(outliers)))
	return training, scored, unusual, err
}

// peers scores the same samples by scikit-learn.
func (b *bench) peers(ctx context.Context, dir, table string, training, scored *dataset.Data, unusual []bool, seed uint64) error {
	paths := [2]string{filepath.Join(dir, "train.npy"), filepath.Join(dir, "scored.npy")}
	for i, data := range []*dataset.Data{training, scored} {
		if err := writeNPY(paths[i], data); err != nil {
			return err
		}
	}
	var errs []error
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		text, err := exec.CommandContext(ctx, python, "bench/peers/sklearn_anomaly.py", paths[0], paths[1], strconv.FormatUint(seed, 10)).Output()
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", python, err))
			continue
		}
		var reply struct {
			Version   string    `json:"version"`
			Forest    []float64 `json:"isolation forest"`
			Neighbour []float64 `json:"5th neighbour"`
		}
		if err := json.Unmarshal(text, &reply); err != nil {
			return err
		}
		b.sklearn = "scikit-learn " + reply.Version
		return errors.Join(b.note("isolation forest (scikit-learn)", table, reply.Forest, unusual),
			b.note("5th neighbour (scikit-learn)", table, reply.Neighbour, unusual))
	}
	return errors.Join(errs...)
}

func writeNPY(path string, data *dataset.Data) error {
	x, indices := tensor.New(data.Len(), data.Shape().Size()), make([]int, data.Len())
	for i := range indices {
		indices[i] = i
	}
	if err := data.Samples.Read(x.Data, indices); err != nil {
		return err
	}
	return npy.WriteFile(path, x)
}

// document writes the results as a page.
func (b *bench) document() string {
	var text strings.Builder
	fmt.Fprintf(&text, "# Outliers in tables\n\nWritten by `go run ./bench/anomaly` on %s: %d tables, %d seeds; %s.\n", time.Now().Format("2 January 2006"),
		len(b.tables), b.seeds, b.sklearn)
	fmt.Fprintf(&text, "Half of the normal samples train with the defaults of `hourglass train`, the others and all outliers are scored.\n"+
		"Numbers are ROC AUC, means over the seeds. A training took %.1f s on average.\n", b.seconds/float64(uint64(len(b.tables))*b.seeds))
	if b.most > 0 {
		fmt.Fprintf(&text, "At most %d samples of a table trained, and twice as many normal ones were scored.\n", b.most)
	}
	text.WriteString("\n| table | " + strings.Join(b.methods, " | ") + " |\n| --- |" + strings.Repeat(" ---: |", len(b.methods)) + "\n")
	means := map[string][]float64{}
	for _, table := range b.tables {
		text.WriteString("| " + table)
		for _, method := range b.methods {
			m := mean(b.areas[method][table])
			means[method] = append(means[method], m)
			fmt.Fprintf(&text, " | %.3f", m)
		}
		text.WriteString(" |\n")
	}
	for _, row := range []struct {
		name string
		of   func([]float64) float64
	}{{"mean", mean}, {"median", median}, {"deviation of the mean between seeds", nil}} {
		text.WriteString("| **" + row.name + "**")
		for _, method := range b.methods {
			if row.of == nil {
				fmt.Fprintf(&text, " | %.4f", b.between(method))
				continue
			}
			fmt.Fprintf(&text, " | **%.4f**", row.of(means[method]))
		}
		text.WriteString(" |\n")
	}
	return text.String()
}

// between returns the standard deviation, over the seeds, of the mean over the tables.
func (b *bench) between(method string) float64 {
	var means []float64
	for seed := range b.seeds {
		var list []float64
		for _, table := range b.tables {
			if areas := b.areas[method][table]; uint64(len(areas)) > seed {
				list = append(list, areas[seed])
			}
		}
		means = append(means, mean(list))
	}
	m, sum := mean(means), 0.0
	for _, v := range means {
		sum += (v - m) * (v - m)
	}
	return math.Sqrt(sum / float64(len(means)))
}

func mean(list []float64) float64 {
	sum := 0.0
	for _, v := range list {
		sum += v / float64(len(list))
	}
	return sum
}

func median(list []float64) float64 {
	sorted := slices.Sorted(slices.Values(list))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
