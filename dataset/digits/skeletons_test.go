package digits

import "testing"

func TestSkeletonsAreWellFormed(t *testing.T) {
	for digit, styles := range skeletons {
		if len(styles) < 2 {
			t.Errorf("%d: want several styles", digit)
		}
		for _, s := range styles {
			dabs := 0
			for _, line := range s.strokes {
				if len(line) < 2 {
					t.Errorf("%d %q: a stroke of %d points", digit, s.name, len(line))
				}
				dabs += 1 + steps*(len(line)-1)
				for _, p := range line {
					if p.x > 100 || p.y > 100 {
						t.Errorf("%d %q: point %v outside the box of 100×100", digit, s.name, p)
					}
				}
			}
			if s.often < 1 || dabs == 0 || dabs > maxPath {
				t.Errorf("%d %q: written %d times, %d dabs, want at least one and at most %d dabs",
					digit, s.name, s.often, dabs, maxPath)
			}
		}
	}
}

func TestStylesAreChosenAsOftenAsTheyAreWritten(t *testing.T) {
	r := newRandom(1, forDrawing, 0)
	counts := map[*style]int{}
	styles := []style{{name: "rare", often: 1}, {name: "never"}, {name: "common", often: 3}}
	for range 4000 {
		counts[choose(styles, &r)]++
	}
	// Five standard deviations of the binomial distribution: 137.
	if n := counts[&styles[0]]; n < 1000-137 || n > 1000+137 {
		t.Errorf("a style with a weight of 1 in 4 chosen %d times in 4000, want about 1000", n)
	}
	if n := counts[&styles[1]]; n != 0 {
		t.Errorf("a style without weight chosen %d times", n)
	}
}
