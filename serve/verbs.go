package serve

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"hourglass/dataset"
	"hourglass/dataset/schema"
	"hourglass/serve/batch"
	"hourglass/serve/payload"
	"hourglass/serve/registry"
	"hourglass/tensor"
	"hourglass/workflow"
)

// verb is something that can be done with samples, or codes, by a request as a
// person would make it.
type verb struct {
	name    string
	summary string
	kinds   []payload.Kind // of answers
	answer  func(c *call, q *question) ([]byte, error)
}

var arrays = []payload.Kind{payload.JSON, payload.CSV, payload.NPY}

// verbs lists them all.
var verbs = []verb{
	{"encode", "Turn samples into codes", arrays, answerEncode},
	{"decode", "Turn codes into samples", payload.Kinds(), answerDecode},
	{"reconstruct", "Encode samples and decode them again", payload.Kinds(), answerReconstruct},
	{"denoise", "Clean samples by a model that was trained on clean ones", payload.Kinds(), answerReconstruct},
	{"score", "Say how unusual samples are, and which are outliers", arrays, answerScore},
	{"nearest", "Find the references whose codes are nearest", []payload.Kind{payload.JSON, payload.CSV}, answerNearest},
}

// question is such a request once it is read.
type question struct {
	verb   verb
	model  *registry.Model
	values []float32
	there  []float32 // 1 for values that are not missing; nil if none is
	n      int
	kind   payload.Kind   // of the answer
	cells  *schema.Schema // of samples in the answer; nil for values
}

// isPicture reports whether a model's samples can be shown, which windows of series are not.
func isPicture(m *registry.Model) bool {
	return m.Record.Series == nil && workflow.IsImage(m.Encoder().Input())
}

// fits reports whether a model can do it.
func (v verb) fits(m *registry.Model) bool {
	switch v.name {
	case "decode":
		return m.Decoder().Complete() == nil
	case "nearest":
		return m.References != nil
	}
	return true
}

// possible lists the kinds of answers to a verb that a model can give.
func (v verb) possible(m *registry.Model) []payload.Kind {
	return slices.DeleteFunc(slices.Clone(v.kinds), func(k payload.Kind) bool {
		return (k == payload.PNG || k == payload.JPEG) && !isPicture(m)
	})
}

// handler answers requests for the verb.
func (s *Server) verb(v verb) handler {
	return func(c *call) error {
		view, entry, err := s.models.Find(c.r.PathValue("model"), c.r.URL.Query().Get("version"))
		if entry != nil {
			c.model = entry.Name
		}
		if err != nil {
			return err
		}
		if view.Part != registry.Whole {
			return &registry.UnknownError{Name: view.FullName()}
		}
		q := &question{verb: v, model: view.Model}
		if err := q.read(c); err != nil {
			return err
		}
		body, err := v.answer(c, q)
		if err != nil {
			return err
		}
		return c.write(string(q.kind), body)
	}
}

// read reads the samples, or codes, and finds out which kind of answer is wanted.
func (q *question) read(c *call) error {
	if err := c.readBody(); err != nil {
		return err
	}
	kind, err := payload.KindOf(c.r.Header.Get("Content-Type"), *c.body)
	if err != nil {
		return &statusError{http.StatusUnsupportedMediaType, "media_type", err.Error()}
	}
	possible := q.verb.possible(q.model)
	fallback := payload.JSON
	if slices.Contains(possible, kind) {
		fallback = kind
	}
	q.kind = payload.Accepted(c.r.Header.Get("Accept"), possible, fallback)
	form := payload.Form{Shape: q.model.Encoder().Input(), Columns: q.model.ValueNames(), Limit: c.server.config.MaxBody}
	if q.verb.name == "decode" {
		form.Shape, form.Columns = q.model.Decoder().Input(), nil
	} else if isPicture(q.model) {
		values := q.model.PixelValues()
		form.Pixels = &values
	}
	if err := c.memory.take(unpacked(kind, *c.body, form.Limit)); err != nil {
		return err
	}
	q.cells = q.model.Record.Schema
	if s := q.model.RowSchema(); q.verb.name != "decode" && s != nil && (payload.HasNames(kind, *c.body) || kind == payload.CSV && q.cells != nil) {
		q.cells = s
		if err := c.memory.take(cellMemory(*c.body, s, form.Limit)); err != nil {
			return err
		}
		err = q.readCells(kind, *c.body, form.Limit)
	} else {
		q.values, q.n, err = form.Parse(kind, *c.body)
	}
	if err != nil {
		return err
	}
	return c.reserve(4 * int64(q.n) * int64(q.model.Encoder().Input().Size()))
}

// cellMemory is about how much memory the rows of a table may take while they are read.
func cellMemory(body []byte, s *schema.Schema, limit int64) int64 {
	const perByte, perValue = 32, 12 // of text, since each cell is kept apart; and of values with their mask
	rows := int64(bytes.Count(body, []byte("\n")) + bytes.Count(body, []byte("{")) + 1)
	return min(perByte*int64(len(body))+perValue*rows*int64(s.Width()), 2*limit)
}

// readCells reads the rows of a table.
func (q *question) readCells(kind payload.Kind, body []byte, limit int64) error {
	rows, err := payload.ParseCells(kind, body, q.cells, limit)
	if err != nil {
		return err
	}
	q.n = rows.Len()
	indices := make([]int, q.n)
	for i := range indices {
		indices[i] = i
	}
	q.values = make([]float32, q.n*q.cells.Width())
	if err := rows.Read(q.values, indices); err != nil {
		return err
	}
	if face := dataset.FaceOf(rows, dataset.Mask); face != nil {
		q.there = make([]float32, len(q.values))
		return face.Read(q.there, indices)
	}
	return nil
}

// unpacked is how much memory a body may take while it is read.
func unpacked(kind payload.Kind, body []byte, limit int64) int64 {
	const pixel = 16
	switch {
	case kind == payload.PNG, kind == payload.JPEG:
		return min(pixel*payload.Pixels(body), limit)
	case kind == payload.JSON && bytes.Contains(body, []byte(`"image`)):
		return limit // one picture after another
	}
	return 4 * int64(len(body))
}

// named begins the JSON of an answer, which ends in }.
func (q *question) named() []byte {
	return fmt.Appendf(nil, `{"model":%q,"version":%q,`, q.model.Name, q.model.Version)
}

// rows is an answer of a row of values for each sample.
func (q *question) rows(name string, values []float32, sample tensor.Shape, columns []string) ([]byte, error) {
	switch q.kind {
	case payload.CSV:
		return payload.WriteCSV(columns, values, q.n, nil)
	case payload.NPY:
		return payload.WriteNPY(values, append(tensor.Shape{q.n}, sample...))
	case payload.PNG, payload.JPEG:
		if q.n != 1 {
			return nil, &statusError{http.StatusNotAcceptable, "not_acceptable", fmt.Sprintf("%d samples are no one picture; want one, or another kind of answer", q.n)}
		}
		r := q.model.Range()
		return payload.WritePicture(q.kind, values, sample, r.Low, r.High)
	}
	shape, err := json.Marshal(append(tensor.Shape{q.n}, sample...))
	if err != nil {
		return nil, err
	}
	b := append(append(q.named(), `"shape":`...), shape...)
	b = fmt.Appendf(b, `,%q:`, name)
	if b, err = payload.AppendRows(b, values, q.n); err != nil {
		return nil, err
	}
	return append(b, "}\n"...), nil
}

func answerEncode(c *call, q *question) ([]byte, error) {
	r, err := q.model.Run(c.ctx, q.values, q.n, registry.Codes, batch.Unannounced)
	if err != nil {
		return nil, err
	}
	shape := q.model.Encoder().Output()
	return q.rows("codes", r.Codes, shape, dataset.CSVColumns("code", shape.Size()))
}

func answerDecode(c *call, q *question) ([]byte, error) {
	r, err := q.model.Decode(c.ctx, q.values, q.n)
	if err != nil {
		return nil, err
	}
	return q.samples(r.Reconstruction)
}

func answerReconstruct(c *call, q *question) ([]byte, error) {
	r, err := q.model.Run(c.ctx, q.values, q.n, registry.Reconstruction, batch.Unannounced)
	if err != nil {
		return nil, err
	}
	return q.samples(r.Reconstruction)
}

// samples is an answer of samples.
func (q *question) samples(y []float32) ([]byte, error) {
	shape := q.model.Encoder().Input()
	if s := q.cells; s != nil && q.kind == payload.CSV {
		return payload.WriteCSV(s.Titles(), nil, q.n, func(i int) []string { return s.Decode(y[i*s.Width() : (i+1)*s.Width()]) })
	} else if s != nil && q.kind == payload.JSON {
		b, err := payload.AppendCells(append(q.named(), `"samples":`...), y, q.n, s)
		return append(b, "}\n"...), err
	}
	columns := q.model.ValueNames()
	if columns == nil {
		columns = dataset.CSVColumns("value", shape.Size())
	}
	return q.rows("samples", y, shape, columns)
}

func answerScore(c *call, q *question) ([]byte, error) {
	quantile := outlierQuantile
	if text := c.r.URL.Query().Get("quantile"); text != "" {
		v, err := strconv.ParseFloat(text, 64)
		if err != nil || !(v >= 0 && v <= 1) {
			return nil, fmt.Errorf("quantile is %.40q, want a number from 0 to 1", text)
		}
		quantile = v
	}
	r, err := q.model.Score(c.ctx, q.values, q.there, q.n)
	if err != nil {
		return nil, err
	}
	scores := make([]float32, q.n)
	for i, v := range r.Scores {
		scores[i] = float32(v)
	}
	threshold, noThreshold := q.model.Threshold(quantile)
	switch q.kind {
	case payload.NPY:
		return payload.WriteNPY(scores, tensor.Shape{q.n})
	case payload.CSV:
		if noThreshold != nil {
			return payload.WriteCSV([]string{"score"}, scores, q.n, nil)
		}
		return payload.WriteCSV([]string{"score", "outlier"}, scores, q.n, func(i int) []string {
			if r.Scores[i] > threshold {
				return []string{"yes"}
			}
			return []string{"no"}
		})
	}
	answer := scored{Model: q.model.Name, Version: q.model.Version, Scores: r.Scores}
	if noThreshold == nil {
		answer.Quantile, answer.Threshold = quantile, &threshold
		for _, v := range r.Scores {
			answer.Outliers = append(answer.Outliers, v > threshold)
		}
	}
	return json.Marshal(answer)
}

// scored is the answer to score as JSON.
type scored struct {
	Model     string    `json:"model"`
	Version   string    `json:"version"`
	Scores    []float64 `json:"scores"`
	Outliers  []bool    `json:"outliers,omitempty"`
	Threshold *float64  `json:"threshold,omitempty"`
	Quantile  float64   `json:"quantile,omitempty"`
}

// defaultNeighbors is how many neighbours are found where a request does not say.
const defaultNeighbors = 5

func answerNearest(c *call, q *question) ([]byte, error) {
	references := q.model.References
	if references == nil {
		return nil, &statusError{http.StatusNotFound, "no_references",
			fmt.Sprintf("model %q has no references to find the nearest of; --references %s=DATA gives it some", q.model.Name, q.model.Name)}
	}
	k := min(defaultNeighbors, references.Len())
	if text := c.r.URL.Query().Get("k"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > references.Len() {
			return nil, fmt.Errorf("k is %.40q, want 1 to %d", text, references.Len())
		}
		k = n
	}
	const perNeighbor = 128 // bytes, its names included
	if err := c.reserve(perNeighbor * int64(q.n) * int64(k)); err != nil {
		return nil, err
	}
	r, err := q.model.Run(c.ctx, q.values, q.n, registry.Codes, batch.Unannounced)
	if err != nil {
		return nil, err
	}
	found, err := references.Nearest(c.ctx, r.Codes, q.n, k)
	if err != nil {
		return nil, err
	}
	if q.kind == payload.CSV {
		return neighborTable(found)
	}
	return json.Marshal(struct {
		Model   string                `json:"model"`
		Version string                `json:"version"`
		Nearest [][]registry.Neighbor `json:"nearest"`
	}{q.model.Name, q.model.Version, found})
}

// neighborTable writes neighbours as the nearest command does.
func neighborTable(found [][]registry.Neighbor) ([]byte, error) {
	var distances []float32
	var text [][]string
	for i, near := range found {
		for _, n := range near {
			distances = append(distances, float32(n.Distance))
			text = append(text, []string{strconv.Itoa(i), n.Sample, n.Label})
		}
	}
	columns := []string{"distance", workflow.SampleColumn, "neighbour", "neighbour_label"}
	return payload.WriteCSV(columns, distances, len(distances), func(i int) []string { return text[i] })
}

// modelInfo is what the page is told of a model.
type modelInfo struct {
	Name       string       `json:"name"`
	Versions   []string     `json:"versions"`
	Input      tensor.Shape `json:"input"`
	Codes      tensor.Shape `json:"codes"`
	Picture    bool         `json:"picture"`
	Columns    []string     `json:"columns,omitempty"`
	Outputs    []string     `json:"outputs"`
	Verbs      []string     `json:"verbs"`
	References int          `json:"references"`
	Trained    string       `json:"trained,omitempty"` // on which data
	Recipe     string       `json:"recipe,omitempty"`
	Ready      bool         `json:"ready"`
}

// listModels answers with all models.
func (s *Server) listModels(c *call) error {
	list := []modelInfo{}
	for _, e := range s.models.Entries() {
		view, _, err := s.models.Find(e.Name, "")
		if err != nil {
			list = append(list, modelInfo{Name: e.Name})
			continue
		}
		info := modelInfo{Name: e.Name, Versions: e.VersionNames(), Input: view.Encoder().Input(), Codes: view.Encoder().Output(),
			Picture: isPicture(view.Model), Columns: view.ValueNames(), Outputs: view.Outputs(),
			Trained: view.Record.Dataset, Recipe: view.Record.Recipe, Ready: true}
		for _, v := range verbs {
			if v.fits(view.Model) {
				info.Verbs = append(info.Verbs, v.name)
			}
		}
		if view.References != nil {
			info.References = view.References.Len()
		}
		list = append(list, info)
	}
	return c.json(map[string]any{"models": list})
}
