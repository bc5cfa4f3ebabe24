package serve

import (
	"net/http"
	"strconv"
	"sync"

	"hourglass/serve/batch"
	"hourglass/serve/oip"
	"hourglass/serve/registry"
)

// Extensions of the protocol that the server has.
const (
	serverName      = "hourglass"
	binaryExtension = "binary_tensor_data"
)

func (s *Server) metadata() oip.ServerMetadata {
	return oip.ServerMetadata{Name: serverName, Version: s.version, Extensions: []string{binaryExtension}}
}

func (s *Server) v2Server(c *call) error { return c.json(s.metadata()) }

func (s *Server) v2Live(c *call) error { return c.json(map[string]bool{"live": true}) }

func (s *Server) v2Ready(c *call) error {
	ready := s.Ready()
	if !ready {
		c.status = http.StatusServiceUnavailable
	}
	return c.json(map[string]bool{"ready": ready})
}

// find returns the model that the path of a request names.
func (s *Server) find(c *call) (registry.View, *registry.Entry, error) {
	view, entry, err := s.models.Find(c.r.PathValue("model"), c.r.PathValue("version"))
	if entry != nil {
		c.model = entry.Name
	}
	return view, entry, err
}

func (s *Server) v2Model(c *call) error {
	view, entry, err := s.find(c)
	if err != nil {
		return err
	}
	return c.json(view.Metadata(entry.VersionNames()))
}

func (s *Server) v2ModelReady(c *call) error {
	name := c.r.PathValue("model")
	_, entry, err := s.find(c)
	if entry == nil || entry.VersionNames() != nil && err != nil {
		return err
	}
	ready := err == nil && !s.draining.Load()
	if !ready {
		c.status = http.StatusServiceUnavailable
	}
	return c.json(struct {
		Name  string `json:"name"`
		Ready bool   `json:"ready"`
	}{name, ready})
}

// requests lends memory for parsed requests.
var requests = sync.Pool{New: func() any { return new(oip.Request) }}

// keptValues bounds the input of a request whose memory is used again.
const keptValues = 1 << 18

func (s *Server) v2Infer(c *call) error {
	view, _, err := s.find(c)
	if err != nil {
		return err
	}
	if err := c.readBody(); err != nil {
		return err
	}
	request := requests.Get().(*oip.Request)
	p, err := s.announced(c, view, request)
	if err != nil {
		return err
	}
	answer, err := p.run(c.ctx, request, batch.Announced)
	if err != nil {
		return err
	}
	defer p.results.Recycle()                        // the tails lie there until they are sent
	text, tails, err := answer.Append((*c.body)[:0]) // the request has been read
	if err != nil {
		return err
	}
	*c.body = text
	if len(request.Inputs) == 1 && cap(request.Inputs[0].Data) <= keptValues {
		requests.Put(request)
	}
	if tails == nil {
		return c.write("application/json", text)
	}
	c.w.Header().Set(oip.HeaderLength, strconv.Itoa(len(text)))
	return c.write("application/octet-stream", append([][]byte{text}, tails...)...)
}

// announced parses a request while batches know that it will come. It leaves it
// announced if there is no error, unless it is for a decoder.
func (s *Server) announced(c *call, view registry.View, request *oip.Request) (p *task, err error) {
	view.Announce()
	defer func() {
		if p == nil || view.Part == registry.Decoder {
			view.Withdraw()
		}
	}()
	return s.parse(c, view, request)
}

// parse reads the body of a request for inference, and reserves memory for its
// answer.
func (s *Server) parse(c *call, view registry.View, request *oip.Request) (*task, error) {
	// Two bytes of JSON can be a value of four.
	if err := c.memory.take(2 * int64(len(*c.body))); err != nil {
		return nil, err
	}
	if err := oip.ParseRequest(request, *c.body, c.r.Header.Get(oip.HeaderLength)); err != nil {
		return nil, err
	}
	p, err := plan(view, request)
	if err != nil {
		return nil, err
	}
	if err := c.reserve(p.bytes()); err != nil {
		return nil, err
	}
	return p, nil
}
