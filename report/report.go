// Package report writes what a run came to as one HTML page.
//
// The page stands alone: style, drawings and figures are inside it, nothing is
// fetched and no script runs. It follows the reader's choice of light or dark,
// fits a phone and can be printed. The same run gives the same bytes.
//
//	err := report.Write("runs/stacked/report.html", "runs/stacked")
//
// A run is a folder as hourglass run leaves it: metrics.json, model.safetensors
// and figures. The page shows every number of metrics.json, under a name of its
// own where this package knows it and under that of the file where not.
package report

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"io"

	"hourglass/internal/atomicfile"
)

//go:embed page.html.tmpl
var pageText string

//go:embed style.css
var styleText string

// paletteText are the colours, which Hourglass Studio has, too.
//
//go:embed palette.css
var paletteText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// Write reads the runs in the folders and writes their page to a file, whole or
// not at all; see [Read] and [Page].
func Write(path string, dirs ...string) error {
	runs := make([]Run, len(dirs))
	for i, dir := range dirs {
		var err error
		if runs[i], err = Read(dir); err != nil {
			return err
		}
	}
	var b bytes.Buffer
	if err := Page(&b, runs...); err != nil {
		return err
	}
	if err := atomicfile.WriteFile(path, b.Bytes()); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

// Page writes the page of one run, or a page with a table of contents and a
// section for each of several. It reports runs whose numbers are not those of a
// training, and errors of w.
func Page(w io.Writer, runs ...Run) error {
	if len(runs) == 0 {
		return errors.New("report: there are no runs, want at least one")
	}
	p, err := newPage(runs)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	// Drawn up in memory, so that an error leaves w as it was.
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, p); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	if _, err := b.WriteTo(w); err != nil {
		return fmt.Errorf("report: write page: %w", err)
	}
	return nil
}
