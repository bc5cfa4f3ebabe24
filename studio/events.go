package studio

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// hub hands events on to all pages that follow.
type hub struct {
	mu      sync.Mutex
	readers map[*reader]bool
}

func newHub() *hub { return &hub{readers: map[*reader]bool{}} }

// reader is a page that follows, and what it is still to be told.
type reader struct {
	mu      sync.Mutex
	matters []string // in the order in which they came up
	latest  map[string][]byte
	come    chan struct{} // has a value if there is something
}

// note puts an event in the place of the one of the same matter that has not been sent yet.
func (r *reader) note(matter string, message []byte) {
	r.mu.Lock()
	if _, waits := r.latest[matter]; !waits {
		r.matters = append(r.matters, matter)
	}
	r.latest[matter] = message
	r.mu.Unlock()
	select {
	case r.come <- struct{}{}:
	default:
	}
}

// take returns what has come.
func (r *reader) take() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	var messages []byte
	for _, m := range r.matters {
		messages = append(messages, r.latest[m]...)
	}
	r.matters = r.matters[:0]
	clear(r.latest)
	return messages
}

// publish tells all pages of a matter: of everything of a kind, or of one thing of it. Each
// event says all there is to say of its matter, so a page that does not keep up is told the
// last and misses those before it.
func (h *hub) publish(kind, id string, value any) {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // the studio's own types can all be written
	}
	message := fmt.Appendf(nil, "event: %s\ndata: %s\n\n", kind, text)
	h.mu.Lock()
	defer h.mu.Unlock()
	for r := range h.readers {
		r.note(kind+" "+id, message)
	}
}

// follow begins to note events for a page, and stops when left is called.
func (h *hub) follow() (r *reader, left func()) {
	r = &reader{latest: map[string][]byte{}, come: make(chan struct{}, 1)}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.readers[r] = true
	return r, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.readers, r)
	}
}

// watched reports whether any page follows.
func (h *hub) watched() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.readers) > 0
}

// ServeHTTP sends events as they come (https://html.spec.whatwg.org/multipage/server-sent-events.html)
// and, when there are none, a comment now and then that tells that the studio is there.
func (s *Studio) serveEvents(w http.ResponseWriter, r *http.Request) {
	const silence = 15 * time.Second
	events, left := s.events.follow()
	defer left()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	flush := http.NewResponseController(w)
	fmt.Fprint(w, "retry: 1000\n\n")
	for {
		if flush.Flush() != nil {
			return
		}
		var err error
		select {
		case <-r.Context().Done():
			return
		case <-s.background.Done():
			return
		case <-events.come:
			_, err = w.Write(events.take())
		case <-time.After(silence):
			_, err = fmt.Fprint(w, ": here\n\n")
		}
		if err != nil {
			return
		}
	}
}
