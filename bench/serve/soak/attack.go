package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"time"

	"hourglass/client"
	"hourglass/tensor"
)

// jsonQuestion asks for codes by the protocol's JSON, flat.
func jsonQuestion(model string, x tensor.Tensor) func(ctx context.Context, c *client.Client) ([]float32, error) {
	body, err := json.Marshal(map[string]any{
		"inputs":  []any{map[string]any{"name": "input", "datatype": "FP32", "shape": x.Shape, "data": x.Data}},
		"outputs": []any{map[string]any{"name": "codes"}},
	})
	if err != nil {
		panic(err) // of finite numbers
	}
	return func(ctx context.Context, c *client.Client) ([]float32, error) {
		_, text, err := c.Do(ctx, http.MethodPost, "/v2/models/"+model+"/infer", http.Header{"Content-Type": {"application/json"}}, body)
		if err != nil {
			return nil, err
		}
		var answer struct{ Outputs []struct{ Data []float32 } }
		if err := json.Unmarshal(text, &answer); err != nil || len(answer.Outputs) != 1 {
			return nil, fmt.Errorf("an answer of %d bytes: %w", len(text), err)
		}
		return answer.Outputs[0].Data, nil
	}
}

// hostile bodies, each of which must be refused.
var hostileBodies = []struct{ name, path, contentType, header, body string }{
	{"truncated JSON", "/v2/models/dense/infer", "application/json", "", `{"inputs":[{"name":"input","datatype":"FP32","shape":[1,28,28],"data":[0.1,0.2`},
	{"wrong shape", "/v2/models/dense/infer", "application/json", "", `{"inputs":[{"name":"input","datatype":"FP32","shape":[1,3],"data":[1,2,3]}]}`},
	{"NaN", "/v2/models/dense/infer", "application/json", "", `{"inputs":[{"name":"input","datatype":"FP32","shape":[1,784],"data":[NaN]}]}`},
	{"binary NaN", "/v2/models/dense/infer", "application/octet-stream", "0", strings.Repeat("\xff\xff\xff\x7f", 784)},
	{"10^9 values", "/v2/models/dense/infer", "application/json", "", `{"inputs":[{"name":"input","datatype":"FP32","shape":[1000000000,784],"data":[1]}]}`},
	{"10^9 values, binary", "/v2/models/dense/infer", "application/octet-stream", "115", `{"inputs":[{"name":"input","datatype":"FP32","shape":[1000000000,784],"parameters":{"binary_data_size":3136000000}}]}`},
	{"many axes", "/v2/models/dense/infer", "application/json", "", `{"inputs":[{"name":"input","datatype":"FP32","shape":[` + strings.Repeat("1,", 1<<20) + `1],"data":[1]}]}`},
	{"deep JSON", "/v2/models/dense/infer", "application/json", "", strings.Repeat("[", 4<<20)},
	{"deep objects", "/models/dense/encode", "application/json", "", strings.Repeat(`{"rows":`, 1<<18)},
	{"huge number", "/v2/models/dense/infer", "application/json", "", `{"inputs":[{"name":"input","datatype":"FP32","shape":[1,784],"data":[` + strings.Repeat("9", 1<<20) + `]}]}`},
	{"picture of nothing", "/models/dense/encode", "image/png", "", "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x7f\xff\xff\xff\x7f\xff\xff\xff\x08\x02\x00\x00\x00"},
	{"array of 10^12 bytes", "/models/dense/encode", "application/x-npy", "", "\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000, 784), }" + strings.Repeat(" ", 46) + "\n"},
	{"table of one cell", "/models/dense/encode", "text/csv", "", strings.Repeat("1", 1<<20)},
	{"open quote", "/models/dense/encode", "text/csv", "", "\"" + strings.Repeat("a,\n", 1<<18)},
	{"unknown model", "/v2/models/..%2f..%2fetc%2fpasswd/infer", "application/json", "", "{}"},
	{"header length", "/v2/models/dense/infer", "application/json", "99999999999999999999", "{}"},
	{"codes for too large an answer", "/v2/models/dense.decode/infer", "application/octet-stream", "0", strings.Repeat("\x00", 120*30000)},
}

// attack does one hostile thing. What must be refused and is not is a problem.
func attack(addr string, rng *rand.Rand, problem func(string)) {
	switch n := rng.IntN(len(hostileBodies) + 4); n {
	default:
		b := hostileBodies[n]
		r, err := http.NewRequest(http.MethodPost, "http://"+addr+b.path, strings.NewReader(b.body))
		if err != nil {
			problem(err.Error())
			return
		}
		r.Header.Set("Content-Type", b.contentType)
		if b.header != "" {
			r.Header.Set("Inference-Header-Content-Length", b.header)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			return // cut off, which is fine
		}
		defer answer.Body.Close()
		io.Copy(io.Discard, answer.Body)
		if answer.StatusCode < 400 || answer.StatusCode == http.StatusInternalServerError {
			problem(fmt.Sprintf("%s: status %d", b.name, answer.StatusCode))
		}
	case len(hostileBodies): // a body that is promised and never comes
		raw(addr, "POST /v2/models/dense/infer HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000000\r\n\r\n", time.Second)
	case len(hostileBodies) + 1: // a header that comes byte by byte
		slow(addr, "POST /v2/models/dense/infer HTTP/1.1\r\nHost: localhost\r\nX-A: "+strings.Repeat("a", 100))
	case len(hostileBodies) + 2: // a larger body than is allowed
		raw(addr, "POST /v2/models/dense/infer HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n"+strings.Repeat(" ", 1<<20), time.Second)
	case len(hostileBodies) + 3: // no HTTP at all
		noise := make([]byte, 1<<16)
		for i := range noise {
			noise[i] = byte(rng.Uint32())
		}
		raw(addr, string(noise), time.Second)
	}
}

// raw sends bytes and leaves after some time.
func raw(addr, text string, stay time.Duration) {
	conn, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(stay))
	io.Copy(conn, bytes.NewReader([]byte(text)))
	io.Copy(io.Discard, conn)
}

// slow sends a byte now and then, in the background, until the server has had enough.
func slow(addr, text string) {
	go func() {
		conn, err := net.DialTimeout("tcp", addr, time.Second)
		if err != nil {
			return
		}
		defer conn.Close()
		for i := range text {
			if _, err := io.WriteString(conn, text[i:i+1]); err != nil {
				return
			}
			time.Sleep(200 * time.Millisecond)
		}
	}()
}
