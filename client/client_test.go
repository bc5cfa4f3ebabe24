package client_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hourglass"
	"hourglass/client"
	"hourglass/nn"
	"hourglass/serve"
	"hourglass/serve/registry"
	"hourglass/tensor"
)

// newModel saves a small autoencoder and returns it with a configuration to serve it.
func newModel(t testing.TB) (*hourglass.Autoencoder, serve.Config) {
	t.Helper()
	ae, err := hourglass.New(nn.Layers{nn.Input{5}, nn.Dense{Units: 2, Activation: nn.Tanh}}, nn.Layers{nn.Dense{Units: 5}})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "m.safetensors")
	if err := ae.Save(path); err != nil {
		t.Fatal(err)
	}
	c := serve.DefaultConfig()
	c.Addr = "127.0.0.1:0"
	c.Models = []registry.Spec{{Name: "m", Path: path}}
	return ae, c
}

// start runs a server and returns its address and a function that stops it.
func start(t testing.TB, c serve.Config) (addr string, stop func()) {
	t.Helper()
	s, err := serve.New(context.Background(), c, "test", slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	addrs, done := make(chan net.Addr, 1), make(chan error, 1)
	go func() { done <- s.Run(ctx, func(http, _ net.Addr) { addrs <- http }) }()
	select {
	case a := <-addrs:
		addr = a.String()
	case err := <-done:
		t.Fatal(err)
	}
	return addr, func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func samples() tensor.Tensor {
	x := tensor.New(3, 5)
	for i := range x.Data {
		x.Data[i] = float32(math.Sin(float64(i)))
	}
	return x
}

func TestClientIsTheLibrary(t *testing.T) {
	ae, config := newModel(t)
	addr, stop := start(t, config)
	defer stop()
	c, err := client.New("http://" + addr + "/")
	if err != nil {
		t.Fatal(err)
	}
	ctx, x := context.Background(), samples()
	same := func(what string, got tensor.Tensor, gotErr error, want tensor.Tensor, wantErr error) {
		t.Helper()
		if gotErr != nil || wantErr != nil || !got.Shape.Equal(want.Shape) || !slices.Equal(got.Data, want.Data) {
			t.Errorf("%s: %v, %v, want %v, %v", what, got, gotErr, want, wantErr)
		}
	}
	codes, err := c.Encode(ctx, "m", x)
	want, wantErr := ae.Encode(x)
	same("encode", codes, err, want, wantErr)
	y, err := c.Decode(ctx, "m", codes)
	want, wantErr = ae.Decode(codes)
	same("decode", y, err, want, wantErr)
	y, err = c.Reconstruct(ctx, "m", x)
	want, wantErr = ae.Reconstruct(x)
	same("reconstruct", y, err, want, wantErr)
	scores, err := c.Score(ctx, "m", x)
	if wantScores, _ := ae.Score(x); err != nil || !slices.Equal(scores, wantScores) {
		t.Errorf("scores are %v, %v, want %v", scores, err, wantScores)
	}
	if ready, err := c.Ready(ctx); !ready || err != nil {
		t.Errorf("ready: %v, %v", ready, err)
	}
	if m, err := c.Metadata(ctx, "m"); err != nil || m.Name != "m" || len(m.Outputs) != 3 {
		t.Errorf("metadata: %+v, %v", m, err)
	}
	var refusal *client.Error
	if _, err := c.Encode(ctx, "n", x); !errors.As(err, &refusal) || refusal.Status != http.StatusNotFound || !strings.Contains(err.Error(), `no model "n"`) {
		t.Errorf("an unknown model: %v", err)
	}
}

// The server is stopped and started again and again; no request is lost.
func TestNothingIsLostWhenTheServerRestarts(t *testing.T) {
	ae, config := newModel(t)
	x := samples()
	want, _ := ae.Encode(x)
	addr, stop := start(t, config)
	config.Addr = addr
	var done atomic.Bool
	var answered atomic.Int64
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			c, err := client.New("http://"+addr, client.Attempts(100))
			if err != nil {
				t.Error(err)
				return
			}
			for !done.Load() {
				codes, err := c.Encode(context.Background(), "m", x)
				if err != nil || !slices.Equal(codes.Data, want.Data) {
					t.Errorf("%v, %v", codes, err)
					return
				}
				answered.Add(1)
			}
		})
	}
	for range 3 {
		before := answered.Load()
		for answered.Load() < before+20 && !t.Failed() {
			time.Sleep(time.Millisecond)
		}
		stop()
		time.Sleep(50 * time.Millisecond)
		_, stop = start(t, config)
	}
	done.Store(true)
	all.Wait()
	stop()
}

// flaky answers as it is told, and with 200 afterwards.
func flaky(t *testing.T, answers ...int) (url string, calls *atomic.Int64) {
	calls = new(atomic.Int64)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := int(calls.Add(1))
		if n <= len(answers) {
			w.Header().Set("Retry-After", "0")
			http.Error(w, "no", answers[n-1])
			return
		}
		if r.Header.Get("Authorization") != "Bearer secret" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL, calls
}

func TestWhatIsTriedAgain(t *testing.T) {
	for _, c := range []struct {
		answers  []int
		attempts int
		calls    int64
		status   int // of the error; 0 for none
	}{
		{[]int{429, 503, 502, 504}, 10, 5, 0},
		{[]int{503, 503, 503}, 2, 2, 503},
		{[]int{400}, 10, 1, 400},
		{[]int{500}, 10, 1, 500},
	} {
		url, calls := flaky(t, c.answers...)
		cl, err := client.New(url, client.Attempts(c.attempts), client.Token("secret"))
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = cl.Do(context.Background(), "GET", "/", nil, nil)
		refusal := &client.Error{}
		errors.As(err, &refusal)
		if (err == nil) != (c.status == 0) || refusal.Status != c.status || calls.Load() != c.calls {
			t.Errorf("%v: %d calls, %v, want %d and status %d", c.answers, calls.Load(), err, c.calls, c.status)
		}
	}
	url, _ := flaky(t, 503, 503, 503, 503, 503, 503)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	cl, _ := client.New(url)
	if _, _, err := cl.Do(ctx, "GET", "/", nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("after its context: %v", err)
	}
}

func TestAnswersThatAreNone(t *testing.T) {
	for _, c := range []struct{ length, body string }{
		{"", "{}"}, {"5", "{}"}, {"-1", "{}"}, {"2", "[]"},
		{"2", "{}"}, // lacks what was asked for
		{"90", `{"outputs":[{"name":"codes","datatype":"FP32","shape":[1,2],"parameters":{"binary_data_size":8}}]}`},
		{"92", `{"outputs":[{"name":"codes","datatype":"FP32","shape":[1,-2],"parameters":{"binary_data_size":8}}]}12345678`},
		{"91", `{"outputs":[{"name":"codes","datatype":"INT8","shape":[1,2],"parameters":{"binary_data_size":2}}]}12`},
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Inference-Header-Content-Length", c.length)
			io.WriteString(w, c.body)
		}))
		cl, _ := client.New(s.URL)
		if codes, err := cl.Encode(context.Background(), "m", samples()); err == nil {
			t.Errorf("%q of length %q was taken for %v", c.body, c.length, codes)
		}
		s.Close()
	}
	for _, url := range []string{"", "127.0.0.1:8080", "ftp://x", "http://"} {
		if _, err := client.New(url); err == nil {
			t.Errorf("%q is taken for a server", url)
		}
	}
}
