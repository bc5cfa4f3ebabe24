package serve

import (
	"math"
	"net/http"
	"sort"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"hourglass/serve/registry"
)

// metrics counts what the server does, for Prometheus.
type metrics struct {
	registry *prometheus.Registry

	requests  *prometheus.CounterVec
	errors    *prometheus.CounterVec
	durations *prometheus.HistogramVec
	batches   *prometheus.HistogramVec
	queueing  *prometheus.HistogramVec
	scores    *prometheus.HistogramVec
	scoreSum  *prometheus.CounterVec
	outliers  *prometheus.CounterVec
	reloads   *prometheus.CounterVec

	mu     sync.Mutex
	drifts map[string]*drift // by model
}

// newMetrics registers all metrics; what is asked of the server only when somebody
// looks is asked of s.
func newMetrics(s *Server) *metrics {
	m := &metrics{registry: prometheus.NewRegistry(), drifts: map[string]*drift{}}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: serverName, Name: name, Help: help}, labels)
		m.registry.MustRegister(v)
		return v
	}
	histogram := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		v := prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: serverName, Name: name, Help: help, Buckets: buckets}, labels)
		m.registry.MustRegister(v)
		return v
	}
	latencies := []float64{50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30}
	m.requests = counter("requests_total", "Requests answered, by operation, model and status.", "operation", "model", "status")
	m.errors = counter("errors_total", "Requests that failed, by kind of error.", "operation", "kind")
	m.durations = histogram("request_duration_seconds", "Time from a request's header to the end of its answer.", latencies, "operation", "model")
	m.batches = histogram("batch_samples", "Samples that ran together.", prometheus.ExponentialBuckets(1, 2, 11), "model")
	m.queueing = histogram("queue_duration_seconds", "Time that requests stood in line.", append([]float64{10e-6}, latencies...), "model")
	m.scores = histogram("score_quantile", "Share of the training data whose score is not above that of a sample; even from 0 to 1 as long as data is like the training data.",
		[]float64{0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999, 1}, "model")
	m.scoreSum = counter("score_sum", "Sum of the scores of all samples.", "model")
	m.outliers = counter("outliers_total", "Samples that score above 99 % of the training data.", "model")
	m.reloads = counter("reloads_total", "How often models were read again, by result.", "result")
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), &state{s})
	return m
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 10 * time.Second})
}

// request counts an answered request.
func (m *metrics) request(operation, model string, status int, kind string, took time.Duration) {
	m.requests.WithLabelValues(operation, model, strconv.Itoa(status)).Inc()
	if kind != "" {
		m.errors.WithLabelValues(operation, kind).Inc()
		return
	}
	m.durations.WithLabelValues(operation, model).Observe(took.Seconds())
}

// watch makes the models of a registry report to the metrics.
func (m *metrics) watch(o *registry.Options) {
	o.Ran = func(model *registry.Model, samples int) {
		m.batches.WithLabelValues(model.Name).Observe(float64(samples))
	}
	o.Waited = func(model *registry.Model, d time.Duration) {
		m.queueing.WithLabelValues(model.Name).Observe(d.Seconds())
	}
	o.Scored = m.scored
}

// scored counts the scores of some samples.
func (m *metrics) scored(model *registry.Model, scores []float64) {
	quantiles := m.scores.WithLabelValues(model.Name)
	sum, outliers := m.scoreSum.WithLabelValues(model.Name), m.outliers.WithLabelValues(model.Name)
	d := m.drift(model.Name)
	// What few samples are normal to tells nothing of how scores are spread.
	known := model.ThresholdSamples()
	measured := known == 0 || known >= driftLeast
	for _, score := range scores {
		sum.Add(score)
		q, ok := quantileOf(model, score)
		if !ok {
			continue
		}
		quantiles.Observe(q)
		if q > outlierQuantile {
			outliers.Inc()
		}
		if measured {
			d.add(q)
		}
	}
}

// quantileOf returns which share of the training data scores no higher.
func quantileOf(model *registry.Model, score float64) (float64, bool) {
	if p, err := model.PValues([]float64{score}); err != nil {
		return 0, false
	} else if p != nil {
		return 1 - p[0], true
	}
	const steps = 1000 // as exactly as the model knows it
	var err error
	at := sort.Search(steps, func(i int) bool {
		threshold, e := model.Threshold(float64(i) / steps)
		err = e
		return e != nil || threshold >= score
	})
	return float64(at) / steps, err == nil
}

func (m *metrics) drift(model string) *drift {
	m.mu.Lock()
	defer m.mu.Unlock()
	d := m.drifts[model]
	if d == nil {
		d = &drift{}
		m.drifts[model] = d
	}
	return d
}

// driftWindow is over how many of the last scores drift is measured, and
// driftLeast how many there must be, also of those that the model has learned.
const (
	driftWindow = 1000
	driftLeast  = 100
	driftBins   = 10
)

// drift measures how the last scores are spread over the tenths of the training
// data's.
type drift struct {
	mu     sync.Mutex
	last   [driftWindow]uint8
	count  int // of all scores so far
	counts [driftBins]int
}

func (d *drift) add(quantile float64) {
	bin := uint8(min(int(quantile*driftBins), driftBins-1))
	d.mu.Lock()
	defer d.mu.Unlock()
	place := &d.last[d.count%driftWindow]
	if d.count >= driftWindow {
		d.counts[*place]--
	}
	*place = bin
	d.counts[bin]++
	d.count++
}

// index returns the population stability index of the last scores against the
// training data, the sum over the tenths of (p - 1/10)·ln(10·p), where p is a tenth's
// share with half a score added to each. Below 0.1 is customarily called stable,
// above 0.25 changed. It is NaN as long as there are few scores.
func (d *drift) index() float64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := min(d.count, driftWindow)
	if n < driftLeast {
		return math.NaN()
	}
	sum := 0.0
	for _, count := range d.counts {
		p := (float64(count) + 0.5) / (float64(n) + 0.5*driftBins)
		sum += (p - 1.0/driftBins) * math.Log(p*driftBins)
	}
	return sum
}

// state is the metrics that describe the server at the moment.
type state struct{ server *Server }

var (
	readyDesc   = prometheus.NewDesc(serverName+"_ready", "Whether the server is ready for requests.", nil, nil)
	memoryDesc  = prometheus.NewDesc(serverName+"_request_memory_bytes", "Memory reserved for requests and answers.", nil, nil)
	waitingDesc = prometheus.NewDesc(serverName+"_queue_requests", "Requests in line.", []string{"model", "version"}, nil)
	loadedDesc  = prometheus.NewDesc(serverName+"_model_loaded_timestamp_seconds", "When a model was read.", []string{"model", "version"}, nil)
	driftDesc   = prometheus.NewDesc(serverName+"_score_drift", "Population stability index of the last 1,000 scores against the training data's.", []string{"model"}, nil)
)

func (s *state) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{readyDesc, memoryDesc, waitingDesc, loadedDesc, driftDesc} {
		to <- d
	}
}

func (s *state) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	ready := 0.0
	if s.server.Ready() {
		ready = 1
	}
	gauge(readyDesc, ready)
	gauge(memoryDesc, float64(s.server.memory.used.Load()))
	for _, e := range s.server.models.Entries() {
		for _, m := range e.Versions {
			gauge(waitingDesc, float64(m.Waiting()), m.Name, m.Version)
			gauge(loadedDesc, float64(m.Loaded.UnixNano())/1e9, m.Name, m.Version)
		}
		if v := s.server.metrics.drift(e.Name).index(); !math.IsNaN(v) {
			gauge(driftDesc, v, e.Name)
		}
	}
}
