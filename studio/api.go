package studio

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"strconv"
	"strings"

	"hourglass/architecture"
	"hourglass/dataset"
)

// Handler returns the studio as it is served at an address.
func (s *Studio) Handler(addr net.Addr) http.Handler {
	return newGuard(s.token, addr, s.routes())
}

// routes returns all answers that there are.
func (s *Studio) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", servePage)
	mux.HandleFunc("GET /api/state", answer(s.state))
	mux.HandleFunc("GET /api/events", s.serveEvents)
	s.exploreRoutes(mux)
	s.judgeRoutes(mux)
	s.versusRoutes(mux)
	s.drawRoutes(mux)
	s.learnRoutes(mux)
	s.glimpseRoutes(mux)
	return mux
}

// stateOf is what the page begins with.
type stateOf struct {
	Told    int64    `json:"told"` // after what the jobs of earlier answers say
	Version string   `json:"version"`
	Entries []entry  `json:"entries"`
	Data    []source `json:"data"`
	Jobs    []status `json:"jobs"`
}

func (s *Studio) state(*http.Request) (stateOf, error) {
	return stateOf{s.jobs.tell(), s.config.Version, s.entries(), s.sources(), s.jobs.list()}, nil
}

// entries returns what there is to show, and never nil.
func (s *Studio) entries() []entry { return append([]entry{}, s.shelf.list()...) }

// statusError is an error with a status of HTTP.
type statusError struct {
	status int
	text   string
}

func (e *statusError) Error() string { return e.text }

// badRequest and notFound are errors of who asks.
func badRequest(format string, args ...any) error {
	return &statusError{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

func notFound(format string, args ...any) error {
	return &statusError{http.StatusNotFound, fmt.Sprintf(format, args...)}
}

// failure is the body of an answer that is an error.
type failure struct {
	Error string `json:"error"`
	// Line is that of an architecture which is wrong, from 1.
	Line int `json:"line,omitempty"`
}

// fail answers with an error.
func fail(w http.ResponseWriter, err error) {
	status, body := http.StatusInternalServerError, failure{Error: err.Error()}
	var known *statusError
	var layer *architecture.Error
	switch {
	case errors.As(err, &known):
		status = known.status
	case errors.As(err, &layer):
		status, body = http.StatusUnprocessableEntity, failure{layer.Message, layer.Line}
	case errors.Is(err, dataset.ErrUnavailable):
		status = http.StatusNotFound
	}
	body.Error = strings.ReplaceAll(body.Error, "\n", "; ")
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body) // a reader who has gone needs no answer
}

// answer serves what a function returns, as JSON.
func answer[T any](f func(*http.Request) (T, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		value, err := f(r)
		if err != nil {
			fail(w, err)
			return
		}
		text, err := json.Marshal(value)
		if err != nil {
			fail(w, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		w.Write(text)
	}
}

// answerBytes serves what a function returns, as it is.
func answerBytes(kind string, f func(*http.Request) ([]byte, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := f(r)
		if err != nil {
			fail(w, err)
			return
		}
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.Header().Set("Cache-Control", "no-store")
		w.Write(body)
	}
}

const (
	arrayType = "application/octet-stream"
	pngType   = "image/png"
	htmlType  = "text/html; charset=utf-8"
)

// read reads the body of a request, which is JSON of bounded size without surprises.
func read(r *http.Request, value any) error {
	const most = 4 << 20
	d := json.NewDecoder(http.MaxBytesReader(nil, r.Body, most))
	d.DisallowUnknownFields()
	if err := d.Decode(value); err != nil {
		return badRequest("the request: %v", err)
	}
	return nil
}

// number reads a whole number from the query, within bounds.
func number(r *http.Request, name string, least, most, standard int) (int, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return standard, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return 0, badRequest("%s is %q, want a number from %d to %d", name, text, least, most)
	}
	return n, nil
}

// appendFloats appends numbers as the page reads them, little-endian.
func appendFloats(dst []byte, values []float32) []byte {
	for _, v := range values {
		dst = binary.LittleEndian.AppendUint32(dst, math.Float32bits(v))
	}
	return dst
}
