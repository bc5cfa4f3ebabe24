package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"hourglass"
	"hourglass/bench/ort"
	"hourglass/exchange/onnx"
	"hourglass/recipe"
	"hourglass/tensor"
)

// inferenceSystems are the systems whose inference is measured beside ONNX Runtime, with
// batches of inferenceBatches.
var (
	inferenceSystems = []string{"stacked", "convolutional", "recurrent"}
	inferenceBatches = []int{1, 64, 1000}
)

// measureInference times reconstructions beside ONNX Runtime's of the same weights.
func (h *harness) measureInference() (section, error) {
	s := section{title: "Inference beside ONNX Runtime"}
	peer, peerErr := h.onnxRuntime()
	t := table{head: []string{"system", "batch", "form"}}
	for _, contestant := range []string{"Hourglass", "ONNX Runtime"} {
		for _, threads := range h.threads {
			t.head = append(t.head, fmt.Sprintf("%s, %s", contestant, plural(threads, "thread")))
		}
	}
	t.head = append(t.head, "best to best")
	var failures []error
	for _, name := range inferenceSystems {
		for _, batch := range inferenceBatches {
			if h.ctx.Err() != nil {
				return s, h.ctx.Err()
			}
			if err := h.measureReconstructions(name, batch, peer, &t, &s); err != nil {
				failures = append(failures, fmt.Errorf("%s, batch %d: %w", name, batch, err))
			}
		}
	}
	about := "Microseconds for a batch through `Reconstruct`, which returns a new array each time, and, in the second row, through " +
		"`RunInto`, which writes into one that is there; ONNX Runtime ran the same model, as `hourglass export --to onnx` writes it, with its defaults"
	if peer != nil {
		about += ", from npm's onnxruntime-node " + peer.Version
	}
	s.write(about + ". The ratio is Hourglass' better setting of threads in that row against ONNX Runtime's better one.")
	s.write(t.String())
	s.note("No ONNX Runtime to compare with", peerErr)
	return s, errors.Join(failures...)
}

// onnxRuntime starts ONNX Runtime.
func (h *harness) onnxRuntime() (*ort.Peer, error) {
	return h.ort.get(func() (*ort.Peer, error) {
		modules, err := ort.Modules()
		if err != nil {
			return nil, err
		}
		return ort.Start(h.ctx, modules)
	})
}

// measureReconstructions adds the rows of a system and a batch to the table.
func (h *harness) measureReconstructions(name string, batch int, peer *ort.Peer, t *table, s *section) error {
	r, err := recipe.ByName(name)
	if err != nil {
		return err
	}
	model, err := hourglass.New(r.Encoder, r.Decoder)
	if err != nil {
		return err
	}
	file := h.path(name + ".onnx")
	if err := onnx.WriteFile(file, model, onnx.Options{}); err != nil {
		return err
	}
	x := tensor.New(append([]int{batch}, model.Network().Input()...)...)
	for i := range x.Data {
		x.Data[i] = float32(i*7919%997) / 997 // as the peer's
	}
	var contestants []func() (float64, error)
	for _, threads := range h.threads {
		contestants = append(contestants,
			func() (float64, error) { return reconstructionsTime(h.ctx, model, x, threads, h.seconds, false) },
			func() (float64, error) { return reconstructionsTime(h.ctx, model, x, threads, h.seconds, true) },
			func() (float64, error) {
				if peer == nil {
					return 0, errors.New("not measured")
				}
				seconds, err := peer.Measure(file, x.Shape, threads, h.seconds)
				return 1e6 * seconds, err
			})
	}
	all := alternate(h.repetitions, contestants...)
	var returned, into, theirs []series
	for i := 0; i < len(all); i += 3 {
		returned, into, theirs = append(returned, all[i]), append(into, all[i+1]), append(theirs, all[i+2])
	}
	h.logf("  %s, %s: %s, into memory that is there %s\n", name, plural(batch, "image"), best(returned, theirs), best(into, theirs))
	addReconstructions(t, name, batch, "`Reconstruct`", returned, theirs)
	addReconstructions(t, "", 0, "`RunInto`", into, theirs)
	if own, other := lowest(returned), lowest(theirs); own >= 0 && other >= 0 {
		s.brief(fmt.Sprintf("%s through `%s`", plural(batch, "image"), name), microseconds(returned[own].median()),
			"ONNX Runtime "+microseconds(theirs[other].median()), best(returned, theirs).String())
	}
	if peer != nil {
		s.note("`"+name+"` in ONNX Runtime", firstError(theirs))
	}
	return firstError(append(returned, into...))
}

// best compares the better settings of both.
func best(own, theirs []series) ratio {
	o, t := lowest(own), lowest(theirs)
	if o < 0 || t < 0 {
		return nil
	}
	return theirs[t].ratioTo(own[o])
}

// addReconstructions adds one row.
func addReconstructions(t *table, name string, batch int, form string, own, theirs []series) {
	cells := []string{"", "", form}
	if name != "" {
		cells[0], cells[1] = "`"+name+"`", fmt.Sprint(batch)
	}
	for _, all := range [][]series{own, theirs} {
		for _, s := range all {
			cells = append(cells, number(s.median()))
		}
	}
	t.add(append(cells, best(own, theirs).String())...)
}

// reconstructionsTime returns the median time of a batch in microseconds.
func reconstructionsTime(ctx context.Context, model *hourglass.Autoencoder, x tensor.Tensor, threads int, seconds float64, into bool) (float64, error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(threads))
	dst := hourglass.Output{Reconstructions: make([]float32, len(x.Data))}
	once := func() error {
		if into {
			return model.RunInto(ctx, dst, x)
		}
		_, err := model.Reconstruct(x)
		return err
	}
	for range warmUp {
		if err := once(); err != nil {
			return 0, err
		}
	}
	var times []float64
	for end := time.Now().Add(time.Duration(seconds * float64(time.Second))); len(times) < fewestSteps || time.Now().Before(end); {
		start := time.Now()
		if err := once(); err != nil {
			return 0, err
		}
		times = append(times, float64(time.Since(start))/float64(time.Microsecond))
	}
	return median(times), nil
}
