package studio

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"hourglass/dataset"
	"hourglass/workflow"
)

// What may be dropped on the page: tables and arrays, one at a time, or pictures.
var (
	tableKinds   = []string{".csv", ".tsv"}
	arrayKinds   = []string{".npy", ".npz"}
	pictureKinds = []string{".png", ".jpg", ".jpeg"}
)

const (
	mostDropped = 1 << 30 // bytes
	mostFiles   = 100_000
	// droppedSide is what pictures of several sizes are scaled to.
	droppedSide = 32
)

// DroppedFolder is where dropped files are kept, in the folder of new runs, so that these
// can be repeated.
const DroppedFolder = "dropped"

// drop takes files that were dropped on the page, and makes them data to train on.
func (s *Studio) drop(r *http.Request) (source, error) {
	r.Body = http.MaxBytesReader(nil, r.Body, mostDropped)
	parts, err := r.MultipartReader()
	if err != nil {
		return source{}, badRequest("files were expected: %v", err)
	}
	out, err := filepath.Abs(filepath.Join(s.config.Out, DroppedFolder))
	if err == nil {
		err = os.MkdirAll(out, 0o777)
	}
	if err != nil {
		return source{}, fmt.Errorf("studio: %w", err)
	}
	dir, err := os.MkdirTemp(out, ".half-*")
	if err != nil {
		return source{}, fmt.Errorf("studio: %w", err)
	}
	defer os.RemoveAll(dir) // unless it has become data
	names, err := receive(parts, dir)
	if err != nil {
		return source{}, err
	}
	return s.take(r.Context(), dir, out, names)
}

// receive writes files into a folder and returns their names.
func receive(parts *multipart.Reader, dir string) (names []string, err error) {
	for {
		part, err := parts.NextRawPart()
		switch {
		case errors.Is(err, io.EOF) && len(names) > 0:
			return names, nil
		case err != nil:
			return nil, badRequest("the files did not come whole: %v", err)
		case len(names) == mostFiles:
			return nil, badRequest("more than %d files", mostFiles)
		}
		name, err := cleanName(part.FormName())
		if err != nil {
			return nil, err
		}
		if err := writeNew(filepath.Join(dir, name), part); err != nil {
			return nil, badRequest("%s did not come whole: %v", name, err)
		}
		names = append(names, name)
	}
}

// cleanName returns the path of a dropped file below its folder, which it cannot leave.
func cleanName(name string) (string, error) {
	clean := path.Clean("/" + strings.ReplaceAll(name, `\`, "/"))[1:]
	kind := strings.ToLower(path.Ext(clean))
	hidden := slices.ContainsFunc(strings.Split(clean, "/"), func(part string) bool { return strings.HasPrefix(part, ".") })
	if hidden || len(clean) > 500 || strings.ContainsAny(clean, "\x00:") || !slices.Contains(slices.Concat(tableKinds, arrayKinds, pictureKinds), kind) {
		return "", badRequest("%.80q cannot be read; want a table (.csv, .tsv), an array (.npy, .npz), or pictures (.png, .jpg)", name)
	}
	return filepath.FromSlash(clean), nil
}

func writeNew(path string, from io.Reader) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, from)
	return errors.Join(err, f.Close())
}

// take makes files data under a name of its own, if they can be read.
func (s *Studio) take(ctx context.Context, dir, out string, names []string) (source, error) {
	title := filepath.Base(names[0])
	isPicture := func(name string) bool { return slices.Contains(pictureKinds, strings.ToLower(filepath.Ext(name))) }
	pictures := isPicture(names[0])
	if other := slices.IndexFunc(names, func(name string) bool { return isPicture(name) != pictures }); other >= 0 || !pictures && len(names) > 1 {
		return source{}, badRequest("%d files; want one table or array, or pictures only", len(names))
	}
	if pictures {
		title = fmt.Sprintf("%d pictures", len(names))
		if folder, _, inside := strings.Cut(filepath.ToSlash(names[0]), "/"); inside && !slices.ContainsFunc(names, func(n string) bool { return !strings.HasPrefix(filepath.ToSlash(n), folder+"/") }) {
			title = folder
		}
	}
	place, err := placeFor(dir, out, strings.TrimSuffix(title, filepath.Ext(title)))
	if err != nil {
		return source{}, fmt.Errorf("studio: %w", err)
	}
	from := source{ID: identifier(place), Title: title, About: "dropped here", path: place}
	if !pictures {
		from.path = filepath.Join(place, names[0])
	}
	if from, err = s.readable(ctx, from, pictures); err != nil {
		os.RemoveAll(place)
		return source{}, badRequest("%v", err)
	}
	s.jobs.mu.Lock()
	s.jobs.dropped = append([]source{from}, s.jobs.dropped...)
	s.jobs.mu.Unlock()
	s.events.publish("data", "", s.sources())
	return from, nil
}

// placeFor gives a folder a name that no other has.
func placeFor(dir, out, name string) (string, error) {
	for i := 1; ; i++ {
		place := filepath.Join(out, name)
		if i > 1 {
			place = fmt.Sprintf("%s-%d", place, i)
		}
		if _, err := os.Lstat(place); errors.Is(err, os.ErrNotExist) {
			return place, errors.Join(os.Chmod(dir, 0o777), os.Rename(dir, place))
		}
	}
}

// readable finds out how data can be read: as it is, a table with its last or first column
// for labels, pictures scaled to one size. The error is that of the first way.
func (s *Studio) readable(ctx context.Context, from source, pictures bool) (source, error) {
	ways := []source{from}
	if from.Columns = columnsOf(from.path); len(from.Columns) > 1 {
		ways = []source{from, from.labelled(from.Columns[len(from.Columns)-1]), from.labelled(from.Columns[0])}
	}
	if pictures {
		scaled := from
		scaled.load.Images.Width, scaled.load.Images.Height = droppedSide, droppedSide
		scaled.About = fmt.Sprintf("dropped here, scaled to %d×%d", droppedSide, droppedSide)
		scaled.flags = map[string][]string{"image-size": {fmt.Sprintf("%dx%d", droppedSide, droppedSide)}}
		ways = append(ways, scaled)
	}
	var first error
	for _, way := range ways {
		_, err := s.jobs.open(ctx, way)
		if err == nil {
			return way, nil
		}
		if first == nil {
			first = err
		}
	}
	return from, first
}

// labelled returns the source with another column for labels; "" for none.
func (f source) labelled(column string) source {
	f.Label, f.load.Label = column, column
	f.flags = maps.Clone(f.flags)
	delete(f.flags, "label")
	if column != "" {
		if f.flags == nil {
			f.flags = map[string][]string{}
		}
		f.flags["label"] = []string{column}
	}
	return f
}

// columnsOf returns the names of a table's columns; nil of other data, or without names.
func columnsOf(path string) []string {
	if !slices.Contains(tableKinds, strings.ToLower(filepath.Ext(path))) {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	start := make([]byte, 1<<16)
	n, _ := io.ReadFull(f, start) // it may be shorter
	return dataset.CSVHeader(start[:n])
}

// label makes another column of a dropped table the labels, if it can be read so.
func (s *Studio) label(r *http.Request) (source, error) {
	var body struct {
		Label string `json:"label"`
	}
	if err := read(r, &body); err != nil {
		return source{}, err
	}
	from, err := s.source(r.PathValue("id"))
	if err != nil {
		return from, err
	}
	if body.Label != "" && !slices.Contains(from.Columns, body.Label) {
		return from, badRequest("%s has no column %.80q", from.Title, body.Label)
	}
	way := from.labelled(body.Label)
	in, err := workflow.Load(r.Context(), way.path, way.load)
	if err != nil {
		return from, badRequest("%v", err)
	}
	s.jobs.mu.Lock()
	defer s.jobs.mu.Unlock()
	for i := range s.jobs.dropped {
		if s.jobs.dropped[i].ID == way.ID {
			s.jobs.dropped[i], s.jobs.loaded[way.ID] = way, in
		}
	}
	return way, nil
}
