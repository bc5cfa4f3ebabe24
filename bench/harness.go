package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"hourglass/bench/ort"
	"hourglass/dataset"
)

//go:embed peers
var peerSources embed.FS

// harness holds what the sections share: settings, data and peers, each of them
// made when it is first asked for.
type harness struct {
	settings
	ctx     context.Context
	dir     string // for files that live as long as the run
	machine machine

	images once[*dataset.Images]
	torch  once[*torchPeer]
	native once[*nativePeer]
	ort    once[*ort.Peer]
}

// once makes a value when it is first asked for, and remembers a failure.
type once[T any] struct {
	done  bool
	value T
	err   error
}

func (o *once[T]) get(make func() (T, error)) (T, error) {
	if !o.done {
		o.value, o.err = make()
		o.done = true
	}
	return o.value, o.err
}

func newHarness(ctx context.Context, s settings) (*harness, error) {
	dir, err := os.MkdirTemp("", "hourglass-bench-")
	if err != nil {
		return nil, err
	}
	if err := os.CopyFS(dir, peerSources); err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	useSharedData()
	return &harness{settings: s, ctx: ctx, dir: dir, machine: thisMachine()}, nil
}

// useSharedData points this process and its children to the data beside the
// checkout, unless the user points elsewhere.
func useSharedData() {
	shared, err := filepath.Abs(filepath.Join("..", "shared", "data"))
	if err != nil || os.Getenv("HOURGLASS_DATA") != "" {
		return
	}
	if stat, err := os.Stat(shared); err == nil && stat.IsDir() {
		os.Setenv("HOURGLASS_DATA", shared)
	}
}

func (h *harness) close() {
	if h.torch.value != nil {
		h.torch.value.close()
	}
	if h.native.value != nil {
		h.native.value.close()
	}
	h.ort.value.Close()
	os.RemoveAll(h.dir)
}

func (h *harness) logf(format string, args ...any) { fmt.Fprintf(os.Stderr, format, args...) }

// path returns that of a file in the run's own folder.
func (h *harness) path(name string) string { return filepath.Join(h.dir, name) }

// sections lists all groups of measurements, in the order they appear in.
var sections = []struct {
	name    string
	measure func(*harness) (section, error)
}{
	{"steps", (*harness).measureSteps},
	{"latency", (*harness).measureLatency},
	{"inference", (*harness).measureInference},
	{"gemm", (*harness).measureGemm},
	{"memory", (*harness).measureMemory},
	{"tsne", (*harness).measureTSNE},
}

func sectionNames() []string {
	var names []string
	for _, s := range sections {
		names = append(names, s.name)
	}
	return names
}

// measure runs the sections that were asked for. The error tells where Hourglass
// itself could not be measured; a peer that is missing is told in its section.
func (h *harness) measure() ([]section, error) {
	// Memory comes first: a process begins its life with the peak of the one that
	// starts it (see measureMemory), and this one grows as it goes.
	order := []int{}
	for i, s := range sections {
		if len(h.only) > 0 && !slices.Contains(h.only, s.name) {
			continue
		}
		if s.name == "memory" {
			order = slices.Insert(order, 0, i)
		} else {
			order = append(order, i)
		}
	}
	done := make([]section, len(sections))
	var errs []error
	for _, i := range order {
		h.logf("%s\n", sections[i].name)
		var err error
		done[i], err = sections[i].measure(h)
		done[i].note("Not measured", err)
		errs = append(errs, err)
		if h.ctx.Err() != nil {
			break
		}
	}
	done = slices.DeleteFunc(done, func(s section) bool { return s.title == "" })
	return done, errors.Join(errs...)
}

// mnist returns MNIST's training images.
func (h *harness) mnist() (*dataset.Images, error) {
	return h.images.get(func() (*dataset.Images, error) {
		split, err := dataset.Open(h.ctx, "mnist", dataset.Options{Download: true})
		if err != nil {
			return nil, err
		}
		return split.Train, nil
	})
}

// torchPeer is PyTorch with the same images.
type torchPeer struct {
	*peer
	version string
}

// pytorch starts PyTorch.
func (h *harness) pytorch() (*torchPeer, error) {
	return h.torch.get(func() (*torchPeer, error) { return h.startPyTorch(pythons...) })
}

// startPyTorch starts PyTorch with MNIST in the first of some Pythons that has it.
func (h *harness) startPyTorch(pythons ...string) (*torchPeer, error) {
	images, err := h.mnist()
	if err != nil {
		return nil, err
	}
	path := h.path("images")
	if _, err := os.Stat(path); err != nil {
		if err := os.WriteFile(path, images.Pixels, 0o666); err != nil {
			return nil, err
		}
	}
	p, version, err := h.startPython(pythons, "PyTorch", "peers/pytorch.py", path, strconv.Itoa(images.Len()))
	if err != nil {
		return nil, err
	}
	return &torchPeer{p, version}, nil
}

// torchVersion returns the version of PyTorch, if it was measured.
func (h *harness) torchVersion() string {
	if h.torch.value == nil {
		return ""
	}
	return h.torch.value.version
}

// patience is how long a peer may take over a request that asks for so many
// seconds of measurements.
func patience(seconds float64) time.Duration {
	return time.Duration(3*seconds*float64(time.Second)) + time.Minute
}
