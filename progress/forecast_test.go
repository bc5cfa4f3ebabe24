package progress

import (
	"strings"
	"testing"
	"time"

	"hourglass/train"
)

// A step takes as long as told; the numbers follow from it.
func TestForecast(t *testing.T) {
	for _, c := range []struct {
		name                     string
		epochs, steps            int
		each                     time.Duration
		atEpoch, atStep, atSteps int // when it is told; atSteps counts all
		want                     string
	}{
		{"the end of the first epoch that takes long enough", 100, 50, 2 * time.Millisecond, 3, 50, 150, "all 100 epochs will take about 10 s and "},
		{"in a long epoch", 10, 6000, 10 * time.Millisecond, 1, 300, 300, "all 10 epochs will take about 10 min and "},
		{"over before it would be told", 10, 5, time.Millisecond, 0, 0, 0, ""},
	} {
		var clock time.Time
		f := forecast{now: func() time.Time { return clock }}
		f.start()
		told, steps := "", 0
		for epoch := 1; epoch <= c.epochs; epoch++ {
			r := &train.Run{Trainer: &train.Trainer{Epochs: c.epochs}, Steps: c.steps, Epoch: epoch}
			for r.Step = 1; r.Step <= c.steps; r.Step++ {
				clock, steps = clock.Add(c.each), steps+1
				text := f.after(r, false)
				if r.Step == c.steps && text == "" {
					text = f.after(r, true)
				}
				if text == "" {
					continue
				}
				if told != "" || epoch != c.atEpoch || r.Step != c.atStep || steps != c.atSteps {
					t.Errorf("%s: told %q in epoch %d after step %d", c.name, text, epoch, r.Step)
				}
				told = text
			}
		}
		if !strings.HasPrefix(told, c.want) || c.want != "" && !strings.HasSuffix(told, " MB") {
			t.Errorf("%s: %q, want %q", c.name, told, c.want)
		}
	}
}

func TestRoughly(t *testing.T) {
	for d, want := range map[time.Duration]string{
		1234 * time.Millisecond: "1.2 s", 42 * time.Second: "42 s", 99 * time.Second: "99 s", 101 * time.Second: "2 min",
		50 * time.Minute: "50 min", 5 * time.Hour: "5 h", 290 * time.Hour: "12 days",
	} {
		if got := roughly(d); got != want {
			t.Errorf("%v is written %s, want %s", d, got, want)
		}
	}
}
