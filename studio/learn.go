package studio

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"hourglass"
	"hourglass/architecture"
	"hourglass/dataset"
	"hourglass/loss"
	"hourglass/nn"
	"hourglass/optim"
	"hourglass/recipe"
	"hourglass/run"
	"hourglass/tensor"
	"hourglass/train"
	"hourglass/workflow"
)

func (s *Studio) learnRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/data/{id}", answer(s.describeSource))
	mux.HandleFunc("POST /api/data", answer(s.drop))
	mux.HandleFunc("POST /api/data/{id}/label", answer(s.label))
	mux.HandleFunc("POST /api/architecture", answer(s.count))
	mux.HandleFunc("POST /api/jobs", answer(s.start))
	mux.HandleFunc("GET /api/jobs/{id}", answer(s.follow))
	mux.HandleFunc("POST /api/jobs/{id}/{act}", answer(s.control))
	mux.HandleFunc("POST /api/jobs/{id}/rate", answer(s.changeRate))
}

// source is data that one can train on.
type source struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	About string `json:"about"`

	// Columns are those of a table that was dropped on the page, and Label the one with labels.
	Columns []string `json:"columns,omitempty"`
	Label   string   `json:"label,omitempty"`

	path  string
	load  dataset.LoadOptions
	flags map[string][]string // that read it so in a shell
}

// ownData is the identifier of the data that the studio was given.
const ownData = "own"

// sources lists the data that there is: what the studio was given and the data sets with
// names that need no download.
func (s *Studio) sources() []source {
	var list []source
	own := s.config.Train
	if _, known := dataset.Lookup(own.Path); own.Path != "" && !known {
		list = append(list, source{ID: ownData, Title: baseName(own.Path), About: "your own data", path: own.Path, load: own.Options, flags: own.Flags})
	}
	for _, set := range dataset.Sets() {
		_, here := set.Locate(own.Options.DataDir)
		if !here && len(set.Files) > 0 {
			continue
		}
		known := source{ID: set.Name, Title: set.Title, About: set.Description, path: set.Name, load: dataset.LoadOptions{DataDir: own.Options.DataDir}}
		if list = append(list, known); set.Name == own.Path {
			list[0], list[len(list)-1] = list[len(list)-1], list[0] // what was asked for comes first
		}
	}
	s.jobs.mu.Lock()
	defer s.jobs.mu.Unlock()
	return append(list, s.jobs.dropped...)
}

// source returns the data of that identifier.
func (s *Studio) source(id string) (source, error) {
	for _, known := range s.sources() {
		if known.ID == id {
			return known, nil
		}
	}
	return source{}, notFound("there is no data %q", id)
}

// jobs are the trainings of the studio.
type jobs struct {
	studio *Studio
	mu     sync.Mutex
	all    []*job
	loaded map[string]*workflow.Input // by the identifier of its source

	dropped []source // on the page, the last first

	told atomic.Int64 // how often something was told of a training, see status.Told
}

func newJobs(s *Studio) *jobs {
	j := &jobs{studio: s, loaded: map[string]*workflow.Input{}}
	j.told.Store(time.Now().UnixMicro()) // a page outlives a studio: what the next one says is later
	return j
}

// tell returns the number of what is about to be told.
func (j *jobs) tell() int64 { return j.told.Add(1) }

// open returns data, which stays open: a training may read it at any time.
func (j *jobs) open(ctx context.Context, from source) (*workflow.Input, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if in := j.loaded[from.ID]; in != nil {
		return in, nil
	}
	in, err := workflow.Load(ctx, from.path, from.load)
	if err == nil {
		j.loaded[from.ID] = in
	}
	return in, err
}

// sourceOf is what the page is told of data that is chosen.
type sourceOf struct {
	source
	Shape   []int    `json:"shape"`
	Samples int      `json:"samples"`
	Presets []preset `json:"presets"`
}

// preset is an architecture to begin with, and settings that go with it.
type preset struct {
	Name         string   `json:"name"`
	Title        string   `json:"title"`
	About        string   `json:"about"`
	Encoder      []string `json:"encoder"` // a layer in each line, as package architecture has them
	Decoder      []string `json:"decoder"`
	Loss         string   `json:"loss"`
	Optimizer    string   `json:"optimizer"`
	LearningRate float64  `json:"learningRate"`
	BatchSize    int      `json:"batchSize"`
	Epochs       int      `json:"epochs"`
}

// describeSource tells of data and what suits it.
func (s *Studio) describeSource(r *http.Request) (sourceOf, error) {
	from, err := s.source(r.PathValue("id"))
	if err != nil {
		return sourceOf{}, err
	}
	in, err := s.jobs.open(r.Context(), from)
	if err != nil {
		return sourceOf{}, err
	}
	return sourceOf{source: from, Shape: in.Shape(), Samples: in.Len(), Presets: presetsFor(in)}, nil
}

// presetsFor lists architectures for data: one chosen from its shape, and those of the
// recipes whose samples have that shape.
func presetsFor(in *workflow.Input) []preset {
	output := nn.Linear
	if in.Largest > 0 || len(in.Shape()) > 1 {
		output = nn.Sigmoid // behind the scaling to 0 … 1 that such data gets
	}
	encoder, decoder, why := architecture.Default(in.Shape(), 0, output)
	list := []preset{{Name: "default", Title: "Chosen for this data", About: "For " + why + ".", Encoder: lines(encoder), Decoder: lines(decoder),
		Optimizer: optim.Adam{}.Name(), LearningRate: optim.Adam{}.Rate(), BatchSize: 32, Epochs: 10}}
	for _, r := range recipe.All() {
		if r.Own != nil || r.Std != 0 || !fits(r, in.Shape()) {
			continue
		}
		if _, err := loss.ByName(r.Loss.Name()); err != nil {
			continue
		}
		if _, err := optim.ByName(r.Optimizer.Name(), r.Optimizer.Rate()); err != nil {
			continue
		}
		list = append(list, preset{r.Name, r.Title, r.About, lines(r.Encoder), lines(r.Decoder), r.Loss.Name(), r.Optimizer.Name(), r.Optimizer.Rate(), r.BatchSize, r.Epochs})
	}
	return list
}

// fits reports whether a recipe is for samples of a shape.
func fits(r recipe.Recipe, shape tensor.Shape) bool {
	if len(r.Encoder) == 0 {
		return false
	}
	input, ok := r.Encoder[0].(nn.Input)
	return ok && tensor.Shape(input).Equal(shape)
}

// lines writes layers as the page edits them, but for the shape of the input.
func lines(layers nn.Layers) []string {
	list := []string{}
	for _, l := range layers {
		if _, ok := l.(nn.Input); !ok {
			text := architecture.Format(nn.Layers{l}, nil)
			list = append(list, strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(text), "|")))
		}
	}
	return list
}

// draft is an architecture as the page edits it.
type draft struct {
	Data    string   `json:"data"`
	Encoder []string `json:"encoder"`
	Decoder []string `json:"decoder"`
}

// text writes the draft as package architecture reads it, a layer in each line, so that
// the line of an error is the number of the layer; the bar has a line of its own.
func (d draft) text() string {
	return strings.Join(d.Encoder, "\n") + "\n|\n" + strings.Join(d.Decoder, "\n")
}

// counted is what an architecture comes to.
type counted struct {
	Encoder    []layer `json:"encoder"`
	Decoder    []layer `json:"decoder"`
	Codes      int     `json:"codes"`
	Parameters int     `json:"parameters"`
	Line       string  `json:"line"` // the architecture, for a command line
	// Operations is how many multiplications and additions a training step takes for a sample,
	// about: two for every use of a weight on the way there and four on the way back.
	Operations int `json:"operations"`
}

// count tells what a draft comes to: shapes, parameters, cost.
func (s *Studio) count(r *http.Request) (counted, error) {
	var d draft
	if err := read(r, &d); err != nil {
		return counted{}, err
	}
	from, err := s.source(d.Data)
	if err != nil {
		return counted{}, err
	}
	in, err := s.jobs.open(r.Context(), from)
	if err != nil {
		return counted{}, err
	}
	ae, err := d.build(in.Shape())
	if err != nil {
		return counted{}, err
	}
	c := counted{Encoder: layersOf(ae.Encoder()), Decoder: layersOf(ae.Decoder()), Codes: ae.Encoder().Output().Size(),
		Parameters: len(ae.Network().Weights()), Line: architecture.Format(ae.Encoder().Layers(), ae.Decoder().Layers())}
	c.Operations = 6 * (uses(ae.Encoder()) + uses(ae.Decoder()))
	return c, nil
}

// uses counts how often weights are used for a sample: each once, and those of a
// convolution for every pixel of its output.
func uses(n *nn.Network) int {
	sum := 0
	for _, l := range n.Table() {
		times := 1
		switch l.Of.(type) {
		case nn.Conv2D, nn.Conv2DTranspose, nn.DepthwiseConv2D, nn.SeparableConv2D:
			times = l.Output[0] * l.Output[1]
		case nn.Conv1D, nn.Conv1DTranspose, nn.DepthwiseConv1D, nn.SeparableConv1D:
			times = l.Output[0]
		}
		if l.Depth == 0 {
			sum += times * l.Parameters
		}
	}
	return sum
}

// build makes an autoencoder of the draft.
func (d draft) build(shape tensor.Shape) (*hourglass.Autoencoder, error) {
	const most = 1 << 25 // weights: more than one wants to watch
	encoder, decoder, err := architecture.ParseFor(shape, d.text())
	if err != nil {
		return nil, err
	}
	if n, err := nn.CountWeights(nil, append(slices.Clone(encoder), decoder...)...); err == nil && n > most {
		return nil, badRequest("%d parameters, want at most %d", n, most)
	}
	return hourglass.New(encoder, decoder)
}

// order is a training that the page asks for.
type order struct {
	draft
	Loss         string  `json:"loss"` // empty for what suits the architecture
	Optimizer    string  `json:"optimizer"`
	LearningRate float64 `json:"learningRate"`
	BatchSize    int     `json:"batchSize"`
	Epochs       int     `json:"epochs"`
	TrainSize    int     `json:"trainSize"` // 0 for all
	Seed         uint64  `json:"seed"`
}

// options returns the training that is asked for, and the command that would make it.
func (o order) options() (t workflow.TrainOptions, command run.Command, err error) {
	const share = 0.1 // of the samples validate
	switch {
	case o.Epochs < 1 || o.Epochs > 100000:
		return t, command, badRequest("%d epochs, want 1 to 100000", o.Epochs)
	case o.BatchSize < 1 || o.BatchSize > 1<<16:
		return t, command, badRequest("batches of %d samples, want 1 to 65536", o.BatchSize)
	case !(o.LearningRate > 0 && o.LearningRate <= 1e6):
		return t, command, badRequest("a learning rate of %v, want a number above 0", o.LearningRate)
	case o.TrainSize < 0:
		return t, command, badRequest("%d training samples, want at least 1, or 0 for all", o.TrainSize)
	}
	t = workflow.TrainOptions{Architecture: o.text(), Epochs: o.Epochs, BatchSize: o.BatchSize, TrainSize: o.TrainSize, Seed: o.Seed, Validation: share}
	if t.Optimizer, err = optim.ByName(o.Optimizer, o.LearningRate); err != nil {
		return t, command, badRequest("%v", err)
	}
	flags := map[string][]string{
		"epochs": {strconv.Itoa(o.Epochs)}, "batch-size": {strconv.Itoa(o.BatchSize)}, "optimizer": {o.Optimizer}, "seed": {strconv.FormatUint(o.Seed, 10)},
		"learning-rate": {strconv.FormatFloat(o.LearningRate, 'g', -1, 64)}, "validation": {strconv.FormatFloat(share, 'g', -1, 64)},
	}
	if o.TrainSize > 0 {
		flags["train-size"] = []string{strconv.Itoa(o.TrainSize)}
	}
	if o.Loss != "" {
		if t.Loss, err = loss.ByName(o.Loss); err != nil {
			return t, command, badRequest("%v", err)
		}
		flags["loss"] = []string{o.Loss}
	}
	return t, run.Command{Name: "train", Flags: flags}, nil
}

// start begins a training.
func (s *Studio) start(r *http.Request) (status, error) {
	var o order
	if err := read(r, &o); err != nil {
		return status{}, err
	}
	from, err := s.source(o.Data)
	if err != nil {
		return status{}, err
	}
	in, err := s.jobs.open(r.Context(), from)
	if err != nil {
		return status{}, err
	}
	ae, err := o.build(in.Shape())
	if err != nil {
		return status{}, err
	}
	t, command, err := o.options()
	if err != nil {
		return status{}, err
	}
	line := architecture.Format(ae.Encoder().Layers(), ae.Decoder().Layers())
	command.Args, command.Flags["architecture"] = []string{from.path}, []string{line}
	maps.Copy(command.Flags, from.flags)
	if absolute, err := filepath.Abs(from.path); err == nil && from.ID == ownData {
		command.Args = []string{absolute}
	}
	t.Architecture, t.Command, t.LoadOptions, t.Threads = line, command, from.load, s.config.Threads
	j, err := s.jobs.add(from, in, &t)
	if err != nil {
		return status{}, err
	}
	s.work(func(ctx context.Context) {
		ctx, ended := j.begin(ctx)
		t.Started = time.Now()
		_, err := workflow.Train(ctx, in.Data, t)
		ended(err)
	})
	return j.now(), nil
}

// mostRunning is how many trainings run at a time; they share the cores.
const mostRunning = 4

// add makes room for a training: a place in the list and a name for a folder.
func (j *jobs) add(from source, in *workflow.Input, t *workflow.TrainOptions) (*job, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	running := 0
	for _, other := range j.all {
		if !other.now().isOver() {
			running++
		}
	}
	if running >= mostRunning {
		return nil, &statusError{http.StatusConflict, fmt.Sprintf("%d trainings are running already; stop one of them first", running)}
	}
	out, err := filepath.Abs(j.studio.config.Out)
	if err != nil {
		return nil, err
	}
	name := from.ID
	if _, known := dataset.Lookup(from.ID); !known {
		name = strings.TrimSuffix(from.Title, filepath.Ext(from.Title))
	}
	dir := ""
	for i := 1; ; i++ {
		dir = filepath.Join(out, fmt.Sprintf("%s-%d", name, i))
		taken := slices.ContainsFunc(j.all, func(other *job) bool { return other.dir == dir })
		if _, err := os.Lstat(dir); errors.Is(err, os.ErrNotExist) && !taken {
			break
		}
	}
	t.Out = dir
	made := newJob(j.studio, dir, in, t)
	j.all = append(j.all, made)
	return made, nil
}

// Follow shows a training that somebody else starts, on data and with settings that it
// makes tell of themselves. The training is to have the context that comes back, which
// ends when a visitor of the page stops it, and ended is to be called with its error.
func (s *Studio) Follow(ctx context.Context, in *workflow.Input, t *workflow.TrainOptions) (training context.Context, ended func(error), err error) {
	dir, err := filepath.Abs(t.Out)
	if err != nil {
		return nil, nil, err
	}
	j := newJob(s, dir, in, t)
	s.jobs.mu.Lock()
	s.jobs.all = append(s.jobs.all, j)
	s.jobs.mu.Unlock()
	training, ended = j.begin(ctx)
	return training, ended, nil
}

// list tells of all trainings.
func (j *jobs) list() []status {
	j.mu.Lock()
	defer j.mu.Unlock()
	list := []status{}
	for _, one := range j.all {
		list = append(list, one.now())
	}
	return list
}

// find returns the training that a request is about.
func (j *jobs) find(r *http.Request) (*job, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, one := range j.all {
		if one.id == r.PathValue("id") {
			return one, nil
		}
	}
	return nil, notFound("there is no training %q", r.PathValue("id"))
}

// followed is all that the page is told of a training when it begins to follow it.
type followed struct {
	status
	Lines   []epochLine `json:"lines"` // of the epochs, thinned out where there are many
	Curve   []point     `json:"curve"`
	Preview *preview    `json:"preview"`
}

func (s *Studio) follow(r *http.Request) (followed, error) {
	j, err := s.jobs.find(r)
	if err != nil {
		return followed{}, err
	}
	const most = 500 // lines
	j.mu.Lock()
	defer j.mu.Unlock()
	j.status.Told = s.jobs.tell()
	return followed{j.status, thinned(j.status.Lines, most), j.curve.points(), j.preview}, nil
}

// control acts on a training: pause, resume, step, stop.
func (s *Studio) control(r *http.Request) (status, error) {
	j, err := s.jobs.find(r)
	if err != nil {
		return status{}, err
	}
	j.mu.Lock()
	over := j.status.isOver()
	if !over {
		switch act := r.PathValue("act"); act {
		case "pause":
			j.paused, j.steps = true, 0
		case "resume":
			j.paused = false
		case "step":
			j.paused = true
			j.steps++
		case "stop":
			j.status.State = stopping
			j.cancel()
		default:
			err = notFound("there is no %q", act)
		}
		close(j.changed)
		j.changed = make(chan struct{})
		if j.paused && j.steps == 0 && j.status.State == running {
			j.status.State = paused
		}
	}
	j.mu.Unlock()
	if over && err == nil {
		err = errOver
	}
	s.events.publish("job", j.id, j.now())
	return j.now(), err
}

// changeRate sets the learning rate of a training from its next step on.
func (s *Studio) changeRate(r *http.Request) (status, error) {
	j, err := s.jobs.find(r)
	if err != nil {
		return status{}, err
	}
	var body struct {
		Rate float64 `json:"rate"`
	}
	if err := read(r, &body); err != nil {
		return status{}, err
	}
	if j.now().isOver() {
		return status{}, errOver
	}
	if err := j.rates.Set(body.Rate); err != nil {
		return status{}, badRequest("a learning rate of %v, want a number above 0", body.Rate)
	}
	j.mu.Lock()
	j.status.BaseRate = body.Rate
	j.mu.Unlock()
	s.events.publish("job", j.id, j.now())
	return j.now(), nil
}

var errOver = &statusError{http.StatusConflict, "this training is over"}

// begin begins to follow a training. It returns the context of that, and what is to be
// called when it has ended.
func (j *job) begin(ctx context.Context) (training context.Context, ended func(error)) {
	ctx, cancel := context.WithCancel(ctx)
	j.mu.Lock()
	j.cancel, j.ctx = cancel, ctx
	if j.status.State == stopping {
		cancel()
	}
	j.mu.Unlock()
	watching := make(chan struct{})
	go func() {
		defer close(watching)
		j.watch(ctx)
	}()
	return ctx, func(err error) {
		cancel()
		<-watching
		j.finish(err)
	}
}

// finish tells how a training has ended.
func (j *job) finish(err error) {
	if j.last != nil && j.looker != nil {
		j.look(*j.last)
	}
	j.mu.Lock()
	var stopped *run.Interrupted
	switch {
	case errors.As(err, &stopped):
		j.status.State = interrupted
	case err != nil:
		j.status.State, j.status.Error = failed, strings.ReplaceAll(err.Error(), "\n", "; ")
	default:
		j.status.State = finished
	}
	j.mu.Unlock()
	j.studio.shelf.include(j.dir)
	j.studio.events.publish("job", j.id, j.now())
	j.studio.events.publish("shelf", "", j.studio.entries())
}

// epochLineOf writes the numbers of an epoch under their names.
func epochLineOf(h *train.History, e train.Epoch) epochLine {
	line := epochLine{"epoch": float64(e.Epoch), "seconds": e.Seconds, "loss": e.Train.Loss}
	for i, name := range h.Metrics {
		line[name] = e.Train.Metrics[i]
	}
	if v := e.Validation; v != nil {
		line["val_loss"] = v.Loss
		for i, name := range h.Metrics {
			line["val_"+name] = v.Metrics[i]
		}
	}
	return line
}
