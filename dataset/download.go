package dataset

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"hourglass/internal/atomicfile"
)

// Progress is how far the download of one file has come.
type Progress struct {
	File string // its name
	// Done and Total count the bytes of the compressed file; Total is 0 while
	// the server has not said.
	Done, Total int64
}

// Download fetches into dir, which it creates if need be, those of the data
// set's files that are not there yet. Progress is called as bytes arrive, if
// not nil.
//
// Each file comes from the first mirror that delivers it. An interrupted
// transfer goes on where it stopped, in this call or in a later one. Only
// content with the published SHA-256 is put in place, whole. Nothing a server
// does takes more memory than a buffer, more disk than the data set, or forever;
// a mirror out of reach is given up after three seconds. The error is one line.
func (s Info) Download(ctx context.Context, dir string, progress func(Progress)) error {
	if err := s.download(ctx, dir, progress); err != nil {
		return fmt.Errorf("dataset: download %s: %w", s.Name, err)
	}
	return nil
}

func (s Info) download(ctx context.Context, dir string, progress func(Progress)) error {
	if progress == nil {
		progress = func(Progress) {}
	}
	d := downloader{
		client:   downloadClient,
		mirrors:  slices.Clone(s.Mirrors),
		attempts: 4,
		pause:    time.Second,
		patience: 15 * time.Second,
		progress: progress,
	}
	return d.fetchAll(ctx, s.Files, dir)
}

// downloadClient reaches a server quickly or not at all.
var downloadClient = &http.Client{
	Transport: &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: 3 * time.Second}).DialContext,
		TLSHandshakeTimeout: 5 * time.Second,
		ForceAttemptHTTP2:   true,
		IdleConnTimeout:     30 * time.Second,
		DisableCompression:  true, // the files are kept compressed
	},
	CheckRedirect: func(_ *http.Request, via []*http.Request) error {
		const most = 5
		if len(via) > most {
			return fmt.Errorf("redirected more than %d times", most)
		}
		return nil
	},
}

// slowest is how many bytes must arrive within a downloader's patience.
const slowest = 4 << 10

var errTooSlow = errors.New("the server sends nothing or next to nothing")

type downloader struct {
	client   *http.Client
	mirrors  []string
	attempts int           // per mirror and file
	pause    time.Duration // before the second attempt, growing with each
	patience time.Duration // with a server that sends next to nothing
	progress func(Progress)
}

// fetchAll downloads the files that dir lacks.
func (d *downloader) fetchAll(ctx context.Context, files []File, dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	present, _ := findFiles(dir)
	for i, file := range files {
		if present[i] != "" {
			continue
		}
		if err := d.fetch(ctx, file, dir); err != nil {
			return err
		}
	}
	return nil
}

// fetch downloads a file from the first mirror that has it. Without one the
// error tells of each.
func (d *downloader) fetch(ctx context.Context, file File, dir string) error {
	var failures error
	for i, mirror := range d.mirrors {
		err := d.fetchFrom(ctx, mirror, file, dir)
		if err == nil {
			// Ask this one first for the next file, not those that failed.
			d.mirrors[0], d.mirrors[i] = d.mirrors[i], d.mirrors[0]
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if _, local := errors.AsType[*fs.PathError](err); local {
			return err // no other mirror makes the disk larger
		}
		if failures == nil {
			failures = err
		} else {
			failures = fmt.Errorf("%w; %w", failures, err)
		}
	}
	return failures
}

// fetchFrom downloads a file from one mirror, in as many attempts as allowed
// as long as another one can help.
func (d *downloader) fetchFrom(ctx context.Context, mirror string, file File, dir string) error {
	url := mirror + file.Name + ".gz"
	target := filepath.Join(dir, file.Name+".gz")
	part := partPath(mirror, file, dir)
	for attempt := 1; ; attempt++ {
		again, err := d.attempt(ctx, url, part, file)
		if err == nil {
			break
		}
		if !again || attempt == d.attempts {
			if info, err := os.Stat(part); err == nil && info.Size() == 0 {
				os.Remove(part)
			}
			return err
		}
		select {
		case <-time.After(time.Duration(attempt) * d.pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err := atomicfile.Replace(part, target); err != nil {
		return err
	}
	leftovers, _ := filepath.Glob(target + ".*.part")
	for _, path := range leftovers {
		os.Remove(path)
	}
	return nil
}

// partPath is where the beginning of a file from a mirror is kept. Mirrors need
// not compress alike, so the parts of two do not make a whole: each has its own.
func partPath(mirror string, file File, dir string) string {
	name := fmt.Sprintf("%s.gz.%08x.part", file.Name, crc32.ChecksumIEEE([]byte(mirror)))
	return filepath.Join(dir, name)
}

// attempt completes the part and verifies it. Again says whether another
// attempt may do better; it goes on from what the part then holds.
func (d *downloader) attempt(ctx context.Context, url, part string, file File) (again bool, err error) {
	out, err := os.OpenFile(part, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return false, err
	}
	defer out.Close()
	have, err := out.Seek(0, io.SeekEnd)
	if err != nil {
		return false, err
	}
	t := transfer{downloader: d, url: url, file: file, out: out, have: have}
	if again, err := t.run(ctx); err != nil {
		return again, err
	}
	if err := verify(out, file); err != nil {
		// What was there before may be to blame; an answer that is wrong from its
		// first byte on will be wrong again.
		return have > 0, t.discard(err)
	}
	return false, nil
}

// transfer is one request for a file and what came of it.
type transfer struct {
	*downloader
	url  string
	file File
	out  *os.File
	// have counts the bytes of the file in out; total is what it will have, 0
	// while unknown.
	have, total int64
}

// fail returns an error that names the address.
func (t *transfer) fail(format string, args ...any) error {
	return fmt.Errorf("get %s: %w", t.url, fmt.Errorf(format, args...))
}

// discard empties out, which err shows to be worthless.
func (t *transfer) discard(err error) error {
	t.have = 0
	if err := t.out.Truncate(0); err != nil {
		return err
	}
	return t.fail("%w", err)
}

// run asks for what follows the bytes in out and appends it, until the server
// has no more. Again says whether another attempt may help against the error.
func (t *transfer) run(ctx context.Context) (again bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watchdog := time.AfterFunc(t.patience, func() { cancel(errTooSlow) })
	defer watchdog.Stop()

	request, err := http.NewRequestWithContext(ctx, http.MethodGet, t.url, nil)
	if err != nil {
		return false, err
	}
	if t.have > 0 {
		request.Header.Set("Range", fmt.Sprintf("bytes=%d-", t.have))
	}
	response, err := t.client.Do(request)
	if err != nil {
		if context.Cause(ctx) == errTooSlow {
			err = t.fail("%w", errTooSlow)
		}
		return false, err
	}
	defer response.Body.Close()

	if t.have > 0 && response.StatusCode == http.StatusRequestedRangeNotSatisfiable {
		return false, nil // nothing follows: out is whole or worthless, and verified next
	}
	if again, err := t.accept(response); err != nil {
		return again, err
	}
	again, err = t.receive(response.Body, func() { watchdog.Reset(t.patience) })
	if err != nil && context.Cause(ctx) == errTooSlow {
		err = t.fail("%w", errTooSlow)
	}
	return again, err
}

// accept makes out ready for the answer: its body goes to byte number t.have.
func (t *transfer) accept(response *http.Response) (again bool, err error) {
	resumed := t.have > 0
	switch code := response.StatusCode; {
	case code == http.StatusOK:
		// A server that knows no ranges starts over.
		t.have = 0
		if err := t.out.Truncate(0); err != nil {
			return false, err
		}
	case code == http.StatusPartialContent && resumed:
		var first, last int64
		answer := response.Header.Get("Content-Range")
		if n, _ := fmt.Sscanf(answer, "bytes %d-%d/", &first, &last); n != 2 || first != t.have {
			return true, t.discard(fmt.Errorf("asked for bytes from %d on, got %q", t.have, answer))
		}
	default:
		temporary := code >= 500 || code == http.StatusTooManyRequests
		return temporary, t.fail("status %d %s", code, http.StatusText(code))
	}
	if length, most := response.ContentLength, t.limit()-t.have; length > most {
		return resumed, t.discard(fmt.Errorf("announces %d bytes, want at most %d", length, most))
	}
	if response.ContentLength >= 0 {
		t.total = t.have + response.ContentLength
	}
	return false, nil
}

// limit is a size that no compressed form of the file exceeds.
func (t *transfer) limit() int64 { return t.file.Size + t.file.Size/100 + 1<<10 }

// receive appends the body to out and calls alive whenever enough of it came.
func (t *transfer) receive(body io.Reader, alive func()) (again bool, err error) {
	buffer := make([]byte, 64<<10)
	for heard := t.have; ; {
		t.progress(Progress{File: t.file.Name + ".gz", Done: t.have, Total: t.total})
		n, err := io.ReadAtLeast(body, buffer, 1)
		if err == io.EOF {
			return false, nil
		}
		if err != nil {
			return true, t.fail("after %d bytes: %w", t.have, err)
		}
		if t.have+int64(n) > t.limit() {
			return false, t.discard(fmt.Errorf("sends more than %d bytes", t.limit()))
		}
		if _, err := t.out.WriteAt(buffer[:n], t.have); err != nil {
			return false, err
		}
		t.have += int64(n)
		if t.have-heard >= slowest {
			heard = t.have
			alive()
		}
	}
}

// verify compares the content of the compressed file with what it should be.
// It unpacks no more than that, whatever the file would grow to.
func verify(compressed io.ReadSeeker, file File) error {
	if _, err := compressed.Seek(0, io.SeekStart); err != nil {
		return err
	}
	plain, packing, err := decompressed(compressed)
	if err != nil {
		return err
	}
	if packing != "gzip" {
		return errors.New("is not compressed by gzip")
	}
	hash := sha256.New()
	n, err := io.Copy(hash, io.LimitReader(plain, file.Size+1))
	switch {
	case n > file.Size:
		return fmt.Errorf("unpacks to more than %d bytes", file.Size)
	case err != nil:
		return fmt.Errorf("unpacking: %w", err)
	case n < file.Size:
		return fmt.Errorf("unpacks to %d bytes, want %d", n, file.Size)
	}
	if got := hex.EncodeToString(hash.Sum(nil)); got != file.SHA256 {
		return fmt.Errorf("has SHA-256 %.8s…, want %.8s…", got, file.SHA256)
	}
	return nil
}
