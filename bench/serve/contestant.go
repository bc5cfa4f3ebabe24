package main

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

//go:embed peers
var peerFiles embed.FS

// contestant is a server with its settings.
type contestant struct {
	family, name string
	addr         string
	command      []string
	env          []string
	dir          string
}

// prepare lays out everything in dir and returns the contestants, ours first. A peer
// that cannot be had is left out, and it is said why.
func prepare(dir string) ([]*contestant, error) {
	if err := os.CopyFS(dir, peerFiles); err != nil {
		return nil, err
	}
	binary := filepath.Join(dir, "hourglass")
	if err := command("go", "build", "-o", binary, "hourglass/cmd/hourglass"); err != nil {
		return nil, err
	}
	model, peers := filepath.Join(dir, "stacked.safetensors"), filepath.Join(dir, "peers")
	var all []*contestant
	add := func(family, name, dir string, env []string, words func(port string) []string) error {
		addr, err := freeAddr()
		if err != nil {
			return err
		}
		_, port, _ := net.SplitHostPort(addr)
		all = append(all, &contestant{family, name, addr, words(port), env, dir})
		return nil
	}
	err := add("Hourglass", "Hourglass", dir, nil, func(port string) []string {
		return []string{binary, "serve", model, "--addr", "127.0.0.1:" + port, "--log-level", "error"}
	})
	if err != nil {
		return nil, err
	}
	python := os.Getenv("PYTHON")
	if python == "" {
		python = "/usr/bin/python3"
	}
	if err := command(python, "-c", "import torch, fastapi, uvicorn"); err != nil {
		fmt.Fprintln(os.Stderr, "without FastAPI:", err)
		return all, nil
	}
	for _, workers := range []string{"1", "2"} {
		err := add("FastAPI", "FastAPI, "+plural(workers), peers, []string{"MODEL=" + model, "OMP_NUM_THREADS=1", "OPENBLAS_NUM_THREADS=1"},
			func(port string) []string { return []string{python, "fastapi_server.py", port, workers} })
		if err != nil {
			return nil, err
		}
	}
	onnx := filepath.Join(dir, "stacked.onnx")
	module, err := onnxRuntime()
	if err == nil {
		err = command(python, filepath.Join(peers, "model.py"), model, onnx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "without Node:", err)
		return all, nil
	}
	for _, workers := range []string{"1", "2"} {
		err := add("Node", "Node, "+plural(workers), peers, []string{"MODEL=" + onnx, "ORT=" + module},
			func(port string) []string { return []string{"node", "node_server.js", port, workers} })
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

func plural(workers string) string {
	if workers == "1" {
		return "1 worker"
	}
	return workers + " workers"
}

// onnxRuntime returns where ONNX Runtime for Node is, installing it first if it is not.
func onnxRuntime() (string, error) {
	if module := os.Getenv("ORT"); module != "" {
		return module, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "hourglass", "bench-node")
	module := filepath.Join(dir, "node_modules", "onnxruntime-node")
	if _, err := os.Stat(module); err == nil {
		return module, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	return module, command("npm", "install", "--prefix", dir, "--ignore-scripts", "--no-audit", "--no-fund", "onnxruntime-node")
}

// command runs a program and puts the end of what it says into the error.
func command(name string, args ...string) error {
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		return fmt.Errorf("%s: %w: %s", name, err, lines[len(lines)-1])
	}
	return nil
}

func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// process is a server that runs.
type process struct {
	pid  int
	stop func()
}

// start starts the server and waits until it answers.
func (c *contestant) start() (*process, error) {
	cmd := exec.Command(c.command[0], c.command[1:]...)
	cmd.Dir, cmd.Env, cmd.Stderr = c.dir, append(os.Environ(), c.env...), os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	done := make(chan struct{})
	go func() {
		cmd.Wait()
		close(done)
	}()
	p := &process{cmd.Process.Pid, func() {
		cmd.Process.Signal(os.Interrupt)
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			cmd.Process.Kill()
			<-done
		}
	}}
	for begin := time.Now(); time.Since(begin) < 2*time.Minute; time.Sleep(100 * time.Millisecond) {
		select {
		case <-done:
			return nil, fmt.Errorf("it ended: %v", cmd.ProcessState)
		default:
		}
		if r, err := http.Get("http://" + c.addr + "/"); err == nil {
			r.Body.Close()
			time.Sleep(time.Second) // for the other workers
			return p, nil
		}
	}
	p.stop()
	return nil, errors.New("it does not answer")
}

// load lets wrk ask a server, which is a process and its children, for some time.
func load(dir, addr string, pid int, k kind, seconds float64) (measurement, error) {
	_, length, err := request(k)
	if err != nil {
		return measurement{}, err
	}
	cmd := exec.Command("wrk", "-t", strconv.Itoa(min(k.connections, 2)), "-c", strconv.Itoa(k.connections), "-d", fmt.Sprintf("%.0fs", max(seconds, 1)),
		"--timeout", "30s", "-s", filepath.Join(dir, "peers", "load.lua"), "http://"+addr+"/v2/models/stacked/infer")
	cmd.Env = append(os.Environ(), "REQUESTS="+folder(dir, k), "HEADER_LENGTH="+length)
	before, known := cpuSeconds(pid)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return measurement{}, fmt.Errorf("wrk: %w: %s", err, out)
	}
	after, _ := cpuSeconds(pid)
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	m := measurement{CPU: math.NaN()}
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &m); err != nil {
		return m, fmt.Errorf("wrk said %q", out)
	}
	if m.Errors > 0 || m.Requests == 0 {
		return m, fmt.Errorf("%d errors in %d requests", m.Errors, m.Requests)
	}
	if known {
		m.CPU = (after - before) / float64(m.Requests)
	}
	return m, nil
}
