package payload

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/color"
	"image/png"
	"slices"
	"strings"
	"testing"

	"hourglass/dataset/schema"
	"hourglass/tensor"
)

// form is that of grey pictures of 2×3 pixels.
func form() *Form {
	var values [256]float32
	for i := range values {
		values[i] = float32(i) / 255
	}
	return &Form{Shape: tensor.Shape{2, 3}, Pixels: &values, Limit: 1 << 20}
}

// encodedPNG is a picture of 3×2 grey pixels, of 0, 51, … 255.
func encodedPNG(t testing.TB) []byte {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, 3, 2))
	for i := range 6 {
		m.SetGray(i%3, i/3, color.Gray{uint8(51 * i)})
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

var fifths = []float32{0, 51.0 / 255, 102.0 / 255, 153.0 / 255, 204.0 / 255, 1}

func TestParse(t *testing.T) {
	picture := encodedPNG(t)
	array, err := WriteNPY([]float32{1, 2, 3, 4, 5, 6}, tensor.Shape{2, 3})
	if err != nil {
		t.Fatal(err)
	}
	several, _ := WriteNPY(make([]float32, 24), tensor.Shape{4, 6})
	text := base64.StdEncoding.EncodeToString(picture)
	six := []float32{1, 2, 3, 4, 5, 6}
	for _, c := range []struct {
		name string
		kind Kind
		body string
		want []float32
		n    int
	}{
		{"rows", JSON, "[[1,2,3,4,5,6]]", six, 1},
		{"nested rows", JSON, "[[[1,2,3],[4,5,6]]]", six, 1},
		{"a sample", JSON, "[[1,2,3],[4,5,6]]", six, 1},
		{"a flat sample", JSON, " [1,2,3,4,5,6]\n", six, 1},
		{"two rows", JSON, `{"rows":[[1,2,3,4,5,6],[1,2,3,4,5,6]]}`, append(slices.Clone(six), six...), 2},
		{"pictures in JSON", JSON, `{"images":["` + text + `","` + text + `"]}`, append(slices.Clone(fifths), fifths...), 2},
		{"a picture in JSON", JSON, `{"image":"` + text + `"}`, fifths, 1},
		{"a picture", PNG, string(picture), fifths, 1},
		{"a table", CSV, "1,2,3,4,5,6\n", six, 1},
		{"a table with a header", CSV, "a,b,c,d,e,f\n1,2,3,4,5,6\n", six, 1},
		{"an array", NPY, string(array), six, 1},
		{"an array of rows", NPY, string(several), make([]float32, 24), 4},
	} {
		got, n, err := form().Parse(c.kind, []byte(c.body))
		if err != nil || n != c.n || !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, %d samples, %v", c.name, got, n, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	picture := encodedPNG(t)
	noPicture := &Form{Shape: tensor.Shape{6}, Limit: 1 << 20}
	small := form()
	small.Limit = 64
	for _, c := range []struct {
		name string
		form *Form
		kind Kind
		body string
		want string
	}{
		{"nothing", form(), JSON, "", "want an array"},
		{"an empty array", form(), JSON, "[]", "want N samples of 2×3"},
		{"too few values", form(), JSON, "[[1,2,3,4,5]]", "want N samples of 2×3"},
		{"an object of neither", form(), JSON, "{}", `wants "rows" or "images"`},
		{"an object of both", form(), JSON, `{"rows":[1],"images":[]}`, `wants "rows" or "images"`},
		{"an unknown key", form(), JSON, `{"row":[1]}`, "unknown field"},
		{"two objects", form(), JSON, `{"rows":[1]}{}`, "more behind"},
		{"two ends", form(), JSON, `{"rows":[1]}}`, "more behind"},
		{"no base64", form(), JSON, `{"image":"?"}`, "picture 0"},
		{"no picture in base64", form(), JSON, `{"image":"AAAA"}`, "neither PNG nor JPEG"},
		{"infinity", form(), JSON, "[[1,2,3,4,5,1e40]]", "beyond float32"},
		{"deep rows", form(), JSON, strings.Repeat("[", 1e5), "deep"},
		{"a table with text", form(), CSV, "1,2,3,4,5,x\n1,2,3,4,5,y\n", "x"},
		{"a table of 5 columns", form(), CSV, "1,2,3,4,5\n", "5 columns, want 6"},
		{"an empty table", form(), CSV, "", ""},
		{"a bad array", form(), NPY, "\x93NUMPY\x01\x00", "npy"},
		{"a picture cut short", form(), PNG, string(picture[:len(picture)/2]), "ends too early"},
		{"a picture that is too large", small, PNG, string(picture), "at most 4"},
		{"many pictures", small, JSON, `{"images":["AAAA","AAAA","AAAA"]}`, "more than 64 bytes"},
		{"a picture of a table", noPicture, PNG, string(picture), "samples are of shape 6"},
	} {
		if _, _, err := c.form.Parse(c.kind, []byte(c.body)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want an error with %q", c.name, err, c.want)
		}
	}
}

func TestKinds(t *testing.T) {
	for _, c := range []struct {
		contentType, body string
		want              Kind // "" for an error
	}{
		{"application/json; charset=utf-8", "", JSON}, {"text/csv", "", CSV}, {"image/jpg", "", JPEG},
		{"", " [1]", JSON}, {"application/octet-stream", "\x93NUMPY", NPY}, {"application/x-www-form-urlencoded", "\x89PNG", PNG},
		{"", "\xff\xd8\xff\xe0", JPEG},
		{"", "1,2", ""}, {"text/html", "[1]", ""}, {"a/b/c", "[1]", ""}, {"", "", ""},
	} {
		if got, err := KindOf(c.contentType, []byte(c.body)); got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%q, %q: got %q, %v, want %q", c.contentType, c.body, got, err, c.want)
		}
	}
	for accept, want := range map[string]Kind{
		"": JSON, "*/*": JSON, "text/html, text/csv;q=0.5": CSV, "image/png": JSON, "application/x-npy,text/csv": NPY, ",;,": JSON,
	} {
		if got := Accepted(accept, []Kind{JSON, CSV, NPY}, JSON); got != want {
			t.Errorf("Accept %q: got %q, want %q", accept, got, want)
		}
	}
}

func TestWrite(t *testing.T) {
	rows, err := AppendRows(nil, []float32{1, 2.5, -3, 1e-9}, 2)
	if err != nil || string(rows) != "[[1,2.5],[-3,1e-09]]" {
		t.Errorf("got %s, %v", rows, err)
	}
	table, err := WriteCSV([]string{"a", "b", "c"}, []float32{1, 2, 3, 4}, 2, func(i int) []string { return []string{"xy"[i : i+1]} })
	if err != nil || strings.ReplaceAll(string(table), "\r", "") != "a,b,c\n1,2,x\n3,4,y\n" {
		t.Errorf("got %q, %v", table, err)
	}
	file, err := WritePicture(PNG, fifths, tensor.Shape{2, 3}, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	got, _, err := form().Parse(PNG, file)
	if err != nil || !slices.Equal(got, fifths) {
		t.Errorf("a picture comes back as %v, %v", got, err)
	}
	colours, err := WritePicture(JPEG, make([]float32, 18), tensor.Shape{2, 3, 3}, -1, 1)
	if err != nil || Pixels(colours) != 6 {
		t.Errorf("a JPEG of %d pixels, %v", Pixels(colours), err)
	}
	if _, err := WritePicture(PNG, fifths, tensor.Shape{6}, 0, 1); err == nil {
		t.Error("a row was drawn")
	}
}

func FuzzParse(f *testing.F) {
	array, _ := WriteNPY(make([]float32, 6), tensor.Shape{6})
	for i, body := range []string{"[[1,2,3,4,5,6]]", `{"rows":[1,2,3,4,5,6]}`, `{"images":["iVBORw0KGgo="]}`, "a,b,c,d,e,f\n1,2,3,4,5,6\n", string(array), string(encodedPNG(f))} {
		f.Add([]byte(body), uint8(i))
	}
	f.Fuzz(func(t *testing.T, body []byte, which uint8) {
		f := form()
		kind := Kinds()[int(which)%len(Kinds())]
		values, n, err := f.Parse(kind, body)
		if err == nil && (n < 1 || len(values) != 6*n) {
			t.Errorf("%d samples of %d values", n, len(values))
		}
		KindOf("", body)
		KindOf(string(body), nil)
		Accepted(string(body), Kinds(), JSON)
	})
}

func FuzzParseCells(f *testing.F) {
	s := schema.Plain([]string{"a", "b"}, []float32{1, 2})
	for _, body := range []string{`[{"a":1,"b":"2"},{"b":null}]`, `{"rows":[{"a":1}]}`, "a,b\n1,\n"} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, kind := range []Kind{JSON, CSV} {
			HasNames(kind, body)
			rows, err := ParseCells(kind, body, s, 1<<16)
			if err == nil && (rows.Len() < 1 || rows.Sample().Size() != 2) {
				t.Errorf("%d rows of %v", rows.Len(), rows.Sample())
			}
		}
	})
}
