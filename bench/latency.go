package main

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"hourglass"
	"hourglass/recipe"
	"hourglass/tensor"
)

// latencySystem is the system whose inference is timed.
const latencySystem = "stacked"

// torchVariants are the ways to run a model in PyTorch that are tried.
var torchVariants = []struct{ name, about string }{
	{"eager", "the model as written"},
	{"traced", "traced, frozen and optimised for inference by TorchScript"},
}

// measureLatency times the reconstruction of a single image.
func (h *harness) measureLatency() (section, error) {
	s := section{title: "One image through `Reconstruct`"}
	images, err := h.mnist()
	if err != nil {
		return s, err
	}
	r, err := recipe.ByName(latencySystem)
	if err != nil {
		return s, err
	}
	model, err := hourglass.New(r.Encoder, r.Decoder)
	if err != nil {
		return s, err
	}
	image := images.Tensor(0, 1)
	torch, torchErr := h.pytorch()
	contestants := []func() (float64, error){func() (float64, error) { return reconstructionTime(model, image, h.seconds) }}
	for _, variant := range torchVariants {
		contestants = append(contestants, func() (float64, error) {
			if torch == nil {
				return 0, errors.New("not measured")
			}
			return torch.latency(variant.name, h.seconds)
		})
	}
	all := alternate(h.repetitions, contestants...)
	own, peers := all[0], all[1:]
	s.write(fmt.Sprintf("Microseconds for `%s` to reconstruct one 28×28 image, on one core. Hourglass returns a new array each time.",
		latencySystem))
	t := table{head: []string{"", "µs", "ratio"}}
	t.add("Hourglass", number(own.median()), "1")
	for i, variant := range torchVariants {
		t.add("PyTorch, "+variant.about, number(peers[i].median()), peers[i].ratioTo(own).String())
	}
	s.write(t.String())
	s.note("No PyTorch to compare with", torchErr)
	if torch != nil {
		s.note("PyTorch", firstError(peers))
	}
	if best := lowest(peers); best >= 0 {
		s.brief(fmt.Sprintf("one image through `%s`, one core", latencySystem), microseconds(own.median()),
			"PyTorch "+microseconds(peers[best].median()), peers[best].ratioTo(own).String())
	}
	h.logf("  %s\n", strings.ReplaceAll(strings.TrimSpace(t.String()), "\n", "\n  "))
	return s, own.err
}

// reconstructionTime returns the median time of one call in microseconds. One
// core does everything, the garbage collector's work included.
func reconstructionTime(model *hourglass.Autoencoder, image tensor.Tensor, seconds float64) (float64, error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for range 200 {
		if _, err := model.Reconstruct(image); err != nil {
			return 0, err
		}
	}
	var times []float64
	for end := time.Now().Add(time.Duration(seconds * float64(time.Second))); len(times) < fewestSteps || time.Now().Before(end); {
		start := time.Now()
		if _, err := model.Reconstruct(image); err != nil {
			return 0, err
		}
		times = append(times, float64(time.Since(start))/float64(time.Microsecond))
	}
	return median(times), nil
}

// latency asks PyTorch for the median time of one call in microseconds.
func (p *torchPeer) latency(variant string, seconds float64) (float64, error) {
	var reply struct{ US float64 }
	err := p.ask(map[string]any{"op": "latency", "variant": variant, "threads": 1, "seconds": seconds}, &reply, patience(seconds))
	return reply.US, err
}
