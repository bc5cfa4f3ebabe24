// Command serve measures hourglass serve beside what people run instead: PyTorch
// behind FastAPI and uvicorn, and ONNX Runtime behind Node's http. It needs wrk,
// python3 with torch, fastapi and uvicorn (faster with uvloop and httptools), and node;
// ONNX Runtime comes from npm into the user's cache, or from the folder in $ORT.
//
//	go run ./bench/serve
//
// All of them answer the same requests of the Open Inference Protocol for
// reconstructions of `stacked`, and what they answer is compared first. They take
// turns on the same cores, which wrk shares with them. It takes four to five minutes.
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
	"strconv"

	"hourglass"
	"hourglass/client"
	"hourglass/nn"
	"hourglass/serve/oip"
	"hourglass/tensor"
)

func main() {
	seconds := flag.Float64("seconds", 2, "how long each measurement takes, at least 1")
	repetitions := flag.Int("repetitions", 3, "how often everything is measured")
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
	aims        [2]float64 // how many times as many requests as FastAPI and Node answer
}

var kinds = []kind{
	{"1 image, JSON, 1 connection", 1, false, 1, [2]float64{10, 2}},
	{"1 image, JSON, 16 connections", 1, false, 16, [2]float64{10, 2}},
	{"1 image, JSON, 64 connections", 1, false, 64, [2]float64{10, 2}},
	{"64 images, binary, 1 connection", 64, true, 1, [2]float64{3, 1.5}},
	{"64 images, binary, 16 connections", 64, true, 16, [2]float64{3, 1.5}},
}

// measurement is what wrk says of one run, and the processor time that the server took
// for a request.
type measurement struct {
	Requests, Errors  int
	Seconds, P50, P99 float64
	CPU               float64 // seconds; NaN where it is not known
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
	all := results{}
	for repetition := range repetitions {
		for _, c := range contestants {
			if err := measure(dir, c, ae, repetition == 0, seconds, all); err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
		}
	}
	return write(out, contestants, all)
}

// measure starts a contestant and puts it under every kind of load; the first time its
// answers are looked at.
func measure(dir string, c *contestant, ae *hourglass.Autoencoder, first bool, seconds float64, all results) error {
	server, err := c.start()
	if err != nil {
		return err
	}
	defer server.stop()
	if first {
		if err := check(c, ae); err != nil {
			return err
		}
	}
	for i, k := range kinds {
		if i == 0 || k.binary != kinds[i-1].binary {
			const warm = 1 // second
			if _, err := load(dir, c.addr, server.pid, k, warm); err != nil {
				return fmt.Errorf("%s: %w", k.name, err)
			}
		}
		m, err := load(dir, c.addr, server.pid, k, seconds)
		if err != nil {
			return fmt.Errorf("%s: %w", k.name, err)
		}
		all.add(k, c, m)
		fmt.Fprintf(os.Stderr, "%-36s %-26s %9.0f/s  p50 %7.2f ms  p99 %7.2f ms  CPU %6.0f µs\n", k.name, c.name, m.rate(), 1e3*m.P50, 1e3*m.P99, 1e6*m.CPU)
	}
	return nil
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
