package studio

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"image/png"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hourglass"
	"hourglass/dataset"
	"hourglass/pca"
	"hourglass/run"
	"hourglass/tensor"
	"hourglass/train"
	"hourglass/workflow"
)

// addr is where the tests' server thinks that it is.
var addr = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8090}

// client asks a studio as its page does.
type client struct {
	t       *testing.T
	studio  *Studio
	handler http.Handler
}

func newClient(t *testing.T, c Config) *client {
	t.Helper()
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return &client{t, s, s.Handler(addr)}
}

// request returns a request as the page makes it.
func (c *client) request(method, path string, body any) *http.Request {
	var reader io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			c.t.Fatal(err)
		}
		reader = bytes.NewReader(text)
	}
	r := httptest.NewRequest(method, "http://127.0.0.1:8090"+path, reader)
	r.AddCookie(&http.Cookie{Name: "hourglass_studio_8090", Value: c.studio.token})
	return r
}

func (c *client) do(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, r)
	return w
}

// ask reads an answer and wants it to be one.
func ask[T any](c *client, path string, body any) (value T) {
	c.t.Helper()
	method := http.MethodGet
	if body != nil {
		method = http.MethodPost
	}
	w := c.do(c.request(method, path, body))
	if w.Code != http.StatusOK {
		c.t.Fatalf("%s: %d %s", path, w.Code, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &value); err != nil {
		c.t.Fatalf("%s: %v", path, err)
	}
	return value
}

// get reads an answer of bytes.
func (c *client) get(path string) []byte {
	c.t.Helper()
	w := c.do(c.request(http.MethodGet, path, nil))
	if w.Code != http.StatusOK {
		c.t.Fatalf("%s: %d %s", path, w.Code, w.Body)
	}
	return w.Body.Bytes()
}

func floatsOf(b []byte) []float32 {
	values := make([]float32, len(b)/4)
	for i := range values {
		values[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return values
}

// bars are small pictures of two classes, upright and level bars.
func bars(t *testing.T, dir string) string {
	t.Helper()
	const n, side = 120, 8
	images := &dataset.Images{Shape: tensor.Shape{side, side}, Classes: []string{"upright", "level"}}
	for i := range n {
		picture := make([]byte, side*side)
		for j := range side {
			at := 1 + i/2%(side-2)
			if i%2 == 0 {
				picture[j*side+at] = byte(200 + i%50)
			} else {
				picture[at*side+j] = byte(200 + i%50)
			}
		}
		images.Pixels, images.Labels = append(images.Pixels, picture...), append(images.Labels, byte(i%2))
	}
	path := filepath.Join(dir, "bars")
	if err := dataset.Save(path, images, images.Slice(0, 40)); err != nil {
		t.Fatal(err)
	}
	return path
}

const architecture8 = "flatten > dense 16 tanh > dense 3 | dense 16 tanh > dense 64 sigmoid > reshape 8x8"

// trained leaves a run in a folder of runs, as the command does.
func trained(t *testing.T, data, runs, name string) {
	t.Helper()
	in, err := workflow.Load(t.Context(), data, dataset.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	o := workflow.TrainOptions{Architecture: architecture8, Epochs: 2, Validation: 0.1, Seed: 1}
	o.Out, o.Threads, o.Command = filepath.Join(runs, name), 1, run.Command{Name: "train", Args: []string{data}}
	if _, err := workflow.Train(t.Context(), in.Data, o); err != nil {
		t.Fatal(err)
	}
}

// fromArgs is what the command tells the studio of a run's data.
func fromArgs(n *run.Notes) (Data, error) { return Data{Path: n.Command.Args[0]}, nil }

func TestGuard(t *testing.T) {
	c := newClient(t, Config{})
	for name, test := range map[string]struct {
		change func(*http.Request)
		want   int
	}{
		"page":              {func(*http.Request) {}, 200},
		"no cookie":         {func(r *http.Request) { r.Header.Del("Cookie") }, 401},
		"other cookie":      {func(r *http.Request) { r.Header.Set("Cookie", "hourglass_studio_8090=guess") }, 401},
		"another name":      {func(r *http.Request) { r.Host = "rebound.example:8090" }, 421},
		"another port":      {func(r *http.Request) { r.Host = "127.0.0.1:80" }, 421},
		"localhost":         {func(r *http.Request) { r.Host = "localhost:8090" }, 200},
		"another origin":    {func(r *http.Request) { r.Header.Set("Origin", "http://evil.example") }, 403},
		"own origin":        {func(r *http.Request) { r.Header.Set("Origin", "http://127.0.0.1:8090") }, 200},
		"another site asks": {func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, 403},
		"another site links": {func(r *http.Request) {
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			r.Header.Set("Sec-Fetch-Mode", "navigate")
		}, 200},
		"wrong token":         {func(r *http.Request) { r.URL.RawQuery = "token=guess" }, 401},
		"token":               {func(r *http.Request) { r.Header.Del("Cookie"); r.URL.RawQuery = "token=" + c.studio.token }, 303},
		"token, another host": {func(r *http.Request) { r.Host = "rebound.example:8090"; r.URL.RawQuery = "token=" + c.studio.token }, 421},
	} {
		r := c.request(http.MethodGet, "/api/state", nil)
		test.change(r)
		if w := c.do(r); w.Code != test.want {
			t.Errorf("%s: %d %s, want %d", name, w.Code, w.Body, test.want)
		}
	}
	r := c.request(http.MethodGet, "//evil.example/?token="+c.studio.token+"&x=1", nil)
	w := c.do(r)
	if to := w.Header().Get("Location"); to != "/evil.example/?x=1" {
		t.Errorf("the token leads to %q", to)
	}
	if cookie := w.Result().Cookies()[0]; !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode {
		t.Errorf("the cookie is %v", cookie)
	}
	post := c.request(http.MethodPost, "/api/jobs", order{})
	post.Header.Set("Sec-Fetch-Site", "cross-site")
	if w := c.do(post); w.Code != http.StatusForbidden {
		t.Errorf("a post of another site: %d", w.Code)
	}
}

func TestAddressesOfOthersAreRefused(t *testing.T) {
	for _, addr := range []string{":8090", "0.0.0.0:8090", "example.org:80", "8090"} {
		if _, err := New(Config{Addr: addr}); err == nil {
			t.Errorf("%s is taken", addr)
		}
	}
}

func TestNoFileIsNamed(t *testing.T) {
	c := newClient(t, Config{Paths: []string{t.TempDir()}})
	for _, path := range []string{"/../go.mod", "/api/models/..%2f..%2fetc", "/api/models/%2fetc%2fpasswd/points", "/assets/app.js", "/api/data/..%2fgo.mod"} {
		if w := c.do(c.request(http.MethodGet, path, nil)); w.Code == http.StatusOK {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

func TestPageIsSmall(t *testing.T) {
	c := newClient(t, Config{})
	total := 0
	for _, path := range []string{"/", "/app.js", "/style.css", "/icon.svg"} {
		r := c.request(http.MethodGet, path, nil)
		r.Header.Set("Accept-Encoding", "gzip")
		w := c.do(r)
		if w.Code != http.StatusOK || w.Header().Get("Content-Encoding") != "gzip" {
			t.Fatalf("%s: %d, %v", path, w.Code, w.Header())
		}
		total += w.Body.Len()
		again := c.request(http.MethodGet, path, nil)
		again.Header.Set("If-None-Match", w.Header().Get("ETag"))
		if w := c.do(again); w.Code != http.StatusNotModified {
			t.Errorf("%s, unchanged: %d", path, w.Code)
		}
	}
	const most = 400_000
	if total > most {
		t.Errorf("the page has %d bytes, want at most %d", total, most)
	}
}

func TestExplore(t *testing.T) {
	dir := t.TempDir()
	data := bars(t, dir)
	trained(t, data, filepath.Join(dir, "runs"), "one")
	c := newClient(t, Config{Paths: []string{filepath.Join(dir, "runs")}, DataOf: fromArgs})
	state := ask[stateOf](c, "/api/state", nil)
	if len(state.Entries) != 1 || state.Entries[0].Name != "one" || len(state.Entries[0].Epochs) != 2 {
		t.Fatalf("the shelf has %+v", state.Entries)
	}
	model := "/api/models/" + state.Entries[0].ID
	d := ask[description](c, model, nil)
	if d.Samples != 40 || d.Part != "test" || d.As != "image" || len(d.Spread) != 3 || !d.Decodes || !d.Labelled || d.Variational {
		t.Errorf("described as %+v", d)
	}
	if labels := c.get(model + "/labels"); len(labels) != 2*40 || labels[2] != 1 {
		t.Errorf("labels %v", labels)
	}
	m, err := hourglass.Load(filepath.Join(dir, "runs", "one", run.ModelFile))
	if err != nil {
		t.Fatal(err)
	}
	in, err := workflow.Load(t.Context(), data, dataset.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	samples := tensor.New(40, 8, 8)
	if err := in.Test.Samples.Read(samples.Data, sequence(0, 40)); err != nil {
		t.Fatal(err)
	}
	want, err := m.Score(samples)
	if err != nil {
		t.Fatal(err)
	}
	for i, score := range floatsOf(c.get(model + "/scores")) {
		if score != float32(want[i]) {
			t.Fatalf("sample %d scores %v, want %v", i, score, want[i])
		}
	}
	codes, err := m.Encode(samples)
	if err != nil {
		t.Fatal(err)
	}
	plane := floatsOf(c.get(model + "/points?map=codes&x=2&y=0"))
	if plane[2] != codes.Row(1)[2] || plane[3] != codes.Row(1)[0] {
		t.Errorf("sample 1 lies at %v, want the numbers 2 and 0 of %v", plane[2:4], codes.Row(1))
	}
	one := ask[sampleOf](c, model+"/samples/1", nil)
	if !slices.Equal(one.Code, codes.Row(1)) || one.Label != "1" || len(one.Neighbors) != shownNeighbors {
		t.Errorf("sample 1 is %+v", one)
	}
	back, err := m.Decode(codes.Slice(1, 2))
	if err != nil {
		t.Fatal(err)
	}
	show := newViewer(&workflow.Input{Data: in.Test}, (&workflow.Model{Autoencoder: m}).Range())
	w := c.do(c.request(http.MethodPost, model+"/decode", map[string]any{"code": one.Code}))
	if decoded := show.bytes(nil, back.Data); !bytes.Equal(w.Body.Bytes(), decoded) {
		t.Errorf("code 1 stands for %v, want %v", w.Body.Bytes(), decoded)
	}
	// A blend of one sample is that sample's code, and a path begins and ends with its ends.
	w = c.do(c.request(http.MethodPost, model+"/blend", map[string]any{"samples": []int{1}, "weights": []float64{3}}))
	if !bytes.Equal(w.Body.Bytes(), show.bytes(nil, back.Data)) {
		t.Error("a blend of a single sample is another")
	}
	path := c.get(model + "/path?from=1&to=2&steps=5")
	if len(path) != 5*64 || !bytes.Equal(path[:64], show.bytes(nil, back.Data)) {
		t.Error("the path does not begin where it should")
	}
	// A traversal moves one number of the mean code through its range.
	ends := tensor.New(2, 3)
	for i, v := range []float32{d.Spread[1].Low, d.Spread[1].High} {
		copy(ends.Row(i), []float32{d.Spread[0].Mean, v, d.Spread[2].Mean})
	}
	moved, err := m.Decode(ends)
	if err != nil {
		t.Fatal(err)
	}
	if way := c.get(model + "/traverse?number=1&steps=5"); len(way) != 5*64 || !bytes.Equal(append(way[:64:64], way[4*64:]...), show.bytes(nil, moved.Data)) {
		t.Errorf("a traversal of %d bytes does not begin and end where it should", len(way))
	}
	pairs := c.get(model + "/pairs?samples=3,1")
	if len(pairs) != 4*64 || pairs[64+8] != show.bytes(nil, samples.Row(1))[8] {
		t.Errorf("pairs of %d bytes", len(pairs))
	}
	picture, err := png.Decode(bytes.NewReader(c.get(model + "/sprites/0")))
	if err != nil {
		t.Fatal(err)
	}
	if size := picture.Bounds().Size(); size.X != 32*8 || size.Y != 2*8 {
		t.Errorf("the sprite has %v pixels", size)
	}
	if grey, _, _, _ := picture.At(8+3, 1).RGBA(); byte(grey>>8) != pairs[64+8+3] {
		t.Errorf("sample 1 of the sprite has %d where it is %d", grey>>8, pairs[64+8+3])
	}
	if drawn := c.get(model + "/drawn?count=7&seed=3"); len(drawn) != 7*64 {
		t.Errorf("%d bytes for 7 samples", len(drawn))
	}
	r := ask[recognitionOf](c, model+"/recognition", nil)
	if sum := r.Confusion[0][0] + r.Confusion[0][1] + r.Confusion[1][0] + r.Confusion[1][1]; sum != 40 || r.K != recognising {
		t.Errorf("recognised as %+v", r)
	}
	if column := floatsOf(c.get(model + "/features/8")); len(column) != 40 || column[1] != samples.Row(1)[8] || column[39] != samples.Row(39)[8] {
		t.Errorf("a column is %v", column)
	}
	if shares := floatsOf(c.get(model + "/samples/1/reasons")); !d.Explains || len(shares) != 64 || math.Abs(mean(shares)*64-1) > 1e-3 {
		t.Errorf("the shares of sample 1 are %v", shares)
	}
	if w := c.do(c.request(http.MethodGet, model+"/report", nil)); w.Code != http.StatusNotFound || d.Reported {
		t.Errorf("a report that nobody can write: %d", w.Code)
	}
	c.studio.config.Report = func(w io.Writer, dir string) error { _, err := io.WriteString(w, filepath.Base(dir)); return err }
	if page := c.get(model + "/report"); string(page) != "one" || !ask[description](c, model, nil).Reported {
		t.Errorf("the report is %s", page)
	}
	// Scores are of values divided by 255.
	if got, want := mean(floatsOf(c.get(model+"/errors"))), meanOf(want)*255*255; math.Abs(got-want) > 1e-4*want {
		t.Errorf("the mean error is %v, want %v", got, want)
	}
	status := ask[mapStatus](c, model+"/tsne", struct{}{})
	for deadline := time.Now().Add(30 * time.Second); !status.Done && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		status = ask[mapStatus](c, model+"/tsne", struct{}{})
	}
	if !status.Done || status.Error != "" || len(c.get(model+"/points?map=tsne")) != 40*8 {
		t.Errorf("the map is %+v", status)
	}
}

func mean(values []float32) float64 {
	var sum float64
	for _, v := range values {
		sum += float64(v)
	}
	return sum / float64(len(values))
}

func meanOf(values []float64) float64 {
	var sum float64
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

func TestDraw(t *testing.T) {
	dir := t.TempDir()
	trained(t, bars(t, dir), filepath.Join(dir, "runs"), "one")
	c := newClient(t, Config{Paths: []string{filepath.Join(dir, "runs", "one")}, DataOf: fromArgs})
	model := "/api/models/" + ask[stateOf](c, "/api/state", nil).Entries[0].ID
	pixels := c.get(model + "/pairs?samples=4")[:64]
	drawn := ask[looked](c, model+"/look", map[string]any{"pixels": pixels})
	known := ask[sampleOf](c, model+"/samples/4", nil)
	if drawn.Neighbors[0].Distance != 0 || !slices.Equal(drawn.Code, known.Code) || drawn.Score != known.Score {
		t.Errorf("sample 4, drawn again, is %+v, want %+v", drawn, known)
	}
}

func TestBadRequests(t *testing.T) {
	dir := t.TempDir()
	trained(t, bars(t, dir), filepath.Join(dir, "runs"), "one")
	c := newClient(t, Config{Paths: []string{filepath.Join(dir, "runs")}, DataOf: fromArgs, Train: Data{Path: filepath.Join(dir, "bars")}})
	model := "/api/models/" + ask[stateOf](c, "/api/state", nil).Entries[0].ID
	for _, path := range []string{"/api/models/none", model + "/points?map=other", model + "/points?map=tsne", model + "/points?map=codes&x=9",
		model + "/samples/40", model + "/samples/-1", model + "/pairs?samples=", model + "/pairs?samples=1,x", model + "/path?from=0&to=99", model + "/sprites/1",
		model + "/drawn?count=0", model + "/drawn?count=99999", "/api/jobs/none", "/nothing"} {
		w := c.do(c.request(http.MethodGet, path, nil))
		var f failure
		if err := json.Unmarshal(w.Body.Bytes(), &f); w.Code < 400 || w.Code >= 500 || err != nil || f.Error == "" || strings.Contains(f.Error, "\n") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	for path, body := range map[string]any{
		model + "/decode":       map[string]any{"code": []float32{1}},
		model + "/blend":        map[string]any{"samples": []int{1}, "weights": []float64{-1}},
		model + "/look":         map[string]any{"pixels": []byte{1}},
		"/api/jobs":             order{draft: draft{Data: ownData, Encoder: []string{"flatten"}}},
		"/api/jobs/none/stop":   struct{}{},
		model + "/decode?extra": map[string]any{"surprise": 1},
	} {
		if w := c.do(c.request(http.MethodPost, path, body)); w.Code < 400 || w.Code >= 500 {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

// TestWatchingChangesNothing holds a training of the studio's, paused and stepped in its
// midst, against the same training that nobody watches.
func TestWatchingChangesNothing(t *testing.T) {
	dir := t.TempDir()
	data := bars(t, dir)
	c := newClient(t, Config{Train: Data{Path: data}, Out: filepath.Join(dir, "runs"), Threads: 2})
	// Somebody watches.
	watching, stop := context.WithCancel(t.Context())
	defer stop()
	following := make(chan struct{})
	go func() {
		defer close(following)
		c.handler.ServeHTTP(httptest.NewRecorder(), c.request(http.MethodGet, "/api/events", nil).WithContext(watching))
	}()
	encoder, decoder, _ := strings.Cut(architecture8, " | ")
	o := order{draft: draft{ownData, strings.Split(encoder, " > "), strings.Split(decoder, " > ")},
		Optimizer: "adam", LearningRate: 0.001, BatchSize: 4, Epochs: 40, Seed: 7}
	counts := ask[counted](c, "/api/architecture", o.draft)
	if counts.Codes != 3 || counts.Parameters != 65*16+17*3+4*16+17*64 {
		t.Errorf("counted as %+v", counts)
	}
	j := ask[status](c, "/api/jobs", o)
	act := func(what string) status { return ask[status](c, "/api/jobs/"+j.ID+"/"+what, struct{}{}) }
	wait := func(what string, is func(status) bool) status {
		t.Helper()
		for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
			if now := ask[followed](c, "/api/jobs/"+j.ID, nil); is(now.status) {
				return now.status
			}
		}
		t.Fatalf("the training is never %s", what)
		return status{}
	}
	act("pause")
	at := wait("paused", func(s status) bool { return s.State == paused })
	wait("previewed as it is now", func(status) bool {
		p := ask[followed](c, "/api/jobs/"+j.ID, nil).Preview
		return p != nil && p.Done == at.Done
	})
	act("step")
	act("step")
	wait("two steps further", func(s status) bool { return s.Done == at.Done+2 })
	act("resume")
	end := wait("over", status.isOver)
	stop()
	<-following
	f := ask[followed](c, "/api/jobs/"+j.ID, nil)
	if end.State != finished || len(f.Lines) != 40 || f.Preview == nil || len(f.Preview.Layers) != 4 || len(f.Curve) == 0 {
		t.Fatalf("it ended as %+v", f)
	}

	in, err := workflow.Load(t.Context(), data, dataset.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	options, _, err := o.options()
	if err != nil {
		t.Fatal(err)
	}
	options.Architecture, options.Out, options.Threads = architecture8, filepath.Join(dir, "alone"), 1
	if _, err := workflow.Train(t.Context(), in.Data, options); err != nil {
		t.Fatal(err)
	}
	difference, err := run.Compare(options.Out, filepath.Join(dir, "runs", j.Name))
	if err != nil || difference != nil {
		t.Errorf("watched, the run differs: %v (%v)", difference, err)
	}
}

// TestRateChangedWhileItTrains changes the learning rate on the page, and repeats the run
// from what it has noted.
func TestRateChangedWhileItTrains(t *testing.T) {
	dir := t.TempDir()
	data := bars(t, dir)
	c := newClient(t, Config{Train: Data{Path: data}, Out: filepath.Join(dir, "runs"), Threads: 1})
	encoder, decoder, _ := strings.Cut(architecture8, " | ")
	o := order{draft: draft{ownData, strings.Split(encoder, " > "), strings.Split(decoder, " > ")},
		Optimizer: "adam", LearningRate: 0.001, BatchSize: 8, Epochs: 40, Seed: 7}
	j := ask[status](c, "/api/jobs", o)
	wait := func(is func(status) bool) (now status) {
		t.Helper()
		for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
			if now = ask[followed](c, "/api/jobs/"+j.ID, nil).status; is(now) {
				return now
			}
		}
		t.Fatalf("it never comes to that: %+v", now)
		return now
	}
	ask[status](c, "/api/jobs/"+j.ID+"/pause", struct{}{})
	at := wait(func(s status) bool { return s.State == paused })
	rate := "/api/jobs/" + j.ID + "/rate"
	for _, bad := range []float64{0, -1} {
		if w := c.do(c.request(http.MethodPost, rate, map[string]any{"rate": bad})); w.Code != http.StatusBadRequest {
			t.Errorf("a rate of %v: %d %s", bad, w.Code, w.Body)
		}
	}
	if s := ask[status](c, rate, map[string]any{"rate": 0.02}); s.BaseRate != 0.02 {
		t.Errorf("changed to %v", s.BaseRate)
	}
	ask[status](c, "/api/jobs/"+j.ID+"/resume", struct{}{})
	end := wait(status.isOver)
	if len(end.Changes) != 1 || end.Changes[0] != (train.RateChange{Step: at.Done, Rate: 0.02}) || math.Abs(end.Rate-0.02) > 1e-12 {
		t.Errorf("it ended with %v after changes %v, want 0.02 after step %d", end.Rate, end.Changes, at.Done)
	}
	if w := c.do(c.request(http.MethodPost, rate, map[string]any{"rate": 0.1})); w.Code != http.StatusConflict {
		t.Errorf("a rate after the end: %d %s", w.Code, w.Body)
	}

	out := filepath.Join(dir, "runs", j.Name)
	notes, err := run.ReadNotes(out)
	if err != nil {
		t.Fatal(err)
	}
	in, err := workflow.Load(t.Context(), data, dataset.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	again, _, err := o.options()
	if err != nil {
		t.Fatal(err)
	}
	again.Architecture, again.Out = architecture8, filepath.Join(dir, "again")
	change, err := train.ParseRateChange(notes.Command.Flags[run.RateChangesFlag][0])
	if err != nil {
		t.Fatal(err)
	}
	if again.Rates, err = train.NewRateChanges(change); err != nil {
		t.Fatal(err)
	}
	if _, err := workflow.Train(t.Context(), in.Data, again); err != nil {
		t.Fatal(err)
	}
	if difference, err := run.Compare(out, again.Out); err != nil || difference != nil {
		t.Errorf("repeated, the run differs: %v (%v)", difference, err)
	}
}

// TestFollow shows a training that is not the studio's own, and stops it from the page.
func TestFollow(t *testing.T) {
	dir := t.TempDir()
	in, err := workflow.Load(t.Context(), bars(t, dir), dataset.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(t, Config{})
	o := workflow.TrainOptions{Architecture: architecture8, Epochs: 100000, Validation: 0.1, Seed: 1}
	o.Out, o.Threads = filepath.Join(dir, "out"), 1
	ctx, ended, err := c.studio.Follow(t.Context(), in, &o)
	if err != nil {
		t.Fatal(err)
	}
	// Somebody else follows the folder.
	other := newClient(t, Config{Paths: []string{dir}})
	done := make(chan error, 1)
	go func() {
		_, err := workflow.Train(ctx, in.Data, o)
		ended(err)
		done <- err
	}()
	var j status
	for deadline := time.Now().Add(60 * time.Second); j.Epoch < 3 && time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		j = ask[stateOf](c, "/api/state", nil).Jobs[0]
	}
	if j.Name != "out" || j.Epochs != 100000 || j.Optimizer != "adam" || j.BatchSize != 32 || j.Codes != 3 {
		t.Errorf("it is told as %+v", j)
	}
	other.studio.shelf.refresh()
	if all := ask[stateOf](other, "/api/state", nil).Entries; len(all) != 1 || all[0].State != running || len(all[0].Epochs) < 2 || all[0].Epochs[1]["val_loss"] == 0 || all[0].Openable {
		t.Errorf("elsewhere it is seen as %+v", all)
	}
	ask[status](c, "/api/jobs/"+j.ID+"/stop", struct{}{})
	var stopped *run.Interrupted
	if err := <-done; !errors.As(err, &stopped) {
		t.Errorf("it ended with %v", err)
	}
	f := ask[followed](c, "/api/jobs/"+j.ID, nil)
	if f.State != interrupted || f.Preview == nil || f.Preview.Layers[0].MaxGradient <= 0 || len(f.Preview.Layers[0].Gradients) != bins {
		t.Errorf("it ended as %+v", f)
	}
}

func TestStopKeeps(t *testing.T) {
	dir := t.TempDir()
	c := newClient(t, Config{Train: Data{Path: bars(t, dir)}, Out: filepath.Join(dir, "runs"), Paths: nil})
	encoder, decoder, _ := strings.Cut(architecture8, " | ")
	j := ask[status](c, "/api/jobs", order{draft: draft{ownData, strings.Split(encoder, " > "), strings.Split(decoder, " > ")},
		Optimizer: "sgd", LearningRate: 0.1, BatchSize: 8, Epochs: 100000})
	for ask[followed](c, "/api/jobs/"+j.ID, nil).Done == 0 {
		time.Sleep(5 * time.Millisecond)
	}
	ask[status](c, "/api/jobs/"+j.ID+"/stop", struct{}{})
	for !ask[followed](c, "/api/jobs/"+j.ID, nil).isOver() {
		time.Sleep(5 * time.Millisecond)
	}
	if notes, err := run.ReadNotes(filepath.Join(dir, "runs", j.Name)); err != nil || notes.State != run.Stopped || notes.Command.Name != "train" {
		t.Errorf("the run noted %+v (%v)", notes, err)
	}
	if all := ask[stateOf](c, "/api/state", nil).Entries; len(all) != 1 || !all[0].Openable {
		t.Errorf("the shelf has %+v", all)
	}
}

func TestWrongLayersAreNamed(t *testing.T) {
	c := newClient(t, Config{Train: Data{Path: bars(t, t.TempDir())}})
	for _, test := range []struct {
		encoder, decoder []string
		line             int
	}{
		{[]string{"flatten", "dense 8 sleu"}, []string{"dense 64 sigmoid", "reshape 8x8"}, 2},
		{[]string{"conv2d 8 20x20", "flatten", "dense 2"}, []string{"dense 64", "reshape 8x8"}, 1},
		{[]string{"flatten", "dense 2"}, []string{"dense 64", "reshape 9x8"}, 5},
	} {
		w := c.do(c.request(http.MethodPost, "/api/architecture", draft{ownData, test.encoder, test.decoder}))
		var f failure
		if err := json.Unmarshal(w.Body.Bytes(), &f); err != nil || w.Code != http.StatusUnprocessableEntity || f.Line != test.line {
			t.Errorf("%v | %v: %d %s, want line %d", test.encoder, test.decoder, w.Code, w.Body, test.line)
		}
	}
}

func TestPresetsCanBeTrained(t *testing.T) {
	c := newClient(t, Config{})
	in := &workflow.Input{Data: &dataset.Data{Samples: (&dataset.Images{Shape: tensor.Shape{28, 28}, Pixels: make([]byte, 28*28)}).Raw(), Largest: 255}}
	c.studio.jobs.loaded[dataset.Digits] = in
	for _, p := range presetsFor(in) {
		counts := ask[counted](c, "/api/architecture", draft{dataset.Digits, p.Encoder, p.Decoder})
		if counts.Parameters == 0 || p.Epochs < 1 || p.LearningRate <= 0 {
			t.Errorf("%s comes to %+v", p.Name, counts)
		}
	}
}

func TestRunsThatComeAndGo(t *testing.T) {
	dir := t.TempDir()
	runs := filepath.Join(dir, "runs")
	if err := os.Mkdir(runs, 0o777); err != nil {
		t.Fatal(err)
	}
	c := newClient(t, Config{Paths: []string{runs}, DataOf: fromArgs})
	trained(t, bars(t, dir), runs, "late")
	if !c.studio.shelf.refresh() || len(ask[stateOf](c, "/api/state", nil).Entries) != 1 {
		t.Error("a run that came is not seen")
	}
	if c.studio.shelf.refresh() {
		t.Error("what has not changed is told again")
	}
	if err := os.RemoveAll(filepath.Join(runs, "late")); err != nil {
		t.Fatal(err)
	}
	if !c.studio.shelf.refresh() || len(ask[stateOf](c, "/api/state", nil).Entries) != 0 {
		t.Error("a run that went is still there")
	}
}

// killed leaves a run whose process has gone in a folder of runs.
func killed(t *testing.T, runs, name string) {
	t.Helper()
	f, err := run.Open(&run.Options{Out: filepath.Join(runs, name)})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Begin(&run.Notes{Command: run.Command{Name: "train"}}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(runs, name, run.JournalFile), []byte(`{"epoch":1,"seconds":0.5,"loss":0.25}`+"\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestKilledRunsAreToldFromThoseThatRun(t *testing.T) {
	dir := t.TempDir()
	f, err := run.Open(&run.Options{Out: filepath.Join(dir, "one")})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Begin(&run.Notes{Command: run.Command{Name: "train"}}); err != nil {
		t.Fatal(err)
	}
	killed(t, dir, "two")
	s, err := newShelf([]string{dir})
	if err != nil {
		t.Fatal(err)
	}
	states := func() map[string]string {
		all := map[string]string{}
		for _, e := range s.list() {
			all[e.Name] = e.State
		}
		return all
	}
	if all := states(); all["one"] != string(run.Running) || all["two"] != string(run.Killed) {
		t.Errorf("the runs are %v", all)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if !s.refresh() || states()["one"] != string(run.Killed) {
		t.Errorf("a run that is killed while it is watched makes them %v", states())
	}
	if e := s.list()[0]; e.Resume != "hourglass train --resume "+e.Name {
		t.Errorf("to go on with it: %q", e.Resume)
	}
}

// What is shown of a run of another process is what its last checkpoint makes of the samples.
func TestGlimpse(t *testing.T) {
	dir := t.TempDir()
	trained(t, bars(t, dir), filepath.Join(dir, "runs"), "one")
	killed(t, filepath.Join(dir, "runs"), "gone")
	c := newClient(t, Config{Paths: []string{filepath.Join(dir, "runs")}, DataOf: fromArgs})
	of := func(name string) glimpsed {
		return ask[glimpsed](c, "/api/runs/"+identifier(filepath.Join(dir, "runs", name))+"/preview", nil)
	}
	if path, epoch := run.LatestCheckpoint(filepath.Join(dir, "runs", "one")); path == "" || epoch != 2 {
		t.Fatalf("the last checkpoint is %q, of epoch %d", path, epoch)
	}
	g := of("one")
	if g.Preview == nil || g.Why != "" || g.Preview.Epoch != 2 {
		t.Fatalf("a glimpse of %+v, %s", g.Preview, g.Why)
	}
	both := c.get("/api/models/" + identifier(filepath.Join(dir, "runs", "one")) + "/pairs?samples=0,1,2,3,4,5,6,7,8,9")
	before, err := base64.StdEncoding.DecodeString(g.Preview.Originals)
	if err != nil || !bytes.Equal(before, both[:len(both)/2]) {
		t.Errorf("the samples are others, %v", err)
	}
	after, err := base64.StdEncoding.DecodeString(g.Preview.Reconstructions)
	if err != nil || !bytes.Equal(after, both[len(both)/2:]) {
		t.Errorf("their reconstructions are others, %v", err)
	}
	if g := of("gone"); g.Preview != nil || !strings.Contains(g.Why, "checkpoints") {
		t.Errorf("a glimpse of a run without checkpoints: %+v", g)
	}
}

func TestCurveIsThinnedOut(t *testing.T) {
	var c curve
	for step := 1; step <= 5000; step++ {
		c.add(step, float64(step))
	}
	points := c.points()
	if len(points) > 1000 || points[len(points)-1][0] != 5000 {
		t.Errorf("%d points up to %v", len(points), points[len(points)-1])
	}
	for _, p := range points[:len(points)-1] {
		if middle := p[0] - float64(c.every-1)/2; p[1] != middle {
			t.Fatalf("the mean up to step %v is %v, want %v", p[0], p[1], middle)
		}
	}
}

func TestThinned(t *testing.T) {
	var lines []epochLine
	for epoch := 1; epoch <= 1234; epoch++ {
		lines = append(lines, epochLine{"epoch": float64(epoch)})
		some := thinned(lines, 100)
		if n := len(some); n > 101 || some[0]["epoch"] != 1 || some[n-1]["epoch"] != float64(epoch) {
			t.Fatalf("%d of %d lines, the last of epoch %v", n, epoch, some[n-1]["epoch"])
		}
	}
}

func TestTurn(t *testing.T) {
	want := []float32{1, 0, 0, 2, -3, 1, 0.5, -1}
	points := make([]float32, len(want))
	for i := 0; i < len(want); i += 2 { // a quarter turn and a mirror
		points[i], points[i+1] = want[i+1], want[i]
	}
	turn(points, want)
	for i := range want {
		if math.Abs(float64(points[i]-want[i])) > 1e-6 {
			t.Fatalf("turned to %v, want %v", points, want)
		}
	}
}

// TestAxes holds the map of a preview against a whole principal component analysis.
func TestAxes(t *testing.T) {
	const n, k = 60, 12
	samples, random := tensor.New(n, k), rand.New(rand.NewPCG(2, 3))
	for i := range samples.Data {
		samples.Data[i] = float32(random.NormFloat64() * float64(1+8/(1+i%k)))
	}
	model, err := pca.Fit(samples, 2)
	if err != nil {
		t.Fatal(err)
	}
	want, err := model.Transform(samples)
	if err != nil {
		t.Fatal(err)
	}
	var a axes
	points := a.project(samples)
	for range 3 {
		points = a.project(samples)
	}
	turn(points, want.Data)
	for i, v := range want.Data {
		if math.Abs(float64(points[i]-v)) > 1e-3 {
			t.Fatalf("point %d has %v, want %v", i/2, points[i], v)
		}
	}
}

// TestRun opens a studio as the command does, follows its events and ends it.
func TestRun(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	address, ended := make(chan string, 1), make(chan error, 1)
	go func() { ended <- s.Run(ctx, func(a string) { address <- a }) }()
	at := <-address
	base, token, _ := strings.Cut(at, "/?token=")
	r, err := http.NewRequest(http.MethodGet, base+"/api/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(base, "http://"))
	r.AddCookie(&http.Cookie{Name: "hourglass_studio_" + port, Value: token})
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	s.events.publish("map", "", mapStatus{Stage: "test"})
	var text []byte
	for !bytes.Contains(text, []byte("\"stage\":\"test\"")) {
		part := make([]byte, 1000)
		n, err := answer.Body.Read(part)
		if text = append(text, part[:n]...); err != nil {
			t.Fatalf("after %q: %v", text, err)
		}
		if !bytes.Contains(text, []byte("test")) {
			s.events.publish("map", "", mapStatus{Stage: "test"})
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := io.ReadAll(answer.Body); err != nil {
		t.Errorf("the stream ends with %v", err)
	}
}

// TestSlowPage wants a page that does not keep up to be told the last of each matter.
func TestSlowPage(t *testing.T) {
	h := newHub()
	r, left := h.follow()
	for i := range 1000 {
		h.publish("job", "a", i)
		if i < 500 {
			h.publish("job", "b", i)
		}
	}
	<-r.come
	if got, want := string(r.take()), "event: job\ndata: 999\n\nevent: job\ndata: 499\n\n"; got != want {
		t.Errorf("told %q, want %q", got, want)
	}
	left()
	h.publish("job", "a", 0)
	if got := r.take(); len(got) > 0 || h.watched() {
		t.Errorf("a page that has left is told %q", got)
	}
}
