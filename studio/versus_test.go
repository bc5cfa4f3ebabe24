package studio

import (
	"bytes"
	"math"
	"net/http"
	"path/filepath"
	"testing"
)

// TestAgainst compares a model with itself, and with one on other samples.
func TestAgainst(t *testing.T) {
	dir := t.TempDir()
	data := bars(t, dir)
	for _, name := range []string{"one", "two"} {
		trained(t, data, filepath.Join(dir, "runs"), name)
	}
	c := newClient(t, Config{Paths: []string{filepath.Join(dir, "runs")}, DataOf: fromArgs})
	all := ask[stateOf](c, "/api/state", nil).Entries
	base := "/api/models/" + all[0].ID + "/against/" + all[1].ID
	v := ask[comparison](c, base, nil)
	if v.Sides[0].Name != all[0].Name || v.Sides[1].Name != all[1].Name || v.Sides[0].Mean != v.Sides[1].Mean || v.Sides[0].Better != 0 || v.Sides[1].Better != 0 || v.Sides[0].Accuracy == nil {
		t.Errorf("the same model twice is %+v", v)
	}
	errors := floatsOf(c.get(base + "/errors"))
	scores := floatsOf(c.get("/api/models/" + all[0].ID + "/scores"))
	if len(errors) != 80 || math.Abs(float64(errors[3]-scores[3])) > 1e-6 {
		t.Errorf("%d errors, that of sample 3 %v, want its score %v", len(errors), errors[3], scores[3])
	}
	pairs := c.get("/api/models/" + all[0].ID + "/pairs?samples=3,1")
	if theirs := c.get(base + "/reconstructions?samples=3,1"); !bytes.Equal(theirs, pairs[2*64:]) {
		t.Error("the other reconstructs otherwise")
	}
	for _, path := range []string{"/api/models/" + all[0].ID + "/against/none", base + "/reconstructions?samples=40"} {
		if w := c.do(c.request(http.MethodGet, path, nil)); w.Code < 400 || w.Code >= 500 {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}
