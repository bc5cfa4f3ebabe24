package studio

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hourglass/run"
)

// dropOn drops files on the page: pairs of a name and a content.
func dropOn(c *client, files ...string) (taken source, refusal string) {
	c.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for i := 0; i < len(files); i += 2 {
		part, err := form.CreateFormFile(files[i], filepath.Base(files[i]))
		if err == nil {
			_, err = part.Write([]byte(files[i+1]))
		}
		if err != nil {
			c.t.Fatal(err)
		}
	}
	if err := form.Close(); err != nil {
		c.t.Fatal(err)
	}
	r := c.request(http.MethodPost, "/api/data", nil)
	r.Body, r.ContentLength = readCloser{&body}, int64(body.Len())
	r.Header.Set("Content-Type", form.FormDataContentType())
	w := c.do(r)
	if w.Code != http.StatusOK {
		var f failure
		if err := json.Unmarshal(w.Body.Bytes(), &f); err != nil || w.Code != http.StatusBadRequest {
			c.t.Errorf("%v: %d %s", files[0], w.Code, w.Body)
		}
		return taken, f.Error
	}
	if err := json.Unmarshal(w.Body.Bytes(), &taken); err != nil {
		c.t.Fatal(err)
	}
	return taken, ""
}

type readCloser struct{ *bytes.Buffer }

func (readCloser) Close() error { return nil }

// picture returns a grey picture.
func picture(t *testing.T, side int) string {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, side, side))); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestDropTable(t *testing.T) {
	out := filepath.Join(t.TempDir(), "runs")
	c := newClient(t, Config{Out: out, Threads: 1})
	table := "kind,a,b\n" + strings.Repeat("red,1,2\nblue,2,1\nred,3,5\n", 20)
	taken, refusal := dropOn(c, "My table.csv", table)
	if refusal != "" || taken.Title != "My table.csv" || taken.Label != "kind" || !slices.Equal(taken.Columns, []string{"kind", "a", "b"}) {
		t.Fatalf("taken as %+v (%s)", taken, refusal)
	}
	info := ask[sourceOf](c, "/api/data/"+taken.ID, nil)
	if info.Samples != 60 || !slices.Equal(info.Shape, []int{2}) {
		t.Errorf("it is %+v", info)
	}
	if w := c.do(c.request(http.MethodPost, "/api/data/"+taken.ID+"/label", map[string]string{"label": "c"})); w.Code != http.StatusBadRequest {
		t.Errorf("a label that is no column: %d %s", w.Code, w.Body)
	}
	again, refusal := dropOn(c, "My table.csv", table)
	if refusal != "" || again.ID == taken.ID {
		t.Errorf("dropped again, it is %+v (%s)", again, refusal)
	}

	// A run on it notes how it is read.
	j := ask[status](c, "/api/jobs", order{draft: draft{taken.ID, []string{"dense 1"}, []string{"dense 2"}}, Optimizer: "adam", LearningRate: 0.01, BatchSize: 8, Epochs: 1})
	for !ask[followed](c, "/api/jobs/"+j.ID, nil).isOver() {
	}
	notes, err := run.ReadNotes(filepath.Join(out, j.Name))
	if err != nil || notes.State != run.Finished || !slices.Equal(notes.Command.Flags["label"], []string{"kind"}) || !filepath.IsAbs(notes.Command.Args[0]) {
		t.Errorf("noted %+v (%v)", notes, err)
	}
	if _, err := os.Stat(notes.Command.Args[0]); err != nil || j.Name != "My table-1" {
		t.Errorf("%s: %v", j.Name, err)
	}

	plain, refusal := dropOn(c, "numbers.csv", "a,b\n1,2\n2,1\n3,5\n")
	if refusal != "" || plain.Label != "" {
		t.Fatalf("numbers are taken as %+v (%s)", plain, refusal)
	}
	if s := ask[source](c, "/api/data/"+plain.ID+"/label", map[string]string{"label": "b"}); s.Label != "b" {
		t.Errorf("labelled as %+v", s)
	}
	if info := ask[sourceOf](c, "/api/data/"+plain.ID, nil); info.Label != "b" || !slices.Equal(info.Shape, []int{1}) {
		t.Errorf("labelled, it is %+v", info)
	}
}

func TestDropPictures(t *testing.T) {
	c := newClient(t, Config{Out: filepath.Join(t.TempDir(), "runs")})
	same, refusal := dropOn(c, "pets/cats/1.png", picture(t, 8), "pets/dogs/1.png", picture(t, 8))
	if refusal != "" || same.Title != "pets" {
		t.Fatalf("taken as %+v (%s)", same, refusal)
	}
	if info := ask[sourceOf](c, "/api/data/"+same.ID, nil); info.Samples != 2 || !slices.Equal(info.Shape, []int{8, 8}) {
		t.Errorf("it is %+v", info)
	}
	mixed, refusal := dropOn(c, "1.png", picture(t, 8), "2.PNG", picture(t, 9))
	if refusal != "" || mixed.Title != "2 pictures" || mixed.About != fmt.Sprintf("dropped here, scaled to %d×%d", droppedSide, droppedSide) {
		t.Fatalf("taken as %+v (%s)", mixed, refusal)
	}
}

// What is no data leaves nothing behind, and no name leads out of the folder.
func TestDropRefuses(t *testing.T) {
	out := filepath.Join(t.TempDir(), "runs")
	c := newClient(t, Config{Out: out})
	for _, files := range [][]string{
		{"a.csv", "x"}, {"a.exe", "1,2"}, {".csv", "a\n1"}, {"a/.ssh/x.csv", "a\n1"}, {"a.csv", "a\n1\n2\n", "b.csv", "a\n1\n2\n"}, {"a.csv", "a\n1\n2\n", "1.png", "x"},
		{"1.png", "no picture"}, {"a.npy", "no array"}, {"a:b.csv", "a\n1\n2\n"}, {"same.csv", "a\n1\n2\n", "same.csv", "a\n1\n2\n"},
	} {
		if taken, refusal := dropOn(c, files...); refusal == "" || strings.Contains(refusal, "\n") {
			t.Errorf("%v is taken as %+v (%s)", files, taken, refusal)
		}
	}
	if name, err := cleanName("../../etc/x.csv"); err != nil || name != filepath.FromSlash("etc/x.csv") {
		t.Errorf("a name that leads out becomes %q (%v)", name, err)
	}
	left, err := os.ReadDir(filepath.Join(out, DroppedFolder))
	if err != nil || len(left) != 0 {
		t.Errorf("there are still %v (%v)", left, err)
	}
}
