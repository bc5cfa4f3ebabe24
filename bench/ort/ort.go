// Package ort measures ONNX Runtime as npm installs it, in a process of its own, for what is
// measured beside it.
package ort

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"hourglass/tensor"
)

//go:embed ort.cjs
var script string

// Peer is the process.
type Peer struct {
	Version string // of what it runs
	name    string
	cmd     *exec.Cmd
	in      io.WriteCloser
	replies *bufio.Scanner
}

// Modules returns the folder that npm has installed ONNX Runtime into:
// $HOURGLASS_NODE_MODULES, or else ../peers/node_modules.
func Modules() (string, error) {
	folder := os.Getenv("HOURGLASS_NODE_MODULES")
	if folder == "" {
		folder = filepath.Join("..", "peers", "node_modules")
	}
	if _, err := os.Stat(filepath.Join(folder, "onnxruntime-node")); err != nil {
		return "", fmt.Errorf("onnxruntime-node is not in %s: npm install --ignore-scripts --prefix %s onnxruntime-node, or set HOURGLASS_NODE_MODULES",
			folder, filepath.Dir(folder))
	}
	return folder, nil
}

// Start starts the process with the onnxruntime-node of a folder. It is killed when ctx is done.
func Start(ctx context.Context, modules string) (*Peer, error) {
	return StartCommand("ONNX Runtime", exec.CommandContext(ctx, "node", "-e", script, modules))
}

// StartCommand starts another program that answers the same requests, by which ort.cjs is written, on
// its standard input and output.
func StartCommand(name string, cmd *exec.Cmd) (*Peer, error) {
	p := &Peer{name: name, cmd: cmd}
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	p.replies = bufio.NewScanner(out)
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	reply, err := p.ask(struct{}{})
	if err != nil {
		p.Close()
		return nil, err
	}
	p.Version = reply.Version
	return p, nil
}

// Close ends the process. Nil is none.
func (p *Peer) Close() {
	if p != nil {
		p.in.Close()
		p.cmd.Wait()
	}
}

// Measure returns the median time in seconds that a model in a file takes for an input of a shape.
func (p *Peer) Measure(model string, shape tensor.Shape, threads int, seconds float64) (float64, error) {
	r, err := p.ask(map[string]any{"model": model, "shape": shape, "threads": threads, "seconds": seconds})
	return r.Seconds, err
}

type reply struct {
	Seconds float64
	Version string
	Error   string
}

func (p *Peer) ask(request any) (r reply, err error) {
	line, err := json.Marshal(request)
	if err != nil {
		return r, err
	}
	if _, err := p.in.Write(append(line, '\n')); err != nil {
		return r, fmt.Errorf("%s: %w", p.name, err)
	}
	if !p.replies.Scan() {
		return r, fmt.Errorf("%s: it ended", p.name)
	}
	if err := json.Unmarshal(p.replies.Bytes(), &r); err != nil {
		return r, fmt.Errorf("%s: %w", p.name, err)
	}
	if r.Error != "" {
		return r, fmt.Errorf("%s: %s", p.name, strings.Join(strings.Fields(r.Error), " "))
	}
	return r, nil
}
