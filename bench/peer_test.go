package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// TestMain lets the test binary be a peer as well.
func TestMain(m *testing.M) {
	if os.Getenv("BENCH_FAKE_PEER") != "" {
		fakePeer()
		return
	}
	os.Exit(m.Run())
}

// fakePeer answers {"op": "double", "x"} by {"y": 2x}, and misbehaves on request.
func fakePeer() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var request struct {
			Op string
			X  float64
		}
		json.Unmarshal(lines.Bytes(), &request)
		switch request.Op {
		case "double":
			fmt.Printf("{\"y\": %v}\n", 2*request.X)
		case "refuse":
			fmt.Println(`{"error": "TypeError:\nnot today"}`)
		case "babble":
			fmt.Println("Warning: this is no JSON")
		case "sleep":
			time.Sleep(time.Hour)
		case "die":
			fmt.Fprintln(os.Stderr, "Traceback:\n  somewhere\nModuleNotFoundError: No module named 'torch'")
			os.Exit(1)
		case "settings":
			fmt.Printf("{\"threads\": %q}\n", os.Getenv("OPENBLAS_NUM_THREADS"))
		}
	}
}

func startFake(t *testing.T, ctx context.Context) *peer {
	t.Helper()
	t.Setenv("BENCH_FAKE_PEER", "1")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p, err := startPeer(ctx, "fake", self)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.close)
	return p
}

type operation struct {
	Op string  `json:"op"`
	X  float64 `json:"x"`
}

func TestPeerAnswers(t *testing.T) {
	p := startFake(t, t.Context())
	var reply struct{ Y float64 }
	for x := range 3 {
		if err := p.ask(operation{"double", float64(x)}, &reply, time.Minute); err != nil || reply.Y != 2*float64(x) {
			t.Fatalf("double %d: got %v, error %v", x, reply.Y, err)
		}
	}
	// An error is an answer: the peer goes on.
	if err := p.ask(operation{Op: "refuse"}, &reply, time.Minute); err == nil || err.Error() != "fake: TypeError: not today" {
		t.Errorf("refuse: got error %v", err)
	}
	if err := p.ask(operation{"double", 21}, &reply, time.Minute); err != nil || reply.Y != 42 {
		t.Errorf("after an error: got %v, error %v", reply.Y, err)
	}
	var settings struct{ Threads string }
	if err := p.ask(operation{Op: "settings"}, &settings, time.Minute); err != nil || settings.Threads != "1" {
		t.Errorf("OPENBLAS_NUM_THREADS: got %q, error %v", settings.Threads, err)
	}
	p.close()
	if !p.cmd.ProcessState.Success() {
		t.Errorf("closed: got %v, want an orderly end", p.cmd.ProcessState)
	}
}

func TestPeerFailures(t *testing.T) {
	for _, c := range []struct{ op, want string }{
		{"die", "fake: ModuleNotFoundError: No module named 'torch'"},
		{"babble", `fake: answered "Warning: this is no JSON", want a JSON object`},
		{"sleep", "fake: no answer in 50ms"},
	} {
		t.Run(c.op, func(t *testing.T) {
			p := startFake(t, t.Context())
			timeout := time.Minute
			if c.op == "sleep" {
				timeout = 50 * time.Millisecond
			}
			var reply struct{}
			if err := p.ask(operation{Op: c.op}, &reply, timeout); err == nil || err.Error() != c.want {
				t.Errorf("got error %v, want %s", err, c.want)
			}
			if err := p.ask(operation{Op: "double"}, &reply, time.Minute); err == nil || strings.Contains(err.Error(), "\n") {
				t.Errorf("asked once more: got error %v, want one line", err)
			}
		})
	}
}

func TestPeerEndsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p := startFake(t, ctx)
	time.AfterFunc(20*time.Millisecond, cancel)
	if err := p.ask(operation{Op: "sleep"}, &struct{}{}, time.Minute); err == nil || !strings.HasPrefix(err.Error(), "fake: ended unexpectedly") {
		t.Errorf("got error %v, want that it ended", err)
	}
}

func TestPeerMissing(t *testing.T) {
	if _, err := startPeer(t.Context(), "PyTorch", "no-such-python"); err == nil || !strings.HasPrefix(err.Error(), "PyTorch: ") {
		t.Errorf("got error %v", err)
	}
}
