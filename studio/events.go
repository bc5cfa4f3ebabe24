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
	readers map[chan []byte]bool
}

func newHub() *hub { return &hub{readers: map[chan []byte]bool{}} }

// publish tells all pages. One that does not keep up misses events; each of them says
// all there is to say of its matter, so that the next makes up for it.
func (h *hub) publish(kind string, value any) {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // the studio's own types can all be written
	}
	message := fmt.Appendf(nil, "event: %s\ndata: %s\n\n", kind, text)
	h.mu.Lock()
	defer h.mu.Unlock()
	for r := range h.readers {
		select {
		case r <- message:
		default:
		}
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
	const pending, silence = 256, 15 * time.Second
	events := make(chan []byte, pending)
	s.events.mu.Lock()
	s.events.readers[events] = true
	s.events.mu.Unlock()
	defer func() {
		s.events.mu.Lock()
		delete(s.events.readers, events)
		s.events.mu.Unlock()
	}()
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
		case message := <-events:
			_, err = w.Write(message)
		case <-time.After(silence):
			_, err = fmt.Fprint(w, ": here\n\n")
		}
		if err != nil {
			return
		}
	}
}
