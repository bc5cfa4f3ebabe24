package progress

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
)

// Patience is after how long progress is shown.
const Patience = 2 * time.Second

// Meter returns a function that shows on w how far something is that takes long: by
// a bar on a terminal, and else by a line now and then. It shows nothing in the first two seconds.
func Meter(w io.Writer, what string) func(done, total int) {
	const pause = 5 * time.Second
	begin, said := time.Now(), time.Now()
	var bar *progressbar.ProgressBar
	return func(done, total int) {
		if time.Since(begin) < Patience {
			return
		}
		switch {
		case !IsTerminal(w):
			if time.Since(said) >= pause && done < total {
				said = time.Now()
				fmt.Fprintf(w, "%s: %d of %d\n", what, done, total)
			}
		case bar == nil:
			bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(w), progressbar.OptionSetDescription(what),
				progressbar.OptionSetWidth(20), progressbar.OptionShowCount(), progressbar.OptionClearOnFinish(),
				progressbar.OptionThrottle(100*time.Millisecond))
		default:
			bar.Set(done) // errors of drawing to a terminal are of no use to anybody
		}
	}
}
