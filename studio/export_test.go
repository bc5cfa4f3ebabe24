package studio

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// exportedBars exports a run on small pictures, and returns the path of the page.
func exportedBars(t *testing.T) (path string, model string) {
	t.Helper()
	dir := t.TempDir()
	trained(t, bars(t, dir), filepath.Join(dir, "runs"), "one")
	c := newClient(t, Config{Paths: []string{filepath.Join(dir, "runs", "one")}, DataOf: fromArgs, Report: func(io.Writer, string) error { return nil }})
	path, err := c.studio.Export(t.Context(), filepath.Join(dir, "site"))
	if err != nil {
		t.Fatal(err)
	}
	return path, "/api/models/" + ask[stateOf](c, "/api/state", nil).Entries[0].ID
}

func TestExport(t *testing.T) {
	path, model := exportedBars(t)
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	packed := regexp.MustCompile(`id="record">([^<]*)<`).FindSubmatch(page)
	if packed == nil || strings.Contains(string(page), "/app.js") || strings.Contains(string(page), "/style.css") {
		t.Fatalf("the page is %.2000s", page)
	}
	text, err := base64.StdEncoding.DecodeString(string(packed[1]))
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	var r record
	if err := json.NewDecoder(z).Decode(&r); err != nil {
		t.Fatal(err)
	}
	const samples, size = 40, 64
	if len(r.Before) != samples*size || len(r.After) != samples*size || bytes.Equal(r.Before, r.After) {
		t.Errorf("%d and %d bytes of samples", len(r.Before), len(r.After))
	}
	for _, part := range []string{"", "/tsne", "/recognition", "/samples/39"} {
		if r.Texts[model+part] == "" {
			t.Errorf("there is no %s", part)
		}
	}
	if len(r.Ends) != 2 || len(r.Bytes[model+"/path?from="+strconv.Itoa(r.Ends[0])+"&to="+strconv.Itoa(r.Ends[1])+"&steps=10"]) != waySteps*size {
		t.Errorf("no way between %v", r.Ends)
	}
	for kind := range map[string]bool{"pca": true, "tsne": true, "codes": true} {
		if len(r.Bytes[model+"/points?map="+kind]) != samples*8 || len(r.Grids[kind].Decoded) != gridSide*gridSide*size {
			t.Errorf("map %s: %d bytes, %d decoded", kind, len(r.Bytes[model+"/points?map="+kind]), len(r.Grids[kind].Decoded))
		}
	}
}

// Only a page that was exported is written over.
func TestExportKeepsOthers(t *testing.T) {
	path := filepath.Join(t.TempDir(), PageName)
	if err := mayWrite(path); err != nil {
		t.Error(err)
	}
	for text, may := range map[string]bool{"<html>my page</html>": false, "<head>" + generator + "</head>": true} {
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		if err := mayWrite(path); (err == nil) != may {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := newClient(t, Config{}).studio.Export(t.Context(), t.TempDir()); err == nil {
		t.Error("nothing is exported")
	}
}

func TestFarApart(t *testing.T) {
	at := []float64{0, 1, 9, 10, 4, 0}
	list := farApart(len(at), 9, func(i, j int) float64 { return (at[i] - at[j]) * (at[i] - at[j]) })
	if want := []int{0, 3, 4, 1, 2}; len(list) != len(want) || list[1] != want[1] || list[2] != want[2] {
		t.Errorf("%v, want %v", list, want)
	}
}
