package serve

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const testToken = "a-token-of-some-length"

// tokenFile writes a file with two tokens.
func tokenFile(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(path, []byte("# of the tests\n"+testToken+"\n\nanother-token-of-some-length\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestHosts(t *testing.T) {
	h := newHosts([]string{"Models.Example"})
	for host, want := range map[string]bool{
		"localhost": true, "localhost:8080": true, "127.0.0.1:8080": true, "[::1]:8080": true, "[::1]": true, "10.1.2.3": true,
		"models.example:443": true, "models.example.": true,
		"evil.example": false, "": false, "localhost.evil.example": false, "127.0.0.1.evil.example:80": false, "models.example.evil": false,
	} {
		if got := h.allows(host); got != want {
			t.Errorf("%q allowed: %v, want %v", host, got, want)
		}
	}
	if !newHosts([]string{"*"}).allows("any.example") {
		t.Error("* does not allow any name")
	}
}

func TestTokens(t *testing.T) {
	known, err := readTokens(tokenFile(t))
	if err != nil {
		t.Fatal(err)
	}
	for header, want := range map[string]bool{
		"Bearer " + testToken: true, "bearer another-token-of-some-length": true,
		"": false, "Bearer ": false, testToken: false, "Basic " + testToken: false, "Bearer " + testToken + "x": false, "Bearer # of the tests": false,
	} {
		if got := known.allow(header); got != want {
			t.Errorf("%q allowed: %v, want %v", header, got, want)
		}
	}
	for text, want := range map[string]string{"short": "want at least 16", "# nothing\n": "has none"} {
		path := filepath.Join(t.TempDir(), "tokens")
		os.WriteFile(path, []byte(text), 0o600)
		if _, err := readTokens(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want an error with %q", text, err, want)
		}
	}
}

func TestAnOpenDoorIsRefused(t *testing.T) {
	for _, c := range []struct {
		addr, tokens string
		insecure     bool
		want         bool
	}{
		{"127.0.0.1:0", "", false, true}, {"localhost:80", "", false, true}, {"[::1]:80", "", false, true},
		{":8080", "", false, false}, {"0.0.0.0:8080", "", false, false}, {"[::]:80", "", false, false}, {"192.168.0.1:80", "", false, false},
		{"example.com:80", "", false, false}, {"8080", "", false, false},
		{":8080", "tokens", false, true}, {":8080", "", true, true},
	} {
		config, _ := testConfig(t)
		config.Addr, config.Tokens, config.Insecure = c.addr, c.tokens, c.insecure
		if err := config.Check(); (err == nil) != c.want {
			t.Errorf("address %q, tokens %q, insecure %v: %v", c.addr, c.tokens, c.insecure, err)
		}
		config.Addr, config.GRPCAddr = "127.0.0.1:0", c.addr
		if err := config.Check(); (err == nil) != c.want {
			t.Errorf("gRPC address %q, tokens %q, insecure %v: %v", c.addr, c.tokens, c.insecure, err)
		}
	}
}

func TestGuards(t *testing.T) {
	c, _ := testConfig(t)
	c.Tokens = tokenFile(t)
	s := newServer(t, c)
	x := inferBody("input", samples(1, 1))
	for _, q := range []struct {
		name, method, path string
		headers            []string
		want               int
	}{
		{"a probe", "GET", "/v2/health/ready", nil, 200},
		{"no token", "GET", "/v2", nil, 401},
		{"a token", "GET", "/v2", []string{"Authorization", "Bearer " + testToken}, 200},
		{"a wrong token", "GET", "/metrics", []string{"Authorization", "Bearer " + testToken + "?"}, 401},
		{"inference without a token", "POST", "/v2/models/m/infer", nil, 401},
		{"inference", "POST", "/v2/models/m/infer", []string{"Authorization", "Bearer " + testToken}, 200},
		{"inference from a page of somebody else's", "POST", "/v2/models/m/infer",
			[]string{"Authorization", "Bearer " + testToken, "Origin", "http://evil.example", "Sec-Fetch-Site", "cross-site"}, 403},
		{"a file", "GET", "/v2/models/..%2f..%2fetc%2fpasswd", []string{"Authorization", "Bearer " + testToken}, 404},
		{"pprof without its flag", "GET", "/debug/pprof/", []string{"Authorization", "Bearer " + testToken}, 404},
	} {
		if w := ask(s, q.method, q.path, "application/json", x, q.headers...); w.Code != q.want {
			t.Errorf("%s: status %d, %s, want %d", q.name, w.Code, w.Body, q.want)
		}
	}
}

func TestTrace(t *testing.T) {
	const id, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	c, _ := testConfig(t)
	s := newServer(t, c)
	w := ask(s, "GET", "/v2", "", nil, "traceparent", "00-"+id+"-"+parent+"-01", "tracestate", "a=b")
	got := w.Header().Get("traceparent")
	if !strings.HasPrefix(got, "00-"+id+"-") || !strings.HasSuffix(got, "-01") || strings.Contains(got, parent) || len(got) != 55 || w.Header().Get("tracestate") != "a=b" {
		t.Errorf("traceparent %q, tracestate %q", got, w.Header().Get("tracestate"))
	}
	if got := parseTrace("cc-"+id+"-"+parent+"-01-what-the-future-will-bring", ""); got.id != id {
		t.Errorf("a later version: %+v", got)
	}
	for _, bad := range []string{"", "00-" + id + "-" + parent, "00-" + id + "-" + parent + "-01-more", "ff-" + id + "-" + parent + "-01",
		"00-" + noTrace + "-" + parent + "-01", "00-" + id + "-" + noSpan + "-01", "00-" + strings.ToUpper(id) + "-" + parent + "-01"} {
		if got := parseTrace(bad, ""); got.id != "" {
			t.Errorf("%q is taken: %+v", bad, got)
		}
	}
}
