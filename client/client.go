// Package client asks a server of models, hourglass serve or another that speaks the
// Open Inference Protocol over HTTP with binary tensors.
//
//	c, err := client.New("http://127.0.0.1:8080", client.Token(token))
//	codes, err := c.Encode(ctx, "stacked", images)
//
// A request that fails for a reason that passes, such as a server that restarts or
// has too much to do, is sent again until its context ends or attempts run out. That
// is safe, since answers are a function of the request.
package client

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"hourglass/serve/oip"
	"hourglass/tensor"
)

// Client asks one server. It is safe for concurrent use.
type Client struct {
	base     string
	token    string
	http     *http.Client
	attempts int
}

// Option is a choice of New.
type Option func(*Client)

// Token is shown with every request.
func Token(token string) Option { return func(c *Client) { c.token = token } }

// HTTP sends requests through another client than http.DefaultClient.
func HTTP(h *http.Client) Option { return func(c *Client) { c.http = h } }

// Attempts is how often a request is sent at most, 10 by default.
func Attempts(n int) Option { return func(c *Client) { c.attempts = max(n, 1) } }

// New returns a client for the server at a URL.
func New(server string, options ...Option) (*Client, error) {
	u, err := url.Parse(server)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("client: server %q, want a URL as http://127.0.0.1:8080", server)
	}
	c := &Client{base: strings.TrimSuffix(server, "/"), http: http.DefaultClient, attempts: 10}
	for _, o := range options {
		o(c)
	}
	return c, nil
}

// Error is the answer of a server that refuses.
type Error struct {
	Status int // of HTTP
	Text   string
}

func (e *Error) Error() string { return fmt.Sprintf("client: %s (status %d)", e.Text, e.Status) }

// Ready reports whether all models of the server can be used. A server that cannot
// be reached is an error, at once.
func (c *Client) Ready(ctx context.Context) (bool, error) {
	_, _, err := c.send(ctx, http.MethodGet, "/v2/health/ready", nil, nil)
	if e := (*Error)(nil); errors.As(err, &e) && e.Status == http.StatusServiceUnavailable {
		return false, nil
	}
	return err == nil, err
}

// Metadata describes a model.
func (c *Client) Metadata(ctx context.Context, model string) (m oip.ModelMetadata, err error) {
	_, body, err := c.Do(ctx, http.MethodGet, "/v2/models/"+url.PathEscape(model), nil, nil)
	if err == nil {
		err = json.Unmarshal(body, &m)
	}
	return m, err
}

// Encode returns the codes of samples: x has shape n×(input), the result n×(code).
func (c *Client) Encode(ctx context.Context, model string, x tensor.Tensor) (tensor.Tensor, error) {
	return c.one(ctx, model, "input", x, "codes")
}

// Decode returns the samples that codes stand for.
func (c *Client) Decode(ctx context.Context, model string, codes tensor.Tensor) (tensor.Tensor, error) {
	return c.one(ctx, model+".decode", "codes", codes, "reconstruction")
}

// Reconstruct encodes and decodes.
func (c *Client) Reconstruct(ctx context.Context, model string, x tensor.Tensor) (tensor.Tensor, error) {
	return c.one(ctx, model, "input", x, "reconstruction")
}

// Score returns how unusual each sample is: by what the model has learned of normal ones,
// or by its reconstruction error.
func (c *Client) Score(ctx context.Context, model string, x tensor.Tensor) ([]float64, error) {
	outputs, err := c.Infer(ctx, model, "input", x, "score")
	if err != nil {
		return nil, err
	}
	return outputs["score"].Doubles, nil
}

func (c *Client) one(ctx context.Context, model, input string, x tensor.Tensor, output string) (tensor.Tensor, error) {
	outputs, err := c.Infer(ctx, model, input, x, output)
	if err != nil {
		return tensor.Tensor{}, err
	}
	return tensor.FromSlice(outputs[output].Floats, outputs[output].Shape...)
}

// Infer sends a tensor as a model's input and returns the outputs that were asked
// for, all there are if none was.
func (c *Client) Infer(ctx context.Context, model, input string, x tensor.Tensor, outputs ...string) (map[string]oip.Tensor, error) {
	type parameters map[string]any
	type named struct {
		Name       string       `json:"name"`
		Datatype   string       `json:"datatype,omitempty"`
		Shape      tensor.Shape `json:"shape,omitempty"`
		Parameters parameters   `json:"parameters,omitempty"`
	}
	in := oip.Tensor{Floats: x.Data}
	request := struct {
		Parameters parameters `json:"parameters"`
		Inputs     []named    `json:"inputs"`
		Outputs    []named    `json:"outputs,omitempty"`
	}{parameters{"binary_data_output": true}, []named{{input, oip.FP32, x.Shape, parameters{"binary_data_size": in.Bytes()}}}, nil}
	for _, name := range outputs {
		request.Outputs = append(request.Outputs, named{Name: name})
	}
	text, err := json.Marshal(request)
	if err != nil {
		return nil, fmt.Errorf("client: infer: %w", err)
	}
	header := http.Header{"Content-Type": {"application/octet-stream"}, oip.HeaderLength: {strconv.Itoa(len(text))}}
	answer, body, err := c.Do(ctx, http.MethodPost, "/v2/models/"+url.PathEscape(model)+"/infer", header, in.AppendBytes(text))
	if err != nil {
		return nil, err
	}
	all, err := parse(body, answer.Get(oip.HeaderLength))
	if err != nil {
		return nil, fmt.Errorf("client: the answer of %s: %w", model, err)
	}
	for _, name := range outputs {
		if _, ok := all[name]; !ok {
			return nil, fmt.Errorf("client: the answer of %s has no %q", model, name)
		}
	}
	return all, nil
}

// parse reads an answer whose outputs are binary.
func parse(body []byte, headerLength string) (map[string]oip.Tensor, error) {
	n, err := strconv.Atoi(headerLength)
	if err != nil || n < 0 || n > len(body) {
		return nil, fmt.Errorf("its %s is %q for %d bytes", oip.HeaderLength, headerLength, len(body))
	}
	var header struct {
		Outputs []struct {
			Name, Datatype string
			Shape          tensor.Shape
			Parameters     struct {
				Size int `json:"binary_data_size"`
			}
		}
	}
	if err := json.Unmarshal(body[:n], &header); err != nil {
		return nil, err
	}
	all, tail := map[string]oip.Tensor{}, body[n:]
	for _, o := range header.Outputs {
		size := map[string]int{oip.FP32: 4, oip.FP64: 8, oip.Bool: 1}[o.Datatype]
		if o.Shape.Validate() != nil || size == 0 || o.Parameters.Size != size*o.Shape.Size() || o.Parameters.Size > len(tail) {
			return nil, fmt.Errorf("output %q of type %q and shape %v has %d bytes", o.Name, o.Datatype, o.Shape, o.Parameters.Size)
		}
		t := oip.Tensor{Name: o.Name, Shape: o.Shape, Binary: true}
		for raw := tail[:o.Parameters.Size]; len(raw) > 0; raw = raw[size:] {
			switch size {
			case 4:
				t.Floats = append(t.Floats, math.Float32frombits(binary.LittleEndian.Uint32(raw)))
			case 8:
				t.Doubles = append(t.Doubles, math.Float64frombits(binary.LittleEndian.Uint64(raw)))
			default:
				t.Bools = append(t.Bools, raw[0] != 0)
			}
		}
		all[o.Name], tail = t, tail[o.Parameters.Size:]
	}
	return all, nil
}

// Do sends a request, again and again if it has to, and returns header and body of
// the answer. An answer that is none is an *Error.
func (c *Client) Do(ctx context.Context, method, path string, header http.Header, body []byte) (http.Header, []byte, error) {
	for attempt := 1; ; attempt++ {
		h, answer, err := c.send(ctx, method, path, header, body)
		if err == nil || attempt >= c.attempts || ctx.Err() != nil || !passes(err) {
			return h, answer, err
		}
		select {
		case <-ctx.Done():
			return nil, nil, fmt.Errorf("%w (%v)", ctx.Err(), err)
		case <-time.After(pause(attempt, h)):
		}
	}
}

// passes reports whether an error may be gone the next time.
func passes(err error) bool {
	e := (*Error)(nil)
	if !errors.As(err, &e) {
		return true // no connection, or one that broke
	}
	switch e.Status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// pause is how long to wait after a failed attempt: what the server says, or else
// longer each time, and never the same for two clients.
func pause(attempt int, h http.Header) time.Duration {
	const first, most = 50 * time.Millisecond, 3 * time.Second
	wait := min(first<<min(attempt-1, 10), most)
	if seconds, err := strconv.Atoi(h.Get("Retry-After")); err == nil && seconds >= 0 {
		wait = min(time.Duration(seconds)*time.Second, most)
	}
	return wait/2 + rand.N(wait/2+1)
}

// send sends a request once.
func (c *Client) send(ctx context.Context, method, path string, header http.Header, body []byte) (http.Header, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, nil, fmt.Errorf("client: %w", err)
	}
	for name, values := range header {
		r.Header[http.CanonicalHeaderKey(name)] = values
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return nil, nil, fmt.Errorf("client: %w", err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, nil, fmt.Errorf("client: %s: %w", path, err)
	}
	if answer.StatusCode/100 != 2 {
		var refusal oip.Error
		if json.Unmarshal(text, &refusal) != nil || refusal.Error == "" {
			refusal.Error = strings.TrimSpace(fmt.Sprintf("%.200s", text))
		}
		return answer.Header, nil, &Error{answer.StatusCode, refusal.Error}
	}
	return answer.Header, text, nil
}
