package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"strconv"
	"time"

	"hourglass/neighbors"
	"hourglass/pca"
	"hourglass/tensor"
	"hourglass/tsne"
)

// The array that is mapped: the last training images, reduced by PCA.
const (
	tsneSamples    = 5000
	tsneDimensions = 30
	tsneRuns       = 3               // a run of scikit-learn takes half a minute
	tsnePatience   = 5 * time.Minute // for one of them
	trustNeighbors = 12
)

// tsneResult is how a map came out.
type tsneResult struct {
	seconds, kl float64
	iterations  int
	points      tensor.Tensor
}

// measureTSNE maps the same codes with Hourglass and with scikit-learn, both with
// scikit-learn's defaults and all cores.
func (h *harness) measureTSNE() (section, error) {
	s := section{title: "t-SNE"}
	codes, err := h.tsneCodes()
	if err != nil {
		return s, err
	}
	sklearn, version, sklearnErr := h.startPython(pythons, "scikit-learn", "peers/sklearn_tsne.py")
	defer sklearn.close()
	var own, theirs tsneResult
	all := alternate(min(h.repetitions, tsneRuns),
		func() (_ float64, err error) { own, err = h.ownMap(codes); return own.seconds, err },
		func() (_ float64, err error) {
			if sklearn == nil {
				return 0, errors.New("not measured")
			}
			theirs, err = h.sklearnMap(sklearn)
			return theirs.seconds, err
		})
	s.write(fmt.Sprintf("%d MNIST images reduced to %d dimensions by PCA, mapped with the defaults of scikit-learn %s on all cores. "+
		"Trustworthiness is that of %d neighbours.", tsneSamples, tsneDimensions, version, trustNeighbors))
	t := table{head: []string{"", "seconds", "KL", "trustworthiness", "iterations", "ratio"}}
	for i, r := range []tsneResult{own, theirs} {
		trust := missing
		if all[i].err == nil {
			value, err := neighbors.Trustworthiness(h.ctx, codes, r.points, trustNeighbors)
			if err != nil {
				return s, err
			}
			trust = fmt.Sprintf("%.4f", value)
		}
		t.add([]string{"Hourglass", "scikit-learn"}[i], number(all[i].median()), decimals(r.kl, 4), trust,
			strconv.Itoa(r.iterations), [2]string{"1", all[1].ratioTo(all[0]).String()}[i])
	}
	s.write(t.String())
	s.note("No scikit-learn to compare with", sklearnErr)
	if sklearn != nil {
		s.note("scikit-learn", all[1].err)
	}
	s.brief(fmt.Sprintf("t-SNE of %d codes", tsneSamples), number(all[0].median())+" s, KL "+decimals(own.kl, 3),
		"scikit-learn "+number(all[1].median())+" s, KL "+decimals(theirs.kl, 3), all[1].ratioTo(all[0]).String())
	return s, all[0].err
}

// decimals writes x with so many decimals, and missing for 0.
func decimals(x float64, digits int) string {
	if x == 0 {
		return missing
	}
	return strconv.FormatFloat(x, 'f', digits, 64)
}

// tsneCodes reduces the images and leaves the codes in a file for the peer.
func (h *harness) tsneCodes() (tensor.Tensor, error) {
	images, err := h.mnist()
	if err != nil {
		return tensor.Tensor{}, err
	}
	last := images.Tensor(images.Len()-tsneSamples, images.Len())
	last.Shape = tensor.Shape{tsneSamples, images.Shape.Size()}
	model, err := pca.Fit(last, tsneDimensions)
	if err != nil {
		return tensor.Tensor{}, err
	}
	codes, err := model.Transform(last)
	if err != nil {
		return tensor.Tensor{}, err
	}
	bytes, err := binary.Append(nil, binary.NativeEndian, codes.Data)
	if err != nil {
		return tensor.Tensor{}, err
	}
	return codes, os.WriteFile(h.path("codes"), bytes, 0o666)
}

// ownMap maps the codes with Hourglass.
func (h *harness) ownMap(codes tensor.Tensor) (tsneResult, error) {
	runtime.GC()
	start := time.Now()
	e, err := tsne.Embed(h.ctx, codes, tsne.Options{})
	if err != nil {
		return tsneResult{}, err
	}
	r := tsneResult{time.Since(start).Seconds(), e.KL(), e.Iteration(), e.Points()}
	h.logf("  Hourglass %s s, KL %s\n", number(r.seconds), decimals(r.kl, 4))
	return r, nil
}

// sklearnMap maps the codes with scikit-learn.
func (h *harness) sklearnMap(p *peer) (tsneResult, error) {
	var reply struct {
		Seconds, KL float64
		Iterations  int
	}
	request := map[string]any{"op": "tsne", "codes": h.path("codes"), "columns": tsneDimensions,
		"threads": runtime.NumCPU(), "map": h.path("map")}
	if err := p.ask(request, &reply, tsnePatience); err != nil {
		return tsneResult{}, err
	}
	h.logf("  scikit-learn %s s, KL %s\n", number(reply.Seconds), decimals(reply.KL, 4))
	bytes, err := os.ReadFile(h.path("map"))
	if err != nil {
		return tsneResult{}, err
	}
	points := tensor.New(len(bytes)/8, 2)
	for i := range points.Data {
		points.Data[i] = math.Float32frombits(binary.NativeEndian.Uint32(bytes[4*i:]))
	}
	return tsneResult{reply.Seconds, reply.KL, reply.Iterations, points}, nil
}
