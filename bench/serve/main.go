// Command serve measures hourglass serve beside what people run instead: PyTorch
// behind FastAPI and uvicorn, and ONNX Runtime behind Node's http. It needs wrk,
// python3 with torch, fastapi and uvicorn, and node; ONNX Runtime comes from npm into
// the user's cache.
//
//	go run ./bench/serve
//
// All of them answer the same requests of the Open Inference Protocol for
// reconstructions of `stacked`, and what they answer is compared first. They take
// turns on the same cores, which wrk shares with them.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"hourglass"
	"hourglass/client"
	"hourglass/nn"
	"hourglass/serve/oip"
	"hourglass/tensor"
)

func main() {
	seconds := flag.Float64("seconds", 4, "how long each measurement takes")
	repetitions := flag.Int("repetitions", 5, "how often everything is measured")
	out := flag.String("out", "bench/serve/RESULTS.md", "file to write; - for the standard output")
	flag.Parse()
	if err := run(*seconds, *repetitions, *out); err != nil {
		fmt.Fprintln(os.Stderr, "bench/serve:", err)
		os.Exit(1)
	}
}

// kind is a kind of load.
type kind struct {
	name        string
	images      int
	binary      bool
	connections int
}

var kinds = []kind{
	{"1 image, JSON, 1 connection", 1, false, 1},
	{"1 image, JSON, 16 connections", 1, false, 16},
	{"1 image, JSON, 64 connections", 1, false, 64},
	{"64 images, binary, 1 connection", 64, true, 1},
	{"64 images, binary, 16 connections", 64, true, 16},
}

// measurement is what wrk says of one run.
type measurement struct {
	Requests, Errors  int
	Seconds, P50, P99 float64
}

func (m measurement) rate() float64 { return float64(m.Requests) / m.Seconds }

func run(seconds float64, repetitions int, out string) error {
	dir, err := os.MkdirTemp("", "hourglass-bench-serve")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	ae, err := saveModel(filepath.Join(dir, "stacked.safetensors"))
	if err != nil {
		return err
	}
	contestants, err := prepare(dir)
	if err != nil {
		return err
	}
	for _, k := range kinds {
		if err := writeRequest(dir, k); err != nil {
			return err
		}
	}
	results := map[string]map[string][]measurement{} // by kind and contestant
	for repetition := range repetitions {
		for _, c := range contestants {
			stop, err := c.start()
			if err != nil {
				return err
			}
			if repetition == 0 {
				if err := check(c, ae); err != nil {
					stop()
					return fmt.Errorf("%s: %w", c.name, err)
				}
			}
			for _, k := range kinds {
				m, err := load(dir, c.addr, k, seconds)
				if err != nil {
					stop()
					return fmt.Errorf("%s, %s: %w", c.name, k.name, err)
				}
				if results[k.name] == nil {
					results[k.name] = map[string][]measurement{}
				}
				results[k.name][c.name] = append(results[k.name][c.name], m)
				fmt.Fprintf(os.Stderr, "%-36s %-26s %9.0f/s  p50 %7.2f ms  p99 %7.2f ms\n", k.name, c.name, m.rate(), 1e3*m.P50, 1e3*m.P99)
			}
			stop()
		}
	}
	return write(out, contestants, results)
}

// saveModel saves an untrained `stacked`: weights do not matter to speed.
func saveModel(path string) (*hourglass.Autoencoder, error) {
	ae, err := hourglass.New(
		nn.Layers{nn.Input{28, 28}, nn.Flatten{}, nn.Dense{Units: 100, Activation: nn.SELU}, nn.Dense{Units: 30, Activation: nn.SELU}},
		nn.Layers{nn.Dense{Units: 100, Activation: nn.SELU}, nn.Dense{Units: 784, Activation: nn.Sigmoid}, nn.Reshape{28, 28}})
	if err != nil {
		return nil, err
	}
	return ae, ae.Save(path)
}

// images returns n pictures as bytes have them, 0 to 255 of 255.
func images(n int) tensor.Tensor {
	x := tensor.New(n, 28, 28)
	for i := range x.Data {
		x.Data[i] = float32((i*7919+i/784*31)%256) / 255
	}
	return x
}

// request returns a request of some kind and the length of its JSON if there is more.
func request(k kind) (body []byte, headerLength string, err error) {
	x := images(k.images)
	in := map[string]any{"name": "input", "datatype": oip.FP32, "shape": x.Shape}
	message := map[string]any{"inputs": []any{in}, "outputs": []any{map[string]any{"name": "reconstruction"}}}
	if !k.binary {
		in["data"] = x.Data
		body, err = json.Marshal(message)
		return body, "", err
	}
	values := oip.Tensor{Floats: x.Data}
	in["parameters"] = map[string]any{"binary_data_size": values.Bytes()}
	message["parameters"] = map[string]any{"binary_data_output": true}
	if body, err = json.Marshal(message); err != nil {
		return nil, "", err
	}
	return values.AppendBytes(body), strconv.Itoa(len(body)), nil
}

// folder is where the request of a kind lies for wrk.
func folder(dir string, k kind) string {
	return filepath.Join(dir, fmt.Sprintf("%d-%v-%d", k.images, k.binary, k.connections))
}

func writeRequest(dir string, k kind) error {
	body, _, err := request(k)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder(dir, k), 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder(dir, k), "body"), body, 0o600)
}

// check compares a contestant's answers with the library's.
func check(c *contestant, ae *hourglass.Autoencoder) error {
	for _, k := range []kind{kinds[0], kinds[3]} {
		want, err := ae.Reconstruct(images(k.images))
		if err != nil {
			return err
		}
		var got []float32
		if k.binary {
			cl, err := client.New("http://" + c.addr)
			if err != nil {
				return err
			}
			outputs, err := cl.Infer(context.Background(), "stacked", "input", images(k.images), "reconstruction")
			if err != nil {
				return err
			}
			got = outputs["reconstruction"].Floats
		} else if got, err = askJSON(c.addr, k); err != nil {
			return err
		}
		if len(got) != len(want.Data) {
			return fmt.Errorf("it answers with %d values, want %d", len(got), len(want.Data))
		}
		for i := range got {
			if math.Abs(float64(got[i]-want.Data[i])) > 1e-5 {
				return fmt.Errorf("value %d of its answer is %v, want %v", i, got[i], want.Data[i])
			}
		}
	}
	return nil
}

func askJSON(addr string, k kind) ([]float32, error) {
	body, _, err := request(k)
	if err != nil {
		return nil, err
	}
	r, err := http.Post("http://"+addr+"/v2/models/stacked/infer", "application/json", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	var answer struct{ Outputs []struct{ Data []float32 } }
	if err := json.NewDecoder(r.Body).Decode(&answer); err != nil || len(answer.Outputs) != 1 {
		return nil, fmt.Errorf("status %d: %w", r.StatusCode, err)
	}
	return answer.Outputs[0].Data, nil
}

// write writes the tables: medians, and ratios to the peers' best settings.
func write(out string, contestants []*contestant, results map[string]map[string][]measurement) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# hourglass serve beside its peers\n\n%s, load average %s, wrk on the same cores; medians. `go run ./bench/serve` repeats it.\n",
		time.Now().UTC().Format(time.DateOnly), loadAverage())
	b.WriteString("FastAPI and Node stand with the number of workers that answered more requests.\n\n")
	b.WriteString("| load | | requests/s | p50 ms | p99 ms | Hourglass is faster by |\n| --- | --- | ---: | ---: | ---: | ---: |\n")
	for _, k := range kinds {
		rates := func(c *contestant) float64 {
			return median(results[k.name][c.name], measurement.rate)
		}
		ours := rates(contestants[0])
		for _, family := range []string{contestants[0].family, "FastAPI", "Node"} {
			var best *contestant
			for _, c := range contestants {
				if c.family == family && (best == nil || rates(c) > rates(best)) {
					best = c
				}
			}
			if best == nil {
				continue
			}
			ms := results[k.name][best.name]
			ratio := ""
			if best != contestants[0] {
				ratio = fmt.Sprintf("**%.1f**", ours/rates(best))
			}
			fmt.Fprintf(&b, "| %s | %s | %.0f | %.2f | %.2f | %s |\n", k.name, best.name, rates(best),
				1e3*median(ms, func(m measurement) float64 { return m.P50 }), 1e3*median(ms, func(m measurement) float64 { return m.P99 }), ratio)
		}
	}
	if out == "-" {
		_, err := os.Stdout.WriteString(b.String())
		return err
	}
	return os.WriteFile(out, []byte(b.String()), 0o644)
}

func median(ms []measurement, value func(measurement) float64) float64 {
	if len(ms) == 0 {
		return math.NaN()
	}
	values := make([]float64, len(ms))
	for i, m := range ms {
		values[i] = value(m)
	}
	slices.Sort(values)
	return (values[(len(values)-1)/2] + values[len(values)/2]) / 2
}

func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Fields(string(text))[0]
}
