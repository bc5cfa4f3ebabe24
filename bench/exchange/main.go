// Command exchange measures autoencoders that PyTorch has exported, imported here, beside ONNX
// Runtime and gonnx, an interpreter in pure Go, on the same files, and writes a table as Markdown to
// the standard output.
//
//	npm install --ignore-scripts --prefix ../peers onnxruntime-node
//	go run ./bench/exchange
//
// Hourglass and ONNX Runtime take turns, with batches of 1, 64 and 1,000 samples on two threads (ONNX
// Runtime at the better of one and two); times are medians. gonnx, which is slower by far, has one
// turn; what it cannot run stands below the table. Without files as arguments PyTorch writes three.
package main

import (
	"context"
	_ "embed"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"hourglass"
	"hourglass/bench/ort"
	"hourglass/exchange/onnx"
	"hourglass/tensor"
)

//go:embed models.py
var models []byte

// threads is how many both may use.
const threads = 2

func main() {
	seconds := flag.Float64("seconds", 0.5, "length of each measurement")
	rounds := flag.Int("rounds", 5, "how often both take turns")
	flag.Parse()
	if err := run(context.Background(), os.Stdout, *seconds, *rounds, flag.Args()); err != nil {
		fmt.Fprintf(os.Stderr, "exchange: %v\n", err)
		os.Exit(1)
	}
}

// run measures all files.
func run(ctx context.Context, out io.Writer, seconds float64, rounds int, files []string) error {
	modules, err := ort.Modules()
	if err != nil {
		return err
	}
	runtime.GOMAXPROCS(threads)
	dir, err := os.MkdirTemp("", "exchange")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if len(files) == 0 {
		if files, err = export(dir); err != nil {
			return err
		}
	}
	p, err := ort.Start(ctx, modules)
	if err != nil {
		return err
	}
	defer p.Close()
	interpreter, err := startInterpreter(ctx, dir)
	if err != nil {
		return err
	}
	defer interpreter.Close()
	fmt.Fprintf(out, "| model | batch | Hourglass | ONNX Runtime %s | times faster | gonnx %s | times faster |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n",
		p.Version, interpreter.Version)
	var notes []string // what gonnx cannot run
	for _, file := range files {
		ae, err := onnx.ReadFile(file, onnx.Import{})
		if err != nil {
			return err
		}
		name := strings.TrimSuffix(filepath.Base(file), ".onnx")
		failed := false // which may take it long
		for _, batch := range []int{1, 64, 1000} {
			b := bout{ae: ae, file: file, batch: batch, seconds: seconds}
			ours, theirs, err := b.compare(p, rounds)
			if err != nil {
				return err
			}
			interpreted, times := "", ""
			if !failed {
				t, err := interpreter.Measure(file, b.shape(), threads, seconds)
				if failed = err != nil; failed {
					notes = append(notes, fmt.Sprintf("%s: %v", name, err))
				} else {
					interpreted, times = text(t), fmt.Sprintf("**%.0f**", t/ours)
				}
			}
			fmt.Fprintf(out, "| %s | %d | %s | %s | **%.2f** | %s | %s |\n", name, batch, text(ours), text(theirs), theirs/ours, interpreted, times)
		}
	}
	for _, note := range notes {
		fmt.Fprintf(out, "\n%s\n", note)
	}
	return nil
}

// startInterpreter builds the program around gonnx, which is a module of its own, and starts it.
func startInterpreter(ctx context.Context, dir string) (*ort.Peer, error) {
	program := filepath.Join(dir, "gonnx")
	build := exec.CommandContext(ctx, "go", "build", "-C", filepath.Join("bench", "exchange", "gonnx"), "-o", program, ".")
	if text, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("gonnx (run this in the root of the repository): %w: %s", err, text)
	}
	return ort.StartCommand("gonnx", exec.CommandContext(ctx, program))
}

// text writes a time.
func text(seconds float64) string {
	if seconds < 1e-3 {
		return fmt.Sprintf("%.1f µs", 1e6*seconds)
	}
	return fmt.Sprintf("%.2f ms", 1e3*seconds)
}

// export has PyTorch write models.
func export(dir string) ([]string, error) {
	script := filepath.Join(dir, "models.py")
	if err := os.WriteFile(script, models, 0o666); err != nil {
		return nil, err
	}
	if text, err := exec.Command("/usr/bin/python3", script, dir).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("PyTorch: %w: %s", err, text)
	}
	return filepath.Glob(filepath.Join(dir, "*.onnx"))
}

// bout is a model and a batch that contestants take turns with.
type bout struct {
	ae      *hourglass.Autoencoder
	file    string
	batch   int
	seconds float64 // of each turn
}

// shape returns that of the batch as PyTorch has it.
func (b bout) shape() tensor.Shape {
	shape := b.ae.Encoder().Input()
	if len(shape) == 3 { // an image
		shape = tensor.Shape{shape[2], shape[0], shape[1]}
	}
	return append(tensor.Shape{b.batch}, shape...)
}

// compare returns the median times of both.
func (b bout) compare(p *ort.Peer, rounds int) (ours, theirs float64, err error) {
	x := tensor.New(append([]int{b.batch}, b.ae.Encoder().Input()...)...)
	for i := range x.Data {
		x.Data[i] = float32(i*7919%997) / 997
	}
	var mine []float64
	var others [threads + 1][]float64
	for range rounds {
		t, err := measure(b.ae, x, b.seconds)
		if err != nil {
			return 0, 0, err
		}
		mine = append(mine, t)
		for n := 1; n <= threads; n++ {
			if t, err = p.Measure(b.file, b.shape(), n, b.seconds); err != nil {
				return 0, 0, err
			}
			others[n] = append(others[n], t)
		}
	}
	theirs = median(others[1])
	for n := 2; n <= threads; n++ {
		theirs = min(theirs, median(others[n]))
	}
	return median(mine), theirs, nil
}

func median(times []float64) float64 {
	slices.Sort(times)
	return times[len(times)/2]
}

// measure returns the median time of a reconstruction.
func measure(ae *hourglass.Autoencoder, x tensor.Tensor, seconds float64) (float64, error) {
	if _, err := ae.Reconstruct(x); err != nil {
		return 0, err
	}
	var times []float64
	for start := time.Now(); len(times) < 3 || time.Since(start).Seconds() < seconds; {
		at := time.Now()
		if _, err := ae.Reconstruct(x); err != nil {
			return 0, err
		}
		times = append(times, time.Since(at).Seconds())
	}
	return median(times), nil
}
