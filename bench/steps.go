package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"hourglass"
	"hourglass/dataset"
	"hourglass/recipe"
	"hourglass/train"
)

const (
	fewestSteps = 10  // that a median is taken of
	warmUp      = 3   // steps before them: memory is touched, caches and workers are warm
	peakSeconds = 0.1 // of the machine's peak, measured beside the steps
)

// stopwatch measures the steps of a training run and ends it.
type stopwatch struct {
	duration time.Duration
	end      time.Time
	last     time.Time
	times    []float64 // of each step, in microseconds
}

var _ train.Observer = (*stopwatch)(nil)

// Observe takes the time between the ends of two steps.
func (s *stopwatch) Observe(e train.Event, _ *train.Run) error {
	now := time.Now()
	switch e {
	case train.Started:
		s.end = now.Add(s.duration)
	case train.Stepped:
		s.times = append(s.times, float64(now.Sub(s.last))/float64(time.Microsecond))
		if len(s.times) >= fewestSteps+warmUp && now.After(s.end) {
			return train.ErrStop
		}
	}
	s.last = time.Now()
	return nil
}

// median leaves out the steps that warm up.
func (s *stopwatch) median() float64 { return median(s.times[min(warmUp, len(s.times)):]) }

// onImages reports whether a recipe works on images like these.
func onImages(r recipe.Recipe, images *dataset.Images) bool {
	model, err := hourglass.New(r.Encoder, r.Decoder)
	return err == nil && model.Network().Input().Size() == images.Shape.Size()
}

// stepTime trains a recipe for some seconds and returns the median time of a
// step in microseconds. Metrics are left out, as PyTorch computes none.
func stepTime(ctx context.Context, r recipe.Recipe, images *dataset.Images, threads int, seconds float64) (float64, error) {
	watch := &stopwatch{duration: time.Duration(seconds * float64(time.Second))}
	if err := trainSteps(ctx, r, images, threads, watch); err != nil {
		return 0, err
	}
	return watch.median(), nil
}

// trainSteps trains a recipe on images until the observer stops it.
func trainSteps(ctx context.Context, r recipe.Recipe, images *dataset.Images, threads int, observer train.Observer) error {
	model, err := hourglass.New(r.Encoder, r.Decoder)
	if err != nil {
		return err
	}
	if r.Std != 0 {
		images = images.Normalize(r.Mean, r.Std)
	}
	t := train.Trainer{
		Network: model.Network(), Loss: r.Loss, Optimizer: r.Optimizer,
		Epochs: math.MaxInt, BatchSize: r.BatchSize, Seed: hourglass.DefaultSeed, Threads: threads,
		Observers: []train.Observer{observer},
	}
	runtime.GC() // so that no earlier measurement's garbage is collected during this one
	_, err = t.Fit(ctx, images, nil)
	return err
}

// stepTime asks PyTorch for the median time of a step in microseconds.
func (p *torchPeer) stepTime(system string, threads int, seconds float64) (float64, error) {
	var reply struct{ US float64 }
	err := p.ask(map[string]any{"op": "steps", "system": system, "threads": threads, "seconds": seconds}, &reply, patience(seconds))
	return reply.US, err
}

// measureSteps times the training steps of every recipe.
func (h *harness) measureSteps() (section, error) {
	s := section{title: "Training steps"}
	images, err := h.mnist()
	if err != nil {
		return s, err
	}
	recipes, err := h.recipes(images)
	if err != nil {
		return s, err
	}
	torch, torchErr := h.pytorch()
	native, nativeErr := h.compiled()
	t := table{head: []string{"system", "batch", "MFLOP"}}
	for _, contestant := range []string{"Hourglass", "PyTorch"} {
		for _, threads := range h.threads {
			t.head = append(t.head, fmt.Sprintf("%s, %s", contestant, plural(threads, "thread")))
		}
	}
	t.head = append(t.head, "of peak", "best to best")
	var failures []error
	for _, r := range recipes {
		if h.ctx.Err() != nil {
			return s, h.ctx.Err()
		}
		result := h.measureRecipe(r, images, torch, native)
		h.logf("  %-14s %s\n", r.Name, result)
		result.addTo(&t, &s)
		if err := firstError(result.own); err != nil {
			failures = append(failures, fmt.Errorf("%s: %w", r.Name, err))
		}
		if torch != nil {
			s.note("`"+r.Name+"` in PyTorch", firstError(result.torch))
		}
	}
	s.text = slices.Insert(s.text, 0,
		"Microseconds for one training step on MNIST: gathering the batch, forward, loss, backward, optimiser, and the loss "+
			"as a number. MFLOP counts matrix products and convolutions only; the percentage is theirs, of the peak that plain "+
			"multiply-adds reached on as many threads between the steps.",
		strings.TrimRight(t.String(), "\n"))
	s.note("No PyTorch to compare with", torchErr)
	s.note("The machine's peak is not known", nativeErr)
	return s, errors.Join(failures...)
}

// recipes returns those to measure: all that work on the images, or those named.
func (h *harness) recipes(images *dataset.Images) ([]recipe.Recipe, error) {
	if len(h.systems) == 0 {
		return slices.DeleteFunc(slices.Concat(recipe.Lecture(), kinds), func(r recipe.Recipe) bool { return !onImages(r, images) }), nil
	}
	var named []recipe.Recipe
	for _, name := range h.systems {
		r, err := system(name)
		if err != nil {
			return nil, err
		}
		if !onImages(r, images) {
			return nil, fmt.Errorf("--systems: %s does not work on images", name)
		}
		named = append(named, r)
	}
	return named, nil
}

// system returns what is measured under a name.
func system(name string) (recipe.Recipe, error) {
	for _, r := range kinds {
		if r.Name == name {
			return r, nil
		}
	}
	return recipe.ByName(name)
}

// stepResult is what one recipe's steps took, by number of threads.
type stepResult struct {
	recipe     recipe.Recipe
	flop       float64
	threads    []int
	own, torch []series // microseconds
	peak       []series // GFLOP/s
}

// measureRecipe lets Hourglass and PyTorch take turns at a recipe's steps.
func (h *harness) measureRecipe(r recipe.Recipe, images *dataset.Images, torch *torchPeer, native *nativePeer) stepResult {
	result := stepResult{recipe: r, threads: h.threads, flop: recipeFLOP(r)}
	var contestants []func() (float64, error)
	for _, threads := range h.threads {
		contestants = append(contestants,
			func() (float64, error) { return stepTime(h.ctx, r, images, threads, h.seconds) },
			func() (float64, error) {
				if torch == nil {
					return 0, errors.New("not measured")
				}
				return torch.stepTime(r.Name, threads, h.seconds)
			},
			func() (float64, error) { return native.peak(threads, peakSeconds) })
	}
	all := alternate(h.repetitions, contestants...)
	for i := 0; i < len(all); i += 3 {
		result.own = append(result.own, all[i])
		result.torch = append(result.torch, all[i+1])
		result.peak = append(result.peak, all[i+2])
	}
	return result
}

func recipeFLOP(r recipe.Recipe) float64 {
	model, err := hourglass.New(r.Encoder, r.Decoder)
	if err != nil {
		return 0
	}
	return stepFLOP(model.Network(), r.BatchSize)
}

// ratio compares the best settings of both.
func (r stepResult) ratio() ratio {
	own, torch := lowest(r.own), lowest(r.torch)
	if own < 0 || torch < 0 {
		return nil
	}
	return r.torch[torch].ratioTo(r.own[own])
}

// ofPeak is the share of the peak that the best setting reaches.
func (r stepResult) ofPeak() string {
	best := lowest(r.own)
	if best < 0 {
		return missing
	}
	return percent(r.flop/r.own[best].median()/1e3, r.peak[best].median())
}

func (r stepResult) addTo(t *table, s *section) {
	cells := []string{"`" + r.recipe.Name + "`", strconv.Itoa(r.recipe.BatchSize), number(r.flop / 1e6)}
	for _, s := range slices.Concat(r.own, r.torch) {
		cells = append(cells, number(s.median()))
	}
	t.add(append(cells, r.ofPeak(), r.ratio().String())...)
	peer := missing
	if i := lowest(r.torch); i >= 0 {
		peer = "PyTorch " + microseconds(r.torch[i].median())
	}
	if i := lowest(r.own); i >= 0 {
		s.brief(fmt.Sprintf("training step of `%s`, batch %d", r.recipe.Name, r.recipe.BatchSize),
			microseconds(r.own[i].median()), peer, r.ratio().String())
	}
}

// String is for the progress.
func (r stepResult) String() string {
	var b strings.Builder
	for i, threads := range r.threads {
		fmt.Fprintf(&b, "%s: %s µs, PyTorch %s µs; ", plural(threads, "thread"), number(r.own[i].median()), number(r.torch[i].median()))
	}
	return b.String() + "ratio " + r.ratio().String()
}

// microseconds writes a time in the unit that suits it.
func microseconds(us float64) string {
	if us >= 1000 {
		return number(us/1000) + " ms"
	}
	return number(us) + " µs"
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
