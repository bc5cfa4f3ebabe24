package report

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"hourglass"
	"hourglass/nn"
	"hourglass/recipe"
	"hourglass/run"
)

// stackedMetrics is a short run of the recipe stacked.
const stackedMetrics = `{
  "recipe": "stacked",
  "dataset": {"name": "mnist", "train": 55000, "validation": 5000, "test": 10000},
  "seed": 42, "threads": 2, "simd": "avx2", "parameters": 163814,
  "loss": "binary_crossentropy", "batch_size": 32, "learning_rate": 1.5,
  "epochs": [
    {"epoch": 1, "seconds": 0.43, "loss": 0.1792, "val_loss": 0.1378, "rounded_accuracy": 0.921, "val_rounded_accuracy": 0.9449},
    {"epoch": 2, "seconds": 0.41, "loss": 0.1272, "val_loss": 0.1203, "rounded_accuracy": 0.9507, "val_rounded_accuracy": 0.9553}
  ],
  "tsne": {"points": 5000, "perplexity": 30, "iterations": 1000, "kl": 1.4389461, "seconds": 2.913},
  "test_loss": 0.09313817
}`

// runFolder makes a folder of a run with these metrics, the stacked autoencoder
// and two figures.
func runFolder(t *testing.T, metrics string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "my-run")
	must(t, os.Mkdir(dir, 0o777))
	write(t, filepath.Join(dir, run.MetricsFile), []byte(metrics))
	known, err := recipe.ByName("stacked")
	must(t, err)
	model, err := hourglass.New(known.Encoder, known.Decoder)
	must(t, err)
	must(t, model.SaveRecord(filepath.Join(dir, run.ModelFile), map[string]any{"optimizer": "sgd"}))
	for _, name := range []string{"curves.png", "another_figure.png", "reconstruction_plot.png"} {
		write(t, filepath.Join(dir, name), somePNG(t))
	}
	return dir
}

func somePNG(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	must(t, png.Encode(&b, image.NewGray(image.Rect(0, 0, 30, 12))))
	return b.Bytes()
}

func write(t testing.TB, path string, data []byte) {
	t.Helper()
	must(t, os.WriteFile(path, data, 0o666))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// pageOf returns the page of the runs in folders.
func pageOf(t *testing.T, dirs ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "report.html")
	must(t, Write(path, dirs...))
	html, err := os.ReadFile(path)
	must(t, err)
	checkNesting(t, string(html))
	if strings.Contains(string(html), "ZgotmplZ") {
		t.Error("the template refused a value")
	}
	return string(html)
}

// tags finds tags, and comments and the like, which the page has none of.
var tags = regexp.MustCompile(`<(/?)([a-zA-Z0-9]+)((?:\s+[^\s=>]+(?:="[^"]*")?)*)\s*(/?)>`)

// checkNesting reports elements that are not closed or closed out of order, and
// addresses that are given twice.
func checkNesting(t *testing.T, html string) {
	t.Helper()
	void := []string{"meta", "img"}
	var open []string
	ids := map[string]bool{}
	style := strings.Index(html, "<style>")
	html = html[:style] + html[strings.Index(html, "</style>")+len("</style>"):]
	rest := tags.ReplaceAllStringFunc(html, func(tag string) string {
		m := tags.FindStringSubmatch(tag)
		if _, id, ok := strings.Cut(m[3], ` id="`); ok {
			id, _, _ = strings.Cut(id, `"`)
			if ids[id] {
				t.Errorf("the address %q is given twice", id)
			}
			ids[id] = true
		}
		switch {
		case m[1] == "" && m[4] == "" && !slices.Contains(void, m[2]):
			open = append(open, m[2])
		case m[1] == "/" && (len(open) == 0 || open[len(open)-1] != m[2]):
			t.Fatalf("</%s> closes %v", m[2], open)
		case m[1] == "/":
			open = open[:len(open)-1]
		}
		return ""
	})
	if len(open) > 0 {
		t.Errorf("not closed: %v", open)
	}
	if rest = strings.TrimPrefix(rest, "<!DOCTYPE html>"); strings.ContainsAny(rest, "<>") {
		t.Error("there is a < or > outside of tags")
	}
}

// wantAll reports what a page lacks.
func wantAll(t *testing.T, html string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(html, part) {
			t.Errorf("the page lacks %q", part)
		}
	}
}

func TestPageOfOneRun(t *testing.T) {
	html := pageOf(t, runFolder(t, stackedMetrics))
	wantAll(t, html,
		"<title>Stacked autoencoder · Hourglass</title>", "<h1>Stacked autoencoder</h1>", "<h2>The network</h2>",
		// The numbers of parameters are 784·100+100 and so on, as Keras counts them.
		"100 · 78,500 parameters", "30 · 3,030 parameters", "784 · 79,184 parameters", "<td>163,814</td>",
		"784, 100, 30, 100, 784. The code has 30 numbers.",
		"<td>binary cross-entropy</td>", "<td>SGD</td>", "<td>55,000</td>",
		"Loss over 2 epochs: training from 0.1792 to 0.1272; validation from 0.1378 to 0.1203.",
		"<th scope=\"row\">Kullback–Leibler divergence</th><td>1.4389</td>",
		"0.09314", "hourglass run stacked --dataset mnist --epochs 2 --seed 42",
		"What to look for.", "alt=\"Another figure\"", captions["reconstruction_plot.png"])
	if n := strings.Count(html, `src="data:image/png;base64,`); n != 2 {
		t.Errorf("%d figures, want 2: the curves are drawn by the page", n)
	}
	if strings.Index(html, captions["reconstruction_plot.png"]) > strings.Index(html, "Another figure") {
		t.Error("a figure that the recipe does not list stands before one that it lists")
	}
	if strings.Contains(html, "<nav") {
		t.Error("the page of one run has a table of contents")
	}
}

func TestPageOfSeveralRuns(t *testing.T) {
	stacked, again := runFolder(t, stackedMetrics), runFolder(t, stackedMetrics)
	relu := runFolder(t, `{"recipe": "relu", "epochs": [{"epoch": 1, "loss": 0.96}], "test_loss": 0.9}`)
	html := pageOf(t, stacked, relu)
	wantAll(t, html, "<h1>The lecture&#39;s autoencoders</h1>", `<nav aria-label="Contents">`,
		`<a href="#run-stacked-autoencoder">`, `id="run-stacked-autoencoder"`, "<h3>The network</h3>", "The runs at a glance")
	html = pageOf(t, stacked, again)
	wantAll(t, html, "<h1>2 runs of autoencoders</h1>", "<h2 id=\"run-stacked-autoencoder-my-run-title\">Stacked autoencoder (my-run)</h2>",
		`href="#run-stacked-autoencoder-my-run-2"`)
}

func TestSameRunSameBytes(t *testing.T) {
	dir := runFolder(t, stackedMetrics)
	first, second := pageOf(t, dir, dir), pageOf(t, dir, dir)
	if first != second {
		t.Error("two pages of the same runs differ")
	}
}

// TestSelfContained looks for whatever could make a browser fetch or run something.
func TestSelfContained(t *testing.T) {
	html := pageOf(t, runFolder(t, stackedMetrics))
	for _, forbidden := range []string{"http:", "https:", "<script", "<link", "<iframe", "@import", "url(", " onclick", "//"} {
		// Base64 may hold two slashes.
		text := regexp.MustCompile(`base64,[A-Za-z0-9+/=]*`).ReplaceAllString(html, "")
		if strings.Contains(text, forbidden) {
			t.Errorf("the page has %q", forbidden)
		}
	}
}

func TestHostileTextStaysText(t *testing.T) {
	hostile := `</style><script>alert("1")</script>" onload="x' {{.}} &amp;`
	metrics := fmt.Sprintf(`{"recipe": %[1]q, "dataset": {"name": %[1]q, %[1]q: %[1]q}, "loss": %[1]q, "simd": [%[1]q],
		"command": %[1]q, %[1]q: {%[1]q: [[%[1]q]]}, "epochs": [{"epoch": 1, "loss": 1, %[1]q: 2}], "list": [{%[1]q: %[1]q}]}`, hostile)
	dir := runFolder(t, metrics)
	write(t, filepath.Join(dir, `a"><b>.png`), somePNG(t))
	html := pageOf(t, dir)
	for _, forbidden := range []string{"<script", `" onload="`, "<b>.png"} {
		if strings.Contains(html, forbidden) {
			t.Errorf("the page has %q", forbidden)
		}
	}
	if n := strings.Count(html, "alert("); n < 10 {
		t.Errorf("the hostile text is shown %d times, want 10 or more", n)
	}
}

// TestUnknownKeysAreShown gives values of every kind under keys that the page
// does not know.
func TestUnknownKeysAreShown(t *testing.T) {
	html := pageOf(t, runFolder(t, `{"recipe": "own", "epochs": [{"epoch": 1, "loss": 0.5, "learning_rate": 0.25}],
		"git_commit": "abc123", "big": 12345678901234567890, "flag": false, "nothing": null, "list": [1, 2.5], "matrix": [[1, 2], [3, 4]],
		"baseline": {"pca_error": 0.0123, "deep": {"inner": 7, "deeper": {"innermost": 8}}},
		"rows": [{"k": 1, "v": "one"}, {"k": 2, "w": true}], "": 99, "test_loss": "none", "recognition": {"new": 5}}`))
	for _, part := range []string{
		`<th scope="row">Git commit</th><td>abc123</td>`, `<td>12345678901234567890</td>`, `<th scope="row">Flag</th><td>no</td>`,
		`<th scope="row">Nothing</th><td>null</td>`, `<td>1, 2.5</td>`, `<td>[[1, 2], [3, 4]]</td>`,
		`<th scope="row">Pca error</th><td>0.0123</td>`, `<th scope="row">Inner</th><td>7</td>`, `<th scope="row">Innermost</th><td>8</td>`,
		`<th scope="col">W</th>`, `<th scope="row">2</th><td></td><td>yes</td>`, `<th scope="row">(no name)</th><td>99</td>`,
		`<th scope="row">Test loss</th><td>none</td>`, `<th scope="row">New</th><td>5</td>`,
		`<text class="title" x="4" y="16">Learning rate</text>`, `<h1>my-run</h1>`,
	} {
		wantAll(t, html, part)
	}
}

func TestWhatIsMissingIsLeftOut(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "bare")
	must(t, os.Mkdir(dir, 0o777))
	write(t, filepath.Join(dir, run.MetricsFile), []byte(`{"recipe": "sigmoid", "epochs": [], "interrupted": true}`))
	must(t, os.Mkdir(filepath.Join(dir, "folder.png"), 0o777))
	html := pageOf(t, dir)
	wantAll(t, html, "has no model", "was stopped before its last epoch", "hourglass run sigmoid", "This trains to the end.")
	for _, absent := range []string{"<svg", "<img", "The network", "Training</h2>", "--epochs"} {
		if strings.Contains(html, absent) {
			t.Errorf("the page of a bare run has %q", absent)
		}
	}
}

func TestErrorsNameWhatIsWrong(t *testing.T) {
	for _, c := range []struct{ file, content, want string }{
		{run.MetricsFile, `{"recipe": "stacked"`, "unexpected end of JSON input at byte 20"},
		{run.MetricsFile, ``, "unexpected end of JSON input"},
		{run.MetricsFile, `[1, 2]`, "got [1, 2], want a JSON object"},
		{run.MetricsFile, strings.Repeat("[", 20000), "exceeded max depth"},
		{run.MetricsFile, `{"epochs": 3}`, "epochs: got 3, want an array"},
		{run.MetricsFile, `{"epochs": [{"loss": 1}, 2]}`, "epochs[1]: got 2, want an object"},
		{run.MetricsFile, `{"epochs": [{"loss": "x"}]}`, `epochs[0]: loss is "x", want a number`},
		{run.MetricsFile, `{"epochs": [{"loss": 1e999}]}`, "epochs[0]: loss is 1e999, want a number"},
		{run.MetricsFile, `{"epochs": [{"loss": 1}, {"val_loss": 1}]}`, "epochs[1]: loss stands there 1 times in 2 epochs"},
		{run.MetricsFile, `{"epochs": [{"loss": 1, "loss": 2}]}`, "loss stands there 2 times"},
		{run.ModelFile, "no model", run.ModelFile},
		{"reconstruction_plot.png", "no picture", "reconstruction_plot.png: png: invalid format"},
	} {
		dir := runFolder(t, stackedMetrics)
		write(t, filepath.Join(dir, c.file), []byte(c.content))
		page := filepath.Join(dir, "report.html")
		err := Write(page, dir)
		if err == nil || !strings.HasPrefix(err.Error(), "report: ") || !strings.Contains(err.Error(), c.want) ||
			!strings.Contains(err.Error(), c.file) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s of %.40q: error %v, want one line that begins with report: and names the file, with %q", c.file, c.content, err, c.want)
		}
		if _, err := os.Stat(page); err == nil {
			t.Errorf("%s of %.40q left a page", c.file, c.content)
		}
	}
	if err := Write(filepath.Join(t.TempDir(), "x.html"), t.TempDir()); err == nil || !strings.Contains(err.Error(), "there is no such file, want the folder of a run") {
		t.Errorf("an empty folder: error %v", err)
	}
	if err := Page(&bytes.Buffer{}); err == nil {
		t.Error("a page of no runs is no error")
	}
}

// failing is a writer that fails.
type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestWriterErrorIsReported(t *testing.T) {
	if err := Page(failing{}, Run{}); err == nil || err.Error() != "report: write page: "+os.ErrClosed.Error() {
		t.Errorf("error %v", err)
	}
}

// TestZeroRun draws a run of nothing, which a caller may make by hand.
func TestZeroRun(t *testing.T) {
	var b bytes.Buffer
	must(t, Page(&b, Run{}, Run{Encoder: []Layer{{LayerInfo: nn.LayerInfo{Layer: "Own"}}}}))
	checkNesting(t, b.String())
}

// TestWordsForAll holds the texts to the recipes: each has a guide, each of its
// figures a caption, and no guide is for a recipe that is gone.
func TestWordsForAll(t *testing.T) {
	for _, r := range recipe.All() {
		if guides[r.Name] == "" {
			t.Errorf("there is no guide for %s", r.Name)
		}
		for _, f := range r.Shows {
			if caption(f) == label("", strings.TrimSuffix(f, ".png")) {
				t.Errorf("there is no caption for %s of %s", f, r.Name)
			}
		}
	}
	for name, text := range guides {
		if sentences := strings.Count(text, ". ") + 1; sentences < 2 || sentences > 6 {
			t.Errorf("the guide for %s has %d sentences", name, sentences)
		}
	}
}
