package columns

import (
	"slices"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	got, err := Parse("numbers:3, classes:4*0.5,booleans:2*2")
	if want := []Group{{Numbers, 0, 3, 1}, {Classes, 3, 7, 0.5}, {Booleans, 7, 9, 2}}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v (%v), want %v", got, err, want)
	}
	if err := Check(got, 8); err == nil || !strings.Contains(err.Error(), "got samples of 8 values along the last axis, want 9") {
		t.Errorf("error %v", err)
	}
	for _, text := range []string{"", "numbers", "numbers:0", "numbers:x", "colours:2", "numbers:2,,", "numbers:-1", "numbers:1*", "numbers:1*0", "numbers:1*-1", "numbers:1*NaN", "numbers:1*1e9", "numbers*2", "classes:99999999999999999999", "numbers:1048576,numbers:1"} {
		if groups, err := Parse(text); err == nil {
			t.Errorf("%q is read as %v", text, groups)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("numbers:3,classes:4,booleans:2")
	f.Add("numbers:3*0.25,classes:4*1.5")
	f.Fuzz(func(t *testing.T, text string) {
		groups, err := Parse(text)
		at := 0
		for _, g := range groups {
			if g.Lo != at || g.Hi <= at || g.Hi > most || !(g.Weight > 0) {
				t.Fatalf("%q: groups %v", text, groups)
			}
			at = g.Hi
		}
		if err == nil && len(groups) == 0 {
			t.Fatalf("%q: no groups and no error", text)
		}
	})
}
