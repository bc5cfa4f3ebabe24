package suggest

import (
	"strings"
	"testing"
)

func TestClosest(t *testing.T) {
	candidates := []string{"epochs", "batch-size", "early-stopping", "seed"}
	for word, want := range map[string]string{
		"epoch": "epochs", "epcohs": "epochs", "batchsize": "batch-size", "Batch_Size": "batch-size", "sead": "seed",
		"early-stoping": "early-stopping", "colour": "", "": "", "s": "", strings.Repeat("epochs", 9): "",
	} {
		if got := Closest(word, candidates); got != want {
			t.Errorf("%q: got %q, want %q", word, got, want)
		}
	}
	if got := Question("sede", candidates); got != `, did you mean "seed"?` {
		t.Errorf("got %q", got)
	}
}

// The optimal string alignment distance, counted by hand.
func TestEditDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"kitten", "sitting", 3}, {"ab", "ba", 1}, {"ca", "abc", 3}, {"größe", "groesse", 4}} {
		if got := editDistance(c.a, c.b); got != c.want {
			t.Errorf("%s to %s: %d, want %d", c.a, c.b, got, c.want)
		}
	}
}
