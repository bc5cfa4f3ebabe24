package report

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html/template"
	"image/png"
	"slices"
	"strconv"
	"strings"
)

// page is what the template shows.
type page struct {
	Title    string
	Intro    string // of the page of several runs
	Style    template.CSS
	Sections []section
	Glance   *table // the runs side by side; nil for one
}

// section tells of one run.
type section struct {
	ID, Title, About, Guide string
	Alone                   bool // the only one: its title is the page's
	Notices                 []string
	Tiles                   []tile
	Drawing                 *drawing
	Settings                table
	Charts                  []chart
	Figures                 []picture
	Results                 []table
	Epochs                  *table
	Command                 string
	CommandNote             string
}

// tile is a number that says most about a run.
type tile struct{ Value, Unit, Text string }

// picture is a figure on the page.
type picture struct {
	ID            string
	Source        template.URL
	Caption       string
	Width, Height int // in pixels
	Rem           int // how wide it is shown at most, in widths of the type
}

// heading is the title of a part of a section.
type heading struct {
	Text string
	Top  bool // the section is the page, so its parts are one level higher
}

// Heading returns the heading of a part.
func (s section) Heading(text string) heading { return heading{text, s.Alone} }

// newPage draws up the page of runs.
func newPage(runs []Run) (*page, error) {
	p := &page{Title: runs[0].Title, Style: template.CSS(paletteText + styleText)}
	titles := distinctTitles(runs)
	var ids []string
	for i, r := range runs {
		id := slug(titles[i])
		for n := 2; slices.Contains(ids, id); n++ {
			id = fmt.Sprintf("%s-%d", slug(titles[i]), n)
		}
		ids = append(ids, id)
		s, err := newSection(r, id, titles[i])
		if err != nil {
			return nil, fmt.Errorf("run %s: %w", r.Name, err)
		}
		s.Alone = len(runs) == 1
		p.Sections = append(p.Sections, s)
	}
	if len(runs) > 1 {
		p.Title, p.Intro, p.Glance = titleOfSeveral(runs), lectureIntro, glance(runs, p.Sections)
	}
	return p, nil
}

// titleOfSeveral names the page of several runs.
func titleOfSeveral(runs []Run) string {
	names := map[string]bool{}
	for _, r := range runs {
		if name := r.Metrics.text("recipe"); guides[name] != "" {
			names[name] = true
		}
	}
	if len(names) == len(runs) {
		return "The lecture's autoencoders"
	}
	return count(len(runs), "run") + " of autoencoders"
}

// distinctTitles adds the folder's name where runs have the same title.
func distinctTitles(runs []Run) []string {
	seen := map[string]int{}
	for _, r := range runs {
		seen[r.Title]++
	}
	titles := make([]string, len(runs))
	for i, r := range runs {
		titles[i] = r.Title
		if seen[r.Title] > 1 && r.Name != r.Title {
			titles[i] = fmt.Sprintf("%s (%s)", r.Title, r.Name)
		}
	}
	return titles
}

// slug makes a title fit for the address of a section.
func slug(title string) string {
	words := strings.FieldsFunc(strings.ToLower(title), func(r rune) bool {
		return !('a' <= r && r <= 'z' || '0' <= r && r <= '9')
	})
	return strings.Join(append([]string{"run"}, words...), "-")
}

// newSection draws up the section of a run.
func newSection(r Run, id, title string) (section, error) {
	h, err := parseHistory(r.Metrics)
	if err != nil {
		return section{}, err
	}
	s := section{
		ID: id, Title: title, About: r.About, Guide: r.Guide,
		Drawing: r.draw(), Settings: settings(r, h), Results: results(r), Epochs: h.table(),
		Command: command(r.Metrics, h),
	}
	if len(h.epochs) > 0 {
		s.Charts = h.charts()
	}
	s.Tiles = tiles(r, h, s.Drawing)
	s.notice(r)
	for _, f := range r.Figures {
		if f.Name == "curves.png" && s.Charts != nil {
			continue // the page draws them itself
		}
		shown, err := newPicture(f, fmt.Sprintf("%s-figure-%d", id, len(s.Figures)+1))
		if err != nil {
			return section{}, fmt.Errorf("figure %s: %w", f.Name, err)
		}
		s.Figures = append(s.Figures, shown)
	}
	return s, nil
}

// notice says what is not as usual.
func (s *section) notice(r Run) {
	if r.Metrics.Get("interrupted") == true {
		s.Notices = append(s.Notices, "This run was stopped before its last epoch. Model and numbers are as they were then.")
		s.CommandNote = "This trains to the end."
	}
	if s.Drawing == nil {
		s.Notices = append(s.Notices, "The folder of this run has no model, so the network cannot be drawn.")
	}
}

// newPicture prepares a figure for the page.
func newPicture(f Figure, id string) (picture, error) {
	config, err := png.DecodeConfig(bytes.NewReader(f.PNG))
	if err != nil {
		return picture{}, err
	}
	// The type is what was just checked, and base64 has no character that could
	// end an attribute.
	source := template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(f.PNG))
	return picture{id, source, f.Caption, config.Width, config.Height, shownWidth(config.Width)}, nil
}

// shownWidth returns how wide a figure is shown at most: figures are drawn at 300
// dots an inch, and letters have the size of the page's where an inch is a
// little over four widths of the type. Small figures get their share and large ones the page.
func shownWidth(pixels int) int {
	const dotsPerRem, least, most = 70, 14, 60
	return min(max(pixels/dotsPerRem, least), most)
}

// tiles picks the numbers that say most.
func tiles(r Run, h history, d *drawing) []tile {
	var tiles []tile
	add := func(value, unit, text string) { tiles = append(tiles, tile{value, unit, text}) }
	if loss, ok := r.Metrics.number("test_loss"); ok {
		add(strconv.FormatFloat(loss, 'g', 4, 64), "", strings.TrimSpace("test loss "+parenthesized(lossName(r))))
	}
	if d != nil && d.Code > 0 {
		add(formatInt(d.Code), "", fmt.Sprintf("numbers make a code, of %s that make a sample", formatInt(d.Inputs)))
	}
	if recognized, ok := r.Metrics.object("recognition").number("accuracy"); ok {
		spread, _ := r.Metrics.object("recognition").number("spread")
		add(fmt.Sprintf("%.1f ± %.1f", 100*recognized, 100*spread), "%", "of the test images recognised by their codes")
	}
	if angles, ok := r.Metrics.object("pca").Get("principal_angles_degrees").([]any); ok && len(angles) > 0 {
		add(format("pca", "principal_angles_degrees", angles[0]), "", "largest angle to the plane of PCA")
	}
	if n := len(h.epochs); n > 0 && h.seconds > 0 {
		add(formatSeconds(h.seconds), "s", fmt.Sprintf("for %s of training", count(n, "epoch")))
	}
	return tiles
}

func lossName(r Run) string { return formatWord("loss", r.Metrics.text("loss")) }

func parenthesized(s string) string {
	if s == "" {
		return ""
	}
	return "(" + s + ")"
}

// glance puts the runs side by side.
func glance(runs []Run, sections []section) *table {
	t := &table{Caption: "The runs at a glance", Head: []string{"System", "Data set", "Code", "Parameters", "Epochs", "Loss", "Test loss"}}
	for i, r := range runs {
		code := ""
		if d := sections[i].Drawing; d != nil {
			code = formatInt(d.Code)
		}
		row := []string{sections[i].Title, r.Metrics.object("dataset").text("name"), code}
		for _, key := range []string{"parameters", "epochs", "loss", "test_loss"} {
			row = append(row, glanceCell(r, key))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// glanceCell writes one value of a run, or nothing where it has none.
func glanceCell(r Run, key string) string {
	switch value := r.Metrics.Get(key).(type) {
	case nil:
		return ""
	case []any:
		return formatInt(len(value))
	default:
		return format("", key, value)
	}
}
