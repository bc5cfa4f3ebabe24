package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"hourglass"
	"hourglass/dataset"
	"hourglass/nn"
	"hourglass/tensor"
)

// served saves a small model and returns its path.
func served(t *testing.T, dir string) string {
	t.Helper()
	ae, err := hourglass.New(nn.Layers{nn.Input{4}, nn.Dense{Units: 2}}, nn.Layers{nn.Dense{Units: 4}})
	if err != nil {
		t.Fatal(err)
	}
	if err := ae.LearnScores(context.Background(), dataset.Array{Tensor: tensor.New(10, 4)}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "small.safetensors")
	if err := ae.Save(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// shared is a buffer that one goroutine writes and another reads.
type shared struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *shared) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *shared) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func TestServeAndClient(t *testing.T) {
	dir := t.TempDir()
	served(t, dir)
	tokens := filepath.Join(dir, "tokens")
	config := filepath.Join(dir, "serve.toml")
	text := `
addr = "192.168.7.7:1" # the command line wins
grpc-addr = "127.0.0.1:0"
max-delay = "100us"
max-body = "1M"
log-format = "json"
log-requests = true
host = ["models.example"]

[[model]]
name = "a"
path = "` + filepath.ToSlash(filepath.Join(dir, "small.safetensors")) + `"
`
	for path, content := range map[string]string{config: text, tokens: "a-token-of-some-length\n"} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	var out, errs shared
	done := make(chan int, 1)
	go func() {
		done <- execute(ctx, []string{"serve", filepath.Join(dir, "small.safetensors"), "--config", config, "--addr", "127.0.0.1:0", "--token-file", tokens}, &out, &errs)
	}()
	var found []string
	for begin := time.Now(); found == nil; time.Sleep(5 * time.Millisecond) {
		if time.Since(begin) > time.Minute {
			t.Fatalf("the server did not start: %s %s", out.String(), errs.String())
		}
		found = regexp.MustCompile(`serving 2 models at (http://127\.0\.0\.1:\d+)\ngRPC at 127\.0\.0\.1:\d+\n`).FindStringSubmatch(out.String())
	}
	ask := func(args ...string) (int, string, string) {
		return run(t, append(append([]string{"client"}, args...), "--server", found[1], "--token-file", tokens)...)
	}
	if status, _, stderr := ask("ready"); status != 0 {
		t.Errorf("ready: exit %d, %s", status, stderr)
	}
	if status, stdout, stderr := ask("models"); status != 0 || !strings.Contains(stdout, `"name":"small"`) || !strings.Contains(stdout, `"name":"a"`) {
		t.Errorf("models: exit %d, %s%s", status, stdout, stderr)
	}
	rows := filepath.Join(dir, "rows.csv")
	os.WriteFile(rows, []byte("1,2,3,4\n5,6,7,8\n"), 0o600)
	if status, stdout, stderr := ask("encode", "a", rows); status != 0 || strings.Count(stdout, "\n") != 3 || !strings.HasPrefix(stdout, "code_1,code_2") {
		t.Errorf("encode: exit %d, %s%s", status, stdout, stderr)
	}
	codes := filepath.Join(dir, "codes.npy")
	if status, _, stderr := ask("encode", "small", rows, "--out", codes); status != 0 {
		t.Errorf("encode: exit %d, %s", status, stderr)
	}
	// What the server made is what the command makes.
	if status, _, stderr := run(t, "encode", rows, "--model", filepath.Join(dir, "small.safetensors"), "--out", filepath.Join(dir, "own.npy"), "--quiet"); status != 0 {
		t.Fatal(stderr)
	}
	got, _ := os.ReadFile(codes)
	if want, err := os.ReadFile(filepath.Join(dir, "own.npy")); err != nil || !bytes.Equal(got, want) {
		t.Errorf("the server's codes are not those of the encode command (%v)", err)
	}
	if status, stdout, stderr := ask("score", "a", rows, "--quantile", "0.5", "--out", filepath.Join(dir, "s.json")); status != 0 || stdout != "" {
		t.Errorf("score: exit %d, %s", status, stderr)
	}
	if status, _, stderr := ask("encode", "none", rows); status != exitFailure || !strings.Contains(stderr, `no model "none"`) {
		t.Errorf("an unknown model: exit %d, %s", status, stderr)
	}
	if status, _, stderr := ask("encode", "a", "rows.txt"); status != exitUsage || !strings.Contains(stderr, "want .json") {
		t.Errorf("an unknown kind: exit %d, %s", status, stderr)
	}
	stop()
	if status := <-done; status != 0 || !strings.Contains(errs.String(), `"msg":"stopped"`) || !strings.Contains(errs.String(), `"operation":"encode"`) {
		t.Errorf("exit %d, log %s", status, errs.String())
	}
}

func TestServeRefuses(t *testing.T) {
	dir := t.TempDir()
	model := served(t, dir)
	bad := filepath.Join(dir, "bad.toml")
	os.WriteFile(bad, []byte("adr = 1\n"), 0o600)
	models := func(name, members string) string {
		path := filepath.Join(dir, name)
		os.WriteFile(path, []byte("[[model]]\n"+members+"\n"), 0o600)
		return path
	}
	unnamed := models("unnamed.toml", `path = "`+filepath.ToSlash(model)+`"`)
	misspelt := models("misspelt.toml", `pth = "x"`)
	empty := models("empty.toml", `name = "x"`)
	for _, c := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{"serve"}, exitUsage, "want a model"},
		{[]string{"serve", filepath.Join(dir, "none.safetensors")}, exitFailure, `model "none"`},
		{[]string{"serve", model, "--addr", ":8080"}, exitUsage, "can be reached from other machines"},
		{[]string{"serve", model, "--addr", "8080"}, exitUsage, "want host:port"},
		{[]string{"serve", model, model}, exitFailure, `two models are called "small"`},
		{[]string{"serve", "a b=" + model}, exitUsage, "want letters"},
		{[]string{"serve", model, "--max-batch", "0"}, exitUsage, "max-batch is 0"},
		{[]string{"serve", model, "--memory", "1k"}, exitUsage, "memory is 1024, want at least"},
		{[]string{"serve", model, "--max-body", "x"}, exitUsage, "want a size"},
		{[]string{"serve", model, "--log-level", "loud"}, exitUsage, "want debug"},
		{[]string{"serve", model, "--log-format", "xml"}, exitUsage, "want text or json"},
		{[]string{"serve", model, "--config", bad}, exitFailure, `no setting "adr"`},
		{[]string{"serve", model, "--config", unnamed}, exitFailure, `two models are called "small"`},
		{[]string{"serve", model, "--config", misspelt}, exitFailure, `no setting "model.pth"`},
		{[]string{"serve", model, "--config", empty}, exitFailure, `model "x" has no file`},
		{[]string{"serve", model, "--references", "b=x.csv"}, exitUsage, `model "b"`},
		{[]string{"serve", model, "--tls-cert", "x"}, exitUsage, "both a TLS certificate and its key"},
		{[]string{"serve", model, "--token-file", filepath.Join(dir, "none")}, exitFailure, "tokens"},
		{[]string{"client", "ready", "--server", "here"}, exitUsage, "want a URL"},
		{[]string{"client", "ready", "--attempts", "0"}, exitUsage, "want both above 0"},
	} {
		status, _, stderr := run(t, c.args...)
		if status != c.status || !strings.Contains(stderr, c.want) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%v: exit %d, %q, want %d and %q", c.args, status, stderr, c.status, c.want)
		}
	}
}
