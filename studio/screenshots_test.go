package studio

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"hourglass/dataset"
	"hourglass/run"
	"hourglass/workflow"
)

// TestScreenshots takes the pictures of docs/studio.md, into the folder that
// HOURGLASS_SCREENSHOTS names:
//
//	HOURGLASS_BROWSER=wanted HOURGLASS_SCREENSHOTS=$PWD/docs/images go test -run Screenshots ./studio
func TestScreenshots(t *testing.T) {
	out := os.Getenv("HOURGLASS_SCREENSHOTS")
	if out == "" {
		t.Skip("HOURGLASS_SCREENSHOTS names no folder")
	}
	dir := t.TempDir()
	in, err := workflow.Load(t.Context(), dataset.Digits, dataset.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	const layers = "flatten > dense 100 selu > dense 30 selu | dense 100 selu > dense 784 sigmoid > reshape 28x28"
	for name, line := range map[string]string{"digits": layers, "eight numbers": strings.Replace(layers, "dense 30", "dense 8", 1)} {
		o := workflow.TrainOptions{Architecture: line, Epochs: 6, TrainSize: 10000, Validation: 0.1, Seed: 1}
		o.Out, o.Command = filepath.Join(dir, "runs", name), run.Command{Name: "train", Args: []string{dataset.Digits}}
		if _, err := workflow.Train(t.Context(), in.Data, o); err != nil {
			t.Fatal(err)
		}
	}
	p, s, _ := open(t, Config{Paths: []string{filepath.Join(dir, "runs")}, DataOf: fromArgs})
	s.jobs.loaded[dataset.Digits] = in
	shot := func(name string, width, height int64, theme string) {
		t.Helper()
		media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}}}
		if _, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, media); err != nil {
			t.Fatal(err)
		}
		p.do(chromedp.EmulateViewport(width, height))
		p.wait("new Promise(r => setTimeout(r, 1500)).then(() => true)") // what has come is drawn
		picture, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(out, name), picture, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	runs := value[map[string]string](p, "fetch('/api/state').then(r => r.json()).then(s => Object.fromEntries(s.entries.map(e => [e.name, e.id])))")
	p.do(chromedp.EmulateViewport(1280, 860))
	p.goTo("#/explore/" + runs["digits"] + "?sample=1234&pictures=1")
	p.says("Most alike")
	box := value[[]float64](p, "(r => [r.left + r.width * 0.6, r.top + r.height * 0.4])(document.querySelector('.map').getBoundingClientRect())")
	p.do(chromedp.MouseEvent("mouseMoved", box[0], box[1]))
	shot("studio-explore.png", 1280, 860, "light")
	p.goTo("#/explore/" + runs["digits"] + "?sample=1234")
	p.says("Most alike")
	shot("studio-phone.png", 390, 844, "dark")
	p.do(chromedp.EmulateViewport(1280, 860))
	p.goTo("#/judge/" + runs["digits"])
	p.says("are recognised")
	shot("studio-judge.png", 1280, 860, "light")
	p.goTo("#/judge/" + runs["digits"] + "?with=" + runs["eight numbers"])
	p.wait("document.querySelectorAll('.triples canvas:not(.blank)').length === 18")
	shot("studio-versus.png", 1280, 860, "light")
	p.goTo("#/draw/" + runs["digits"])
	p.wait("document.querySelector('.canvas') !== null")
	sheet := value[[]float64](p, "(r => [r.left, r.top, r.width])(document.querySelector('.canvas').getBoundingClientRect())")
	at := func(x, y float64) (float64, float64) { return sheet[0] + sheet[2]*x, sheet[1] + sheet[2]*y }
	for _, line := range [][4]float64{{0.33, 0.25, 0.66, 0.25}, {0.66, 0.25, 0.45, 0.78}} { // a seven
		x0, y0 := at(line[0], line[1])
		x1, y1 := at(line[2], line[3])
		p.do(chromedp.DragAndDropXY(x0, y0, x1, y1, 8))
	}
	p.says("Nearest to")
	shot("studio-draw.png", 1280, 860, "dark")
	encoder, decoder, _ := strings.Cut(layers, " | ")
	order := order{draft: draft{dataset.Digits, strings.Split(encoder, " > "), strings.Split(decoder, " > ")},
		Optimizer: "adam", LearningRate: 0.001, BatchSize: 32, Epochs: 60, TrainSize: 10000, Seed: 42}
	asker := &client{t, s, s.Handler(addr)}
	job := ask[status](asker, "/api/jobs", order)
	for ask[followed](asker, "/api/jobs/"+job.ID, nil).Epoch < 6 {
	}
	ask[status](asker, "/api/jobs/"+job.ID+"/pause", struct{}{}) // so that the page shows one moment, however slow it is
	p.goTo("#/learn/" + job.ID)
	p.says("paused")
	p.wait("document.querySelector('.filters') !== null")
	p.wait("new Promise(r => setTimeout(r, 3000)).then(() => true)") // the preview is that of now
	shot("studio-learn.png", 1280, 860, "light")
	p.goTo("#/learn?data=digits")
	p.says("parameters; codes of")
	shot("studio-layers.png", 1280, 860, "light")
}
