package main

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestTable(t *testing.T) {
	tab := table{head: []string{"system", "µs", "ratio"}}
	tab.add("`stacked`", "280", "3.60 (3.50–3.70)")
	tab.add("a|b\nc", missing)
	want := "" +
		"| system    |  µs |            ratio |\n" +
		"| --------- | --: | ---------------: |\n" +
		"| `stacked` | 280 | 3.60 (3.50–3.70) |\n" +
		"| a\\|b c    |   – |                – |\n"
	if got := tab.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestNumber(t *testing.T) {
	for _, c := range []struct {
		x    float64
		want string
	}{{0, missing}, {0.234, "0.23"}, {9.876, "9.88"}, {12.34, "12.3"}, {1234.5, "1234"}} {
		if got := number(c.x); got != c.want {
			t.Errorf("number(%v) = %s, want %s", c.x, got, c.want)
		}
	}
	for _, c := range []struct {
		us   float64
		want string
	}{{9.8, "9.80 µs"}, {999, "999 µs"}, {1020, "1.02 ms"}, {24800, "24.8 ms"}} {
		if got := microseconds(c.us); got != c.want {
			t.Errorf("microseconds(%v) = %s, want %s", c.us, got, c.want)
		}
	}
	if got := percent(26.2, 212); got != "12 %" {
		t.Errorf("percent(26.2, 212) = %s, want 12 %%", got)
	}
	if got := percent(26.2, 0); got != missing {
		t.Errorf("percent of an unknown peak: got %s, want %s", got, missing)
	}
}

func TestDocument(t *testing.T) {
	s := section{title: "Training steps"}
	s.brief("training step of `stacked`", "280 µs", "PyTorch 1.02 ms", "3.64")
	s.note("No PyTorch to compare with", errors.Join(errors.New("python3: no module named torch"), errors.New("/usr/bin/python3: not found.")))
	s.note("nothing", nil)
	text := document(machine{cpu: "Abacus 1", load: "0.10"}, "1.13", time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC), []section{s})
	for _, want := range []string{
		"On 23 November 2026: Abacus 1,", "load average 0.10", "PyTorch 1.13.\n",
		"| training step of `stacked` |    280 µs | PyTorch 1.02 ms |  3.64 |\n",
		"## Training steps\n\nNo PyTorch to compare with: python3: no module named torch; /usr/bin/python3: not found.\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the document lacks %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "nothing") {
		t.Errorf("an error that is none is in the document:\n%s", text)
	}
}
