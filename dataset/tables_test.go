package dataset_test

import (
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hourglass/dataset"
)

// folder writes files and returns a pattern for all of them.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "*")
}

func zipped(t *testing.T, text string) string {
	t.Helper()
	var b strings.Builder
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestSeveralTables(t *testing.T) {
	pattern := folder(t, map[string]string{"b.csv": "x;y\n3;4\n", "a.csv": "x,y\n1,2\n", "c.csv.gz": zipped(t, "x,y\n5,6\n7,8\n")})
	d, err := dataset.Load(t.Context(), pattern, dataset.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := show(d), "4×2 [1 2 3 4 5 6 7 8] [x y] [] []"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	bare := folder(t, map[string]string{"1": "1,2\n", "2": "3,4\n"})
	if d, err = dataset.Load(t.Context(), bare, dataset.LoadOptions{}); err != nil || show(d) != "2×2 [1 2 3 4] [] [] []" {
		t.Errorf("without headers: %v", err)
	}
	words := folder(t, map[string]string{"1": "a;b\nja;K\xf6ln\nnein;Ulm\n", "2": "a;b\nja;Köln\nja;\n"})
	if d, err = dataset.Load(t.Context(), words, dataset.LoadOptions{CSV: masked}); err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprintf("%d %v %q %s", d.Len(), d.Schema.Columns[1].Classes, d.Cell(3, 1), d.Encoding), `4 [Köln Ulm] "" Windows-1252`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestSeveralTablesRefuse(t *testing.T) {
	for _, c := range []struct{ second, want string }{
		{"x,z\n3,4\n", `b: has the columns "x", "z", want "x", "y" as in `},
		{"x,y\n3,4\n5,six\n", `row 4 (line 3 of `},
		{"x,y\n3\n", `row 3 (line 2 of `},
		{"", "b: is empty"},
		{"x,y\n\"3,4\n", "b: row that starts in line 2"},
		{"\x93NUMPY\x01\x00", "b: is no table, as several files must be"},
		{"\x1f\x8b\x08", "b: gzip header is cut off"},
	} {
		pattern := folder(t, map[string]string{"a": "x,y\n1,2\n2,3\n", "b": c.second})
		_, err := dataset.Load(t.Context(), pattern, dataset.LoadOptions{})
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: got %v, want one line with %s", c.second, err, c.want)
		}
	}
	typed := folder(t, map[string]string{"a": "x;y\n1;2\n2;3\n", "b": "x;y\n1,5;one\n1;two\n1;three\n"})
	o := dataset.LoadOptions{CSV: masked}
	if _, err := dataset.Load(t.Context(), typed, o); err == nil || !strings.Contains(err.Error(), `row 1 (line 2 of `) || !strings.Contains(err.Error(), "free text") {
		t.Errorf("text in the second: %v", err)
	}
	if _, err := dataset.Load(t.Context(), filepath.Join(t.TempDir(), "*.csv"), o); err == nil || !strings.Contains(err.Error(), "no file has such a name") {
		t.Errorf("none: %v", err)
	}
}
