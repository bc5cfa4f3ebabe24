// Package progress shows on a terminal how far a training run is. It is an observer
// of package train like any other; a program that shows runs in another way does
// without it.
package progress

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"hourglass/train"
)

var _ train.Observer = (*Bar)(nil)

// Bar shows a training run in the manner of Keras: while an epoch lasts, a
// bar with steps, rate, remaining time, loss and metrics; once it is over, a line
// with its numbers. Where Out is not a terminal only the lines are written. Of more
// than a hundred epochs some fifty have a line, the first and the last among them.
type Bar struct {
	Out io.Writer // where to show it; standard error by default

	// Forecast tells in a line, after some steps, how long the run will take and how
	// much memory.
	Forecast bool

	bar     *progressbar.ProgressBar
	shown   time.Time
	written int // the last epoch that has a line
	forecast
}

// redraw is how often the bar is drawn: faster than the eye asks for is wasted.
const redraw = 100 * time.Millisecond

// Observe draws the bar and the lines.
func (p *Bar) Observe(e train.Event, r *train.Run) error {
	switch e {
	case train.Started:
		if p.Out == nil {
			p.Out = os.Stderr
		}
		p.written = len(r.History.Epochs)
		p.forecast.start()
	case train.Stepped:
		p.step(r)
		p.foretell(r, false)
	case train.EpochEnded:
		p.clear()
		p.foretell(r, true)
		if p.hasLine(r) {
			p.line(r)
		}
	case train.Ended:
		p.clear()
		if len(r.History.Epochs) > p.written {
			p.line(r)
		}
	}
	return nil
}

// hasLine reports whether the epoch that has just ended has a line.
func (p *Bar) hasLine(r *train.Run) bool {
	const all, some = 100, 50
	every := 1
	if r.Epochs > all {
		every = (r.Epochs + some - 1) / some
	}
	return r.Epoch == 1 || r.Epoch%every == 0
}

// foretell writes the forecast once there is one.
func (p *Bar) foretell(r *train.Run, epochEnded bool) {
	if !p.Forecast {
		return
	}
	text := p.forecast.after(r, epochEnded)
	if text == "" {
		return
	}
	p.clear()
	fmt.Fprintln(p.Out, text)
	if !epochEnded {
		p.begin(r)
	}
}

// step redraws the bar now and then.
func (p *Bar) step(r *train.Run) {
	if r.Step == 1 {
		p.clear()
		p.begin(r)
	}
	if p.bar == nil || time.Since(p.shown) < redraw {
		return
	}
	p.shown = time.Now()
	p.bar.Describe(fmt.Sprintf("Epoch %d/%d %s", r.Epoch, r.Epochs, scoreText("", r.Mean, r.History.Metrics)))
	p.bar.Set(r.Step) // errors of drawing to a terminal are of no use to anybody
}

// begin makes the bar of an epoch if there is a terminal to draw it on.
func (p *Bar) begin(r *train.Run) {
	if !IsTerminal(p.Out) {
		return
	}
	p.shown = time.Now()
	p.bar = progressbar.NewOptions(r.Steps,
		progressbar.OptionSetWriter(p.Out),
		progressbar.OptionSetWidth(20),
		progressbar.OptionShowCount(),
		progressbar.OptionShowIts(),
		progressbar.OptionSetItsString("step"),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionSetTheme(progressbar.Theme{
			Saucer: "=", SaucerHead: ">", SaucerPadding: ".", BarStart: "[", BarEnd: "]"}))
}

func (p *Bar) clear() {
	if p.bar != nil {
		p.bar.Clear()
		p.bar = nil
	}
}

// line writes the numbers of the epoch that has just ended.
func (p *Bar) line(r *train.Run) {
	e := r.History.Last()
	p.written = e.Epoch
	text := scoreText("", e.Train, r.History.Metrics)
	if e.Validation != nil {
		text += " - " + scoreText("val_", *e.Validation, r.History.Metrics)
	}
	fmt.Fprintf(p.Out, "Epoch %*d/%d - %d steps - %.1fs - %s\n",
		len(fmt.Sprint(r.Epochs)), e.Epoch, r.Epochs, r.Steps, e.Seconds, text)
}

// scoreText writes scores as Keras does: "loss: 0.1523 - rounded_accuracy: 0.9432".
func scoreText(prefix string, s train.Scores, metrics []string) string {
	parts := []string{fmt.Sprintf("%sloss: %.4f", prefix, s.Loss)}
	for i, name := range metrics {
		parts = append(parts, fmt.Sprintf("%s%s: %.4f", prefix, name, s.Metrics[i]))
	}
	return strings.Join(parts, " - ")
}

// IsTerminal reports whether what is written to w is shown on a terminal.
func IsTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
