package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hourglass"
	"hourglass/anomaly"
	"hourglass/dataset"
	"hourglass/nn"
	"hourglass/serve/registry"
	"hourglass/workflow"
)

// typedModel saves a model of a table with a category, a date, a boolean and gaps.
func typedModel(t *testing.T, dir string) *workflow.Model {
	t.Helper()
	var table strings.Builder
	table.WriteString("date,colour,good,price\n")
	for i := range 120 {
		price := fmt.Sprintf("%d.%d", 10+i%7, i%10)
		if i%11 == 5 {
			price = ""
		}
		fmt.Fprintf(&table, "2023-%02d-%02d,%s,%s,%s\n", 1+i%12, 1+i%28, []string{"red", "green", "blue"}[i%3], []string{"yes", "no"}[i%2], price)
	}
	path := filepath.Join(dir, "table.csv")
	if err := os.WriteFile(path, []byte(table.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	in, err := workflow.Load(ctx, path, dataset.LoadOptions{CSV: dataset.CSVOptions{Infer: true, Missing: dataset.MissingMask}})
	if err != nil {
		t.Fatal(err)
	}
	width := in.Schema.Width()
	ae, err := hourglass.New(nn.Layers{nn.Input{width}, nn.Dense{Units: 3}}, nn.Layers{nn.Dense{Units: width}})
	if err != nil {
		t.Fatal(err)
	}
	m := &workflow.Model{Autoencoder: ae, Path: filepath.Join(dir, "typed.safetensors")}
	m.Record.Schema, m.Record.Features = in.Schema, in.Features
	if err := m.LearnDetector(ctx, in, in, anomaly.Options{Seed: 1}); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(ae.SetRecord(m.Record), ae.Save(m.Path)); err != nil {
		t.Fatal(err)
	}
	return m
}

// Tables go in and out with their cells, and are scored as the library scores the same file.
func TestCells(t *testing.T) {
	dir := t.TempDir()
	m := typedModel(t, dir)
	const table = "colour,price,date,good\nred,,2023-03-04,yes\nmauve,12.5,2023-05-01,no\n"
	path := filepath.Join(dir, "later.csv")
	if err := os.WriteFile(path, []byte(table), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	in, err := m.Load(ctx, path, dataset.LoadOptions{CSV: dataset.CSVOptions{Missing: dataset.MissingMask}})
	if err != nil {
		t.Fatal(err)
	}
	want, err := m.ScoreBy(ctx, in, anomaly.Combined, nil)
	if err != nil {
		t.Fatal(err)
	}
	c, _ := testConfig(t)
	c.Models = []registry.Spec{{Name: "m", Path: m.Path}}
	s := newServer(t, c)
	rows := `[{"colour":"red","price":null,"date":"2023-03-04","good":"yes"}, {"good":"no","price":12.5,"date":"2023-05-01","colour":"mauve"}]`
	for kind, body := range map[string]string{"text/csv": table, "application/json": rows} {
		w := ask(s, "POST", "/models/m/score", kind, []byte(body), "Accept", "application/json")
		var got struct{ Scores []float64 }
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || !slices.Equal(got.Scores, want) {
			t.Errorf("%s: %s, want %v", kind, w.Body, want)
		}
	}
	var back struct {
		Samples []struct {
			Date, Colour, Good string
			Price              float64
		}
	}
	w := ask(s, "POST", "/models/m/reconstruct", "application/json", []byte(`{"rows":`+rows+`}`))
	if err := json.Unmarshal(w.Body.Bytes(), &back); err != nil || len(back.Samples) != 2 || len(back.Samples[1].Date) != len("2023-05-01") {
		t.Errorf("reconstruct: %s, %v", w.Body, err)
	}
	w = ask(s, "POST", "/models/m/decode", "text/csv", []byte("0.1,0.2,0.3\n"))
	if text := w.Body.String(); !strings.HasPrefix(text, "date,colour,good,price") || strings.Count(text, "\n") != 2 {
		t.Errorf("decode: %s", text)
	}
	for body, want := range map[string]string{
		`[{"colour":["red"]}]`:     "want text",
		`[{"size":1}]`:             "column \"size\"",
		`[{"date":"yesterday"}]`:   "want a time",
		`[{"good":"perhaps"}]`:     "want no or yes",
		`[{"colour":"red"}`:        "JSON",
		`[{"colour":"red"}] 1`:     "more behind",
		`[{"colour":"red"}]]`:      "more behind",
		`{"rows":[{"good":1}]}]`:   "more behind",
		`[{"colour":"red"},[1,2]]`: "row 2",
	} {
		if w := ask(s, "POST", "/models/m/score", "application/json", []byte(body)); w.Code != 400 || !strings.Contains(strings.ReplaceAll(w.Body.String(), `\"`, `"`), want) {
			t.Errorf("%s: status %d, %s, want %q", body, w.Code, w.Body, want)
		}
	}
}
