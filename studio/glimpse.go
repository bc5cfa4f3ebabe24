package studio

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"sync"
	"time"

	"hourglass/run"
	"hourglass/workflow"
)

func (s *Studio) glimpseRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/runs/{id}/preview", answer(s.glimpse))
}

// glimpses are previews of runs of other processes, made of the checkpoints that these write.
type glimpses struct {
	mu    sync.Mutex
	known map[string]*glimpse // by the identifiers of runs
}

// glimpse is the last preview of a run. Its looker is used again, so that the codes of the
// next lie as those of this one do.
type glimpse struct {
	path    string
	written time.Time
	looker  *looker
	shown   glimpsed
}

// glimpsed is what the page is told: a preview, or why there is none.
type glimpsed struct {
	Preview *preview `json:"preview"`
	Why     string   `json:"why,omitempty"`
}

// mostGlimpses is for how many runs lookers are kept.
const mostGlimpses = 4

// glimpse looks at the last checkpoint of a run or, where it has none, at its model.
func (s *Studio) glimpse(r *http.Request) (glimpsed, error) {
	e, err := s.shelf.find(r.PathValue("id"))
	if err != nil {
		return glimpsed{}, err
	}
	if e.dir == "" {
		return glimpsed{}, notFound("%s is no run", e.Name)
	}
	path, epoch := run.LatestCheckpoint(e.dir)
	if path == "" && e.Openable {
		path, epoch = e.model, len(e.Epochs)
	}
	info, err := os.Stat(path)
	if err != nil {
		return glimpsed{Why: "Reconstructions are shown of runs that write checkpoints as they go (--checkpoint 1epoch)."}, nil
	}
	g := &s.glimpses
	g.mu.Lock()
	defer g.mu.Unlock()
	old := g.known[e.ID]
	if old == nil {
		if len(g.known) >= mostGlimpses || g.known == nil {
			g.known = map[string]*glimpse{}
		}
		old = &glimpse{}
		g.known[e.ID] = old
	}
	if old.path != path || !old.written.Equal(info.ModTime()) {
		preview, err := s.peek(r.Context(), e, old, path, epoch)
		if r.Context().Err() != nil {
			return glimpsed{}, r.Context().Err()
		}
		old.path, old.written, old.shown = path, info.ModTime(), glimpsed{Preview: preview}
		if err != nil {
			old.shown.Why = err.Error()
		}
	}
	return old.shown, nil
}

// peek makes a preview of a checkpoint.
func (s *Studio) peek(ctx context.Context, e entry, g *glimpse, path string, epoch int) (*preview, error) {
	m, err := workflow.OpenModel(path)
	if err != nil {
		return nil, err
	}
	if notes, err := run.ReadNotes(e.dir); err == nil && m.Record.Architecture == "" {
		m.Record = notes.Record // which a checkpoint has not
	}
	if g.looker == nil || len(g.looker.ae.Network().Weights()) != len(m.Network().Weights()) {
		in, _, err := s.samplesOf(ctx, e, m)
		if err != nil {
			return nil, err
		}
		data := *in.Data
		if data.Samples, err = m.Samples(in); err != nil {
			return nil, err
		}
		if got, want := data.Samples.Sample(), m.Encoder().Input(); got.Size() != want.Size() {
			return nil, fmt.Errorf("%s takes samples with more beside them: %v, and these are %v", e.Name, want, got)
		}
		if g.looker, err = newLooker(&workflow.Input{Data: &data}, m); err != nil {
			return nil, err
		}
	}
	return g.looker.look(copied{weights: m.Network().Weights(), epoch: epoch})
}
