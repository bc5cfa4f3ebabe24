package serve

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hourglass/dataset"
	"hourglass/serve/registry"
	"hourglass/tensor"
)

// eventually waits until something holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for begin := time.Now(); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Since(begin) > 2*time.Minute {
			t.Fatalf("it never came to be that %s", what)
		}
	}
}

// replace puts a model in the place of another as careful programs do, in one step.
func replace(t testing.TB, path string, seed uint64) {
	t.Helper()
	saveModel(t, path+".new", seed)
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func TestAModelIsReplacedWithoutADroppedRequest(t *testing.T) {
	c, _ := testConfig(t)
	s := start(t, c)
	x := samples(4, 2)
	body := inferBody("input", x, "codes")
	codes := map[string]uint64{} // as text, of the models by seed
	for seed := uint64(1); seed <= 3; seed++ {
		y, err := newAutoencoder(t, seed).Encode(x)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := json.Marshal(y.Data)
		codes[string(text)] = seed
	}
	var latest atomic.Uint64
	done := make(chan struct{})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				r, err := http.Post(s.url+"/v2/models/m/infer", "application/json", bytes.NewReader(body))
				if err != nil {
					t.Error(err)
					return
				}
				text, _ := io.ReadAll(r.Body)
				r.Body.Close()
				var a inferred
				if err := json.Unmarshal(text, &a); err != nil || r.StatusCode != 200 {
					t.Errorf("status %d: %s", r.StatusCode, text)
					return
				}
				var values []float32
				json.Unmarshal(a.Outputs[0].Data, &values)
				again, _ := json.Marshal(values)
				seed, ok := codes[string(again)]
				if !ok {
					t.Errorf("an answer of no model: %s", a.Outputs[0].Data)
					return
				}
				latest.Store(seed)
			}
		})
	}
	for seed := uint64(2); seed <= 3; seed++ {
		replace(t, c.Models[0].Path, seed)
		eventually(t, fmt.Sprintf("model %d answers", seed), func() bool { return latest.Load() == seed })
	}
	close(done)
	all.Wait()
}

func TestADamagedFileLeavesTheModel(t *testing.T) {
	c, ae := testConfig(t)
	s := newServer(t, c)
	ctx := context.Background()
	if err := os.WriteFile(c.Models[0].Path, []byte("no model"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Reload(ctx, nil); err == nil || !strings.Contains(err.Error(), `model "m"`) {
		t.Errorf("a damaged file was read: %v", err)
	}
	x := samples(1, 1)
	want, _ := ae.Encode(x)
	if got := infer(t, s, "/v2/models/m/infer", inferBody("input", x, "codes")); !sameBits(floats(t, got["codes"]), want.Data) || !s.Ready() {
		t.Error("the model that was there is not in use any more")
	}
	os.Remove(c.Models[0].Path)
	if err := s.Reload(ctx, nil); err == nil || !s.Ready() {
		t.Errorf("a file that is gone: %v, ready %v", err, s.Ready())
	}
	replace(t, c.Models[0].Path, 2)
	if err := s.Reload(ctx, nil); err != nil {
		t.Error(err)
	}
	want, _ = newAutoencoder(t, 2).Encode(x)
	if got := infer(t, s, "/v2/models/m/infer", inferBody("input", x, "codes")); !sameBits(floats(t, got["codes"]), want.Data) {
		t.Error("the new model is not in use")
	}
}

func TestReadinessTellsTheTruth(t *testing.T) {
	c, _ := testConfig(t)
	s := newServer(t, c)
	missing := registry.Spec{Name: "other", Path: filepath.Join(t.TempDir(), "other.safetensors")}
	if err := s.Reload(context.Background(), append(c.Models, missing)); err == nil {
		t.Error("a model that is not there was read")
	}
	for path, want := range map[string]int{
		"/v2/health/live": 200, "/v2/health/ready": 503, "/v2/models/m/ready": 200, "/v2/models/other/ready": 503, "/v2/models/other": 503, "/v2/models/none/ready": 404,
	} {
		if w := ask(s, "GET", path, "", nil); w.Code != want {
			t.Errorf("%s: status %d, %s, want %d", path, w.Code, w.Body, want)
		}
	}
	saveModel(t, missing.Path, 2)
	if err := s.Reload(context.Background(), nil); err != nil || !s.Ready() {
		t.Errorf("now that it is there: %v, ready %v", err, s.Ready())
	}
	s.draining.Store(true)
	if w := ask(s, "GET", "/v2/health/ready", "", nil); w.Code != 503 {
		t.Errorf("a server that is stopping answers %d", w.Code)
	}
}

func TestVersionsSideBySide(t *testing.T) {
	dir := t.TempDir()
	for _, version := range []uint64{2, 10} {
		path := filepath.Join(dir, strconv.FormatUint(version, 10))
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
		saveModel(t, filepath.Join(path, "model.safetensors"), version)
	}
	os.Mkdir(filepath.Join(dir, "notes"), 0o700)
	c, _ := testConfig(t)
	c.Models = []registry.Spec{{Name: "m", Path: dir}}
	s := newServer(t, c)
	x := samples(1, 1)
	for path, seed := range map[string]uint64{"": 10, "/versions/2": 2, "/versions/10": 10} {
		want, _ := newAutoencoder(t, seed).Encode(x)
		if got := infer(t, s, "/v2/models/m"+path+"/infer", inferBody("input", x, "codes")); !sameBits(floats(t, got["codes"]), want.Data) {
			t.Errorf("%q is not model %d", path, seed)
		}
	}
	if w := ask(s, "GET", "/v2/models/m", "", nil); !strings.Contains(w.Body.String(), `"versions":["2","10"]`) {
		t.Errorf("got %s", w.Body)
	}
}

// A model that came later is watched as well.
func TestAModelThatCameLaterIsWatched(t *testing.T) {
	c, _ := testConfig(t)
	s := start(t, c)
	late := registry.Spec{Name: "late", Path: filepath.Join(t.TempDir(), "late.safetensors")}
	saveModel(t, late.Path, 2)
	if err := s.Reload(context.Background(), append(c.Models, late)); err != nil {
		t.Fatal(err)
	}
	loaded := func() *registry.Model {
		view, _, err := s.models.Find("late", "")
		if err != nil {
			t.Fatal(err)
		}
		return view.Model
	}
	first, seed := loaded(), uint64(3)
	var last time.Time
	eventually(t, "its file, replaced again and again, is read", func() bool {
		if time.Since(last) > 2*settle { // left alone for long enough to be read
			replace(t, late.Path, seed)
			last = time.Now()
			seed++
		}
		return loaded() != first
	})
}

// A request that has begun when the server is told to stop is answered.
func TestDrain(t *testing.T) {
	c, _ := testConfig(t)
	s := start(t, c)
	body := inferBody("input", samples(1, 1), "codes")
	conn := connect(t, s)
	fmt.Fprintf(conn, "POST /v2/models/m/infer HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n", len(body))
	conn.Write(body[:10])
	eventually(t, "the request has begun", func() bool { return s.memory.used.Load() > 0 })
	stopped := make(chan error, 1)
	go func() { stopped <- s.stop() }()
	eventually(t, "the server is not ready", func() bool { return !s.Ready() })
	eventually(t, "the server takes no more connections", func() bool {
		other, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		if err == nil {
			other.Close()
		}
		return err != nil
	})
	conn.Write(body[10:])
	r, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || r.StatusCode != 200 {
		t.Errorf("the request that had begun: %v, %v", r, err)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

func TestDrainHasAnEnd(t *testing.T) {
	c, _ := testConfig(t)
	c.Drain = 10 * time.Millisecond
	s := start(t, c)
	conn := connect(t, s)
	fmt.Fprintf(conn, "POST /v2/models/m/infer HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
	eventually(t, "the request has begun", func() bool { return s.memory.used.Load() > 0 })
	if err := s.stop(); err == nil || !strings.Contains(err.Error(), "cut off") {
		t.Errorf("got %v, want that requests were cut off", err)
	}
}

// connect opens a bare connection to a server.
func connect(t testing.TB, s *running) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func TestSlowRequestsAreCutOff(t *testing.T) {
	c, _ := testConfig(t)
	c.ReadTimeout = 50 * time.Millisecond
	s := start(t, c)
	answer := func(text string) []byte {
		conn := connect(t, s)
		io.WriteString(conn, text)
		conn.SetReadDeadline(time.Now().Add(2 * time.Minute))
		answer, err := io.ReadAll(conn)
		if err != nil {
			t.Fatalf("%q: the connection stays open: %v", text, err)
		}
		return answer
	}
	const header = "POST /v2/models/m/infer HTTP/1.1\r\nHost: localhost\r\n"
	answer(header[:40])
	for name, text := range map[string]string{
		"body":   header + "Content-Length: 1000000\r\n\r\n{\"inputs\":[",
		"chunks": header + "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"inp\r\n",
	} {
		// On a busy machine time may be over before the header is read.
		eventually(t, "a slow request is answered with 408: "+name, func() bool {
			return bytes.Contains(answer(text), []byte("408 Request Timeout"))
		})
	}
	eventually(t, "their memory is given back", func() bool { return s.memory.used.Load() == 0 })
}

func TestTooMuchIsRefused(t *testing.T) {
	c, _ := testConfig(t)
	c.Memory = c.MaxBody
	s := newServer(t, c)
	s.memory.take(c.Memory - 100)
	w := ask(s, "POST", "/v2/models/m/infer", "application/json", inferBody("input", samples(1, 1)))
	if w.Code != 429 || w.Header().Get("Retry-After") == "" {
		t.Errorf("without memory: status %d, %s", w.Code, w.Body)
	}
	s.memory.give(c.Memory - 100)
	if used := s.memory.used.Load(); used != 0 {
		t.Errorf("%d bytes are still reserved", used)
	}
	c.Timeout = 1 // so that time is over before anything is computed
	s = newServer(t, c)
	w = ask(s, "POST", "/v2/models/m/infer", "application/json", inferBody("input", samples(1, 1)))
	if w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Errorf("out of time: status %d, %s", w.Code, w.Body)
	}
}

// A value that is finite, and is not once it is computed with, spoils no other answer.
func TestOneBadSampleIsNobodyElsesError(t *testing.T) {
	c, _ := testConfig(t)
	s := newServer(t, c)
	huge := samples(1, 1)
	for i := range huge.Data {
		huge.Data[i] = 3e38
	}
	good, bad := inferBody("input", samples(2, 1), "codes"), inferBody("input", huge, "codes")
	want := infer(t, s, "/v2/models/m/infer", good)["codes"]
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for range 50 {
				if worker%2 == 0 {
					w := ask(s, "POST", "/v2/models/m/infer", "application/json", bad)
					if w.Code != 422 && w.Code != 400 {
						t.Errorf("a sample beyond float32: status %d, %s", w.Code, w.Body)
					}
				} else if w := ask(s, "POST", "/v2/models/m/infer", "application/json", good); !strings.Contains(w.Body.String(), want) {
					t.Errorf("a good one: status %d, %s", w.Code, w.Body)
				}
			}
		})
	}
	all.Wait()
}

// writeCertificate writes a certificate of its own for 127.0.0.1, with a number.
func writeCertificate(t testing.TB, cert, key string, serial int64) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTLSAndTokensAreReadAgain(t *testing.T) {
	c, _ := testConfig(t)
	dir := t.TempDir()
	c.TLSCert, c.TLSKey, c.Tokens = filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key"), tokenFile(t)
	writeCertificate(t, c.TLSCert, c.TLSKey, 1)
	s := start(t, c)
	serial := func() int64 {
		conn, err := tls.Dial("tcp", strings.TrimPrefix(s.url, "https://"), &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	if serial() != 1 {
		t.Fatal("not the certificate that was given")
	}
	writeCertificate(t, c.TLSCert, c.TLSKey, 2)
	eventually(t, "the new certificate is shown", func() bool { return serial() == 2 })
	if err := os.WriteFile(c.Tokens, []byte("a-wholly-different-token\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	get := func(token string) int {
		return ask(s.Server, "GET", "/v2", "", nil, "Authorization", "Bearer "+token).Code
	}
	eventually(t, "the new token lets in", func() bool { return get("a-wholly-different-token") == 200 })
	if get(testToken) != 401 {
		t.Error("the old token lets in")
	}
}

func TestDriftIsMeasured(t *testing.T) {
	c, _ := testConfig(t)
	s := newServer(t, c)
	value := func(metric string) float64 {
		t.Helper()
		for line := range strings.Lines(ask(s, "GET", "/metrics", "", nil).Body.String()) {
			if text, ok := strings.CutPrefix(line, metric+" "); ok {
				v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
				if err != nil {
					t.Fatal(err)
				}
				return v
			}
		}
		t.Fatalf("there is no %s", metric)
		return 0
	}
	const drift, outliers = `hourglass_score_drift{model="m"}`, `hourglass_outliers_total{model="m"}`
	score := func(x tensor.Tensor) { infer(t, s, "/v2/models/m/infer", inferBody("input", x, "score")) }
	score(samples(77, 1000))
	if v := value(drift); v > 0.1 {
		t.Errorf("drift is %v on data like the training data, want less than 0.1", v)
	}
	if v := value(outliers); v < 1 || v > 40 {
		t.Errorf("%v outliers among 1,000 samples like the training data, want about 10", v)
	}
	other := samples(78, 1000)
	for i := range other.Data {
		other.Data[i] += 0.1
	}
	score(other)
	if v := value(drift); v < 0.25 {
		t.Errorf("drift is %v on other data, want more than 0.25", v)
	}
	if v := value(`hourglass_score_quantile_count{model="m"}`); v != 2000 {
		t.Errorf("%v scores were counted, want 2000", v)
	}
	if v := value(`hourglass_requests_total{model="m",operation="infer",status="200"}`); v != 2 {
		t.Errorf("%v requests were counted, want 2", v)
	}
}

// What few samples are normal to says nothing of drift.
func TestDriftIsNotMeasuredAgainstFewSamples(t *testing.T) {
	c, ae := testConfig(t)
	if err := ae.LearnScores(context.Background(), dataset.Array{Tensor: samples(1, driftLeast-1)}); err != nil {
		t.Fatal(err)
	}
	if err := ae.Save(c.Models[0].Path); err != nil {
		t.Fatal(err)
	}
	s := newServer(t, c)
	infer(t, s, "/v2/models/m/infer", inferBody("input", samples(2, 500), "score"))
	text := ask(s, "GET", "/metrics", "", nil).Body.String()
	if strings.Contains(text, "hourglass_score_drift{") || !strings.Contains(text, `hourglass_score_quantile_count{model="m"} 500`) {
		t.Errorf("drift is told, or scores are not counted:\n%s", text)
	}
}
