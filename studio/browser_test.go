package studio

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"hourglass/dataset"
	"hourglass/tensor"
)

// browserWanted is set where the page is to be opened in a browser, as in CI: it takes
// a minute, more than all other tests here.
const browserWanted = "HOURGLASS_BROWSER"

// chromium returns the path of a browser, or skips the test.
func chromium(t *testing.T) string {
	t.Helper()
	if os.Getenv(browserWanted) == "" {
		t.Skip(browserWanted + "=wanted opens the page in a browser")
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("there is no Chromium")
	return ""
}

// browser is a Chromium that watches what the page does that it should not.
type browser struct {
	t       *testing.T
	address string // of the studio, with its token
	base    string

	mu     sync.Mutex
	faults []string
	// away is set while the studio is, whose absence the browser notes as errors.
	away bool
}

// page is a tab of the browser.
type page struct {
	*browser
	ctx context.Context
}

// open starts a studio and a browser with its page in it.
func open(t *testing.T, c Config) (*page, *Studio, context.CancelFunc) {
	t.Helper()
	chromium(t)
	s, address, stop := serve(t, c, "")
	return browse(t, address), s, stop
}

// browse opens a browser with a page in it.
func browse(t *testing.T, address string) *page {
	t.Helper()
	path := chromium(t)
	base, _, _ := strings.Cut(address, "?")
	allocator, end := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.Flag("use-angle", "swiftshader"), chromedp.Flag("enable-unsafe-swiftshader", true),
		chromedp.WSURLReadTimeout(time.Minute))...)
	t.Cleanup(end)
	b := &browser{t: t, address: address, base: base}
	t.Cleanup(b.check)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	p := b.follow(ctx)
	p.do(chromedp.Navigate(b.address), chromedp.WaitVisible(chromedp.CSS("nav")))
	return p
}

// serve runs a studio until the test ends, or stop is called; with a token of before
// unless it is empty.
func serve(t *testing.T, c Config, token string) (s *Studio, address string, stop context.CancelFunc) {
	t.Helper()
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	s.token = cmp.Or(token, s.token)
	ctx, cancel := context.WithCancel(context.Background())
	ready, ended := make(chan string, 1), make(chan error, 1)
	go func() { ended <- s.Run(ctx, func(a string) { ready <- a }) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	select {
	case address = <-ready:
	case err := <-ended:
		t.Fatal(err)
	}
	return s, address, stop
}

// follow notes what goes wrong in a tab.
func (b *browser) follow(ctx context.Context) *page {
	b.t.Helper()
	if err := chromedp.Do(ctx); err != nil { // starts it
		b.t.Fatal(err)
	}
	err := chromedp.Listen(ctx, func(event any) {
		switch e := event.(type) {
		case *runtime.EventConsoleAPICalled:
			if e.Type == runtime.ConsoleAPICalledTypeError {
				for _, arg := range e.Args {
					b.fault("console: %s %s", arg.Value, arg.Description)
				}
			}
		case *runtime.EventExceptionThrown:
			b.fault("exception: %v", e.ExceptionDetails)
		case *network.EventRequestWillBeSent:
			if u := e.Request.URL; !strings.HasPrefix(u, b.base) && !strings.HasPrefix(u, "data:") && !strings.HasPrefix(u, "blob:") {
				b.fault("request to %s", u)
			}
		case *network.EventResponseReceived:
			if e.Response.Status >= 400 && e.Response.Status != http.StatusUnprocessableEntity && !(e.Response.Status == http.StatusBadRequest && strings.HasSuffix(e.Response.URL, "/api/data")) { // of layers that are not yet right, and files that are none
				b.fault("%s: %d", e.Response.URL, e.Response.Status)
			}
		}
	})
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); err != nil {
		b.t.Fatal(err)
	}
	return &page{b, ctx}
}

func (b *browser) fault(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.away {
		b.faults = append(b.faults, fmt.Sprintf(format, args...))
	}
}

// check reports what went wrong in any tab.
func (b *browser) check() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, f := range b.faults {
		b.t.Error(f)
	}
}

// tab opens another tab with the studio in it.
func (p *page) tab() *page {
	ctx, cancel := chromedp.NewContext(p.ctx)
	p.t.Cleanup(cancel)
	return p.follow(ctx)
}

func (p *page) do(actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, actions...); err != nil {
		p.t.Fatal(err)
	}
}

// wait waits until an expression is true.
func (p *page) wait(expression string) {
	p.t.Helper()
	err := chromedp.Do(p.ctx, chromedp.Poll[chromedp.Void](expression, chromedp.WithPollingInterval(50*time.Millisecond), chromedp.WithPollingTimeout(60*time.Second)))
	if err != nil {
		text, _ := chromedp.Run(p.ctx, chromedp.Evaluate[string]("location.hash + '\\n' + document.body.innerText")) // more than the error cannot be had
		p.t.Fatalf("it is never so that %s: %v; the page says\n%s", expression, err, text)
	}
}

// says waits until the page has a text.
func (p *page) says(text string) {
	p.t.Helper()
	quoted, _ := json.Marshal(text)
	p.wait(fmt.Sprintf("document.querySelector('main').innerText.includes(%s)", quoted))
}

// click clicks a button, link, or label that has a text.
func (p *page) click(text string) {
	p.t.Helper()
	quoted, _ := json.Marshal(text)
	find := fmt.Sprintf("[...document.querySelectorAll('button, a, label')].find(e => e.innerText.trim() === %s && !e.disabled)", quoted)
	p.wait(find + " !== undefined")
	p.do(chromedp.Evaluate[chromedp.Void](find + ".click()"))
}

// goTo opens a place of the page.
func (p *page) goTo(hash string) {
	p.t.Helper()
	p.do(chromedp.Navigate(p.base + hash))
}

// touch moves fingers to places, x and y of each, and waits until that is drawn.
func (p *page) touch(kind input.DispatchTouchEventType, places ...float64) {
	p.t.Helper()
	event := input.DispatchTouchEventParams{Type: kind, TouchPoints: []*input.TouchPoint{}}
	for i := 0; i < len(places); i += 2 {
		event.TouchPoints = append(event.TouchPoints, &input.TouchPoint{X: places[i], Y: places[i+1], ID: new(float64(i))})
	}
	if _, err := chromedp.Call(p.ctx, input.DispatchTouchEvent, event); err != nil {
		p.t.Fatal(err)
	}
	value[bool](p, "new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r))).then(() => true)")
}

// value evaluates an expression.
func value[T any](p *page, expression string) T {
	p.t.Helper()
	v, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("%.200s: %v", expression, err)
	}
	return v
}

// rooms is a folder with a run on small pictures.
func rooms(t *testing.T) Config {
	t.Helper()
	dir := t.TempDir()
	data := bars(t, dir)
	trained(t, data, filepath.Join(dir, "runs"), "zero")
	trained(t, data, filepath.Join(dir, "runs"), "one")
	return Config{Paths: []string{filepath.Join(dir, "runs")}, DataOf: fromArgs, Train: Data{Path: data}}
}

// mapReady is true once the points are drawn.
const mapReady = "document.querySelector('.map .points')?.width > 0 && document.querySelector('.legend') !== null"

func TestInBrowser(t *testing.T) {
	c := rooms(t)
	p, s, _ := open(t, c)
	if at := value[string](p, "location.href"); strings.Contains(at, "token") {
		t.Errorf("the token stays in the address, %s", at)
	}

	t.Run("explore", func(t *testing.T) {
		p.goTo("#/explore")
		p.says("40 test samples")
		p.wait(mapReady)
		box := value[[]float64](p, "(r => [r.left + r.width / 2, r.top + r.height / 2])(document.querySelector('.map').getBoundingClientRect())")
		p.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, box[0], box[1]))
		p.wait("document.querySelector('.pointed figcaption + *, .pointed canvas:not(.blank)') !== null")
		p.do(chromedp.MouseClickXY(box[0], box[1]))
		p.says("Most alike, by their codes")
		chosen := value[string](p, "location.hash")
		if !strings.Contains(chosen, "sample=") {
			t.Errorf("a click leads to %s", chosen)
		}
		p.do(chromedp.Focus(chromedp.CSS(".map")), chromedp.KeyEvent(kb.ArrowRight), chromedp.KeyEvent(kb.ArrowUp))
		p.do(chromedp.Reload())
		p.says("Most alike, by their codes")
		p.click("Go from here …")
		p.do(chromedp.Evaluate[chromedp.Void]("location.hash = location.hash.replace(/sample=\\d+/, 'sample=7').replace(/a=\\d+/, 'a=1')"))
		p.wait("document.querySelectorAll('.between button:not(:disabled)').length === 2")
		p.do(chromedp.Evaluate[chromedp.Void]("document.querySelectorAll('.between button')[1].click()"))
		p.wait("document.querySelectorAll('.strip li').length === 10")
		p.click("Code")
		p.wait("document.querySelectorAll('.sliders input').length === 3")
		p.click("New")
		p.wait("document.querySelectorAll('.drawn li').length === 24")
		p.click("t-SNE")
		p.wait(mapReady)
		p.click("Pictures")
		p.wait("location.hash.includes('pictures')")
		p.click("PCA")
		p.wait(mapReady)
		p.click("Lasso")
		frame := value[[]float64](p, "(r => [r.left, r.top, r.right, r.bottom])(document.querySelector('.map').getBoundingClientRect())")
		left, top, right, bottom := frame[0]+4, frame[1]+4, frame[2]-4, frame[3]-50
		held := func(e *input.DispatchMouseEventParams) { e.Button, e.Buttons = input.MouseButtonLeft, 1 }
		for range 5 { // until the points are there, which a busy machine takes its time for
			// The map is moved by how far the pointer has come since the last frame until the lasso begins, as no hand would do it.
			p.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, left, top))
			value[bool](p, "new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r))).then(() => true)")
			p.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMousePressed, left, top, held))
			for _, at := range [][2]float64{{(left + right) / 2, top}, {right, top}, {right, (top + bottom) / 2}, {right, bottom}, {(left + right) / 2, bottom}, {left, bottom}, {left, (top + bottom) / 2}, {left, top + 2}} {
				p.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, at[0], at[1], held), chromedp.Sleep(30*time.Millisecond))
			}
			p.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseReleased, left, top+2, held), chromedp.Sleep(time.Second))
			if value[bool](p, "document.querySelector('.group') !== null") {
				break
			}
		}
		p.says("samples selected")
		p.wait("location.hash.includes('group=')")
		p.do(chromedp.Reload())
		p.says("samples selected")
		p.do(chromedp.Evaluate[chromedp.Void](`(i => { i.value = "all of them"; i.dispatchEvent(new Event("input", {bubbles: true})); })(document.querySelector(".group input"))`))
		p.click("Keep")
		p.says("Named selections")
		p.wait("location.hash.includes('color=kept') && location.hash.includes('kept=all')")
		p.do(chromedp.Evaluate[chromedp.Void]("localStorage.clear()"), chromedp.Reload()) // as for somebody to whom the address was handed on
		p.says("all of them")
		p.do(chromedp.Evaluate[chromedp.Void](`(i => { i.value = "#123456"; i.dispatchEvent(new Event("input", {bubbles: true})); })(document.querySelector(".kept input[type=color]"))`))
		p.wait("location.hash.includes('123456') && Object.values(localStorage).some(v => v.includes('#123456'))")
		p.do(chromedp.Evaluate[chromedp.Void](`(s => { s.value = "code:1"; s.dispatchEvent(new Event("change", {bubbles: true})); })([...document.querySelectorAll("label.field")].find(l => l.innerText.startsWith("Colour")).querySelector("select"))`))
		p.says("in even numbers of samples")
	})

	t.Run("touch", func(t *testing.T) {
		p.goTo("#/explore?group=1221x11")
		p.says("4 samples selected") // 1, 2, 5 and 39
		if last := value[string](p, "[...document.querySelectorAll('.group .thumbs button')].map(b => b.ariaLabel).join()"); last != "sample 1,sample 2,sample 5,sample 39" {
			t.Errorf("the address selects %s", last)
		}
		p.goTo("#/explore?lasso=1")
		p.wait(mapReady + " && document.querySelector('.group') === null")
		frame := value[[]float64](p, "(r => [r.left, r.top, r.right, r.bottom])(document.querySelector('.map').getBoundingClientRect())")
		left, top, right, bottom := frame[0]+4, frame[1]+4, frame[2]-4, frame[3]-50
		for range 5 { // until the points are there
			p.touch(input.DispatchTouchEventTypeTouchStart, left, top)
			for _, at := range [][2]float64{{(left + right) / 2, top}, {right, top}, {right, (top + bottom) / 2}, {right, bottom}, {(left + right) / 2, bottom}, {left, bottom}, {left, (top + bottom) / 2}, {left, top + 2}} {
				p.touch(input.DispatchTouchEventTypeTouchMove, at[0], at[1])
			}
			p.touch(input.DispatchTouchEventTypeTouchEnd)
			p.do(chromedp.Sleep(time.Second))
			if value[bool](p, "document.querySelector('.group') !== null") {
				break
			}
		}
		p.says("samples selected")

		p.goTo("#/explore?sample=3")
		p.says("Most alike, by their codes")
		// Where the ring around the chosen sample is, whose colour nothing else there has.
		const ring = `(o => { const c = document.createElement("canvas").getContext("2d"); c.fillStyle = getComputedStyle(document.documentElement).getPropertyValue("--code"); c.fillRect(0, 0, 1, 1);
			const [r, g, b] = c.getImageData(0, 0, 1, 1).data, all = o.getContext("2d").getImageData(0, 0, o.width, o.height).data, box = o.getBoundingClientRect(); let x = 0, y = 0, n = 0;
			for (let i = 0; i < all.length; i += 4) if (all[i] === r && all[i + 1] === g && all[i + 2] === b && all[i + 3] === 255) { x += i / 4 % o.width; y += Math.floor(i / 4 / o.width); n++; }
			return n ? [box.left + x / n * box.width / o.width, box.top + y / n * box.height / o.height] : [0, 0]; })(document.querySelector(".overlay"))`
		p.wait(ring + "[0] > 0")
		gesture := func(moved func(before, after []float64) bool, what string, steps ...[]float64) {
			var before, after []float64
			for range 5 { // until the points are there
				before = value[[]float64](p, ring)
				kind := input.DispatchTouchEventTypeTouchStart
				for _, at := range steps {
					p.touch(kind, at...)
					kind = input.DispatchTouchEventTypeTouchMove
				}
				p.touch(input.DispatchTouchEventTypeTouchEnd)
				p.do(chromedp.Sleep(time.Second))
				if after = value[[]float64](p, ring); moved(before, after) {
					return
				}
			}
			t.Errorf("%s: the ring goes from %.0f to %.0f", what, before, after)
		}
		at := value[[]float64](p, ring)
		x, y := at[0], at[1]
		gesture(func(before, after []float64) bool {
			return after[0]-before[0] > 20 && math.Abs(after[1]-before[1]) < 10
		}, "a finger moves the map", []float64{x - 20, y}, []float64{x, y}, []float64{x + 20, y}, []float64{x + 40, y})
		at = value[[]float64](p, ring)
		x, y = at[0]-40, at[1]
		gesture(func(before, after []float64) bool {
			return math.Hypot(after[0]-x, after[1]-y) > 1.5*math.Hypot(before[0]-x, before[1]-y)
		}, "two fingers enlarge it", []float64{x - 20, y, x + 20, y}, []float64{x - 30, y, x + 30, y}, []float64{x - 40, y, x + 40, y})
	})

	t.Run("judge", func(t *testing.T) {
		p.goTo("#/judge")
		p.says("are above")
		p.says("are recognised")
		p.wait("document.querySelectorAll('.pairs li').length >= 24")
		// What is saved is caught where the page hands it over.
		p.do(chromedp.Evaluate[chromedp.Void](`window.saved = {}; { const address = URL.createObjectURL; let last; URL.createObjectURL = b => address.call(URL, last = b); HTMLAnchorElement.prototype.click = function () { const b = last; b.text().then(text => { saved[this.download] = [b.type, b.size, text]; }); }; }`))
		p.do(chromedp.Evaluate[chromedp.Void]("document.querySelectorAll('.pairs button')[3].click()"))
		p.wait("location.hash.includes('sample=') && document.querySelectorAll('.why-one canvas:not(.blank)').length === 3")
		p.click("what is unusual")
		p.wait("location.hash.includes('by=normal')")
		p.do(chromedp.Evaluate[chromedp.Void]("document.querySelectorAll('.saves button').forEach(b => b.click())"))
		p.wait("['one-errors.png', 'one-errors.svg', 'one-errors.csv', 'one-worst.png', 'one-worst.csv', 'one-where.png', 'one-where.csv', 'one-worst.svg', 'one-confusion.png', 'one-confusion.svg', 'one-confusion.csv', 'one-epochs.png', 'one-epochs.svg'].every(n => saved[n]?.[1] > 20) && Object.keys(saved).some(n => n.startsWith('one-sample-') && n.endsWith('.png'))")
		if text := value[string](p, "saved['one-errors.csv'][2]"); strings.Count(text, "\n") != 41 || !strings.HasPrefix(text, "sample,error,above,label\n") {
			t.Errorf("the errors are saved as %s", text)
		}
		if text := value[string](p, "saved['one-errors.svg'][2]"); !strings.HasPrefix(text, "<svg xmlns=") || strings.Contains(text, "var(") || strings.Contains(text, "class=") {
			t.Errorf("the drawing of the errors is saved as %.300s", text)
		}
		// The drawing of the matrix has all its words and as many coloured cells.
		drawn := value[[]string](p, "[...new DOMParser().parseFromString(saved['one-confusion.svg'][2], 'image/svg+xml').querySelectorAll('text')].map(e => e.textContent)")
		if table := value[string](p, "document.querySelector('.confusion').innerText.split(/\\s+/).filter(Boolean).sort().join(' ')"); table != sortedWords(drawn) {
			t.Errorf("the matrix is drawn with the words %s, want %s", sortedWords(drawn), table)
		}
		if cells, want := value[int](p, "saved['one-confusion.svg'][2].split('<rect').length - 2"), value[int](p, "document.querySelectorAll('.confusion .right, .confusion .wrong').length"); cells < want || want < 2 {
			t.Errorf("the matrix is drawn with %d coloured cells, want %d", cells, want)
		}
		p.do(chromedp.Evaluate[chromedp.Void](`(s => { s.value = "1"; s.dispatchEvent(new Event("change", {bubbles: true})); })([...document.querySelectorAll("label.field")].find(l => l.innerText.startsWith("Outliers are")).querySelector("select"))`))
		p.says("false alarms")
	})

	t.Run("draw", func(t *testing.T) {
		p.goTo("#/draw")
		p.wait("document.querySelector('.canvas') !== null")
		box := value[[]float64](p, "(r => [r.left, r.top, r.width])(document.querySelector('.canvas').getBoundingClientRect())")
		p.do(chromedp.DragAndDropXY(box[0]+box[2]/2, box[1]+box[2]/4, box[0]+box[2]/2, box[1]+box[2]/2, 5))
		p.says("Nearest to")
		p.click("Clear")
		p.says("Draw something")
	})

	t.Run("learn", func(t *testing.T) {
		p.goTo("#/learn?data=own")
		p.says("parameters; codes of")
		p.do(chromedp.Evaluate[chromedp.Void](`(i => { i.value = "dense 4 sleu"; i.dispatchEvent(new Event("input", {bubbles: true})); })(document.querySelectorAll(".layers input")[1])`))
		p.says("did you mean")
		p.do(chromedp.Evaluate[chromedp.Void](`(i => { i.value = "dense 4 selu"; i.dispatchEvent(new Event("input", {bubbles: true})); })(document.querySelectorAll(".layers input")[1])`))
		// So many steps that it is stopped before its end, however slow the browser is.
		for i, value := range []string{"100000", "1"} { // epochs and batch size
			p.do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`(i => { i.value = "%s"; i.dispatchEvent(new Event("input", {bubbles: true})); })(document.querySelectorAll(".settings input")[%d])`, value, i)))
		}
		p.wait("location.hash.includes('epochs=100000') && location.hash.includes('sleu') === false")
		p.do(chromedp.Reload())
		p.wait("document.querySelectorAll('.layers input')[1]?.value === 'dense 4 selu' && document.querySelectorAll('.settings input')[1].value === '1'")
		p.click("Start training")
		p.says("The same samples, again and again")
		p.click("Pause")
		p.says("paused")
		at := s.jobs.list()[0]
		p.do(chromedp.Reload())
		p.says("paused")
		other := p.tab()
		other.do(chromedp.Navigate(p.base + "#/learn/" + at.ID))
		other.says("paused")
		p.click("Step")
		p.wait(fmt.Sprintf("fetch('/api/jobs/%s').then(r => r.json()).then(j => j.done === %d)", at.ID, at.Done+1))
		p.click("Resume")
		other.wait("document.querySelector('.state.running') !== null")
		other.click("Stop and keep")
		other.says("stopped and kept")
		p.says("stopped and kept")
		p.click("Explore what it learned")
		p.wait(mapReady)
	})
	t.Run("side by side", func(t *testing.T) {
		p.goTo("#/judge")
		p.says("Side by side")
		p.do(chromedp.Evaluate[chromedp.Void](`(s => { s.value = s.options[1].value; s.dispatchEvent(new Event("change", {bubbles: true})); })([...document.querySelectorAll("label.field select")].at(-1))`))
		p.says("mean squared differences")
		p.wait("document.querySelectorAll('.triples canvas:not(.blank)').length === 18")
		if with := value[string](p, "location.hash"); !strings.Contains(with, "with=") {
			t.Errorf("the comparison is not in the address, %s", with)
		}
		p.do(chromedp.Evaluate[chromedp.Void](`(s => { s.value = s.options[1].value; s.dispatchEvent(new Event("change", {bubbles: true})); })([...document.querySelectorAll("label.field")].find(l => l.innerText.startsWith("And with")).querySelector("select"))`))
		p.wait("document.querySelectorAll('.beside tbody tr').length === 3 && document.querySelectorAll('.triples canvas:not(.blank)').length === 18")
		p.says("Sample by sample with")
		p.do(chromedp.Evaluate[chromedp.Void]("document.querySelectorAll('.beside tbody button')[0].click()"))
		p.wait("document.querySelectorAll('.beside tbody tr').length === 2")
	})
	t.Run("drop", func(t *testing.T) {
		p.do(chromedp.Evaluate[chromedp.Void](`(d => { d.items.add(new File(["kind,a,b\n" + "red,1,2\nblue,2,1\n".repeat(30)], "dropped.csv")); dispatchEvent(new DragEvent("drop", {dataTransfer: d, cancelable: true})); })(new DataTransfer())`))
		p.says("60 samples of 2, dropped here")
		p.do(chromedp.Evaluate[chromedp.Void](`(d => { d.items.add(new File(["nothing"], "notes.txt")); dispatchEvent(new DragEvent("drop", {dataTransfer: d, cancelable: true})); })(new DataTransfer())`))
		p.says("want a table")
	})
	t.Run("killed", func(t *testing.T) {
		killed(t, c.Paths[0], "gone")
		p.goTo("#/learn/" + identifier(filepath.Join(c.Paths[0], "gone")))
		p.says("Its process has gone without a word")
		p.says("hourglass train --resume gone")
		p.says("runs that write checkpoints")
		p.goTo("#/learn/" + identifier(filepath.Join(c.Paths[0], "one")))
		p.says("Layer by layer")
	})
	t.Run("sizes", func(t *testing.T) { looks(t, p) })
}

// sortedWords returns the words of some texts in the order of their letters.
func sortedWords(texts []string) string {
	words := strings.Fields(strings.Join(texts, " "))
	slices.Sort(words)
	return strings.Join(words, " ")
}

// looks opens every room at every width and in both themes: nothing may stick out sideways,
// and the axe rules must hold where axe is (npm ci in web).
func looks(t *testing.T, p *page) {
	axe, err := os.ReadFile(filepath.Join("web", "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		t.Log("without the axe rules: they come with npm ci in studio/web")
	}
	job := value[string](p, "fetch('/api/state').then(r => r.json()).then(s => s.jobs[0].id)")
	one := value[string](p, "fetch('/api/state').then(r => r.json()).then(s => s.entries.find(e => e.name === 'one').id)")
	for _, room := range []struct{ hash, sign string }{
		{"#/learn?data=own", "parameters; codes of"}, {"#/learn/" + job, "Layer by layer"}, {"#/explore?sample=3", "Most alike"}, {"#/explore?show=code", "Number by number"}, {"#/explore/" + one + "?color=kept", "Named selections"}, {"#/draw", "Draw a sample"}, {"#/judge", "are recognised"},
		{"#/judge/" + one + "?with=" + job, "mean squared differences"}, {"#/judge/" + one + "?sample=5&by=normal", "what is usual for it"},
	} {
		p.goTo(room.hash)
		p.says(room.sign)
		for _, theme := range []string{"light", "dark"} {
			media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}}}
			if _, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, media); err != nil {
				t.Fatal(err)
			}
			for _, width := range []int64{1440, 1024, 390} {
				p.do(chromedp.EmulateViewport(width, 900))
				p.wait("new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r))).then(() => true)")
				if over := value[int](p, "document.documentElement.scrollWidth - document.documentElement.clientWidth"); over > 0 {
					t.Errorf("%s, %d wide: %d pixels stick out", room.hash, width, over)
				}
				if axe == nil || (width == 390) != (theme == "dark") || width == 1024 {
					continue
				}
				if value[bool](p, "window.axe === undefined") {
					p.do(chromedp.Evaluate[chromedp.Void](string(axe)))
				}
				broken := value[[]string](p, `axe.run(document, {resultTypes: ["violations"]}).then(r => r.violations.map(v => v.id + ": " + v.help + " " + v.nodes.slice(0, 3).map(n => n.html.slice(0, 160) + " " + n.failureSummary.slice(0, 200)).join(" | ")))`)
				for _, rule := range broken {
					t.Errorf("%s, %s, %d wide: %s", room.hash, theme, width, rule)
				}
			}
		}
	}
}

// TestExportInBrowser opens a page without a server, which asks nobody for anything.
func TestExportInBrowser(t *testing.T) {
	chromium(t)
	path, _ := exportedBars(t)
	p := browse(t, "file://"+path)
	p.goTo("#/explore?sample=3")
	p.says("40 test samples")
	p.says("Most alike, by their codes")
	p.wait(mapReady)
	box := value[[]float64](p, "(r => [r.left + r.width / 2, r.top + r.height / 2])(document.querySelector('.map').getBoundingClientRect())")
	p.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, box[0], box[1]))
	p.wait("document.querySelectorAll('.pointed canvas:not(.blank)').length >= 2")
	for _, kind := range []string{"t-SNE", "Two numbers", "PCA"} {
		p.click(kind)
		p.wait(mapReady)
	}
	p.click("Between")
	p.wait("document.querySelectorAll('.strip li').length === 10")
	p.do(chromedp.Evaluate[chromedp.Void]("document.querySelectorAll('[aria-label=From] button')[1].click()"))
	p.click("Code")
	p.wait("document.querySelectorAll('.sliders input').length === 3 && document.querySelector('.sliders canvas:not(.blank)') !== null")
	p.do(chromedp.Evaluate[chromedp.Void](`(s => { s.value = "8"; s.dispatchEvent(new Event("input", {bubbles: true})); })(document.querySelectorAll(".sliders input")[2])`))
	p.says("number 3 moved")
	p.click("New")
	p.wait("document.querySelectorAll('.drawn li').length === 24")
	p.click("Draw others")
	p.wait("location.hash.includes('seed=2')")
	p.click("Judge")
	p.says("are recognised")
	p.wait("document.querySelectorAll('.pairs canvas:not(.blank)').length >= 48")
	if asked := value[int](p, "document.querySelectorAll('a[href^=\"/api\"]').length"); asked > 0 {
		t.Errorf("%d links of a page without a server lead to one", asked)
	}
	p.says("How it learned")
	if rooms := value[string](p, "document.querySelector('nav').innerText.replace(/\\s+/g, ' ').trim()"); rooms != "Explore Judge" {
		t.Errorf("the rooms are %s", rooms)
	}
}

func TestServerGoneAndBack(t *testing.T) {
	c := rooms(t)
	p, s, stop := open(t, c)
	p.goTo("#/judge")
	p.says("are above")
	p.away = true
	stop()
	p.wait("document.querySelector('.gone') !== null")
	_, port, err := net.SplitHostPort(strings.TrimSuffix(strings.TrimPrefix(p.base, "http://"), "/"))
	if err != nil {
		t.Fatal(err)
	}
	c.Addr = "127.0.0.1:" + port
	serve(t, c, s.token)
	p.wait("document.querySelector('.gone') === null")
	p.says("are above")
}

// TestFirstPaint says how soon there is something to see, and how soon it is the studio; the
// least of some, since others use the machine, too. How long that takes is not for a test to
// judge: on a busy machine it takes longer.
func TestFirstPaint(t *testing.T) {
	const rounds = 5
	p, _, _ := open(t, rooms(t))
	paint, page := math.Inf(1), math.Inf(1)
	for range rounds {
		p.do(chromedp.Reload())
		p.wait("performance.getEntriesByName('first-contentful-paint').length === 1 && performance.getEntriesByName('studio').length === 1")
		paint = min(paint, value[float64](p, "performance.getEntriesByName('first-contentful-paint')[0].startTime"))
		page = min(page, value[float64](p, "performance.getEntriesByName('studio')[0].startTime"))
	}
	t.Logf("first paint after %.0f ms, the studio after %.0f ms", paint, page)
}

// TestManyPoints shows a map of as many points as there may be.
func TestManyPoints(t *testing.T) {
	chromium(t)
	dir := t.TempDir()
	trained(t, bars(t, dir), filepath.Join(dir, "runs"), "one")
	const side = 8
	images := &dataset.Images{Shape: tensor.Shape{side, side}, Pixels: make([]byte, mostSamples*side*side), Labels: make([]byte, mostSamples), Classes: []string{"0", "1"}}
	for i := range images.Pixels {
		images.Pixels[i] = byte(i * 2654435761 >> 7)
	}
	for i := range images.Labels {
		images.Labels[i] = byte(i % 2)
	}
	many := filepath.Join(dir, "many")
	if err := dataset.Save(many, images.Slice(0, 100), images); err != nil {
		t.Fatal(err)
	}
	p, _, _ := open(t, Config{Paths: []string{filepath.Join(dir, "runs")}, Data: Data{Path: many}})
	p.goTo("#/explore")
	p.says("70,000 test samples")
	p.wait(mapReady)
	box := value[[]float64](p, "(r => [r.left + r.width / 2, r.top + r.height / 2])(document.querySelector('.map').getBoundingClientRect())")
	p.do(chromedp.MouseClickXY(box[0], box[1]))
	p.says("Most alike, by their codes")
}
