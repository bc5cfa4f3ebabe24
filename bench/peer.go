package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// peer is a process that measures something else than Hourglass. It reads a
// request, a JSON object, from each line of its standard input, and answers with
// a JSON object in a line of its standard output, {"error": "…"} if it cannot. It
// ends when its input does, and so with its parent.
type peer struct {
	name    string
	cmd     *exec.Cmd
	input   io.WriteCloser
	replies chan []byte // closed at the end of its output
	errors  *lastLine   // what it said on standard error
}

// startPeer starts a peer; it is killed when ctx is done.
func startPeer(ctx context.Context, name, command string, args ...string) (*peer, error) {
	p := &peer{name: name, replies: make(chan []byte, 1), errors: &lastLine{}}
	p.cmd = exec.CommandContext(ctx, command, args...)
	p.cmd.Env = append(p.cmd.Environ(), "OPENBLAS_NUM_THREADS=1")
	p.cmd.Stderr = p.errors
	dieWithParent(p.cmd)
	var err error
	if p.input, err = p.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	output, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	go p.read(output)
	return p, nil
}

// read passes the peer's lines on.
func (p *peer) read(output io.Reader) {
	defer close(p.replies)
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		p.replies <- bytes.Clone(lines.Bytes())
	}
}

// ask sends a request and waits for the reply, which is decoded into reply. A
// peer that does not answer in time, or with anything but what was agreed, is
// killed: what it would answer next could not be trusted.
func (p *peer) ask(request, reply any, timeout time.Duration) error {
	line, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	if _, err := p.input.Write(append(line, '\n')); err != nil {
		return p.died()
	}
	select {
	case line, ok := <-p.replies:
		if !ok {
			return p.died()
		}
		return p.decode(line, reply)
	case <-time.After(timeout):
		p.cmd.Process.Kill()
		return fmt.Errorf("%s: no answer in %v", p.name, timeout)
	}
}

func (p *peer) decode(line []byte, reply any) error {
	var failure struct {
		Error string `json:"error"`
	}
	if err := errors.Join(json.Unmarshal(line, &failure), json.Unmarshal(line, reply)); err != nil {
		p.cmd.Process.Kill()
		return fmt.Errorf("%s: answered %.60q, want a JSON object", p.name, line)
	}
	if failure.Error != "" {
		return fmt.Errorf("%s: %s", p.name, oneLine(failure.Error))
	}
	return nil
}

// died says why the peer is no more, in its own last words if it had any.
func (p *peer) died() error {
	p.cmd.Process.Kill() // if its output has ended before it has
	for range p.replies {
		// Wait must not be called before all output is read.
	}
	p.cmd.Wait()
	if words := p.errors.String(); words != "" {
		return fmt.Errorf("%s: %s", p.name, words)
	}
	return fmt.Errorf("%s: ended unexpectedly (%v)", p.name, p.cmd.ProcessState)
}

// close ends the peer and waits for its end. Nil is no peer.
func (p *peer) close() {
	if p == nil {
		return
	}
	p.input.Close()
	timer := time.AfterFunc(2*time.Second, func() { p.cmd.Process.Kill() })
	defer timer.Stop()
	for range p.replies {
		// Wait must not be called before all output is read.
	}
	p.cmd.Wait()
}

// lastLine keeps the last line that is not blank of what is written to it: there
// Python says what went wrong.
type lastLine struct {
	mu      sync.Mutex
	line    string
	partial string
}

// Write never fails.
func (l *lastLine) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := strings.Split(l.partial+string(text), "\n")
	l.partial = lines[len(lines)-1]
	for _, line := range lines {
		if strings.TrimSpace(line) != "" {
			l.line = strings.TrimSpace(line)
		}
	}
	return len(text), nil
}

func (l *lastLine) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.line
}

// oneLine joins the lines of a message.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
