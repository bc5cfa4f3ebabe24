package dataset

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hourglass/tensor"
)

// A published file: its description and its compressed form.
var (
	testFile File
	testGzip []byte
)

func init() {
	generator := rand.NewPCG(1, 2)
	pixels := make([]byte, 200_000)
	for i := range pixels {
		pixels[i] = byte(generator.Uint64()) & 0x1f
	}
	var plain, packed bytes.Buffer
	writeIDX(&plain, IDX{Shape: tensor.Shape{len(pixels)}, Data: pixels})
	zip := gzip.NewWriter(&packed)
	zip.Write(plain.Bytes())
	zip.Close()
	sum := sha256.Sum256(plain.Bytes())
	testFile = File{Name: fileNames[0], Size: int64(plain.Len()), SHA256: hex.EncodeToString(sum[:])}
	testGzip = packed.Bytes()
}

// server runs handler until the test ends and counts the requests. Requests
// that hang end when it does.
func server(t *testing.T, handler http.HandlerFunc) (mirror string, requests *atomic.Int64) {
	t.Helper()
	requests = new(atomic.Int64)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		if r.URL.Path != "/"+testFile.Name+".gz" {
			t.Errorf("request for %s", r.URL.Path)
		}
		handler(w, r)
	}))
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s.URL + "/", requests
}

// honest serves the file as it is, ranges included.
func honest(w http.ResponseWriter, r *http.Request) {
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(testGzip))
}

func serve(body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.Write(body) }
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

// then answers the first request with one handler and later ones with the next.
func then(handlers ...http.HandlerFunc) http.HandlerFunc {
	var count atomic.Int64
	return func(w http.ResponseWriter, r *http.Request) {
		handlers[min(int(count.Add(1)), len(handlers))-1](w, r)
	}
}

// breakOff announces the whole file and drops the connection after n bytes.
func breakOff(n int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(len(testGzip)))
		w.Write(testGzip[:n])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
}

func testDownloader(mirrors ...string) *downloader {
	return &downloader{
		client:   downloadClient,
		mirrors:  mirrors,
		attempts: 3,
		pause:    time.Millisecond,
		patience: time.Minute, // so that a busy machine is not taken for a silent server
		progress: func(Progress) {},
	}
}

// wantOnlyFile fails unless dir holds the file, whole, and nothing else.
func wantOnlyFile(t *testing.T, dir string) {
	t.Helper()
	entries, _ := os.ReadDir(dir)
	got, err := os.ReadFile(filepath.Join(dir, testFile.Name+".gz"))
	if err != nil || !bytes.Equal(got, testGzip) || len(entries) != 1 {
		t.Errorf("folder holds %v, the file %d bytes (error %v), want only that and %d bytes", entries, len(got), err, len(testGzip))
	}
}

func TestDownload(t *testing.T) {
	half := len(testGzip) / 2
	badRange := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Range", fmt.Sprintf("bytes 0-%d/%[1]d", half))
		w.WriteHeader(http.StatusPartialContent)
		w.Write(testGzip[:half])
	}
	garbage := bytes.Repeat([]byte("x"), half)
	for _, c := range []struct {
		name     string
		handler  http.HandlerFunc
		part     []byte // left behind by an earlier run
		requests int64
	}{
		{"whole", honest, nil, 1},
		{"without a length", func(w http.ResponseWriter, _ *http.Request) {
			w.(http.Flusher).Flush()
			w.Write(testGzip)
		}, nil, 1},
		{"resumed after a broken connection", then(breakOff(half), honest), nil, 2},
		{"broken before the first byte", then(breakOff(0), honest), nil, 2},
		{"resumed from an earlier run", honest, testGzip[:half], 1},
		{"resumed where the server ignores ranges", serve(testGzip), testGzip[:half], 1},
		{"resumed with a wrong range", then(badRange, honest), testGzip[:half], 2},
		{"earlier run got everything", honest, testGzip, 1}, // status 416
		{"earlier run left too much", honest, append(bytes.Clone(testGzip), garbage...), 2},
		{"earlier run left far too much", honest, make([]byte, 10*len(testGzip)), 2},
		{"earlier run left garbage", honest, garbage, 2},
		{"busy at first", then(status(503), status(429), honest), nil, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			mirror, requests := server(t, c.handler)
			dir := t.TempDir()
			if c.part != nil {
				if err := os.WriteFile(partPath(mirror, testFile, dir), c.part, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if err := testDownloader(mirror).fetchAll(t.Context(), []File{testFile}, dir); err != nil {
				t.Fatal(err)
			}
			wantOnlyFile(t, dir)
			if requests.Load() != c.requests {
				t.Errorf("%d requests, want %d", requests.Load(), c.requests)
			}
		})
	}
}

func TestDownloadOnlyAsksForTheRest(t *testing.T) {
	half := len(testGzip) / 2
	var ranges []string
	var mu sync.Mutex
	mirror, _ := server(t, then(breakOff(half), func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		ranges = append(ranges, r.Header.Get("Range"))
		mu.Unlock()
		honest(w, r)
	}))
	d := testDownloader(mirror)
	var seen []Progress
	d.progress = func(p Progress) { seen = append(seen, p) }
	if err := d.fetchAll(t.Context(), []File{testFile}, t.TempDir()); err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("bytes=%d-", half); len(ranges) != 1 || ranges[0] != want {
		t.Errorf("asked for %q, want %q", ranges, want)
	}
	for i, p := range seen {
		if p.File != testFile.Name+".gz" || p.Total != int64(len(testGzip)) || i > 0 && p.Done < seen[i-1].Done {
			t.Errorf("progress %d is %+v after %+v", i, p, seen[max(i-1, 0)])
		}
	}
	if last := seen[len(seen)-1]; last.Done != last.Total {
		t.Errorf("last progress is %+v", last)
	}
}

func TestDownloadRefuses(t *testing.T) {
	stop := make(chan struct{})
	t.Cleanup(func() { close(stop) })
	hang := func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-stop:
		}
	}
	for _, c := range []struct {
		name     string
		handler  http.HandlerFunc
		want     string
		requests int64
	}{
		{"absent", status(404), "status 404 Not Found", 1},
		{"always busy", status(503), "status 503 Service Unavailable", 3},
		{"part not asked for", status(206), "status 206", 1},
		{"empty", serve(nil), "is not compressed by gzip", 1},
		{"HTML", serve([]byte("<!DOCTYPE html><title>Log in</title>")), "is not compressed by gzip", 1},
		{"other content", serve(gzipOf(testFile.Size)), "has SHA-256 ", 1},
		{"less content", serve(gzipOf(testFile.Size - 1)), fmt.Sprintf("unpacks to %d bytes, want %d", testFile.Size-1, testFile.Size), 1},
		{"gzip bomb", serve(gzipOf(4 << 20)), "unpacks to more than ", 1},
		{"gzip cut off", serve(testGzip[:len(testGzip)-100]), "unpacking: unexpected EOF", 1},
		{"always broken off", breakOff(0), "unexpected EOF", 3},
		{"endless", func(w http.ResponseWriter, _ *http.Request) {
			for junk := make([]byte, 1<<16); ; {
				if _, err := w.Write(junk); err != nil {
					return
				}
			}
		}, "sends more than ", 1},
		{"announces too much", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "9223372036854775807")
			w.Write(testGzip)
		}, "announces 9223372036854775807 bytes, want at most ", 1},
		{"redirects in a circle", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.Path, http.StatusFound)
		}, "redirected more than 5 times", 6},
		{"silent", hang, "the server sends nothing or next to nothing", 1},
		{"silent after a while", func(w http.ResponseWriter, r *http.Request) {
			w.Write(testGzip[:100])
			w.(http.Flusher).Flush()
			hang(w, r)
		}, "the server sends nothing or next to nothing", 3},
		{"trickle", func(w http.ResponseWriter, r *http.Request) {
			for i := range testGzip {
				if _, err := w.Write(testGzip[i : i+1]); err != nil || r.Context().Err() != nil {
					return
				}
				w.(http.Flusher).Flush()
				time.Sleep(time.Millisecond)
			}
		}, "the server sends nothing or next to nothing", 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			mirror, requests := server(t, c.handler)
			dir := t.TempDir()
			d := testDownloader(mirror)
			if strings.Contains(c.want, "nothing") {
				d.patience = 100 * time.Millisecond
			}
			err := d.fetchAll(t.Context(), []File{testFile}, dir)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), mirror[:len(mirror)-1]) && !strings.HasPrefix(err.Error(), "Get ") || strings.Contains(err.Error(), "\n") {
				t.Errorf("got error %v, want one line with the address and %q", err, c.want)
			}
			// On a busy machine even the first bytes may come too late to ask for more.
			least := c.requests
			if strings.Contains(c.want, "nothing") {
				least = 1
			}
			if n := requests.Load(); n < least || n > c.requests {
				t.Errorf("%d requests, want %d to %d", n, least, c.requests)
			}
			if _, count := findFiles(dir); count != 0 {
				t.Error("a file was put in place")
			}
			entries, _ := os.ReadDir(dir)
			for _, entry := range entries {
				if info, err := entry.Info(); err != nil || info.Size() > testFile.Size+testFile.Size/50 {
					t.Errorf("%s holds %d bytes", entry.Name(), info.Size())
				}
			}
		})
	}
}

// gzipOf compresses n zeros.
func gzipOf(n int64) []byte {
	var b bytes.Buffer
	zip := gzip.NewWriter(&b)
	zip.Write(make([]byte, n))
	zip.Close()
	return b.Bytes()
}

func TestDownloadFallsBackToNextMirror(t *testing.T) {
	// The first breaks off for good, and its part must not spoil the second's.
	broken, _ := server(t, then(breakOff(1000), status(404)))
	gone := httptest.NewServer(nil)
	gone.Close()
	good, _ := server(t, honest)
	dir := t.TempDir()
	d := testDownloader(broken, gone.URL+"/", good)
	if err := d.fetchAll(t.Context(), []File{testFile}, dir); err != nil {
		t.Fatal(err)
	}
	wantOnlyFile(t, dir)
	if d.mirrors[0] != good {
		t.Errorf("asks %s first for the next file, want %s", d.mirrors[0], good)
	}
	err := testDownloader(broken, gone.URL+"/").fetchAll(t.Context(), []File{testFile}, t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "status 404 Not Found; ") || !strings.Contains(err.Error(), gone.URL) {
		t.Errorf("got error %v, want one about each mirror", err)
	}
}

func TestDownloadFetchesOnlyWhatIsMissing(t *testing.T) {
	mirror, requests := server(t, honest)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, testFile.Name), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := testDownloader(mirror).fetchAll(t.Context(), []File{testFile}, dir); err != nil || requests.Load() != 0 {
		t.Errorf("%d requests (error %v), want none", requests.Load(), err)
	}
}

func TestDownloadStopsWithContext(t *testing.T) {
	mirror, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		w.Write(testGzip[:len(testGzip)/2])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	d := testDownloader(mirror)
	d.progress = func(p Progress) {
		if p.Done > 0 {
			cancel()
		}
	}
	err := d.fetchAll(ctx, []File{testFile}, dir)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want %v", err, context.Canceled)
	}
	if info, err := os.Stat(partPath(mirror, testFile, dir)); err != nil || info.Size() == 0 {
		t.Errorf("the part for the next run is lost: %v", err)
	}
}

func TestDownloadReportsLocalTroubleOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(dir, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	err := testDownloader("http://a.invalid/", "http://b.invalid/").fetch(t.Context(), testFile, dir)
	if err == nil || strings.Contains(err.Error(), ";") || !strings.Contains(err.Error(), dir) {
		t.Errorf("got error %v, want one about %s only", err, dir)
	}
}

func TestUnavailable(t *testing.T) {
	t.Setenv(dataDirVariable, t.TempDir())
	for _, variable := range []string{"XDG_CACHE_HOME", "HOME", "LocalAppData"} {
		t.Setenv(variable, t.TempDir())
	}
	gone := httptest.NewServer(nil)
	gone.Close()
	set := Info{Name: "mnist", Files: []File{testFile}, Mirrors: []string{gone.URL + "/"}, folders: []string{"mnist"}}
	for _, download := range []bool{false, true} {
		_, err := locateOrDownload(t.Context(), set, Options{Download: download})
		if !errors.Is(err, ErrUnavailable) || strings.Contains(err.Error(), "\n") {
			t.Errorf("download %v: got error %v, want one line that wraps ErrUnavailable", download, err)
		}
	}
	// Who names a folder wants that folder.
	_, err := locateOrDownload(t.Context(), set, Options{Download: true, DataDir: t.TempDir()})
	if err == nil || errors.Is(err, ErrUnavailable) {
		t.Errorf("empty data folder: got error %v, want one that does not wrap ErrUnavailable", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := locateOrDownload(ctx, set, Options{Download: true}); !errors.Is(err, context.Canceled) || errors.Is(err, ErrUnavailable) {
		t.Errorf("cancelled: got error %v", err)
	}
}

func TestDownloadIntoCacheIsFoundThere(t *testing.T) {
	cache := t.TempDir()
	for _, variable := range []string{"XDG_CACHE_HOME", "HOME", "LocalAppData"} {
		t.Setenv(variable, cache)
	}
	t.Setenv(dataDirVariable, "")
	s := httptest.NewServer(http.HandlerFunc(honest))
	t.Cleanup(s.Close)
	set := Info{Name: "mnist", Mirrors: []string{s.URL + "/"}, folders: []string{"mnist"}}
	for _, name := range fileNames {
		set.Files = append(set.Files, File{Name: name, Size: testFile.Size, SHA256: testFile.SHA256})
	}
	dir, err := locateOrDownload(t.Context(), set, Options{Download: true})
	if err != nil {
		t.Fatal(err)
	}
	if found, ok := set.Locate(""); !ok || found != dir {
		t.Errorf("found in %q, downloaded into %q", found, dir)
	}
	// With a file gone the cache is not taken for complete, and completed.
	lost := filepath.Join(dir, fileNames[3]+".gz")
	if err := os.Remove(lost); err != nil {
		t.Fatal(err)
	}
	if _, ok := set.Locate(""); ok {
		t.Error("an incomplete cache counts as found")
	}
	if _, err := locateOrDownload(t.Context(), set, Options{Download: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(lost); err != nil {
		t.Error(err)
	}
}
