// Package studio is Hourglass Studio: a web page on which one sees an autoencoder
// learn and walks through what it learned.
//
// It has rooms. Learn starts trainings and follows them, also those that were started
// elsewhere, by their folders. Explore is a map of the codes. Draw takes what a hand
// draws. Judge shows what a model reconstructs well and badly.
//
//	s, err := studio.New(studio.Config{Paths: []string{"runs"}})
//	err = s.Run(ctx, func(address string) { fmt.Println(address) })
//
// The page is made of files that are embedded in the program (package studio/web has
// their sources), so that it needs nothing from elsewhere. It asks for typed JSON, for
// arrays of numbers as bytes, little-endian, and follows what happens by events that
// the server sends.
//
// # Who is let in
//
// The server listens to this machine only. Whoever opens the address that it prints,
// which has a random token in it, is given a cookie; without one of the two there is no
// answer but to be told so. A request must be for this machine by its name (so that no
// name of somebody else's can be pointed here), and one that a page of somebody else's
// makes is refused. Runs, models and data are known by identifiers; no request names a
// file, so that none can name one outside the folders that the studio was given.
package studio

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"time"

	"hourglass/dataset"
	"hourglass/run"
)

// Data says which samples to show, and how they are read.
type Data struct {
	Path    string // as for dataset.Load; empty where nobody knows
	Options dataset.LoadOptions
	Flags   map[string][]string // of the command train that read it so
}

// Config are the settings of a studio. The zero value shows what the program has built in.
type Config struct {
	// Addr is what to listen to; it must be on this machine. The default is 127.0.0.1
	// at any free port.
	Addr string
	// Paths are what is shown: folders of runs, folders in which runs come and go, and
	// model files.
	Paths []string
	// Out is the folder in which trainings of the studio's make theirs; by default the
	// first of Paths that is a folder of runs, or "runs".
	Out string
	// Train is data that one can train on, beside the data sets with names.
	Train Data
	// Data is what models are shown on, if not what each of them was trained for.
	Data Data
	// DataOf returns the samples of a run, from what it noted of itself. By default that
	// is the data set whose name the run has recorded, if it has one.
	DataOf func(*run.Notes) (Data, error)
	// Report writes the report of the run in a folder; without it none is offered.
	Report func(w io.Writer, dir string) error
	// Threads is how many cores trainings use; 0 for all.
	Threads int
	// Version of the program, to be shown.
	Version string
}

// Studio is a server of one page and what is shown on it.
type Studio struct {
	config Config
	token  string
	events *hub
	shelf  *shelf
	jobs   *jobs

	glimpses glimpses
	// most is how many samples of a data set are shown, the first ones, and mostValues how many
	// numbers they may have in all.
	most, mostValues int

	// Contexts of the work that outlives a request end with the studio.
	background context.Context
	end        context.CancelFunc
	working    sync.WaitGroup
}

// New prepares a studio. It reads nothing but the list of what there is.
func New(c Config) (*Studio, error) {
	if c.Addr == "" {
		c.Addr = "127.0.0.1:0"
	}
	if err := checkLoopback(c.Addr); err != nil {
		return nil, err
	}
	if c.DataOf == nil {
		c.DataOf = recorded
	}
	s := &Studio{config: c, token: rand.Text(), events: newHub(), most: mostSamples, mostValues: math.MaxInt}
	s.background, s.end = context.WithCancel(context.Background())
	var err error
	if s.shelf, err = newShelf(c.Paths); err != nil {
		return nil, err
	}
	if s.config.Out == "" {
		s.config.Out = s.shelf.place()
	}
	s.jobs = newJobs(s)
	return s, nil
}

// recorded returns the data set that a run has recorded by its name.
func recorded(n *run.Notes) (Data, error) {
	if _, known := dataset.Lookup(n.Record.Dataset); !known {
		return Data{}, nil
	}
	return Data{Path: n.Record.Dataset}, nil
}

// checkLoopback refuses an address that others could reach.
func checkLoopback(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("studio: address %q: %w", addr, err)
	}
	if ip, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !ip.IsLoopback()) {
		return fmt.Errorf("studio: address %q is not on this machine; want 127.0.0.1, [::1] or localhost", addr)
	}
	return nil
}

// Run serves until ctx ends; then trainings are stopped and saved. Ready is called with the
// address to open once there is one.
func (s *Studio) Run(ctx context.Context, ready func(address string)) error {
	listener, err := net.Listen("tcp", s.config.Addr)
	if err != nil {
		return fmt.Errorf("studio: %w", err)
	}
	server := &http.Server{Handler: s.Handler(listener.Addr()), ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 1 << 16}
	s.work(s.watchFolders)
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	ready(fmt.Sprintf("http://%s/?token=%s", listener.Addr(), s.token))
	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	s.Close()
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if server.Shutdown(closing) != nil {
		server.Close() // what is still open after that has been given time
	}
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return err
}

// Close ends what goes on in the background, trainings among it, and waits until they
// are saved.
func (s *Studio) Close() {
	s.end()
	s.working.Wait()
}

// work does something in the background until the studio is closed.
func (s *Studio) work(f func(context.Context)) {
	s.working.Add(1)
	go func() {
		defer s.working.Done()
		f(s.background)
	}()
}

// watchFolders tells of runs that come, change and go.
func (s *Studio) watchFolders(ctx context.Context) {
	const pause = time.Second
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		if s.shelf.refresh() {
			s.events.publish("shelf", "", s.entries())
		}
	}
}

// exists reports whether there is a file or folder of that name in a folder.
func exists(dir, name string) bool {
	_, err := os.Stat(filepath.Join(dir, name))
	return err == nil
}
