package studio

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"hourglass/internal/atomicfile"
	"hourglass/neighbors"
	"hourglass/tensor"
)

// record is what a page without a server is given instead: the answers that it may ask
// for, by the paths of the requests.
type record struct {
	Version string            `json:"version"`
	Texts   map[string]string `json:"texts"` // which are JSON
	Bytes   map[string][]byte `json:"bytes"`

	// Before and After are all samples and their reconstructions, one after the other.
	Before []byte `json:"before"`
	After  []byte `json:"after"`
	// Ends are the samples between any two of which there is a way.
	Ends []int `json:"ends"`
	// Grids are what the decoder makes of places of each map.
	Grids map[string]grid `json:"grids"`
}

// grid has what is decoded at places in even rows over a map, from the lower left.
type grid struct {
	Left    float32 `json:"left"`
	Bottom  float32 `json:"bottom"`
	Right   float32 `json:"right"`
	Top     float32 `json:"top"`
	Side    int     `json:"side"` // places in a row, and rows
	Decoded []byte  `json:"decoded"`
}

const (
	exported       = 1000 // samples at most
	exportedValues = 4 << 20
	exportedDraws  = 8 // of new samples
	exportedEnds   = 10
	gridSide       = 24
	waySteps       = 10 // as many as the page asks for

	exportedNumbers = 32 // of a code have a slider
	traverseSteps   = 9  // as many as the page asks for
)

// PageName is the file that Export writes.
const PageName = "index.html"

// generator is how a page that was exported is known.
const generator = `<meta name="generator" content="Hourglass Studio">`

// Export writes a page into a folder that explores the studio's only model without a
// server: everything in one file, precomputed. It returns its path.
func (s *Studio) Export(ctx context.Context, dir string) (path string, err error) {
	path = filepath.Join(dir, PageName)
	if err := mayWrite(path); err != nil {
		return "", err
	}
	all := s.shelf.list()
	if len(all) != 1 || !all[0].Openable {
		return "", fmt.Errorf("studio: export: want one run with a model, or one model file; there are %d", len(all))
	}
	s.most, s.mostValues = exported, exportedValues
	r, title, err := s.record(ctx, all[0])
	if err != nil {
		return "", err
	}
	page, err := r.page(title)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return "", fmt.Errorf("studio: export: %w", err)
	}
	return path, atomicfile.WriteFile(path, page)
}

// mayWrite refuses to write over what is no page of Export's.
func mayWrite(path string) error {
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("studio: export: %w", err)
	case !bytes.Contains(text, []byte(generator)):
		return fmt.Errorf("studio: export: %s is there already and was not exported by the studio; want another folder", path)
	}
	return nil
}

// record asks for all that the page of a model may ask for.
func (s *Studio) record(ctx context.Context, e entry) (*record, string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
	if err != nil {
		return nil, "", err
	}
	request.SetPathValue("id", e.ID)
	x, err := s.exhibit(request)
	if err != nil {
		return nil, "", err
	}
	r := &record{Version: s.config.Version, Texts: map[string]string{}, Bytes: map[string][]byte{}, Grids: map[string]grid{}, Ends: []int{}}
	asker := &asker{ctx: ctx, handler: s.routes(), record: r}
	s.jobs.told.Store(0) // and not a time: the same model makes the same page
	asker.text("/api/state")
	model := "/api/models/" + e.ID
	x.tsne.begun, x.tsne.status.Model = true, e.ID
	s.drawMap(ctx, x)
	r.Texts[model+"/tsne"] = string(must(json.Marshal(x.tsne.status)))
	asker.text(model)
	for i := range x.source.Len() {
		asker.text(fmt.Sprintf("%s/samples/%d", model, i))
	}
	if x.in.Labels != nil {
		asker.bytes(model + "/labels")
		asker.text(model + "/recognition")
	}
	for _, path := range []string{"/scores", "/errors"} {
		asker.bytes(model + path)
	}
	if x.show.isImage() {
		for page := 0; page*spriteSide*spriteSide < x.source.Len(); page++ {
			asker.bytes(fmt.Sprintf("%s/sprites/%d", model, page))
		}
	}
	asker.pairs(model, x.source.Len())
	asker.maps(model, x)
	if x.model.Decoder().Complete() == nil && asker.err == nil {
		asker.decoded(model, x)
	}
	return r, x.entry.Title, asker.err
}

// must returns a value that is there.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err) // the studio's own types can all be written
	}
	return v
}

// asker asks as the page does and notes the answers, up to the first error.
type asker struct {
	ctx     context.Context
	handler http.Handler
	record  *record
	err     error
}

// answered is an answer that is kept.
type answered struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answered) Header() http.Header         { return a.header }
func (a *answered) WriteHeader(status int)      { a.status = status }
func (a *answered) Write(p []byte) (int, error) { return a.body.Write(p) }

// get returns the answer at a path.
func (a *asker) get(path string) []byte {
	if a.err != nil {
		return nil
	}
	request, err := http.NewRequestWithContext(a.ctx, http.MethodGet, path, nil)
	if err != nil {
		a.err = err
		return nil
	}
	got := &answered{header: http.Header{}, status: http.StatusOK}
	a.handler.ServeHTTP(got, request)
	switch a.err = a.ctx.Err(); {
	case a.err == nil && got.status != http.StatusOK:
		var f failure
		if json.Unmarshal(got.body.Bytes(), &f) != nil {
			f.Error = got.body.String()
		}
		a.err = fmt.Errorf("studio: export: %s", f.Error)
	}
	return got.body.Bytes()
}

func (a *asker) text(path string)  { a.record.Texts[path] = string(a.get(path)) }
func (a *asker) bytes(path string) { a.record.Bytes[path] = a.get(path) }

// pairs notes all samples and their reconstructions.
func (a *asker) pairs(model string, n int) {
	for from := 0; from < n; from += mostPairs {
		var list []string
		for i := from; i < min(from+mostPairs, n); i++ {
			list = append(list, fmt.Sprint(i))
		}
		both := a.get(model + "/pairs?samples=" + strings.Join(list, ","))
		a.record.Before = append(a.record.Before, both[:len(both)/2]...)
		a.record.After = append(a.record.After, both[len(both)/2:]...)
	}
}

// maps notes the maps, and what is decoded of their places.
func (a *asker) maps(model string, x *exhibit) {
	planes := map[string]func() (tensor.Tensor, error){"pca": x.planes, "tsne": x.tsne.points, "codes": func() (tensor.Tensor, error) { return x.pair(0, min(1, x.codes.Sample().Size()-1)), nil }}
	for _, kind := range slices.Sorted(maps.Keys(planes)) {
		if kind == "tsne" && x.tsne.status.Error != "" {
			continue // of too few samples, say
		}
		points, err := planes[kind]()
		if a.err = errors.Join(a.err, err); a.err != nil {
			return
		}
		a.record.Bytes[model+"/points?map="+kind] = appendFloats(nil, points.Data)
		if x.model.Decoder().Complete() != nil {
			continue
		}
		g, err := x.grid(a.ctx, points, kind == "codes" && x.codes.Sample().Size() == 2)
		if err != nil {
			a.err = err
			return
		}
		a.record.Grids[kind] = g
	}
}

// grid decodes places of a map: exactly where places are codes, else as the page has it
// done: the mean of the codes of the nearest points, by their inverse squared distance.
func (x *exhibit) grid(ctx context.Context, points tensor.Tensor, exact bool) (grid, error) {
	const nearest = 6
	g := grid{Side: gridSide, Left: points.Data[0], Right: points.Data[0], Bottom: points.Data[1], Top: points.Data[1]}
	for i := 0; i < len(points.Data); i += 2 {
		g.Left, g.Right = min(g.Left, points.Data[i]), max(g.Right, points.Data[i])
		g.Bottom, g.Top = min(g.Bottom, points.Data[i+1]), max(g.Top, points.Data[i+1])
	}
	places := tensor.New(gridSide*gridSide, 2)
	for i := range gridSide * gridSide {
		across, up := float32(i%gridSide)/(gridSide-1), float32(i/gridSide)/(gridSide-1)
		places.Data[2*i], places.Data[2*i+1] = g.Left+across*(g.Right-g.Left), g.Bottom+up*(g.Top-g.Bottom)
	}
	codes := places
	if !exact {
		index, err := neighbors.NewIndex(points)
		if err != nil {
			return g, err
		}
		near, err := index.Search(ctx, places, min(nearest, points.Len()))
		if err != nil {
			return g, err
		}
		codes = x.blended(near)
	}
	var err error
	g.Decoded, err = x.decoding(ctx, codes)
	return g, err
}

// blended returns the mean of the codes of each list of neighbours.
func (x *exhibit) blended(near neighbors.Neighbors) tensor.Tensor {
	k := x.codes.Sample().Size()
	codes := tensor.New(len(near.Indices)/near.K, k)
	for i := range codes.Len() {
		var total float64
		sum := make([]float64, k)
		for at := i * near.K; at < (i+1)*near.K; at++ {
			w := 1 / (float64(near.Squared[at]) + 1e-9)
			total += w
			for j, v := range x.codes.Row(int(near.Indices[at])) {
				sum[j] += w * float64(v)
			}
		}
		for j, v := range sum {
			codes.Row(i)[j] = float32(v / total)
		}
	}
	return codes
}

// decoded notes new samples, and the ways between some.
func (a *asker) decoded(model string, x *exhibit) {
	for seed := 1; seed <= exportedDraws; seed++ {
		a.bytes(fmt.Sprintf("%s/drawn?count=24&seed=%d", model, seed))
	}
	for j := range min(len(x.spread), exportedNumbers) {
		a.bytes(fmt.Sprintf("%s/traverse?number=%d&steps=%d", model, j, traverseSteps))
	}
	a.record.Ends = x.ends()
	for i, from := range a.record.Ends {
		for _, to := range a.record.Ends[i+1:] {
			a.bytes(fmt.Sprintf("%s/path?from=%d&to=%d&steps=%d", model, from, to, waySteps))
		}
	}
}

// ends returns samples that stand for all: of each class the one whose code is nearest to
// their mean, or without classes some far from each other.
func (x *exhibit) ends() []int {
	distance := func(a, b []float32) (sum float64) {
		for j := range a {
			d := float64(a[j] - b[j])
			sum += d * d
		}
		return sum
	}
	n, k := x.codes.Len(), x.codes.Sample().Size()
	if x.in.Labels == nil || len(x.in.Classes) < 2 {
		return farApart(n, exportedEnds, func(i, j int) float64 { return distance(x.codes.Row(i), x.codes.Row(j)) })
	}
	list := []int{}
	for class := range min(len(x.in.Classes), exportedEnds) {
		mean, count, best := make([]float32, k), 0, -1
		for i := range n {
			if x.in.Labels[i] == class {
				count++
				for j, v := range x.codes.Row(i) {
					mean[j] += (v - mean[j]) / float32(count)
				}
			}
		}
		for i := range n {
			if x.in.Labels[i] == class && (best < 0 || distance(x.codes.Row(i), mean) < distance(x.codes.Row(best), mean)) {
				best = i
			}
		}
		if best >= 0 {
			list = append(list, best)
		}
	}
	return list
}

// farApart returns up to count of n things, each the one farthest from those before.
func farApart(n, count int, distance func(i, j int) float64) []int {
	list := []int{0}
	for len(list) < min(n, count) {
		best, farthest := -1, 0.
		for i := range n {
			nearest := distance(i, list[0])
			for _, j := range list[1:] {
				nearest = min(nearest, distance(i, j))
			}
			if nearest > farthest {
				best, farthest = i, nearest
			}
		}
		if best < 0 {
			break // all others are the same as one of these
		}
		list = append(list, best)
	}
	return list
}

// exportPolicy is what an exported page may do: ask nobody.
const exportPolicy = "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; form-action 'none'"

// page writes the page with the record in it.
func (r *record) page(title string) ([]byte, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	var packed bytes.Buffer
	z := must(gzip.NewWriterLevel(&packed, gzip.BestCompression))
	z.Write(text) // to memory
	z.Close()
	asset := func(name string) string { return string(files()["/"+name].plain) }
	page := asset("index.html")
	for _, part := range [][2]string{
		{"<title>Hourglass Studio</title>", "<title>" + html.EscapeString(title) + " – Hourglass Studio</title>\n" + generator +
			"\n<meta http-equiv=\"Content-Security-Policy\" content=\"" + exportPolicy + "\">"},
		{`href="/icon.svg"`, `href="data:image/svg+xml,` + url.PathEscape(asset("icon.svg")) + `"`},
		{`<link rel="stylesheet" href="/style.css">`, "<style>" + asset("style.css") + "</style>"},
		{"\n<script type=\"module\" src=\"/app.js\"></script>", ""},
		{"</body>", `<script type="application/octet-stream" id="record">` + base64.StdEncoding.EncodeToString(packed.Bytes()) + "</script>\n" +
			`<script type="module">` + strings.ReplaceAll(asset("app.js"), "</script", `<\/script`) + "</script>\n</body>"},
	} {
		if strings.Count(page, part[0]) != 1 {
			return nil, fmt.Errorf("studio: export: the page has not one %q", part[0])
		}
		page = strings.Replace(page, part[0], part[1], 1)
	}
	return []byte(page), nil
}
