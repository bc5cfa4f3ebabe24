package dataset

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"hourglass/tensor"
)

// painted is a PNG file of w×h pixels of one colour.
func painted(t testing.TB, w, h int, c color.Color) []byte {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.Set(x, y, c)
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func grey(v uint8) color.Color { return color.Gray{v} }

// folder writes files into a new folder.
func folder(t testing.TB, files map[string][]byte) string {
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestReadImageFolder(t *testing.T) {
	dir := folder(t, map[string][]byte{
		"dogs/1.png":       painted(t, 3, 2, grey(10)),
		"cats/b.PNG":       painted(t, 3, 2, grey(30)),
		"cats/a/deep.png":  painted(t, 3, 2, grey(20)),
		"cats/.hidden.png": []byte("not an image"),
		".git/x.png":       []byte("not an image"),
		"README.md":        []byte("hello"),
		"dogs/notes.txt":   []byte("hello"),
	})
	d, err := ReadImageFolder(t.Context(), dir, ImageOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(d.Len(), d.Shape(), d.Labels, d.Classes, d.Largest) + " " + string(d.Format); got != "3 2×3 [0 0 1] [cats dogs] 255 images" {
		t.Errorf("got %s", got)
	}
	values := make([]float32, 18)
	d.Samples.Read(values, []int{0, 1, 2})
	if want := []float32{20, 30, 10}; values[0] != want[0] || values[6] != want[1] || values[17] != want[2] {
		t.Errorf("values %v, want images of %v", values, want)
	}
	if got := filepath.ToSlash(d.SampleName(0)); got != "cats/a/deep.png" {
		t.Errorf("sample 0 is %s, want cats/a/deep.png", got)
	}
	images := d.Samples.(*Images)
	if !slices.Equal(images.Labels, []uint8{0, 0, 1}) || images.Classes[1] != "dogs" {
		t.Errorf("labels of the images are %v, %v", images.Labels, images.Classes)
	}
}

func TestReadImageFolderColors(t *testing.T) {
	greys := map[string][]byte{"1.png": painted(t, 1, 2, grey(10)), "2.png": painted(t, 1, 2, grey(200))}
	mixed := map[string][]byte{"1.png": painted(t, 1, 2, grey(10)), "2.png": painted(t, 1, 2, color.RGBA{255, 0, 0, 255})}
	for _, c := range []struct {
		files map[string][]byte
		color Color
		want  string
	}{
		{greys, ColorAuto, "2×1 [10 10 200 200]"},
		{greys, ColorRGB, "2×1×3 [10 10 10 10 10 10 200 200 200 200 200 200]"},
		{greys, ColorGray, "2×1 [10 10 200 200]"},
		{mixed, ColorAuto, "2×1×3 [10 10 10 10 10 10 255 0 0 255 0 0]"},
		{mixed, ColorGray, "2×1 [10 10 76 76]"}, // 0.299·255
	} {
		d, err := ReadImageFolder(t.Context(), folder(t, c.files), ImageOptions{Color: c.color})
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(d.Shape(), d.Samples.(*Images).Pixels); got != c.want || d.Labels != nil {
			t.Errorf("%q: got %s, want %s", c.color, got, c.want)
		}
	}
}

// The files of the golden test, turned by their Exif orientation and scaled,
// come out alike whatever the number of cores.
func TestReadImageFolderScales(t *testing.T) {
	files := map[string][]byte{}
	for i, g := range goldenPictures(t) {
		extension := ".png"
		if strings.Contains(g.Name, "jpeg") {
			extension = ".jpeg"
		}
		files[fmt.Sprintf("%02d%s", i, extension)] = g.raw(t)
	}
	dir := folder(t, files)
	o := ImageOptions{Width: 6, Height: 4}
	want, err := ReadImageFolder(t.Context(), dir, o)
	if err != nil {
		t.Fatal(err)
	}
	if !want.Shape().Equal(tensor.Shape{4, 6, 3}) || want.Len() != len(files) {
		t.Fatalf("%d images of %v", want.Len(), want.Shape())
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	got, err := ReadImageFolder(t.Context(), dir, o)
	if err != nil || !bytes.Equal(got.Samples.(*Images).Pixels, want.Samples.(*Images).Pixels) {
		t.Errorf("one core gives other pixels (error %v)", err)
	}
}

func TestReadImageFolderRefuses(t *testing.T) {
	good := painted(t, 4, 4, grey(9))
	wrongSum := bytes.Clone(good)
	wrongSum[len(wrongSum)-20] ^= 1
	for _, c := range []struct {
		name    string
		files   map[string][]byte
		options ImageOptions
		want    string
	}{
		{"nothing", map[string][]byte{"a.txt": nil}, ImageOptions{}, "no PNG or JPEG files in it"},
		{"sizes", map[string][]byte{"a.png": good, "b.png": painted(t, 5, 4, grey(9))}, ImageOptions{}, "b.png: is 5×4 pixels, want 4×4 as the first, a.png"},
		{"truncated", map[string][]byte{"a.png": good, "b.png": good[:len(good)-30]}, ImageOptions{}, "b.png: is damaged: png: invalid format: not enough pixel data"},
		{"header only", map[string][]byte{"a.png": good[:20]}, ImageOptions{}, "a.png: is damaged or neither PNG nor JPEG: it ends too early"},
		{"checksum", map[string][]byte{"a.png": good, "b.png": wrongSum}, ImageOptions{}, "b.png: is damaged: png: invalid format: zlib: invalid checksum"},
		{"text", map[string][]byte{"a.png": good, "b.jpg": []byte("hello")}, ImageOptions{}, "b.jpg: is damaged or neither PNG nor JPEG: image: unknown format"},
		{"empty", map[string][]byte{"a.png": nil}, ImageOptions{}, "a.png: is damaged or neither PNG nor JPEG"},
		{"first of two", map[string][]byte{"a.png": good, "b.png": nil, "c.png": nil}, ImageOptions{}, "b.png: is damaged"},
		{"too large", map[string][]byte{"a.png": painted(t, 20, 20, grey(9))}, ImageOptions{MaxPixels: 300}, "a.png: is 20×20 pixels, want at most 300 in all and 16384 a side"},
		{"too many", map[string][]byte{"a.png": good, "b.png": good}, ImageOptions{Memory: 90}, "2 images of 4×4 pixels take more than the 90 bytes of memory allowed"},
		{"another format", map[string][]byte{"a.png": good, "b.webp": good}, ImageOptions{}, "b.webp: is an image of a format that is not read, want PNG or JPEG"},
		{"labels for some", map[string][]byte{"a.png": good, "dogs/b.png": good}, ImageOptions{}, "1 images in it and 1 in its folders, want labels for all of them or for none"},
		{"half a size", map[string][]byte{"a.png": good}, ImageOptions{Width: 3}, "an image size of 3×0 (width×height), want both from 1 to 16384"},
		{"colours", map[string][]byte{"a.png": good}, ImageOptions{Color: "cmyk"}, `colours "cmyk", want grey or rgb`},
	} {
		dir := folder(t, c.files)
		_, err := ReadImageFolder(t.Context(), dir, c.options)
		if err == nil || !strings.HasPrefix(err.Error(), "dataset: read "+dir+": ") || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got error %v, want one line with %q", c.name, err, c.want)
		}
	}
	if _, err := ReadImageFolder(t.Context(), filepath.Join(t.TempDir(), "absent"), ImageOptions{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("absent: got error %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := ReadImageFolder(ctx, folder(t, map[string][]byte{"a.png": good}), ImageOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got error %v", err)
	}
}

// With SkipUnreadable the others are read, and what was left out is told.
func TestReadImageFolderSkips(t *testing.T) {
	good := painted(t, 4, 4, grey(9))
	dir := folder(t, map[string][]byte{
		"a/0.png": nil, "a/1.png": good, "a/2.webp": good, "b/3.png": painted(t, 5, 4, grey(9)),
		"b/4.png": painted(t, 4, 4, grey(7)), "b/5.jpg": []byte("hello"), "c/6.png": good[:len(good)-30],
	})
	d, err := ReadImageFolder(t.Context(), dir, ImageOptions{SkipUnreadable: true})
	if err != nil {
		t.Fatal(err)
	}
	pixels := append(bytes.Repeat([]byte{9}, 16), bytes.Repeat([]byte{7}, 16)...)
	if d.Len() != 2 || !bytes.Equal(d.Samples.(*Images).Pixels, pixels) || fmt.Sprint(d.Classes, d.Labels) != "[a b] [0 1]" ||
		d.SampleName(1) != filepath.Join("b", "4.png") {
		t.Errorf("%d images, labels %v of %v, the second is %s; want those with pixels 9 and 7 of a and b", d.Len(), d.Labels, d.Classes, d.SampleName(1))
	}
	want := map[string]string{
		"a/0.png": "is damaged", "a/2.webp": "a format that is not read", "b/3.png": "is 5×4 pixels, want 4×4",
		"b/5.jpg": "is damaged or neither", "c/6.png": "is damaged",
	}
	for _, s := range d.Skipped {
		reason, ok := want[filepath.ToSlash(s.File)]
		if !ok || !strings.Contains(s.Err.Error(), reason) {
			t.Errorf("%s was skipped: %v", s.File, s.Err)
		}
		delete(want, filepath.ToSlash(s.File))
	}
	if len(want) > 0 {
		t.Errorf("not told: %v", want)
	}
	all := folder(t, map[string][]byte{"a.png": nil, "b.jpg": nil})
	if _, err := ReadImageFolder(t.Context(), all, ImageOptions{SkipUnreadable: true}); err == nil ||
		!strings.Contains(err.Error(), "none of its 2 images can be read; the first is a.png: is damaged") {
		t.Errorf("nothing to read: got error %v", err)
	}
	_, err = ReadImageFolder(t.Context(), all, ImageOptions{})
	if unreadable := new(UnreadableError); !errors.As(err, &unreadable) || unreadable.File != "a.png" {
		t.Errorf("got error %v, want one of a.png", err)
	}
}

// Links that make a circle end, and so does the name of a file with a line break.
func TestReadImageFolderOddNames(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the system forbids such names")
	}
	dir := folder(t, map[string][]byte{"dogs/a\nb.png": nil})
	if _, err := ReadImageFolder(t.Context(), dir, ImageOptions{}); err == nil || !strings.Contains(err.Error(), `"dogs/a\nb.png": is damaged`) {
		t.Errorf("line break: got error %v", err)
	}
	if err := os.Symlink(dir, filepath.Join(dir, "again")); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadImageFolder(t.Context(), dir, ImageOptions{}); err == nil {
		t.Error("a circle of folders was read")
	}
}

// FuzzImageFolder reads a folder of a good and a fuzzed image.
func FuzzImageFolder(f *testing.F) {
	for _, g := range goldenPictures(f) {
		f.Add(g.raw(f), g.Height, g.Width)
	}
	good := painted(f, 4, 4, grey(9))
	f.Fuzz(func(t *testing.T, file []byte, width, height int) {
		dir := folder(t, map[string][]byte{"a/good.png": good, "b/fuzzed.jpg": file})
		o := ImageOptions{Width: width % 100, Height: height % 100, MaxPixels: 1 << 14}
		d, err := ReadImageFolder(t.Context(), dir, o)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("error of several lines: %q", err)
			}
			return
		}
		if d.Len() != 2 || len(d.Labels) != 2 || len(d.Samples.(*Images).Pixels) != 2*d.Shape().Size() {
			t.Errorf("%d images of %v, labels %v", d.Len(), d.Shape(), d.Labels)
		}
	})
}

func BenchmarkReadImageFolder(b *testing.B) {
	files := map[string][]byte{}
	for i := range 200 {
		files[fmt.Sprintf("%03d.png", i)] = painted(b, 200, 150, color.RGBA{byte(i), 7, 8, 255})
	}
	dir := folder(b, files)
	for b.Loop() {
		if _, err := ReadImageFolder(b.Context(), dir, ImageOptions{Width: 64, Height: 64}); err != nil {
			b.Fatal(err)
		}
	}
}
