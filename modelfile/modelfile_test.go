package modelfile

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"hourglass/nn"
	"hourglass/tensor"
)

// The golden files are written by testdata/version1.py and version2.py, the last as
// another program might.
const (
	oldFile       = "testdata/version1.safetensors"
	goldenFile    = "testdata/version2.safetensors"
	rewrittenFile = "testdata/rewritten.safetensors"
)

// goldenModel is what the golden file holds.
func goldenModel() *Model {
	m := &Model{
		Architecture: Architecture{
			Encoder: nn.Layers{nn.Input{2, 3}, nn.Flatten{}, nn.Dense{Units: 2, Activation: nn.SELU}},
			Decoder: nn.Layers{nn.Dense{Units: 6, Activation: nn.Sigmoid, NoBias: true}, nn.Reshape{2, 3}},
		},
		Arrays: []nn.Array{
			{Name: "encoder.2.kernel", Shape: tensor.Shape{6, 2}},
			{Name: "encoder.2.bias", Shape: tensor.Shape{2}},
			{Name: "decoder.0.kernel", Shape: tensor.Shape{2, 6}},
		},
		Record: json.RawMessage(`{"recipe":"tiny","seed":42}`),
	}
	k := 0
	for i := range m.Arrays {
		for range m.Arrays[i].Shape.Size() {
			m.Arrays[i].Values = append(m.Arrays[i].Values, float32(k-20)/16)
			k++
		}
	}
	return m
}

func written(t testing.TB, m *Model) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Files of all versions must stay readable, and the layout is what an independent
// writer makes of its description.
func TestGoldenFile(t *testing.T) {
	for _, path := range []string{oldFile, goldenFile, rewrittenFile} {
		m, err := ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		slices.SortFunc(m.Arrays, func(a, b nn.Array) int { return strings.Compare(b.Name, a.Name) })
		if want := goldenModel(); !reflect.DeepEqual(m, want) {
			t.Errorf("%s: read %+v, want %+v", path, m, want)
		}
	}
	want, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	if got := written(t, goldenModel()); !bytes.Equal(got, want) {
		t.Errorf("written as\n%q\nwant\n%q", got, want)
	}
}

// TestLayout takes a file to pieces by the rules of safetensors alone.
func TestLayout(t *testing.T) {
	m := goldenModel()
	m.Arrays[0].Values[3] = float32(math.Inf(-1))
	file := written(t, m)
	length := binary.LittleEndian.Uint64(file)
	if length%8 != 0 || int(8+length) > len(file) {
		t.Fatalf("header of %d bytes in a file of %d", length, len(file))
	}
	header, values := file[8:8+length], file[8+length:]
	if header[0] != '{' {
		t.Errorf("the header starts with %q", header[0])
	}
	var entries map[string]struct {
		DType   string `json:"dtype"`
		Shape   []int  `json:"shape"`
		Offsets []int  `json:"data_offsets"`
	}
	var metadata map[string]map[string]string
	var all map[string]json.RawMessage
	if err := json.Unmarshal(header, &all); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(`{"__metadata__":`+string(all["__metadata__"])+`}`), &metadata); err != nil {
		t.Fatal(err)
	}
	delete(all, "__metadata__")
	rest, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(rest, &entries); err != nil {
		t.Fatal(err)
	}
	if len(entries) != len(m.Arrays) {
		t.Errorf("%d arrays, want %d", len(entries), len(m.Arrays))
	}
	end := 0
	for _, a := range m.Arrays {
		e := entries[a.Name]
		if e.DType != "F32" || !reflect.DeepEqual(e.Shape, []int(a.Shape)) || len(e.Offsets) != 2 || e.Offsets[0] != end {
			t.Fatalf("array %s: %+v", a.Name, e)
		}
		end = e.Offsets[1]
		for i, v := range a.Values {
			if bits := binary.LittleEndian.Uint32(values[e.Offsets[0]+4*i:]); bits != math.Float32bits(v) {
				t.Errorf("array %s: value %d has bits %x, want %x", a.Name, i, bits, math.Float32bits(v))
			}
		}
	}
	if end != len(values) {
		t.Errorf("the arrays end at byte %d of %d", end, len(values))
	}
	meta := metadata["__metadata__"]
	if meta["format"] != "hourglass" || meta["version"] != "2" || len(meta) != 5 {
		t.Errorf("metadata %v", meta)
	}
}

func TestRoundTrip(t *testing.T) {
	for name, change := range map[string]func(m *Model){
		"as it is":            func(*Model) {},
		"no record":           func(m *Model) { m.Record = nil },
		"a detector":          func(m *Model) { m.Detector = json.RawMessage(`{"values":6}`) },
		"no arrays":           func(m *Model) { m.Arrays = nil },
		"many values":         func(m *Model) { m.Arrays[1] = bigArray("big", 123457) },
		"a scalar":            func(m *Model) { m.Arrays[0] = nn.Array{Name: "s", Shape: tensor.Shape{1}, Values: []float32{7}} },
		"odd names":           func(m *Model) { m.Arrays[0].Name = "a \"<b>\" ∑\n" },
		"checksum in record":  func(m *Model) { m.Record = json.RawMessage(`{"sha256":"` + noChecksum + `"}`) },
		"checksum as a name":  func(m *Model) { m.Arrays[0].Name = `"sha256":"` + noChecksum },
		"array called sha256": func(m *Model) { m.Arrays[0].Name = "sha256" },
		"special values": func(m *Model) {
			m.Arrays[1].Values = []float32{float32(math.Copysign(0, -1)), math.SmallestNonzeroFloat32}
		},
	} {
		m := goldenModel()
		change(m)
		file := written(t, m)
		if !bytes.Equal(file, written(t, m)) {
			t.Errorf("%s: written twice, the bytes differ", name)
		}
		back, err := Read(bytes.NewReader(file))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(m.Arrays) == 0 {
			back.Arrays = nil // empty or nil is the same
		}
		if !reflect.DeepEqual(back, m) {
			t.Errorf("%s: other than it was written", name)
		}
		if !bytes.Equal(written(t, back), file) {
			t.Errorf("%s: written again, the bytes differ", name)
		}
	}
}

func bigArray(name string, n int) nn.Array {
	a := nn.Array{Name: name, Shape: tensor.Shape{n}, Values: make([]float32, n)}
	for i := range a.Values {
		a.Values[i] = float32(i) / 3
	}
	return a
}

// readError reads a file that must be refused, in one line.
func readError(t *testing.T, what string, file []byte) string {
	t.Helper()
	m, err := Read(bytes.NewReader(file))
	if err == nil || m != nil {
		t.Errorf("%s: read without error", what)
		return ""
	}
	if !strings.HasPrefix(err.Error(), "modelfile: read: ") || strings.ContainsAny(err.Error(), "\n\r") {
		t.Errorf("%s: error %q", what, err)
	}
	return err.Error()
}

// A file cut anywhere, and one with any bit flipped, is refused. What a flipped bit
// may do is to change the case of a letter of a header's key, which is read alike,
// and the name of the checksum, without which the file is unverified.
func TestDamage(t *testing.T) {
	file := written(t, goldenModel())
	for n := range file {
		readError(t, fmt.Sprintf("cut to %d bytes", n), file[:n])
	}
	unverified := 0
	for i := range file {
		for bit := range 8 {
			file[i] ^= 1 << bit
			if m, err := Read(bytes.NewReader(file)); err == nil && !m.Unverified && !reflect.DeepEqual(m, goldenModel()) {
				t.Errorf("bit %d of byte %d flipped: read as another model", bit, i)
			} else if err == nil && m.Unverified {
				unverified++
			}
			file[i] ^= 1 << bit
		}
	}
	if most := 8 * len(checksumKey); unverified > most {
		t.Errorf("%d flipped bits lose the checksum, want at most the %d of its name", unverified, most)
	}
	readError(t, "a byte more", append(bytes.Clone(file), 0))
	readError(t, "twice", append(bytes.Clone(file), file...))
}

// sealed makes a file of a header, whose checksum it corrects, and bytes of values.
func sealed(header string, values int) []byte {
	file := append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...)
	file = append(file, make([]byte, values)...)
	if place := checksumPlace(file); place != nil {
		copy(place, noChecksum)
		sum := sha256.Sum256(file)
		copy(place, hex.EncodeToString(sum[:]))
	}
	return file
}

// lie returns the header of a sound file of two arrays, 24 and 8 bytes, with a
// piece replaced.
func lie(t *testing.T, old, replacement string) string {
	t.Helper()
	header := `{"__metadata__":{"architecture":"{\"encoder\":[{\"layer\":\"Input\",\"config\":[3]}],\"decoder\":[{\"layer\":\"Dense\",\"config\":{\"units\":3,\"activation\":\"linear\"}}]}",` +
		`"format":"hourglass","sha256":"` + noChecksum + `","version":"1"},` +
		`"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"b":{"dtype":"F32","shape":[2],"data_offsets":[24,32]}}`
	if !strings.Contains(header, old) {
		t.Fatalf("the header has no %s", old)
	}
	return strings.Replace(header, old, replacement, 1)
}

// A header may claim anything: every lie is found, by its own name.
func TestHeaderLies(t *testing.T) {
	if _, err := Read(bytes.NewReader(sealed(lie(t, "", ""), 32))); err != nil {
		t.Fatalf("the sound file: %v", err)
	}
	for _, c := range []struct{ old, replacement, want string }{
		{`"shape":[2,3]`, `"shape":[3,3]`, `array "a": type "F32", 24 bytes, want F32 and 36 for shape 3×3`},
		{`"F32"`, `"F16"`, `array "a": type "F16"`},
		{`"F32"`, `32`, `array "a": json: cannot unmarshal`},
		{`[24,32]`, `[23,31]`, `array "b": values start at byte 23, want 24`},
		{`[24,32]`, `[16,24]`, `array "b": values start at byte 16, want 24`},
		{`[24,32]`, `[28,36]`, `array "b": values start at byte 28, want 24`},
		{`[24,32]`, `[32,24]`, `array "b": type "F32", -8 bytes`},
		{`[24,32]`, `[24,32,40]`, `array "b": 3 data offsets, want 2`},
		{`[24,32]`, `[24]`, `array "b": 1 data offsets, want 2`},
		{`[0,24]`, `[-24,0]`, `array "a": values start at byte -24, want 0`},
		{`[0,24]`, `[0,24.5]`, `array "a": json: cannot unmarshal`},
		{`[0,24]`, `[0,9223372036854775808]`, `array "a": json: cannot unmarshal`},
		{`[0,24]`, `[-9223372036854775808,-9223372036854775784]`, `array "a": values start at byte -9223372036854775808`},
		{`"shape":[2]`, `"shape":[-2]`, `array "b": tensor: shape -2: axis 0 has length -2`},
		{`"shape":[2]`, `"shape":[0]`, `axis 0 has length 0`},
		{`"shape":[2]`, `"shape":[4294967296,4294967296]`, "more than"},
		{`"shape":[2]`, `"shape":[1e3]`, `array "b": json: cannot unmarshal`},
		{`{"dtype":"F32","shape":[2],"data_offsets":[24,32]}`, `null`, `array "b": `},
		{`"b":`, `"a":`, `array "a": values start at byte 24, want 0`},
		{`"version":"1"`, `"version":"4"`, `version "4" of the model file, want 1 to 3`},
		{`"version":"1"`, `"version":"0"`, `version "0"`},
		{`"version":"1"`, `"version":"one"`, `version "one"`},
		{`,"version":"1"`, ``, `version ""`},
		{`"format":"hourglass"`, `"format":"pt"`, `no metadata with format "hourglass"`},
		{`"__metadata__"`, `"meta"`, `no metadata with format "hourglass"`},
		{`"version":"1"`, `"version":1`, `no metadata with format "hourglass"`},
		{`"architecture"`, `"architektur"`, "architecture: unexpected end of JSON input"},
		{`{\"encoder\"`, `{\"encoder`, "architecture: "},
		{`Dense`, `Sparse`, `architecture: nn: read layer 0: unknown layer "Sparse"`},
		{`\"units\"`, `\"unit\"`, `architecture: nn: read layer 0: Dense: json: unknown field "unit"`},
		{`linear`, `cubic`, `unknown activation "cubic"`},
		{`"__metadata__":{`, `"__metadata__":`, "header is not JSON"},
		{`"version":"1"`, `"version":"2"`, "checksum is "},
		{`"sha256":"`, `"sha256": "`, "the checksum does not stand where version 1 of the file has it"},
	} {
		file := sealed(lie(t, c.old, c.replacement), 32)
		if got := readError(t, c.replacement, file); !strings.Contains(got, c.want) {
			t.Errorf("%s for %s: error %q, want %q", c.replacement, c.old, got, c.want)
		}
	}
	for what, c := range map[string]struct {
		file []byte
		want string
	}{
		"nothing":        {nil, "not a safetensors file: shorter than 8 bytes"},
		"empty header":   {make([]byte, 8), "header of 0 bytes, want 2 to 16777216"},
		"huge header":    {bytes.Repeat([]byte{0xff}, 64), "header of 18446744073709551615 bytes"},
		"text":           {[]byte("this is not a model"), "not a safetensors file: header of "},
		"long header":    {append([]byte{0, 0, 0, 1, 0, 0, 0, 0}, "{}"...), "header ends after 2 of 16777216 bytes"},
		"a JSON list":    {sealed("[1,2]", 0), "header is not JSON"},
		"JSON null":      {sealed("null", 0), "no metadata"},
		"short values":   {sealed(lie(t, "", ""), 31), `array "b": the file ends after 0 of 2 values`},
		"no values":      {sealed(lie(t, "", ""), 0), `array "a": the file ends after 0 of 6 values`},
		"bytes behind":   {sealed(lie(t, "", ""), 33), "the file goes on behind the last array"},
		"wrong checksum": {append(sealed(lie(t, "", ""), 28), 1, 2, 3, 4), ": the file is damaged"},
	} {
		if got := readError(t, what, c.file); !strings.Contains(got, c.want) {
			t.Errorf("%s: error %q, want %q", what, got, c.want)
		}
	}
}

// Without a checksum a file is read, and known to be unverified.
func TestNoChecksum(t *testing.T) {
	for _, version := range []string{"1", "2"} {
		header := strings.Replace(lie(t, `,"sha256":"`+noChecksum+`"`, ""), `"version":"1"`, `"version":"`+version+`"`, 1)
		m, err := Read(bytes.NewReader(sealed(header, 32)))
		if err != nil || !m.Unverified || len(m.Arrays) != 2 {
			t.Errorf("version %s: %+v, %v", version, m, err)
		}
	}
}

// The metadata is covered as the arrays are: a scaling that has changed would make
// every result wrong.
func TestChecksumCoversMetadata(t *testing.T) {
	m := goldenModel()
	m.Scaling, m.Scores, m.Training = json.RawMessage(`{"scale":[2]}`), json.RawMessage(`[1,2]`), json.RawMessage(`{"epoch":1}`)
	for _, c := range [][2]string{{`\"scale\":[2]`, `\"scale\":[3]`}, {`[1,2]`, `[1,3]`}, {`\"epoch\":1`, `\"epoch\":2`}, {`\"seed\":42`, `\"seed\":43`}, {`\"units\":6`, `\"units\":7`}} {
		file := bytes.Replace(written(t, m), []byte(c[0]), []byte(c[1]), 1)
		if got := readError(t, c[1], file); !strings.Contains(got, "checksum is ") {
			t.Errorf("%s: error %q", c[1], got)
		}
	}
}

// What a file claims to hold costs no memory unless it is there.
func TestClaimsCostNoMemory(t *testing.T) {
	for what, file := range map[string][]byte{
		"an array of 2 GB":     sealed(lie(t, `"shape":[2],"data_offsets":[24,32]`, `"shape":[500000000],"data_offsets":[24,2000000024]`), 32),
		"a header of 16 MB":    append([]byte{0, 0, 0, 1, 0, 0, 0, 0}, "{"...),
		"a layer of 10⁹ units": sealed(lie(t, `\"units\":3`, `\"units\":1000000000`), 32),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		Read(bytes.NewReader(file))
		runtime.ReadMemStats(&after)
		if taken := after.TotalAlloc - before.TotalAlloc; taken > 1<<20 {
			t.Errorf("%s: reading took %d bytes", what, taken)
		}
	}
}

func TestReadFileErrors(t *testing.T) {
	dir := t.TempDir()
	if _, err := ReadFile(filepath.Join(dir, "absent")); !errors.Is(err, os.ErrNotExist) || !strings.HasPrefix(err.Error(), "modelfile: ") {
		t.Errorf("absent: error %v", err)
	}
	path := filepath.Join(dir, "damaged")
	if err := os.WriteFile(path, []byte("short"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFile(path); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "shorter than 8 bytes") {
		t.Errorf("damaged: error %v", err)
	}
}

// limited is a disk with room for so many bytes.
type limited int

var errFull = errors.New("no space left")

func (l *limited) Write(p []byte) (int, error) {
	if len(p) > int(*l) {
		return 0, errFull
	}
	*l -= limited(len(p))
	return len(p), nil
}

func TestWriteErrors(t *testing.T) {
	m := goldenModel()
	m.Arrays[0] = bigArray("big", 40000)
	size := len(written(t, m))
	for _, room := range []int{0, 7, 8, 100, 2000, 100000, size - 1} {
		disk := limited(room)
		if err := Write(&disk, m); !errors.Is(err, errFull) || !strings.HasPrefix(err.Error(), "modelfile: write: ") {
			t.Errorf("room for %d bytes: error %v", room, err)
		}
	}
	disk := limited(size)
	if err := Write(&disk, m); err != nil || disk != 0 {
		t.Errorf("room for all %d bytes: %v, %d left", size, err, disk)
	}
	type Secret struct{ nn.Flatten }
	m.Encoder = nn.Layers{Secret{}}
	if err := Write(&bytes.Buffer{}, m); err == nil || !strings.Contains(err.Error(), `unknown layer "Secret"`) {
		t.Errorf("a layer that is not registered: %v", err)
	}
}

func TestNames(t *testing.T) {
	m := goldenModel()
	net, err := nn.NewNetwork(nil, m.Layers()...)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(m.Names(net)); got != "[encoder.2.kernel encoder.2.bias decoder.0.kernel]" {
		t.Errorf("names %s", got)
	}
}

// FuzzRead: whatever a file holds, reading it gives an error or a model that can
// be written and read again. The checksum is left out, so that it does not hide what
// lies behind it.
func FuzzRead(f *testing.F) {
	for _, path := range []string{oldFile, goldenFile, rewrittenFile} {
		file, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(file)
		f.Add(file[:len(file)-3])
	}
	f.Add(sealed(`{"__metadata__":{"format":"hourglass","version":"1","sha256":"`+noChecksum+`"}}`, 0))
	f.Fuzz(func(t *testing.T, file []byte) {
		file = bytes.ReplaceAll(file, []byte(`"sha256"`), []byte(`"sha000"`))
		m, err := Read(bytes.NewReader(file))
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\r") {
				t.Errorf("an error of several lines: %q", err)
			}
			return
		}
		again, err := Read(bytes.NewReader(written(t, m)))
		if err != nil {
			t.Fatalf("written again, it cannot be read: %v", err)
		}
		if fmt.Sprintf("%x %#v", again.Arrays, again.Layers()) != fmt.Sprintf("%x %#v", m.Arrays, m.Layers()) {
			t.Error("written again, it is another model")
		}
	})
}
