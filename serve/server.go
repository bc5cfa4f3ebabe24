// Package serve makes trained models a service: the Open Inference Protocol over
// HTTP and gRPC, and beside it requests as a person would make them.
//
// A [Server] is made of a [Config]. It reads its models, answers requests for them
// in batches, and reads again what changes. What it promises an operator: limits and
// timeouts on everything, so that memory is bounded whatever arrives; no request is
// dropped when a model is replaced or the server stops; being ready means being
// able to answer; no request names a file.
package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/pprof"
	"slices"
	"sync"
	"sync/atomic"

	"hourglass/serve/registry"
)

// Server serves models. Make one with New.
type Server struct {
	config  Config
	version string
	log     *slog.Logger

	models  *registry.Registry
	metrics *metrics
	hosts   hosts
	origins *http.CrossOriginProtection
	tokens  atomic.Pointer[tokens]

	certificate certificate

	memory   budget
	calls    atomic.Int64 // over gRPC, that there are at the moment
	draining atomic.Bool
	moved    chan struct{} // tells the watcher that there may be other folders
	reloadMu sync.Mutex    // held while configuration and models are read again
	specs    []registry.Spec
}

// New returns a server whose models are read. Version is what it calls itself, log
// where it writes what happens.
func New(ctx context.Context, c Config, version string, log *slog.Logger) (*Server, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	s := &Server{config: c, version: version, log: log, hosts: newHosts(c.Hosts), origins: http.NewCrossOriginProtection(),
		specs: c.Models, moved: make(chan struct{}, 1)}
	s.memory.limit = c.Memory
	if err := s.loadKeys(); err != nil {
		return nil, err
	}
	s.metrics = newMetrics(s)
	o := registry.Options{MaxBatch: c.MaxBatch, MaxDelay: c.MaxDelay, MaxQueue: c.MaxQueue}
	s.metrics.watch(&o)
	s.models = registry.New(o)
	if err := s.models.Load(ctx, c.Models); err != nil {
		return nil, err
	}
	s.logModels(nil)
	return s, nil
}

// loadKeys reads tokens and certificate.
func (s *Server) loadKeys() error {
	t, err := readTokens(s.config.Tokens)
	if err == nil {
		s.tokens.Store(&t)
	}
	if s.config.TLSCert != "" {
		err = errors.Join(err, s.certificate.load(s.config.TLSCert, s.config.TLSKey))
	}
	return err
}

// logModels says which models were read since before, a list of those there were, and
// which are gone.
func (s *Server) logModels(before []*registry.Model) {
	now := s.loaded()
	for _, m := range now {
		if !slices.Contains(before, m) {
			s.log.Info("model read", "model", m.Name, "version", m.Version, "file", m.Path,
				"input", m.Encoder().Input().String(), "codes", m.Encoder().Output().String())
		}
	}
	for _, m := range before {
		same := func(other *registry.Model) bool { return other.Name == m.Name && other.Version == m.Version }
		if !slices.ContainsFunc(now, same) {
			s.log.Info("model gone", "model", m.Name, "version", m.Version, "file", m.Path)
		}
	}
}

// loaded lists all versions of all models.
func (s *Server) loaded() []*registry.Model {
	var all []*registry.Model
	for _, e := range s.models.Entries() {
		all = append(all, e.Versions...)
	}
	return all
}

// Ready reports whether all models can be used and the server is not about to stop.
func (s *Server) Ready() bool { return !s.draining.Load() && s.models.Ready() }

// Handler answers all requests over HTTP.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	for _, route := range []struct {
		pattern   string
		operation string
		open      bool
		handler   handler
	}{
		{"GET /v2/health/live", "live", true, s.v2Live},
		{"GET /v2/health/ready", "ready", true, s.v2Ready},
		{"GET /v2", "server", false, s.v2Server},
		{"GET /v2/{$}", "server", false, s.v2Server},
		{"GET /v2/models/{model}", "model", false, s.v2Model},
		{"GET /v2/models/{model}/versions/{version}", "model", false, s.v2Model},
		{"GET /v2/models/{model}/ready", "model_ready", false, s.v2ModelReady},
		{"GET /v2/models/{model}/versions/{version}/ready", "model_ready", false, s.v2ModelReady},
		{"POST /v2/models/{model}/infer", "infer", false, s.v2Infer},
		{"POST /v2/models/{model}/versions/{version}/infer", "infer", false, s.v2Infer},
		{"GET /models", "models", false, s.listModels},
		{"GET /openapi.json", "openapi", false, s.openAPI},
		{"GET /{$}", "page", true, s.page("page.html", "text/html; charset=utf-8")},
		{"GET /page.css", "page", true, s.page("page.css", "text/css; charset=utf-8")},
		{"GET /page.js", "page", true, s.page("page.js", "text/javascript; charset=utf-8")},
		{"GET /metrics", "metrics", false, wrap(s.metrics.handler())},
	} {
		mux.HandleFunc(route.pattern, s.handle(route.operation, route.open, route.handler))
	}
	for _, v := range verbs {
		mux.HandleFunc("POST /models/{model}/"+v.name, s.handle(v.name, false, s.verb(v)))
	}
	if s.config.Pprof {
		s.addProfiles(mux)
	}
	mux.HandleFunc("/", s.handle("none", true, func(c *call) error { return noRoute(mux, c.r) }))
	return mux
}

// noRoute says why no route takes a request.
func noRoute(mux *http.ServeMux, r *http.Request) error {
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		other := &http.Request{Method: method, URL: r.URL, Host: r.Host}
		if _, pattern := mux.Handler(other); pattern != "/" {
			return &statusError{http.StatusMethodNotAllowed, "method", fmt.Sprintf("%.20s is not for %.100q, want %s", r.Method, r.URL.Path, method)}
		}
	}
	return &statusError{http.StatusNotFound, "no_such_path", fmt.Sprintf("there is nothing at %.100q", r.URL.Path)}
}

// wrap makes a handler of somebody else's one of ours.
func wrap(h http.Handler) handler {
	return func(c *call) error {
		h.ServeHTTP(c.w, c.r)
		return nil
	}
}

func (s *Server) addProfiles(mux *http.ServeMux) {
	for path, h := range map[string]http.HandlerFunc{
		"/debug/pprof/": pprof.Index, "/debug/pprof/profile": pprof.Profile,
		"/debug/pprof/symbol": pprof.Symbol, "/debug/pprof/trace": pprof.Trace,
	} {
		mux.HandleFunc("GET "+path, s.handle("pprof", false, wrap(h)))
	}
}

// Reload reads tokens, certificate and models again: all that has changed. What cannot be read
// stays as it was, and is an error. Specs are the models to have from now on, nil
// for those there were.
func (s *Server) Reload(ctx context.Context, specs []registry.Spec) error {
	s.reloadMu.Lock()
	defer s.reloadMu.Unlock()
	if specs != nil {
		s.specs = specs
	}
	before := s.loaded()
	err := errors.Join(s.loadKeys(), s.models.Load(ctx, s.specs))
	s.logModels(before)
	result := "done"
	if err != nil {
		result = "failed"
		s.log.Error("reload failed; what was there stays in use", "error", err)
	}
	s.metrics.reloads.WithLabelValues(result).Inc()
	select {
	case s.moved <- struct{}{}:
	default: // it has been told
	}
	return err
}
