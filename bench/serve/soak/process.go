package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// process is the server.
type process struct {
	addr string
	cmd  *exec.Cmd
	done chan struct{}
}

// startServer builds the command into dir and serves the models there on a free port.
func startServer(dir string, race bool) (*process, error) {
	build := exec.Command("go", "build", fmt.Sprintf("-race=%v", race), "-o", filepath.Join(dir, "hourglass"), "hourglass/cmd/hourglass")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return nil, fmt.Errorf("build the command: %w", err)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	addr := free.Addr().String()
	free.Close()
	return startAt(dir, addr)
}

// startAt serves at an address and waits until it is open.
func startAt(dir, addr string) (*process, error) {
	log, err := os.OpenFile(filepath.Join(dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p := &process{addr: addr, done: make(chan struct{}),
		cmd: exec.Command(filepath.Join(dir, "hourglass"), "serve", filepath.Join(dir, "dense.safetensors"), filepath.Join(dir, "series.safetensors"), "--addr", addr)}
	p.cmd.Stderr = log
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	go func() {
		io.Copy(io.Discard, out)
		p.cmd.Wait()
		close(p.done)
	}()
	if err != nil {
		return nil, fmt.Errorf("the server said %q: %w", line, err)
	}
	return p, nil
}

// alive reports whether the process runs.
func (p *process) alive() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// raced reports whether the log tells of a data race.
func (p *process) raced(dir string) bool {
	log, err := os.ReadFile(filepath.Join(dir, "log"))
	return err != nil || bytes.Contains(log, []byte("WARNING: DATA RACE"))
}

// kill ends the process without a word.
func (p *process) kill() {
	p.cmd.Process.Kill()
	<-p.done
}

// stop lets the process end.
func (p *process) stop() {
	p.cmd.Process.Signal(os.Interrupt)
	select {
	case <-p.done:
	case <-time.After(10 * time.Second):
		p.kill()
	}
}

// memory returns the resident memory of the process in bytes, 0 where the system does
// not tell as Linux does.
func (p *process) memory() int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == "VmRSS:" {
			kib, _ := strconv.ParseInt(fields[1], 10, 64)
			return kib << 10
		}
	}
	return 0
}
