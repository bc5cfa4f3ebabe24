// Command gonnx measures gonnx, an interpreter of ONNX models in pure Go, for bench/exchange. It is
// a module of its own, so that Hourglass does not depend on it.
//
// It reads a request {model, shape, threads, seconds} from each line and answers with {seconds}, the
// median time of a run, or {error}. {} is answered with {version}.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"github.com/advancedclimatesystems/gonnx"
	"gorgonia.org/tensor"
)

type request struct {
	Model   string
	Shape   []int
	Threads int
	Seconds float64
}

type reply struct {
	Seconds float64 `json:"seconds,omitempty"`
	Version string  `json:"version,omitempty"`
	Error   string  `json:"error,omitempty"`
}

func main() {
	lines, out := bufio.NewScanner(os.Stdin), json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var r request
		err := json.Unmarshal(lines.Bytes(), &r)
		var a reply
		if err == nil && r.Model == "" {
			a.Version = version()
		} else if err == nil {
			a.Seconds, err = measure(r)
		}
		if err != nil {
			a = reply{Error: err.Error()}
		}
		if err := out.Encode(a); err != nil {
			fmt.Fprintf(os.Stderr, "gonnx: %v\n", err)
			os.Exit(1)
		}
	}
}

// version returns that of gonnx.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == "github.com/advancedclimatesystems/gonnx" {
				return m.Version
			}
		}
	}
	return "?"
}

// measure returns the median time of runs that last so many seconds together, or that of the
// first where it lasts longer by itself.
func measure(r request) (seconds float64, err error) {
	defer func() { // it panics where shapes are not what it expects
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	runtime.GOMAXPROCS(max(r.Threads, 1))
	model, err := gonnx.NewModelFromFile(r.Model)
	if err != nil {
		return 0, err
	}
	size := 1
	for _, n := range r.Shape {
		size *= n
	}
	values := make([]float32, size)
	for i := range values {
		values[i] = float32(i*7919%997) / 997
	}
	inputs := gonnx.Tensors{model.InputNames()[0]: tensor.New(tensor.WithShape(r.Shape...), tensor.WithBacking(values))}
	run := func() (float64, error) {
		at := time.Now()
		_, err := model.Run(inputs)
		return time.Since(at).Seconds(), err
	}
	first, err := run()
	if err != nil || first > r.Seconds {
		return first, err
	}
	var times []float64
	for start := time.Now(); len(times) < 3 || time.Since(start).Seconds() < r.Seconds; {
		t, err := run()
		if err != nil {
			return 0, err
		}
		times = append(times, t)
	}
	slices.Sort(times)
	return times[len(times)/2], nil
}
