// Package payload reads samples as people have them, and writes results the same
// way: rows of numbers as JSON or CSV, a NumPy array (.npy), or a picture as PNG or
// JPEG. Like everything that reads requests it takes memory in proportion to the
// bytes that are there, or refuses.
package payload

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"io"
	"mime"
	"strings"

	"hourglass/dataset"
	"hourglass/dataset/npy"
	"hourglass/serve/oip"
	"hourglass/tensor"
)

// Kind is the form that samples have.
type Kind string

// The kinds, by their media types.
const (
	JSON Kind = "application/json"
	CSV  Kind = "text/csv"
	NPY  Kind = "application/x-npy"
	PNG  Kind = "image/png"
	JPEG Kind = "image/jpeg"
)

// Kinds lists all kinds.
func Kinds() []Kind { return []Kind{JSON, CSV, NPY, PNG, JPEG} }

// KindOf returns the kind of a body from its media type, or, where that says
// nothing, from how it begins.
func KindOf(contentType string, body []byte) (Kind, error) {
	media, _, err := mime.ParseMediaType(contentType)
	if contentType != "" && err != nil {
		return "", fmt.Errorf("the content type %.60q is none", contentType)
	}
	for _, kind := range Kinds() {
		if media == string(kind) {
			return kind, nil
		}
	}
	switch media {
	case "image/jpg":
		return JPEG, nil
	case "", "application/octet-stream", "application/x-www-form-urlencoded": // what curl says of anything
	default:
		return "", fmt.Errorf("the content type is %.60q, want one of %q", media, Kinds())
	}
	for _, s := range []struct {
		start string
		kind  Kind
	}{{"\x93NUMPY", NPY}, {"\x89PNG", PNG}, {"\xff\xd8\xff", JPEG}} {
		if bytes.HasPrefix(body, []byte(s.start)) {
			return s.kind, nil
		}
	}
	if text := bytes.TrimLeft(body, " \t\r\n"); len(text) > 0 && (text[0] == '[' || text[0] == '{') {
		return JSON, nil
	}
	return "", fmt.Errorf("the content type is not given, and the body is none that shows it; want one of %q", Kinds())
}

// Accepted returns the kind of answer that a client wants, by its Accept header: the
// first kind there that is possible, and otherwise fallback.
func Accepted(accept string, possible []Kind, fallback Kind) Kind {
	for part := range strings.SplitSeq(accept, ",") {
		media, _, err := mime.ParseMediaType(strings.TrimSpace(part))
		if err != nil {
			continue
		}
		for _, kind := range possible {
			if media == string(kind) {
				return kind
			}
		}
	}
	return fallback
}

// Form says what samples have to be like.
type Form struct {
	Shape   tensor.Shape  // of a sample
	Columns []string      // names of its values in a table; may be nil
	Pixels  *[256]float32 // what bytes are worth; nil for samples that are no pictures
	Limit   int64         // bytes of memory that reading may take
}

// Parse returns the n samples of a body, one after another.
func (f *Form) Parse(kind Kind, body []byte) (values []float32, n int, err error) {
	switch kind {
	case JSON:
		values, n, err = f.parseJSON(body)
	case CSV:
		values, n, err = f.parseCSV(body)
	case NPY:
		values, n, err = f.parseNPY(body)
	case PNG, JPEG:
		values, err = f.parsePicture(body)
		n = 1
	default:
		err = fmt.Errorf("content of type %q", kind)
	}
	if err == nil {
		err = oip.CheckFinite(values)
	}
	return values, n, err
}

// document is a request as a JSON object.
type document struct {
	Rows   json.RawMessage `json:"rows"`
	Image  string          `json:"image"`
	Images []string        `json:"images"`
}

// decodeObject reads a JSON object that has the fields of doc and no others, and nothing behind it.
func decodeObject(body []byte, doc any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(doc); err != nil {
		return fmt.Errorf("JSON: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("JSON: there is more behind the object")
	}
	return nil
}

// parseJSON reads an array of rows, a single row, or an object that has one of
// "rows", "image" and "images", the last two of files in base64.
func (f *Form) parseJSON(body []byte) ([]float32, int, error) {
	if text := bytes.TrimLeft(body, " \t\r\n"); len(text) == 0 || text[0] != '{' {
		return f.parseRows(body)
	}
	var doc document
	if err := decodeObject(body, &doc); err != nil {
		return nil, 0, err
	}
	if doc.Image != "" {
		doc.Images = append(doc.Images, doc.Image)
	}
	switch {
	case (doc.Rows == nil) == (doc.Images == nil):
		return nil, 0, errors.New(`the object wants "rows" or "images"`)
	case doc.Rows != nil:
		return f.parseRows(doc.Rows)
	case len(doc.Images) == 0:
		return nil, 0, errors.New(`"images" is empty, and at least one picture was expected`)
	case int64(len(doc.Images)) > f.Limit/int64(4*f.Shape.Size()):
		return nil, 0, fmt.Errorf("%d pictures take more than %d bytes", len(doc.Images), f.Limit)
	}
	var all []float32
	for i, text := range doc.Images {
		file, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return nil, 0, fmt.Errorf("picture %d: %w", i, err)
		}
		one, err := f.parsePicture(file)
		if err != nil {
			return nil, 0, fmt.Errorf("picture %d: %w", i, err)
		}
		all = append(all, one...)
	}
	return all, len(doc.Images), nil
}

func (f *Form) parseRows(text []byte) ([]float32, int, error) {
	values, axes, err := oip.ParseValues(text)
	if err != nil {
		return nil, 0, err
	}
	n, err := f.count(len(values), axes)
	return values, n, err
}

// count returns how many samples an array of some shape holds: as many as its first
// axis says, or one.
func (f *Form) count(values int, axes []int) (int, error) {
	size := f.Shape.Size()
	switch {
	case len(axes) > 1 && values == axes[0]*size && values > 0:
		return axes[0], nil
	case values == size:
		return 1, nil
	}
	return 0, fmt.Errorf("an array of shape %v, want N samples of %v", tensor.Shape(axes), f.Shape)
}

func (f *Form) parseCSV(body []byte) ([]float32, int, error) {
	data, err := dataset.ReadCSV(bytes.NewReader(body), "the table", dataset.CSVOptions{Columns: f.Columns})
	if err != nil {
		return nil, 0, err
	}
	n, size := data.Samples.Len(), data.Samples.Sample().Size()
	if size != f.Shape.Size() {
		return nil, 0, fmt.Errorf("a table of %d columns, want %d, one for each value of %v", size, f.Shape.Size(), f.Shape)
	}
	values, indices := make([]float32, n*size), make([]int, n)
	for i := range indices {
		indices[i] = i
	}
	return values, n, data.Samples.Read(values, indices)
}

func (f *Form) parseNPY(body []byte) ([]float32, int, error) {
	a, err := npy.Read(bytes.NewReader(body), f.Limit)
	if err != nil {
		return nil, 0, err
	}
	values := a.Values
	if a.Bytes != nil {
		values = f.worth(a.Bytes)
	}
	n, err := f.count(len(values), a.Shape)
	return values, n, err
}

// worth returns what bytes are worth.
func (f *Form) worth(pixels []byte) []float32 {
	values := make([]float32, len(pixels))
	for i, b := range pixels {
		values[i] = float32(b)
		if f.Pixels != nil {
			values[i] = f.Pixels[b]
		}
	}
	return values
}

// bytesPerPixel is what a picture takes while it is decoded.
const bytesPerPixel = 16

func (f *Form) parsePicture(file []byte) ([]float32, error) {
	if f.Pixels == nil {
		return nil, fmt.Errorf("a picture, but samples are of shape %v", f.Shape)
	}
	pixels, err := dataset.DecodeImage(file, f.Shape, int(f.Limit/bytesPerPixel))
	if err != nil {
		return nil, err
	}
	return f.worth(pixels), nil
}

// Pixels returns how many pixels a picture has, 0 if it is none.
func Pixels(file []byte) int64 {
	config, _, err := image.DecodeConfig(bytes.NewReader(file))
	if err != nil {
		return 0
	}
	return int64(config.Width) * int64(config.Height)
}
