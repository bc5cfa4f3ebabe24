package studio

import (
	"bytes"
	"context"
	"encoding/binary"
	"image"
	"image/color"
	"image/png"
	"math"
	"net/http"
	"strconv"
	"sync"

	"hourglass"
	"hourglass/generate"
	"hourglass/tensor"
	"hourglass/tsne"
)

func (s *Studio) exploreRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/models/{id}", answer(s.describe))
	mux.HandleFunc("GET /api/models/{id}/labels", answerBytes(arrayType, s.labels))
	mux.HandleFunc("GET /api/models/{id}/scores", answerBytes(arrayType, s.scores))
	mux.HandleFunc("GET /api/models/{id}/points", answerBytes(arrayType, s.points))
	mux.HandleFunc("GET /api/models/{id}/features/{feature}", answerBytes(arrayType, s.feature))
	mux.HandleFunc("GET /api/models/{id}/sprites/{page}", answerBytes(pngType, s.sprite))
	mux.HandleFunc("GET /api/models/{id}/samples/{sample}", answer(s.sample))
	mux.HandleFunc("GET /api/models/{id}/pairs", answerBytes(arrayType, s.pairs))
	mux.HandleFunc("GET /api/models/{id}/path", answerBytes(arrayType, s.path))
	mux.HandleFunc("GET /api/models/{id}/traverse", answerBytes(arrayType, s.traverse))
	mux.HandleFunc("GET /api/models/{id}/drawn", answerBytes(arrayType, s.drawn))
	mux.HandleFunc("POST /api/models/{id}/decode", answerBytes(arrayType, s.decode))
	mux.HandleFunc("POST /api/models/{id}/blend", answerBytes(arrayType, s.blend))
	mux.HandleFunc("POST /api/models/{id}/tsne", answer(s.startMap))
}

// exhibits are the models that were opened, the last of them; the page asks for one many
// times.
type exhibits struct {
	mu    sync.Mutex
	known map[string]*opening
	order []string // of their identifiers, the one asked for last at the end
}

// opening is a model that is or was opened as it was at a time.
type opening struct {
	changed int64
	done    chan struct{}
	exhibit *exhibit
	err     error
}

// mostOpen is how many models are kept in memory.
const mostOpen = 3

// exhibit returns the model that a request is about, which it opens at first.
func (s *Studio) exhibit(r *http.Request) (*exhibit, error) {
	e, err := s.shelf.find(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	if !e.Openable {
		return nil, &statusError{http.StatusConflict, e.Name + " has no model yet; it will when its training ends"}
	}
	x := &s.shelf.open
	x.mu.Lock()
	if x.known == nil {
		x.known = map[string]*opening{}
	}
	o := x.known[e.ID]
	if o == nil || o.changed != e.Changed {
		o = &opening{changed: e.Changed, done: make(chan struct{})}
		x.known[e.ID] = o
		s.work(func(ctx context.Context) {
			defer close(o.done)
			o.exhibit, o.err = s.open(ctx, e)
			if o.err != nil {
				x.forget(e.ID, o)
			}
		})
	}
	x.touch(e.ID)
	x.mu.Unlock()
	select {
	case <-o.done:
		return o.exhibit, o.err
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// touch notes that a model was asked for, and lets go of the one that was not for longest.
func (x *exhibits) touch(id string) {
	for i, known := range x.order {
		if known == id {
			x.order = append(x.order[:i], x.order[i+1:]...)
			break
		}
	}
	x.order = append(x.order, id)
	for len(x.order) > mostOpen {
		delete(x.known, x.order[0])
		x.order = x.order[1:]
	}
}

// forget lets go of a model that could not be opened, so that it may be tried again.
func (x *exhibits) forget(id string, o *opening) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.known[id] == o {
		delete(x.known, id)
	}
}

func (s *Studio) describe(r *http.Request) (description, error) {
	x, err := s.exhibit(r)
	if err != nil {
		return description{}, err
	}
	d := x.describe()
	d.Reported = s.reports(x.entry)
	return d, nil
}

// labels serves the class of every sample in 16 bits.
func (s *Studio) labels(r *http.Request) ([]byte, error) {
	x, err := s.exhibit(r)
	if err != nil {
		return nil, err
	}
	var b []byte
	for _, label := range x.in.Labels {
		b = binary.LittleEndian.AppendUint16(b, uint16(label))
	}
	return b, nil
}

// scores serves the reconstruction error of every sample.
func (s *Studio) scores(r *http.Request) ([]byte, error) {
	x, err := s.exhibit(r)
	if err != nil {
		return nil, err
	}
	values := make([]float32, len(x.scores))
	for i, v := range x.scores {
		values[i] = float32(v)
	}
	return appendFloats(nil, values), nil
}

// points serves a map: ?map=pca, tsne, or codes with ?x= and ?y=, numbers of a code.
func (s *Studio) points(r *http.Request) ([]byte, error) {
	x, err := s.exhibit(r)
	if err != nil {
		return nil, err
	}
	var points tensor.Tensor
	switch kind := r.URL.Query().Get("map"); kind {
	case "pca":
		points, err = x.planes()
	case "tsne":
		points, err = x.tsne.points()
	case "codes":
		points, err = x.plane(r)
	default:
		err = badRequest("map is %q, want pca, tsne or codes", kind)
	}
	return appendFloats(nil, points.Data), err
}

// plane returns two chosen numbers of each code.
func (x *exhibit) plane(r *http.Request) (tensor.Tensor, error) {
	k := x.codes.Sample().Size()
	var axes [2]int
	for axis, name := range []string{"x", "y"} {
		var err error
		if axes[axis], err = number(r, name, 0, k-1, min(axis, k-1)); err != nil {
			return tensor.Tensor{}, err
		}
	}
	return x.pair(axes[0], axes[1]), nil
}

// pair returns two numbers of each code.
func (x *exhibit) pair(across, up int) tensor.Tensor {
	n, k := x.codes.Len(), x.codes.Sample().Size()
	points := tensor.New(n, 2)
	for i := range n {
		points.Data[2*i], points.Data[2*i+1] = x.codes.Data[i*k+across], x.codes.Data[i*k+up]
	}
	return points
}

// feature serves one value of every sample, as a column of a table has it.
func (s *Studio) feature(r *http.Request) ([]byte, error) {
	const block = 1 << 10
	x, err := s.exhibit(r)
	if err != nil {
		return nil, err
	}
	size, n := x.show.size, x.source.Len()
	j, err := strconv.Atoi(r.PathValue("feature"))
	if err != nil || j < 0 || j >= size {
		return nil, notFound("there is no value %q among %d", r.PathValue("feature"), size)
	}
	column, rows := make([]float32, 0, n), make([]float32, min(block, n)*size)
	for at := 0; at < n; at += block {
		to := min(at+block, n)
		part := rows[:(to-at)*size]
		if err := x.source.Read(part, sequence(at, to)); err != nil {
			return nil, err
		}
		for i := j; i < len(part); i += size {
			column = append(column, part[i])
		}
	}
	return appendFloats(nil, column), nil
}

// spriteSide is how many pictures a sprite has in a row, and rows.
const spriteSide = 32

// sprite serves a picture of many samples' pictures, row by row, as many as there are.
func (s *Studio) sprite(r *http.Request) ([]byte, error) {
	x, err := s.exhibit(r)
	if err != nil {
		return nil, err
	}
	const each = spriteSide * spriteSide
	page, err := strconv.Atoi(r.PathValue("page"))
	if err != nil || page < 0 || page*each >= x.source.Len() || !x.show.isImage() {
		return nil, notFound("there is no sprite %q", r.PathValue("page"))
	}
	from, to := page*each, min((page+1)*each, x.source.Len())
	values := make([]float32, (to-from)*x.show.size)
	if err := x.source.Read(values, sequence(from, to)); err != nil {
		return nil, err
	}
	return encodeSprite(x.show, values)
}

// encodeSprite draws pictures beside each other.
func encodeSprite(v viewer, values []float32) ([]byte, error) {
	n := len(values) / v.size
	bounds := image.Rect(0, 0, spriteSide*v.Width, (n+spriteSide-1)/spriteSide*v.Height)
	pixels := v.bytes(nil, values)
	grey, colour := image.NewGray(image.Rectangle{}), image.NewNRGBA(image.Rectangle{})
	var whole image.Image
	if v.Channels == 1 {
		grey = image.NewGray(bounds)
		whole = grey
	} else {
		colour = image.NewNRGBA(bounds)
		whole = colour
	}
	for i := range n {
		left, top := i%spriteSide*v.Width, i/spriteSide*v.Height
		for y := range v.Height {
			row := pixels[i*v.size+y*v.Width*v.Channels:][:v.Width*v.Channels]
			if v.Channels == 1 {
				copy(grey.Pix[grey.PixOffset(left, top+y):], row)
				continue
			}
			for x := range v.Width {
				colour.SetNRGBA(left+x, top+y, color.NRGBA{row[3*x], row[3*x+1], row[3*x+2], 255})
			}
		}
	}
	var b bytes.Buffer
	err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&b, whole)
	return b.Bytes(), err
}

// neighbour is a sample near another.
type neighbour struct {
	Sample   int     `json:"sample"`
	Distance float64 `json:"distance"`
}

// sampleOf is what the page is told of a sample that is pointed at.
type sampleOf struct {
	Sample    int         `json:"sample"`
	Name      string      `json:"name"`
	Label     string      `json:"label"`
	Score     float64     `json:"score"`
	Code      []float32   `json:"code"`
	Neighbors []neighbour `json:"neighbors"`
}

// shownNeighbors is how many nearest samples are shown with one.
const shownNeighbors = 8

func (s *Studio) sample(r *http.Request) (sampleOf, error) {
	x, i, err := s.sampleAt(r, r.PathValue("sample"))
	if err != nil {
		return sampleOf{}, err
	}
	at := sampleOf{Sample: i, Name: x.in.SampleName(i), Label: x.in.Label(i), Score: x.scores[i], Code: x.codes.Row(i), Neighbors: []neighbour{}}
	near, err := x.nearest(r.Context(), x.codes.Row(i), shownNeighbors+1)
	for _, other := range near {
		if other.Sample != i && len(at.Neighbors) < shownNeighbors {
			at.Neighbors = append(at.Neighbors, other)
		}
	}
	return at, err
}

// sampleAt returns the model that a request is about, and the number of a sample of it.
func (s *Studio) sampleAt(r *http.Request, text string) (*exhibit, int, error) {
	x, err := s.exhibit(r)
	if err != nil {
		return nil, 0, err
	}
	i, err := strconv.Atoi(text)
	if err != nil || i < 0 || i >= x.source.Len() {
		return nil, 0, notFound("there is no sample %q among %d", text, x.source.Len())
	}
	return x, i, nil
}

// nearest returns the samples with the codes nearest to one.
func (x *exhibit) nearest(ctx context.Context, code []float32, count int) ([]neighbour, error) {
	index, err := x.index()
	if err != nil {
		return nil, err
	}
	found, err := index.Search(ctx, tensor.Tensor{Shape: tensor.Shape{1, len(code)}, Data: code}, min(count, x.codes.Len()))
	if err != nil {
		return nil, err
	}
	list := make([]neighbour, found.K)
	for i := range list {
		list[i] = neighbour{int(found.Indices[i]), math.Sqrt(float64(found.Squared[i]))}
	}
	return list, nil
}

// mostPairs is how many samples are reconstructed for one request.
const mostPairs = 256

// pairs serves samples (?samples=3,1,4) and what the model makes of them, one after the
// other: all samples and then all reconstructions.
func (s *Studio) pairs(r *http.Request) ([]byte, error) {
	x, err := s.exhibit(r)
	if err != nil {
		return nil, err
	}
	indices, err := numbers(r.URL.Query().Get("samples"), x.source.Len(), mostPairs)
	if err != nil {
		return nil, err
	}
	before, after, err := x.reconstructed(r.Context(), indices)
	if err != nil {
		return nil, err
	}
	return x.show.bytes(x.show.bytes(nil, before.Data), after), nil
}

// numbers reads a list of numbers below n, at most so many of them and at least one.
func numbers(text string, n, most int) ([]int, error) {
	var list []int
	for part := range bytes.SplitSeq([]byte(text), []byte(",")) {
		i, err := strconv.Atoi(string(part))
		if err != nil || i < 0 || i >= n {
			return nil, badRequest("the list %.40q of samples has %.20q in it, want numbers from 0 to %d", text, part, n-1)
		}
		if list = append(list, i); len(list) > most {
			return nil, badRequest("a list of more than %d samples", most)
		}
	}
	return list, nil
}

// decoding returns what codes of the model that a request is about stand for.
func (x *exhibit) decoding(ctx context.Context, codes tensor.Tensor) ([]byte, error) {
	if err := x.model.Decoder().Complete(); err != nil {
		return nil, badRequest("%s cannot decode: %v", x.entry.Name, err)
	}
	codes.Shape = append(tensor.Shape{codes.Len()}, x.model.Encoder().Output()...)
	samples := make([]float32, codes.Len()*x.show.size)
	if err := x.model.DecodeInto(ctx, samples, codes); err != nil {
		return nil, err
	}
	return x.show.bytes(nil, samples), nil
}

// decode serves what a code stands for.
func (s *Studio) decode(r *http.Request) ([]byte, error) {
	x, err := s.exhibit(r)
	if err != nil {
		return nil, err
	}
	var body struct {
		Code []float32 `json:"code"`
	}
	if err := read(r, &body); err != nil {
		return nil, err
	}
	if k := x.codes.Sample().Size(); len(body.Code) != k {
		return nil, badRequest("a code of %d numbers, want %d", len(body.Code), k)
	}
	return x.decoding(r.Context(), tensor.Tensor{Shape: tensor.Shape{1, len(body.Code)}, Data: body.Code})
}

// blend serves what a mean of samples' codes stands for, with a weight for each: what is
// between them on a map.
func (s *Studio) blend(r *http.Request) ([]byte, error) {
	x, err := s.exhibit(r)
	if err != nil {
		return nil, err
	}
	var body struct {
		Samples []int     `json:"samples"`
		Weights []float64 `json:"weights"`
	}
	if err := read(r, &body); err != nil {
		return nil, err
	}
	if len(body.Samples) == 0 || len(body.Samples) != len(body.Weights) || len(body.Samples) > mostPairs {
		return nil, badRequest("%d samples and %d weights, want as many of both and at most %d", len(body.Samples), len(body.Weights), mostPairs)
	}
	var total float64
	sum := make([]float64, x.codes.Sample().Size())
	for at, i := range body.Samples {
		w := body.Weights[at]
		if i < 0 || i >= x.codes.Len() || !(w >= 0) {
			return nil, badRequest("sample %d with weight %v, want numbers from 0 to %d and weights from 0", i, w, x.codes.Len()-1)
		}
		total += w
		for j, v := range x.codes.Row(i) {
			sum[j] += w * float64(v)
		}
	}
	if !(total > 0) || math.IsInf(total, 0) {
		return nil, badRequest("weights that add up to %v", total)
	}
	code := tensor.New(1, len(sum))
	for j := range sum {
		code.Data[j] = float32(sum[j] / total)
	}
	return x.decoding(r.Context(), code)
}

// path serves the way between the codes of two samples, ?from= and ?to=, in ?steps=.
func (s *Studio) path(r *http.Request) ([]byte, error) {
	const mostSteps = 64
	x, from, err := s.sampleAt(r, r.URL.Query().Get("from"))
	if err != nil {
		return nil, err
	}
	_, to, err := s.sampleAt(r, r.URL.Query().Get("to"))
	if err != nil {
		return nil, err
	}
	steps, err := number(r, "steps", 2, mostSteps, 9)
	if err != nil {
		return nil, err
	}
	along := generate.Linear
	if x.isVariational() {
		along = generate.Spherical // codes of a normal distribution lie on a shell
	}
	codes, err := along(x.codes.Row(from), x.codes.Row(to), steps)
	if err != nil {
		return nil, err
	}
	return x.decoding(r.Context(), codes)
}

// traverse serves what becomes of the mean of all codes while one ?number= of it goes through
// its range in ?steps=.
func (s *Studio) traverse(r *http.Request) ([]byte, error) {
	const mostSteps = 64
	x, err := s.exhibit(r)
	if err != nil {
		return nil, err
	}
	j, err := number(r, "number", 0, len(x.spread)-1, 0)
	if err != nil {
		return nil, err
	}
	steps, err := number(r, "steps", 2, mostSteps, 9)
	if err != nil {
		return nil, err
	}
	codes := tensor.New(steps, len(x.spread))
	for i := range steps {
		row := codes.Row(i)
		for d, other := range x.spread {
			row[d] = other.Mean
		}
		row[j] = x.spread[j].Low + float32(i)/float32(steps-1)*(x.spread[j].High-x.spread[j].Low)
	}
	return x.decoding(r.Context(), codes)
}

// drawn serves new samples: ?count= of them, by a ?seed=.
func (s *Studio) drawn(r *http.Request) ([]byte, error) {
	x, err := s.exhibit(r)
	if err != nil {
		return nil, err
	}
	count, err := number(r, "count", 1, mostPairs, 24)
	if err != nil {
		return nil, err
	}
	seed, err := number(r, "seed", 0, math.MaxInt32, 0)
	if err != nil {
		return nil, err
	}
	sampler, err := x.sampler()
	if err != nil {
		return nil, err
	}
	return x.decoding(r.Context(), sampler.Sample(count, uint64(seed)))
}

// tsneMap is a map by t-SNE, which takes some seconds and can be watched.
type tsneMap struct {
	mu     sync.Mutex
	begun  bool
	latest tensor.Tensor
	status mapStatus
}

// mapStatus is how far a map is.
type mapStatus struct {
	Model      string  `json:"model"`
	Stage      string  `json:"stage"`
	Iteration  int     `json:"iteration"`
	Iterations int     `json:"iterations"`
	KL         float64 `json:"kl"`
	Done       bool    `json:"done"`
	Error      string  `json:"error,omitempty"`
}

var tsneOptions = tsne.Options{Seed: hourglass.DefaultSeed}

// startMap begins a map unless there is one, and returns how far it is.
func (s *Studio) startMap(r *http.Request) (mapStatus, error) {
	x, err := s.exhibit(r)
	if err != nil {
		return mapStatus{}, err
	}
	m := &x.tsne
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.begun {
		m.begun = true
		m.status = mapStatus{Model: x.entry.ID, Stage: tsne.AffinityStage.String()}
		s.work(func(ctx context.Context) { s.drawMap(ctx, x) })
	}
	return m.status, nil
}

// drawMap makes the map and tells of it as it goes.
func (s *Studio) drawMap(ctx context.Context, x *exhibit) {
	const every = 10 // iterations
	m, o := &x.tsne, tsneOptions
	o.Every, o.Threads = every, s.config.Threads
	o.Observe = func(e tsne.Event) error {
		m.mu.Lock()
		m.status.Stage, m.status.Iteration, m.status.Iterations = e.Stage.String(), e.Iteration, e.Iterations
		if e.Embedding != nil {
			m.latest = e.Embedding.Points()
			if kl := e.Embedding.KL(); !math.IsNaN(kl) {
				m.status.KL = kl
			}
		}
		status := m.status
		m.mu.Unlock()
		s.events.publish("map", status.Model, status)
		return nil
	}
	e, err := tsne.Embed(ctx, x.codes, o)
	m.mu.Lock()
	m.status.Done = true
	if err != nil {
		m.status.Error = err.Error()
	} else {
		m.latest, m.status.KL = e.Points(), e.KL()
	}
	status := m.status
	m.mu.Unlock()
	s.events.publish("map", status.Model, status)
}

// points returns the map as it is now.
func (m *tsneMap) points() (tensor.Tensor, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.latest.Data == nil {
		return tensor.Tensor{}, errNoMap
	}
	return m.latest, nil
}

var errNoMap = &statusError{http.StatusConflict, "the map has not begun to take shape"}
