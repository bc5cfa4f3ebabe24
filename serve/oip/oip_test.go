package oip

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// request returns a request for one input with some members.
func request(members string) string {
	return `{"inputs":[{"name":"x","datatype":"FP32",` + members + `}]}`
}

func TestParseRequest(t *testing.T) {
	for name, text := range map[string]string{
		"flat":                 `{"inputs":[{"name":"x","shape":[2,3],"datatype":"FP32","data":[1,2,3,4,5,6]}]}`,
		"nested":               `{"inputs":[{"name":"x","shape":[2,3],"datatype":"FP32","data":[[1,2,3],[4,5,6]]}]}`,
		"nested less":          `{"inputs":[{"name":"x","shape":[1,2,3],"datatype":"FP32","data":[[1,2,3],[4,5,6]]}]}`,
		"in another order":     ` { "inputs" : [ {"data":[1,2,3,4,5,6] ,"datatype":"FP64", "shape":[2,3],"name":"x","parameters":{"a":[{}]} } ] , "other" : {"a":[1,null,true]} } `,
		"numbers of all kinds": `{"inputs":[{"name":"x","shape":[2,3],"datatype":"FP32","data":[1.0,2e0,0.3e+1,40E-1,5.000,6]}]}`,
	} {
		var r Request
		if err := ParseRequest(&r, []byte(text), ""); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if in := r.Inputs[0]; in.Name != "x" || !slices.Equal(in.Data, []float32{1, 2, 3, 4, 5, 6}) {
			t.Errorf("%s: got %+v", name, in)
		}
	}
}

// The example of the protocol's description, but for its integers.
func TestParseRequestOfTheSpecification(t *testing.T) {
	text := `{
      "id" : "42",
      "inputs" : [
        { "name" : "input0", "shape" : [ 2, 2 ], "datatype" : "FP32", "data" : [ 1, 2, 3, 4 ] },
        { "name" : "input1", "shape" : [ 3 ], "datatype" : "FP64", "data" : [ 1, 0.5, 2 ] }
      ],
      "outputs" : [ { "name" : "output0" } ]
    }`
	var r Request
	if err := ParseRequest(&r, []byte(text), ""); err != nil {
		t.Fatal(err)
	}
	if r.ID != "42" || len(r.Inputs) != 2 || !slices.Equal(r.Inputs[1].Shape, []int64{3}) || len(r.Outputs) != 1 || r.Outputs[0] != (Output{Name: "output0"}) {
		t.Errorf("got %+v", r)
	}
}

func TestParseBinary(t *testing.T) {
	values := []float32{1, -2.5, 3e30, 0}
	var tail []byte
	for _, v := range values {
		tail = binary.LittleEndian.AppendUint32(tail, math.Float32bits(v))
	}
	text := `{"inputs":[{"name":"a","shape":[1,2],"datatype":"FP32","parameters":{"binary_data_size":8}},` +
		`{"name":"b","shape":[1,1],"datatype":"FP32","data":[7]},` +
		`{"name":"c","shape":[2],"datatype":"FP32","parameters":{"binary_data_size":8}}],` +
		`"outputs":[{"name":"y","parameters":{"binary_data":false}},{"name":"z"}],` +
		`"parameters":{"binary_data_output":true,"quantile":0.5,"n":3,"s":"t"}}`
	var r Request
	if err := ParseRequest(&r, append([]byte(text), tail...), strconv.Itoa(len(text))); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(r.Inputs[0].Data, values[:2]) || !slices.Equal(r.Inputs[1].Data, []float32{7}) || !slices.Equal(r.Inputs[2].Data, values[2:]) {
		t.Errorf("inputs are %+v", r.Inputs)
	}
	if r.Outputs[0].Binary || !r.Outputs[1].Binary {
		t.Errorf("outputs are %+v, want the second one binary", r.Outputs)
	}
	if r.Parameters["quantile"] != 0.5 || r.Parameters["n"] != int64(3) || r.Parameters["s"] != "t" {
		t.Errorf("parameters are %v", r.Parameters)
	}
	if err := ParseRequest(&r, tail, "0"); err != nil || !slices.Equal(r.Inputs[0].Data, values) || !r.Binary || r.Outputs != nil {
		t.Errorf("raw request: %v, %+v", err, r)
	}
}

// halves are some 16-bit floats as NumPy has them.
var halves = map[uint16]float32{
	0x0000: 0, 0x3c00: 1, 0xc000: -2, 0x7bff: 65504, 0x0400: 6.103515625e-05, 0x0001: 5.9604644775390625e-08, 0x3555: 0.333251953125,
	0x03ff: 6.097555160522461e-05, 0x8001: -5.9604644775390625e-08,
}

func TestHalf(t *testing.T) {
	for bits, want := range halves {
		if got := half(bits); got != want {
			t.Errorf("half(%#04x) = %v, want %v", bits, got, want)
		}
	}
	if v := half(0x7c00); !math.IsInf(float64(v), 1) {
		t.Errorf("half(0x7c00) = %v, want infinity", v)
	}
	if v := half(0x7e00); v == v {
		t.Errorf("half(0x7e00) = %v, want NaN", v)
	}
}

func TestParseRefuses(t *testing.T) {
	nan := binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(math.NaN())))
	for _, c := range []struct{ name, body, header, want string }{
		{"nothing", "", "", "ends, want an object"},
		{"no object", "[]", "", "want an object"},
		{"no inputs", "{}", "", "no inputs"},
		{"more behind it", request(`"shape":[1],"data":[1]`) + "x", "", "want the end"},
		{"cut short", request(`"shape":[1],"data":[1]`)[:40], "", "the text ends"},
		{"no data", request(`"shape":[1]`), "", "no data"},
		{"no shape", request(`"data":[1]`), "", "no shape"},
		{"too few values", request(`"shape":[2,2],"data":[1,2,3]`), "", "3 values, want 4"},
		{"ragged", request(`"shape":[2,2],"data":[[1,2,3],[4]]`), "", "an array of 1 values beside one of 3"},
		{"mixed", request(`"shape":[3],"data":[1,[2,3]]`), "", "mixes"},
		{"empty arrays", request(`"shape":[1],"data":[[],[],1]`), "", ""},
		{"axis of 0", request(`"shape":[0],"data":[]`), "", "axis of 0"},
		{"10^9 values", request(`"shape":[1000000000,1000000000,1000000000],"data":[1]`), "", "more than"},
		{"10^9 axes", request(`"shape":[` + strings.Repeat("1,", 100000) + `1],"data":[1]`), "", "more than 8 axes"},
		{"axis beyond 64 bits", request(`"shape":[100000000000000000000],"data":[1]`), "", "whole number"},
		{"axis of 1.5", request(`"shape":[1.5],"data":[1]`), "", "whole number"},
		{"NaN", request(`"shape":[1],"data":[NaN]`), "", "want a number"},
		{"infinity", request(`"shape":[1],"data":[1e39]`), "", "beyond float32"},
		{"null", request(`"shape":[1],"data":[null]`), "", "want a number"},
		{"text", request(`"shape":[1],"data":["1"]`), "", "want a number"},
		{"leading zero", request(`"shape":[1],"data":[01]`), "", "want a number"},
		{"no digits", request(`"shape":[1],"data":[1.]`), "", "digits behind its point"},
		{"no exponent", request(`"shape":[1],"data":[1e+]`), "", "digits in its exponent"},
		{"deep", request(`"shape":[1],"data":` + strings.Repeat("[", 1e6)), "", "deep"},
		{"deep elsewhere", `{"x":` + strings.Repeat(`{"x":`, 1e5), "", "deep"},
		{"integers", strings.Replace(request(`"shape":[1],"data":[1]`), "FP32", "UINT8", 1), "", "want FP32, FP64 or FP16"},
		{"control character", "{\"in\nputs\":1}", "", "control character"},
		{"bad escape", `{"in\q":1}`, "", "string"},
		{"long name", request(`"shape":[1],"data":[1],"name":"` + strings.Repeat("n", 1000) + `"`), "", "at most 256"},
		{"header length beyond body", "{}", "3", "want 0 to the 2 bytes"},
		{"negative header length", "{}", "-1", "want 0 to"},
		{"header length of letters", "{}", "x", "want 0 to"},
		{"both kinds of data", request(`"shape":[1],"data":[1],"parameters":{"binary_data_size":4}`), "", "want one of them"},
		{"too few bytes", request(`"shape":[1],"parameters":{"binary_data_size":4}`), "", "0 bytes are left"},
		{"bytes left", request(`"shape":[1],"data":[1]`) + "1234", strconv.Itoa(len(request(`"shape":[1],"data":[1]`))), "4 bytes are left"},
		{"binary NaN", request(`"shape":[1],"parameters":{"binary_data_size":4}`) + string(nan), strconv.Itoa(len(request(`"shape":[1],"parameters":{"binary_data_size":4}`))), "value 0 is NaN"},
		{"odd bytes", "12345", "0", "no whole number"},
		{"negative size", request(`"shape":[1],"parameters":{"binary_data_size":-4}`), "", "at least 0"},
		{"many inputs", `{"inputs":[` + strings.Repeat(`{"name":"x","datatype":"FP32","shape":[1],"data":[1]},`, 100) + `{}]}`, "", "more than 64 inputs"},
	} {
		var r Request
		err := ParseRequest(&r, []byte(c.body), c.header)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got error %v, want one with %q", c.name, err, c.want)
		}
	}
}

func TestFloat32IsThatOfStrconv(t *testing.T) {
	check := func(text string) {
		t.Helper()
		s := scanner{text: []byte(text)}
		got, err := s.float32()
		want, wantErr := strconv.ParseFloat(text, 32)
		if (err != nil) != (wantErr != nil) || err == nil && math.Float32bits(got) != math.Float32bits(float32(want)) {
			t.Errorf("%s: got %v, %v, want %v, %v", text, got, err, float32(want), wantErr)
		}
	}
	for _, text := range []string{"0", "-0", "0.0", "1e-45", "1.1754943508e-38", "3.4028235e38", "3.4028236e38", "-1e-60", "1e-400", "1e400",
		"16777217", "16777219", "1.00000005960464477539062", "0.000000000000000000000000001", "123456789012345678901234567890",
		"9007199254740993", "0.1254902", "8388609.5", "33554434.0000001"} {
		check(text)
	}
	// Numbers in the middle between two float32 and next to it.
	for i := range 20000 {
		bits := uint32(i)*214013 + 2531011
		v := float64(math.Float32frombits(bits & 0x7fffffff))
		if v > 1e38 || v != v {
			continue
		}
		next := float64(math.Nextafter32(float32(v), math.MaxFloat32))
		for _, x := range []float64{v, (v + next) / 2, v/2 + next/2} {
			for _, precision := range []int{-1, 6, 9, 15, 17, 25} {
				check(strconv.FormatFloat(x, 'e', precision, 64))
			}
			check(fmt.Sprintf("%.12f", math.Mod(x, 1000)))
		}
	}
}

func TestResponse(t *testing.T) {
	r := Response{Model: "m\"é", Version: "3", ID: "a\nb", Outputs: []Tensor{
		{Name: "f", Shape: []int{1, 3}, Floats: []float32{1, -0.1, 1e-20}},
		{Name: "d", Shape: []int{2}, Doubles: []float64{0.1, 1e300}},
		{Name: "b", Shape: []int{2}, Bools: []bool{true, false}},
	}}
	text, tails, err := r.Append([]byte("before"))
	if err != nil || tails != nil {
		t.Fatal(tails, err)
	}
	var got struct {
		Model   string `json:"model_name"`
		Version string `json:"model_version"`
		ID      string
		Outputs []struct {
			Name, Datatype string
			Shape          []int
			Data           []any
			Parameters     map[string]int `json:"parameters"`
		}
	}
	if err := json.Unmarshal(text[len("before"):], &got); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	if got.Model != r.Model || got.Version != "3" || got.ID != r.ID ||
		fmt.Sprint(got.Outputs) != "[{f FP32 [1 3] [1 -0.1 1e-20] map[]} {d FP64 [2] [0.1 1e+300] map[]} {b BOOL [2] [true false] map[]}]" {
		t.Errorf("got %+v", got)
	}
	for i := range r.Outputs {
		r.Outputs[i].Binary = i != 1
	}
	text, tails, err = r.Append(nil)
	if err != nil || json.Unmarshal(text, &got) != nil {
		t.Fatal(err)
	}
	want := append((&Tensor{Floats: r.Outputs[0].Floats}).AppendBytes(nil), 1, 0)
	if string(bytes.Join(tails, nil)) != string(want) || got.Outputs[0].Parameters["binary_data_size"] != 12 || got.Outputs[2].Parameters["binary_data_size"] != 2 {
		t.Errorf("got %q behind %s", tails, text)
	}
	r.Outputs[1].Doubles[0] = math.NaN()
	if _, _, err := r.Append(nil); err == nil || !strings.Contains(err.Error(), "binary") {
		t.Errorf("NaN as JSON: %v, want an error that says how to get it", err)
	}
}

// What the parser takes is JSON, and its values are those of encoding/json.
func FuzzParseRequest(f *testing.F) {
	f.Add([]byte(request(`"shape":[2,2],"data":[[1,2.5e-3],[0.1254902,-7]]`)), "")
	f.Add([]byte(request(`"shape":[1],"parameters":{"binary_data_size":4}`)+"abcd"), strconv.Itoa(len(request(`"shape":[1],"parameters":{"binary_data_size":4}`))))
	f.Add([]byte(`{"id":"é\u00e9","outputs":[{"name":"y","parameters":{"binary_data":true}}],"parameters":{"quantile":1}}`), "")
	f.Add([]byte("abcdefgh"), "0")
	f.Fuzz(func(t *testing.T, body []byte, header string) {
		var r Request
		if err := ParseRequest(&r, body, header); err != nil {
			return
		}
		for _, in := range r.Inputs {
			if err := CheckFinite(in.Data); err != nil {
				t.Fatalf("a request with values that are not finite was taken: %v", err)
			}
		}
		if header == "" {
			checkAgainstJSON(t, body, &r)
		}
		var again Request
		again.Inputs = r.Inputs // its memory may be used again
		ids := r.ID
		if err := ParseRequest(&again, body, header); err != nil || again.ID != ids {
			t.Fatalf("the second time: %v", err)
		}
	})
}

func checkAgainstJSON(t *testing.T, body []byte, r *Request) {
	if !json.Valid(body) {
		t.Fatalf("%q was taken and is no JSON", body)
	}
	// Only where keys are not repeated in different cases do both mean the same.
	var plain struct {
		Inputs []struct {
			Data []float32 `json:"data"`
		} `json:"inputs"`
	}
	if json.Unmarshal(body, &plain) != nil || len(plain.Inputs) != len(r.Inputs) || strings.Count(strings.ToLower(string(body)), "data\"") != len(r.Inputs) {
		return
	}
	for i, in := range plain.Inputs {
		if in.Data != nil && !slices.Equal(in.Data, r.Inputs[i].Data) {
			t.Fatalf("input %d of %s is %v, want %v", i, body, r.Inputs[i].Data, in.Data)
		}
	}
}

func BenchmarkParseImage(b *testing.B) {
	var text []byte
	for i := range 784 {
		text = strconv.AppendFloat(append(text, ','), float64(float32(i%256)/255), 'g', -1, 32)
	}
	body := []byte(request(`"shape":[1,784],"data":[` + string(text[1:]) + `]`))
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	var r Request
	for b.Loop() {
		if err := ParseRequest(&r, body, ""); err != nil {
			b.Fatal(err)
		}
	}
}
