package progress

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hourglass/train"
)

// terminal returns a terminal and a function that tells what was written to it.
func terminal(t *testing.T) (*os.File, func() string) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no terminals here: %v", err)
	}
	t.Cleanup(func() { master.Close() })
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Skipf("no terminals here: %v", err)
	}
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Skipf("no terminals here: %v", err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no terminals here: %v", err)
	}
	text := make(chan string)
	go func() {
		var b strings.Builder
		buffer := make([]byte, 4096)
		for {
			n, err := master.Read(buffer)
			b.Write(buffer[:n])
			if err != nil { // the terminal is closed
				text <- b.String()
				return
			}
		}
	}()
	return slave, func() string {
		slave.Close()
		return <-text
	}
}

// On a terminal a bar shows the state of the epoch and makes way for its line.
func TestProgressOnTerminal(t *testing.T) {
	tty, written := terminal(t)
	p := &Bar{Out: tty}
	r := &train.Run{Trainer: &train.Trainer{Epochs: 2}, History: &train.History{Metrics: []string{"mse"}}, Steps: 4, Epoch: 1, Step: 1}
	told := func(e train.Event) {
		t.Helper()
		if err := p.Observe(e, r); err != nil {
			t.Fatal(err)
		}
	}
	told(train.Started)
	for r.Step = 1; r.Step <= 3; r.Step++ {
		r.Mean = train.Scores{Loss: 0.5, Metrics: []float64{0.25}}
		told(train.Stepped)
		if p.bar == nil {
			t.Fatal("there is no bar")
		}
		p.shown = time.Time{} // draw again at once
	}
	r.History.Epochs = []train.Epoch{{Epoch: 1, Seconds: 1.5, Train: train.Scores{Loss: 0.4, Metrics: []float64{0.2}}}}
	told(train.EpochEnded)
	if p.bar != nil {
		t.Error("the bar outlives its epoch")
	}
	told(train.Ended)
	text := written()
	for _, want := range []string{"Epoch 1/2 loss: 0.5000 - mse: 0.2500", "[", "3/4", "Epoch 1/2 - 4 steps - 1.5s - loss: 0.4000 - mse: 0.2000\r\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("the terminal lacks %q: %q", want, text)
		}
	}
	if !strings.HasSuffix(text, "mse: 0.2000\r\n") {
		t.Errorf("the bar is drawn after its end: %q", text)
	}
}

// Without a place to write to, progress goes to standard error.
func TestProgressDefault(t *testing.T) {
	old := os.Stderr
	defer func() { os.Stderr = old }()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	os.Stderr = write
	p := &Bar{}
	r := &train.Run{Trainer: &train.Trainer{Epochs: 1}, History: &train.History{Epochs: []train.Epoch{{Epoch: 1, Train: train.Scores{Loss: 0.5}}}}, Steps: 1, Epoch: 1, Step: 1}
	for _, e := range []train.Event{train.Started, train.Stepped, train.EpochEnded, train.Ended} {
		if err := p.Observe(e, r); err != nil {
			t.Fatal(err)
		}
	}
	write.Close()
	text := make([]byte, 100)
	n, _ := read.Read(text)
	if got := string(text[:n]); got != "Epoch 1/1 - 1 steps - 0.0s - loss: 0.5000\n" {
		t.Errorf("standard error got %q", got)
	}
}
