package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"hourglass/anomaly"
	"hourglass/dataset"
	"hourglass/dataset/npy"
	"hourglass/figure"
	"hourglass/tensor"
	"hourglass/workflow"
)

// mustRun executes a command line that must succeed and returns what it printed.
func mustRun(t *testing.T, args ...string) string {
	t.Helper()
	status, stdout, stderr := run(t, args...)
	if status != 0 {
		t.Fatalf("%v: exit %d, %s", args, status, stderr)
	}
	return stdout
}

// tableFile writes a table of three features that depend on one, and a label.
func tableFile(t *testing.T, dir, name string, rows int) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("length,width,weight,kind\n")
	for i := range rows {
		x := math.Sin(float64(i))
		fmt.Fprintf(&b, "%.4f,%.4f,%.4f,%s\n", 10+x, 3*x-1, 5-2*x+0.1*math.Cos(float64(7*i)), []string{"big", "small"}[min(int(1-x), 1)])
	}
	return writeText(t, dir, name, b.String())
}

func writeText(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// drawing is a grey picture of 8×8 pixels with a bright bar, upright or flat, at i.
func drawing(i int) *image.Gray {
	picture := image.NewGray(image.Rect(0, 0, 8, 8))
	for j := range 8 {
		at := i % 8 * 8
		if i%2 == 0 {
			picture.Pix[at+j] = 250
		} else {
			picture.Pix[i%8+8*j] = 250
		}
	}
	return picture
}

// writePictures writes a folder with a sub-folder for each label.
func writePictures(t *testing.T, dir string, count int) string {
	t.Helper()
	for i := range count {
		folder := filepath.Join(dir, []string{"flat", "upright"}[i%2])
		if err := os.MkdirAll(folder, 0o777); err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := png.Encode(&b, drawing(i)); err != nil {
			t.Fatal(err)
		}
		writeText(t, folder, fmt.Sprintf("%03d.png", i), b.String())
	}
	return dir
}

func TestTableFromTrainingToRecognition(t *testing.T) {
	dir := t.TempDir()
	data, out := tableFile(t, dir, "table.csv", 80), filepath.Join(dir, "run")
	model := filepath.Join(out, "model.safetensors")
	stdout := mustRun(t, "train", data, "--label", "kind", "--architecture", "dense 5 tanh > dense 1 | dense 5 tanh > dense 3",
		"--epochs", "60", "--batch-size", "8", "--learning-rate", "0.03", "--out", out)
	for _, want := range []string{"72 for training, 8 for validation", "scaling standard", "Epoch 60/60", "loss mse", "curves.png"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("train does not say %q:\n%s", want, stdout)
		}
	}
	if got, want := mustRun(t, "summary", "--model", model), "input 3 > dense 5 tanh > dense 1 | dense 5 tanh > dense 3\n"; !strings.HasSuffix(got, want) {
		t.Errorf("summary ends with %q, want %q", got[len(got)-80:], want)
	}
	path := func(name string) string { return filepath.Join(dir, name) }

	// Codes as a table and as an array are the same, and both decode to the same.
	mustRun(t, "encode", data, "--label", "kind", "--model", model, "--out", path("codes.csv"))
	mustRun(t, "encode", data, "--label", "kind", "--model", model, "--out", path("codes.npy"))
	mustRun(t, "decode", path("codes.csv"), "--model", model, "--out", path("a.npy"))
	mustRun(t, "decode", path("codes.npy"), "--model", model, "--out", path("b.npy"))
	mustRun(t, "reconstruct", data, "--label", "kind", "--model", model, "--out", path("c.npy"))
	if a, b := readFile(t, path("a.npy")), readFile(t, path("b.npy")); !bytes.Equal(a, b) || !bytes.Equal(a, readFile(t, path("c.npy"))) {
		t.Error("decoded tables, decoded arrays and reconstructions differ")
	}
	mustRun(t, "denoise", data, "--label", "kind", "--model", model, "--out", path("clean.csv"))
	if first, _, _ := strings.Cut(string(readFile(t, path("clean.csv"))), "\n"); first != "length,width,weight,label" {
		t.Errorf("the cleaned table has the columns %s", first)
	}
	// One code describes the table, in its own units.
	in, err := dataset.Load(context.Background(), data, dataset.LoadOptions{Label: "kind"})
	if err != nil {
		t.Fatal(err)
	}
	back, err := npy.ReadFile(path("a.npy"), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range in.Samples.(dataset.Array).Data {
		if d := math.Abs(float64(v - back.Values[i])); d > 0.5 {
			t.Fatalf("value %d is %v, decoded %v", i, v, back.Values[i])
		}
	}

	if got := mustRun(t, "recognize", "--labelled", path("codes.csv"), "--data", path("codes.csv"), "--out", path("r.csv")); !strings.Contains(got, "100.00 % of 80") {
		t.Errorf("recognize: %s", got)
	}
	if got := mustRun(t, "recognize", "--model", model, "--labelled", data, "--label", "kind", "--data", data, "--neighbors", "3", "--json"); !strings.Contains(got, `"accuracy": `) {
		t.Errorf("recognize --json: %s", got)
	}
	if _, _, stderr := run(t, "recognize", "--labelled", path("codes.csv"), "--data", path("codes.csv"), "--out", path("r.csv")); !strings.Contains(stderr, "80 of 80 samples are the same as one of the labelled") {
		t.Errorf("recognize does not warn: %q", stderr)
	}
	mustRun(t, "embed", path("codes.csv"), "--out", path("map.csv"), "--perplexity", "5", "--quiet")
	if lines := strings.Split(string(readFile(t, path("map.csv"))), "\n"); lines[0] != "x,y,sample,label" || !strings.HasSuffix(lines[80], ",row 80,"+in.Classes[in.Labels[79]]) {
		t.Errorf("the map has the columns %s and the last point %s", lines[0], lines[80])
	}
	for _, name := range []string{"r.png", "map.png"} {
		if _, err := png.DecodeConfig(bytes.NewReader(readFile(t, path(name)))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestScoresRankOutliersFirst(t *testing.T) {
	dir := t.TempDir()
	data, out := tableFile(t, dir, "table.csv", 60), filepath.Join(dir, "run")
	model := filepath.Join(out, "model.safetensors")
	mustRun(t, "train", data, "--label", "kind", "--codes", "1", "--epochs", "30", "--batch-size", "8",
		"--learning-rate", "0.01", "--validation", "0", "--quiet", "--out", out)
	odd := writeText(t, dir, "odd.csv", string(readFile(t, data))+"10,-1,25,big\n")
	status, stdout, stderr := run(t, "score", odd, "--label", "kind", "--model", model, "--quantile", "1", "--top", "2", "--fail")
	lines := strings.Split(stdout, "\n")
	if status != exitOutliers || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, "1 of 61 samples are outliers") ||
		lines[0] != "sample,score,outlier,label" || !strings.HasPrefix(lines[1], "row 61,") || !strings.HasSuffix(lines[1], ",yes,big") ||
		!strings.Contains(lines[2], ",no,") || len(lines) != 4 {
		t.Errorf("exit %d, %q\n%s", status, stderr, stdout)
	}
	var r struct {
		Threshold float64
		Scores    []struct{ Score float64 }
	}
	if err := json.Unmarshal([]byte(mustRun(t, "score", data, "--label", "kind", "--model", model, "--json", "--quantile", "0.5")), &r); err != nil {
		t.Fatal(err)
	}
	below := 0
	for i, s := range r.Scores {
		if s.Score <= r.Threshold {
			below++
		}
		if i > 0 && s.Score > r.Scores[i-1].Score {
			t.Errorf("rank %d scores higher than the one before", i+1)
		}
	}
	if len(r.Scores) != 60 || below != 30 {
		t.Errorf("%d of %d samples do not exceed the median of the training data, which they are", below, len(r.Scores))
	}
	mustRun(t, "score", data, "--label", "kind", "--model", model, "--quantile", "1", "--fail", "--out", filepath.Join(dir, "s.csv"))
	if _, err := os.Stat(filepath.Join(dir, "s.png")); err != nil {
		t.Error(err)
	}
}

// What was learned of normal samples tells what does not fit, why, and how sure that is.
func TestScoresSayWhy(t *testing.T) {
	dir := t.TempDir()
	var rows strings.Builder
	rows.WriteString("width,height,area,verdict\n")
	for i := range 240 {
		w, h := 1+float64(i%15)/10, 1+float64(i/15)/10
		fmt.Fprintf(&rows, "%.2f,%.2f,%.3f,good\n", w, h, w*h)
	}
	data := writeText(t, dir, "parts.csv", rows.String()+"1.5,1.5,9,bad\n9,9,81,bad\n")
	out := filepath.Join(dir, "run")
	model := filepath.Join(out, "model.safetensors")
	if got := mustRun(t, "train", data, "--label", "verdict", "--only", "good", "--epochs", "20", "--validation", "0.3", "--out", out); !strings.Contains(got, "240 of 242 samples have the label good") {
		t.Errorf("training says\n%s", got)
	}
	odd := writeText(t, dir, "odd.csv", "width,height,area,verdict\n1.55,1.45,2.2475,good\n2,2,1,bad\n1.2,1.8,2.16,good\n")
	use := func(flags ...string) []string {
		return append([]string{"score", odd, "--label", "verdict", "--model", model}, flags...)
	}
	status, stdout, stderr := run(t, use("--explain", "--curves", filepath.Join(dir, "curves.png"))...)
	lines := strings.Split(stdout, "\n")
	if status != 0 || lines[0] != "sample,score,p,because,outlier,label" || !strings.HasPrefix(lines[1], "row 2,") || !strings.HasSuffix(lines[1], ",yes,bad") ||
		!strings.Contains(lines[1], "area ") || !strings.HasSuffix(lines[2], ",no,good") {
		t.Errorf("exit %d, %q\n%s", status, stderr, stdout)
	}
	for _, want := range []string{"ROC AUC 1.0000, average precision 1.0000", "1 of 3 samples are outliers", "learned from 72 samples"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("%q does not say %q", stderr, want)
		}
	}
	if _, err := png.DecodeConfig(bytes.NewReader(readFile(t, filepath.Join(dir, "curves.png")))); err != nil {
		t.Error(err)
	}
	for _, method := range anomaly.Methods() {
		var r struct{ Method, Scores any }
		if err := json.Unmarshal([]byte(mustRun(t, use("--method", string(method), "--json", "--false-alarms", "0.1")...)), &r); err != nil || r.Method != string(method) {
			t.Errorf("%s: %v, %v", method, r.Method, err)
		}
	}
	for _, c := range []struct {
		flags []string
		want  string
	}{
		{[]string{"--method", "magic"}, "unknown method \"magic\""},
		{[]string{"--false-alarms", "2"}, "--false-alarms is 2"},
		{[]string{"--false-alarms", "0.1", "--quantile", "0.9"}, "want one of them"},
		{[]string{"--normal", "fine"}, "has the label \"fine\""},
		{[]string{"--heat-map", filepath.Join(dir, "heat.png")}, "heat maps are of images"},
	} {
		if status, _, stderr := run(t, use(c.flags...)...); status == 0 || !strings.Contains(stderr, c.want) {
			t.Errorf("%q: exit %d, %q", c.flags, status, stderr)
		}
	}
	if status, _, stderr := run(t, "train", data, "--label", "verdict", "--only", "fine", "--out", out+"2"); status == 0 || !strings.Contains(stderr, "label \"fine\"") {
		t.Errorf("exit %d, %q", status, stderr)
	}
}

func TestHeatMapsOfImages(t *testing.T) {
	dir := t.TempDir()
	folder, out := writePictures(t, filepath.Join(dir, "drawings"), 40), filepath.Join(dir, "run")
	mustRun(t, "train", folder, "--codes", "4", "--epochs", "2", "--validation", "0.3", "--quiet", "--out", out)
	heat := filepath.Join(dir, "heat.png")
	mustRun(t, "score", folder, "--model", filepath.Join(out, "model.safetensors"), "--heat-map", heat, "--explain")
	if _, err := png.DecodeConfig(bytes.NewReader(readFile(t, heat))); err != nil {
		t.Error(err)
	}
}

func TestPicturesKeepTheirNames(t *testing.T) {
	dir := t.TempDir()
	folder, out := writePictures(t, filepath.Join(dir, "drawings"), 40), filepath.Join(dir, "run")
	model := filepath.Join(out, "model.safetensors")
	mustRun(t, "train", folder, "--codes", "10", "--epochs", "40", "--batch-size", "4", "--learning-rate", "0.01", "--validation", "0", "--quiet", "--out", out)
	if _, err := os.Stat(filepath.Join(out, "reconstruction_plot.png")); err != nil {
		t.Error(err)
	}
	clean := filepath.Join(dir, "clean")
	mustRun(t, "denoise", folder, "--model", model, "--out", clean, "--figure", filepath.Join(dir, "pairs.png"))
	f, err := os.Open(filepath.Join(clean, "upright", "003.png"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0
	for i, v := range got.(*image.Gray).Pix {
		sum += max(int(v)-int(drawing(3).Pix[i]), int(drawing(3).Pix[i])-int(v))
	}
	if mean := float64(sum) / 64; mean > 25 {
		t.Errorf("the denoised picture differs by %v of 255 a pixel", mean)
	}
	// Codes in a table carry the files' names to the decoder.
	codes, decoded := filepath.Join(dir, "codes.csv"), filepath.Join(dir, "decoded")
	mustRun(t, "encode", folder, "--model", model, "--out", codes)
	mustRun(t, "decode", codes, "--model", model, "--out", decoded)
	for _, name := range []string{filepath.Join("flat", "000.png"), filepath.Join("upright", "003.png")} {
		if !bytes.Equal(readFile(t, filepath.Join(decoded, name)), readFile(t, filepath.Join(clean, name))) {
			t.Errorf("%s: decoded and denoised differ", name)
		}
	}
	mustRun(t, "embed", folder, "--model", model, "--method", "pca", "--out", filepath.Join(dir, "map.npy"))
	if _, err := os.Stat(filepath.Join(dir, "map-images.png")); err != nil {
		t.Error(err)
	}
}

func TestStandardInputAndOutput(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "run")
	pipe := func(stdin string, args ...string) (stdout, stderr string) {
		t.Helper()
		var o, e bytes.Buffer
		root := newRootCommand()
		root.SetArgs(args)
		root.SetIn(strings.NewReader(stdin))
		root.SetOut(&o)
		root.SetErr(&e)
		if err := root.Execute(); err != nil {
			t.Fatalf("%v: %v", args, err)
		}
		return o.String(), e.String()
	}
	table := string(readFile(t, tableFile(t, dir, "table.csv", 30)))
	pipe(table, "train", "-", "--label", "kind", "--codes", "2", "--epochs", "2", "--out", out)
	model := filepath.Join(out, "model.safetensors")
	codes, said := pipe(table, "encode", "-", "--label", "kind", "--model", model, "--out", "-")
	if !strings.HasPrefix(codes, "code_1,code_2,sample,label\n") || !strings.Contains(said, "30 codes") {
		t.Errorf("standard output\n%s\nstandard error %q", codes, said)
	}
	points, _ := pipe(codes, "embed", "-", "--method", "pca", "--out", "-")
	if !strings.HasPrefix(points, "x,y,sample,label\n") || !strings.Contains(points, ",row 30,") {
		t.Errorf("points\n%s", points)
	}
}

// Missing cells are filled later as they were in training.
func TestMissingCellsAreFilledAsInTraining(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "run")
	train := writeText(t, dir, "train.csv", "a,b\n1,2\n3,\n5,6\n"+strings.Repeat("1,2\n5,6\n", 6))
	mustRun(t, "train", train, "--missing", "mean", "--codes", "1", "--epochs", "1", "--quiet", "--out", out)
	filled := writeText(t, dir, "filled.csv", "a,b\n1,4\n2,9\n")
	gaps := writeText(t, dir, "gaps.csv", "a,b\n1,\n2,9\n")
	model := filepath.Join(out, "model.safetensors")
	want := mustRun(t, "score", filled, "--model", model)
	if got := mustRun(t, "score", gaps, "--model", model, "--missing", "mean"); got != want {
		t.Errorf("with a gap\n%s\nwith the training data's mean\n%s", got, want)
	}
}

// Bytes that reach to 16 only are images in 17 shades, not dark ones.
func TestIntegersAreScaledByWhatIsThere(t *testing.T) {
	dir := t.TempDir()
	write := func(name, header string, element func(i int) []byte) string {
		var data []byte
		for i := range 40 * 16 {
			data = append(data, element(i)...)
		}
		header += strings.Repeat(" ", 117-len(header)) + "\n"
		return writeText(t, dir, name, "\x93NUMPY\x01\x00\x76\x00"+header+string(data))
	}
	shade := func(i int) int { return (i*i/16 + i) % 17 }
	bytes := write("bytes.npy", "{'descr': '|u1', 'fortran_order': False, 'shape': (40, 4, 4), }", func(i int) []byte { return []byte{byte(shade(i))} })
	words := write("words.npy", "{'descr': '<u2', 'fortran_order': False, 'shape': (40, 4, 4), }", func(i int) []byte {
		v := 200 * shade(i)
		return []byte{byte(v), byte(v >> 8)}
	})
	models := map[string][]byte{}
	for _, c := range []struct{ data, scale, want string }{
		{bytes, "unit", "scaling unit: bytes from 0 to 16: divided by 16"},
		{words, "unit", "scaling unit: integers of 16 bits from 0 to 3200: divided by 3200"},
		{bytes, "255", "scaling unit: bytes from 0 to 16: divided by 255"},
		{bytes, "standard", "scaling standard: bytes from 0 to 16: each brought to mean 0"},
	} {
		out := filepath.Join(dir, c.scale+filepath.Base(c.data))
		said := mustRun(t, "train", c.data, "--scale", c.scale, "--codes", "2", "--epochs", "3", "--validation", "0", "--out", out)
		if !strings.Contains(said, c.want) || strings.Contains(said, "rounded_accuracy") != (c.scale != "standard") {
			t.Errorf("%s, --scale %s: want %q and the rounded accuracy only of images, got\n%s", c.data, c.scale, c.want, said)
		}
		model := filepath.Join(out, "model.safetensors")
		models[c.scale] = readFile(t, model)
		if c.scale == "standard" {
			if said := mustRun(t, "reconstruct", c.data, "--model", model, "--out", filepath.Join(dir, "r.npy")); strings.Contains(said, "rounded") {
				t.Errorf("reconstruct tells of rounded accuracy: %s", said)
			}
		}
	}
	x, err := npy.ReadFile(filepath.Join(dir, "r.npy"), 1<<20)
	if err != nil || slices.Max(x.Values) < 8 || slices.Max(x.Values) > 32 {
		t.Errorf("reconstructions are not in the units of the file: %v", err)
	}
}

// A table in Windows-1252 is one for its model, too, and columns are known by name.
func TestColumnsAreKnownByName(t *testing.T) {
	dir := t.TempDir()
	var b, c strings.Builder
	b.WriteString("L\xe4nge,Gr\xf6\xdfe,Art\n")
	c.WriteString("id,Größe,Länge\n")
	for i := range 30 {
		x := math.Sin(float64(i))
		fmt.Fprintf(&b, "%.3f,%.3f,Kr\xe4he\n", x, 2*x+1)
		fmt.Fprintf(&c, "n%d,%.3f,%.3f\n", i, 2*x+1, x)
	}
	train, other := writeText(t, dir, "train.csv", b.String()), writeText(t, dir, "other.csv", c.String())
	out := filepath.Join(dir, "run")
	model := filepath.Join(out, "model.safetensors")
	said := mustRun(t, "train", train, "--label", "Art", "--codes", "1", "--epochs", "2", "--out", out)
	if !strings.Contains(said, "read as Windows-1252") {
		t.Errorf("the encoding is not told:\n%s", said)
	}
	one, two := filepath.Join(dir, "one.npy"), filepath.Join(dir, "two.npy")
	mustRun(t, "encode", train, "--model", model, "--out", one)
	said = mustRun(t, "encode", other, "--model", model, "--out", two)
	if !strings.Contains(said, `does not know are left out: "id"`) {
		t.Errorf("the column left out is not told: %s", said)
	}
	if !bytes.Equal(readFile(t, one), readFile(t, two)) {
		t.Error("the codes depend on encoding and order of the columns")
	}
	table := filepath.Join(dir, "r.csv")
	mustRun(t, "reconstruct", train, "--label", "Art", "--model", model, "--out", table)
	if text := string(readFile(t, table)); !strings.HasPrefix(text, "Länge,Größe,label\n") || !strings.Contains(text, ",Krähe\n") {
		t.Errorf("reconstructed table starts %.60q", text)
	}
}

// Series are drawn as lines, which have colours that a grey picture has not.
func TestSeriesAreDrawnAsLines(t *testing.T) {
	dir := t.TempDir()
	x := tensor.New(30, 40, 1)
	for i := range x.Data {
		x.Data[i] = float32(math.Sin(float64(i) / 5))
	}
	data, out := filepath.Join(dir, "series.npy"), filepath.Join(dir, "run")
	if err := npy.WriteFile(data, x); err != nil {
		t.Fatal(err)
	}
	mustRun(t, "train", data, "--codes", "2", "--epochs", "2", "--quiet", "--out", out)
	model := filepath.Join(out, "model.safetensors")
	mustRun(t, "reconstruct", data, "--model", model, "--images", "2", "--out", filepath.Join(dir, "r"))
	mustRun(t, "denoise", data, "--model", model, "--out", filepath.Join(dir, "clean.npy"))
	for _, path := range []string{filepath.Join(out, "reconstruction_plot.png"), filepath.Join(dir, "r", "reconstructions.png"), filepath.Join(dir, "clean.png")} {
		picture, err := png.Decode(bytes.NewReader(readFile(t, path)))
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		colours := map[color.Color]int{}
		for y := range picture.Bounds().Dy() {
			for x := range picture.Bounds().Dx() {
				colours[color.RGBAModel.Convert(picture.At(x, y))]++
			}
		}
		if blue, orange := colours[figure.ClassColor(0)], colours[figure.ClassColor(1)]; blue < 500 || orange < 500 {
			t.Errorf("%s has %d pixels of the inputs' colour and %d of the outputs'", path, blue, orange)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "r", "reconstructions.npy")); err != nil {
		t.Error(err)
	}
}

func TestSkipUnreadable(t *testing.T) {
	dir := t.TempDir()
	folder := writePictures(t, filepath.Join(dir, "drawings"), 20)
	writeText(t, filepath.Join(folder, "flat"), "broken.png", "\x89PNG no more")
	args := []string{"train", folder, "--codes", "2", "--epochs", "1", "--out", filepath.Join(dir, "run")}
	status, _, stderr := run(t, args...)
	if status != exitFailure || !strings.Contains(stderr, filepath.Join("flat", "broken.png")) || !strings.Contains(stderr, "--skip-unreadable") || strings.Count(stderr, "\n") != 1 {
		t.Errorf("exit %d, %q; want one line with the file and the flag", status, stderr)
	}
	said := mustRun(t, append(args, "--skip-unreadable")...)
	if !strings.Contains(said, "1 of 21 files of") || !strings.Contains(said, "broken.png: is damaged") || !strings.Contains(said, "18 for training, 2 for validation") {
		t.Errorf("got\n%s", said)
	}
}

func TestArraysLargerThanMemory(t *testing.T) {
	dir := t.TempDir()
	x := tensor.New(2000, 12)
	for i := range x.Data {
		x.Data[i] = float32(math.Sin(float64(i)))
	}
	data := filepath.Join(dir, "large.npy")
	if err := npy.WriteFile(data, x); err != nil {
		t.Fatal(err)
	}
	var models [2][]byte
	for i, threads := range []string{"1", "2"} {
		out := filepath.Join(dir, threads)
		mustRun(t, "train", data, "--memory", "10KB", "--codes", "3", "--epochs", "2", "--threads", threads, "--quiet", "--out", out)
		models[i] = readFile(t, filepath.Join(out, "model.safetensors"))
	}
	if !bytes.Equal(models[0], models[1]) {
		t.Error("the model depends on the number of threads")
	}
	x.Data[12*777] = float32(math.NaN())
	if err := npy.WriteFile(data, x); err != nil {
		t.Fatal(err)
	}
	model := filepath.Join(dir, "1", "model.safetensors")
	codes := filepath.Join(dir, "codes.npy")
	status, _, stderr := run(t, "encode", data, "--memory", "10KB", "--model", model, "--out", codes)
	if status != exitFailure || !strings.Contains(stderr, "777") {
		t.Errorf("exit %d, %q; want an error that names sample 777", status, stderr)
	}
	if _, err := os.Stat(codes); err == nil {
		t.Error("codes of bad data were written")
	}
}

func TestWrongUseOfOwnData(t *testing.T) {
	dir := t.TempDir()
	table, out := tableFile(t, dir, "table.csv", 20), filepath.Join(dir, "out")
	text := writeText(t, dir, "text.csv", "a,b\n1,2\n3,four\n")
	narrow := writeText(t, dir, "narrow.csv", "a,b\n1,2\n3,4\n")
	lacking := writeText(t, dir, "lacking.csv", "width,length,height\n1,2,3\n")
	bare := writeText(t, dir, "bare.csv", "1,2\n3,4\n")
	broken := writeText(t, dir, "broken.npy", "\x93NUMPY\x01\x00")
	empty := writeText(t, dir, "empty.csv", "")
	mustRun(t, "train", table, "--label", "kind", "--codes", "1", "--epochs", "1", "--quiet", "--out", filepath.Join(dir, "run"))
	model := filepath.Join(dir, "run", "model.safetensors")
	before, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	trainTable := func(more ...string) []string {
		return append([]string{"train", table, "--label", "kind", "--out", out, "--quiet"}, more...)
	}
	use := func(command, data string, more ...string) []string {
		return append([]string{command, data, "--model", model, "--out", filepath.Join(dir, "x.csv")}, more...)
	}
	for _, c := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{"train"}, exitUsage, "accepts 1 arg(s), received 0"},
		{[]string{"train", filepath.Join(dir, "none.csv"), "--quiet"}, exitFailure, "none.csv"},
		{[]string{"train", table, "--column", "kind=number", "--quiet", "--out", out}, exitFailure, `column 4 ("kind") is to be a number, which it is not`},
		{[]string{"train", text, "--column", "b", "--out", out}, exitUsage, `--column is "b", want NAME=KIND such as postcode=category`},
		{[]string{"train", text, "--column", "b=words", "--out", out}, exitUsage, `a column is "words", want number, boolean, category, time, dmy or mdy`},
		{[]string{"train", text, "--window", "2", "--ignore-text", "--out", out}, exitFailure, "series are of numbers"},
		{[]string{"train", text, "--column", "b=number", "--quiet", "--out", out}, exitFailure, `row 2 (line 3), column 2 ("b") is to be a number, which it is not: "four"; to leave out: --ignore b`},
		{[]string{"train", empty, "--quiet", "--out", out}, exitFailure, "is empty"},
		{[]string{"train", broken, "--quiet", "--out", out}, exitFailure, "broken.npy"},
		{trainTable("--label", "sort"), exitFailure, `label column "sort" is not there`},
		{trainTable("--scale", "log"), exitUsage, `--scale is "log"`},
		{trainTable("--scale", "-3"), exitUsage, `--scale is "-3"`},
		{trainTable("--metric", "rounded_accuracy"), exitFailure, "the metric rounded_accuracy wants values from 0 to 1"},
		{trainTable("--loss", "hinge"), exitUsage, `"hinge"`},
		{trainTable("--loss", "binary_crossentropy"), exitFailure, `wants values from 0 to 1`},
		{trainTable("--optimizer", "lion"), exitUsage, `"lion"`},
		{trainTable("--metric", "f1"), exitUsage, `"f1"`},
		{trainTable("--schedule", "sometimes"), exitUsage, `schedule "sometimes"`},
		{trainTable("--ema", "1"), exitUsage, "--ema is 1, want a decay above 0 and below 1"},
		{trainTable("--ema", "0.9", "--early-stopping", "3"), exitUsage, "want one of them"},
		{trainTable("--warmup", "0"), exitUsage, "--warmup is 0, want at least 1"},
		{trainTable("--clip-norm", "-1"), exitUsage, "the limit is -1, want a finite number above 0"},
		{trainTable("--clip-norm", "1", "--clip-value", "2"), exitUsage, "value 2, norm 1, global norm 0, want at most one of them"},
		{trainTable("--early-stopping", "0"), exitUsage, "--early-stopping is 0"},
		{trainTable("--validation", "1"), exitUsage, "--validation is 1"},
		{trainTable("--validation", "0.001"), exitFailure, "validation fraction 0.001 of 20 samples is none"},
		{trainTable("--codes", "0"), exitUsage, "--codes is 0"},
		{trainTable("--codes", "2", "--architecture", "dense 1 | dense 3"), exitUsage, "--codes is for an architecture that is chosen"},
		{trainTable("--architecture", "@"+filepath.Join(dir, "none")), exitFailure, "none"},
		{trainTable("--train-size", "19"), exitFailure, "want the first 19"},
		{trainTable("--header", "perhaps"), exitUsage, `--header is "perhaps"`},
		{trainTable("--image-size", "32"), exitUsage, `--image-size is "32"`},
		{trainTable("--memory", "much"), exitUsage, `--memory is "much"`},
		{trainTable("--delimiter", "ab"), exitUsage, `--delimiter is "ab"`},
		{trainTable("--array", "x"), exitUsage, "--array is for a NumPy archive, but " + table + " is a table"},
		{trainTable("--image-size", "8x8"), exitUsage, "--image-size is for a folder of images, but "},
		{trainTable("--data-dir", dir), exitUsage, "--data-dir is for a data set with a name, but "},
		{use("encode", table, "--label", "kind", "--colour", "rgb"), exitUsage, "--colour is for a folder of images, but "},
		{use("embed", table, "--label", "kind", "--method", "pca", "--perplexity", "3"), exitUsage, "--perplexity, --seed and --threads are for --method tsne"},
		{use("denoise", table, "--label", "kind", "--figure", "f.png"), exitUsage, "--figure"},
		{use("reconstruct", table, "--label", "kind", "--images", "3"), exitUsage, "--images"},
		{[]string{"recognize", "--labelled", table, "--label", "kind", "--data", table, "--array", "x"}, exitUsage, "--array is for a NumPy archive"},
		{[]string{"train", table, "--label", "kind", "--quiet", "--resume", out}, exitFailure, "there is no run in"},
		{[]string{"encode", table, "--out", "x.csv"}, exitUsage, "want --model FILE"},
		{[]string{"encode", table, "--model", model, "--out", "x.txt"}, exitUsage, `"x.txt"`},
		{[]string{"encode", table, "--model", model}, exitUsage, "--out"},
		{[]string{"encode", table, "--model", model, "--out", dir}, exitUsage, "FILE.csv"},
		{use("encode", narrow), exitFailure, `lacks 3 of the 3 columns wanted: "length", "width", "weight"; it has "a", "b"`},
		{use("encode", lacking), exitFailure, `lacks 1 of the 3 columns wanted: "weight"`},
		{use("encode", bare), exitFailure, "samples of shape 2, but the model"},
		{use("encode", table, "--label", "kind", "--part", "test"), exitFailure, "sets no samples apart"},
		{use("decode", table, "--label", "kind"), exitFailure, "codes of the model"},
		{use("score", table, "--quantile", "2"), exitUsage, "--quantile is 2"},
		{use("score", table, "--top", "0"), exitUsage, "--top is 0"},
		{use("embed", table, "--label", "kind", "--method", "umap"), exitUsage, `--method is "umap"`},
		{use("embed", table, "--label", "kind", "--perplexity", "0.5"), exitUsage, "--perplexity is 0.5"},
		{use("denoise", table, "--label", "kind", "--out", filepath.Join(dir, "folder")), exitFailure, "are no images"},
		{use("reconstruct", table, "--label", "kind", "--dataset", "digits"), exitUsage, "--dataset NAME or DATA"},
		{[]string{"recognize"}, exitUsage, "want --labelled DATA and --data DATA"},
		{[]string{"recognize", "--labelled", narrow, "--data", narrow}, exitFailure, "has no labels"},
		{[]string{"recognize", "--labelled", table, "--label", "kind", "--data", narrow}, exitFailure, "want the same"},
		{[]string{"recognize", "--labelled", table, "--label", "kind", "--data", table, "--neighbors", "21"}, exitFailure, "21 neighbours, want 1 to 20"},
	} {
		status, stdout, stderr := run(t, c.args...)
		if status != c.status || !strings.Contains(stderr, c.want) {
			t.Errorf("%v: exit %d, %q; want %d and %q", c.args, status, stderr, c.status, c.want)
		}
		if strings.Count(stderr, "\n") != 1 || stdout != "" {
			t.Errorf("%v: want one line on stderr and nothing on stdout, got %q and %q", c.args, stderr, stdout)
		}
	}
	after, err := os.ReadDir(dir)
	if err != nil || len(after) != len(before) {
		t.Errorf("failures left files behind: %v, %v", after, err)
	}
}

func TestArchitectureErrorsPointAtTheWord(t *testing.T) {
	dir := t.TempDir()
	for _, line := range []string{"dense 2 sleu | dense 3", "@" + writeText(t, dir, "architecture.txt", "dense 2 sleu\n| dense 3\n")} {
		status, _, stderr := run(t, "train", tableFile(t, dir, "table.csv", 20), "--label", "kind", "--architecture", line, "--out", filepath.Join(dir, "out"))
		lines := strings.Split(stderr, "\n")
		if status != exitUsage || len(lines) != 4 || lines[1] != "        ^^^^" || !strings.Contains(lines[2], `did you mean "selu"`) {
			t.Errorf("exit %d\n%s", status, stderr)
		}
	}
}

func TestOwnCommandsTeach(t *testing.T) {
	for _, name := range []string{"train", "encode", "decode", "denoise", "score", "embed", "recognize"} {
		stdout := mustRun(t, name, "--help")
		if strings.Count(stdout, "\n  hourglass "+name) < 1 || strings.Count(stdout, "\n  hourglass ") < 2 {
			t.Errorf("%s --help has fewer than two examples:\n%s", name, stdout)
		}
	}
}

// What a run says to go on with must be read by a shell as the words that it is of.
func TestQuoted(t *testing.T) {
	for word, want := range map[string]string{
		"runs/a-1.npy":      "runs/a-1.npy",
		"":                  "''",
		"dense 2 | dense 3": "'dense 2 | dense 3'",
		"it's":              `'it'\''s'`,
		"$HOME":             "'$HOME'",
		"Größe":             "Größe",
		"a\nb":              "'a b'",
	} {
		if got := quoted(word); got != want {
			t.Errorf("%q is written %s, want %s", word, got, want)
		}
	}
}

func TestParseBytes(t *testing.T) {
	for text, want := range map[string]int64{"1": 1, "512": 512, "10KB": 10 << 10, "1.5M": 3 << 19, "2gib": 2 << 30, "1TB": 1 << 40} {
		var got int64
		if !parseBytes(text, &got) || got != want {
			t.Errorf("%s is read as %d, want %d", text, got, want)
		}
	}
	refused := []string{"", "B", "-1", "0", "x", "NaN", "1e30GB", "1PB", "Inf"}
	if i := slices.IndexFunc(refused, func(s string) bool { return parseBytes(s, new(int64)) }); i >= 0 {
		t.Error(strconv.Quote(refused[i]) + " is taken for a size")
	}
}

// orderFile writes a table as people have them: German numbers, dates, categories, gaps. The
// price follows from the ware, and members have a discount.
func orderFile(t *testing.T, dir, name string, rows int) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("Datum;Ware;Preis;Rabatt;Mitglied;Notiz\n")
	wares, prices := []string{"Bett", "Hemd", "Radio"}, []float64{1234.5, 29.9, 199}
	for i := range rows {
		ware, member := (i/2+1)%3, i*7%5 < 2
		price := prices[ware] * (1 + 0.1*math.Sin(float64(i)))
		cells := []string{fmt.Sprintf("%02d.%02d.2024", i%28+1, i%12+1), wares[ware],
			strings.Replace(fmt.Sprintf("%.2f €", price), ".", ",", 1), "0 %", "nein", fmt.Sprint("Bestellung ", i, " von heute")}
		if member {
			cells[3], cells[4] = "10 %", "ja"
		}
		if i%11 == 5 {
			at := []int{0, 2, 3, 4}[i%4]
			cells[at] = []string{"", "k.A.", "NA", ""}[i%4]
		}
		b.WriteString(strings.Join(cells, ";") + "\n")
	}
	return writeText(t, dir, name, b.String())
}

// A table as people have them is understood, said and kept, and new ones are read alike.
func TestOwnColumns(t *testing.T) {
	dir := t.TempDir()
	table, out := orderFile(t, dir, "orders.csv", 300), filepath.Join(dir, "run")
	status, _, stderr := run(t, "train", table, "--out", out)
	if status != exitFailure || !strings.Contains(stderr, `column 6 ("Notiz") is free text (300 different values in 300 cells)`) || !strings.Contains(stderr, "--ignore Notiz, or all such: --ignore-text") {
		t.Errorf("free text: exit %d, %s", status, stderr)
	}
	printed := mustRun(t, "train", table, "--ignore-text", "--epochs", "60", "--out", out)
	for _, want := range []string{"Datum     time      01.01.2024 to 28.12.2024, by week  7\n", "Ware      category  Bett, Hemd, Radio                  0\n",
		"Rabatt    number    0 % to 10 %  ", "Mitglied  boolean   nein, ja  ", "columns of free text are left out: \"Notiz\"", "column_activation numbers:3,classes:4,numbers:2,booleans:1"} {
		if !strings.Contains(printed, want) {
			t.Errorf("train does not say %q:\n%s", want, printed)
		}
	}
	text, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	odd := strings.NewReplacer("02.02.2024;Hemd", "02.02.2024;Auto").Replace(string(text))
	scored := mustRun(t, "score", writeText(t, dir, "odd.csv", odd), "--model", out, "--explain", "--out", "-")
	for i, line := range strings.Split(strings.TrimSpace(scored), "\n") {
		row, _, _ := strings.Cut(line, ",")
		var n int
		if fmt.Sscanf(row, "row %d", &n); n%84 == 2 != strings.Contains(line, `"Ware `) { // those with a class that was not there
			t.Errorf("line %d is %s", i, line)
		}
	}
	for _, c := range []struct{ old, new, want string }{
		{"Datum;Ware", "Tag;Ware", `lacks 1 of the 5 columns wanted: "Datum"`},
		{";0 %", ";null Prozent", `column 4 ("Rabatt") is "null Prozent", want a number such as 12 %`},
	} {
		other := writeText(t, dir, "other.csv", strings.Replace(odd, c.old, c.new, 1))
		for _, command := range []string{"score", "encode", "reconstruct"} {
			if status, _, stderr := run(t, command, other, "--model", out, "--out", filepath.Join(dir, "out.csv")); status != exitFailure || !strings.Contains(stderr, c.want) {
				t.Errorf("%s of another table: exit %d, %s, want %s", command, status, stderr, c.want)
			}
		}
	}
	if status, _, stderr := run(t, "score", table, "--model", out, "--follow", "--out", "-"); status != exitFailure || !strings.Contains(stderr, "was trained on columns of several kinds") {
		t.Errorf("following: exit %d, %s", status, stderr)
	}
	mustRun(t, "train", table, "--from", out, "--epochs", "1", "--ignore", "Notiz", "--out", filepath.Join(dir, "further"))
	mustRun(t, "verify", out)
}

// What the model makes of a table has its columns as they were, and only missing cells are filled.
func TestOwnColumnsBack(t *testing.T) {
	dir := t.TempDir()
	table, out, back := orderFile(t, dir, "orders.csv", 300), filepath.Join(dir, "run"), filepath.Join(dir, "back.csv")
	mustRun(t, "train", table, "--ignore", "Notiz", "--epochs", "150", "--out", out, "--quiet")
	like := regexp.MustCompile(`^\d\d\.\d\d\.20\d\d,(Bett|Hemd|Radio|other),"?-?\d+,\d\d €"?,-?\d+ %,(ja|nein)$`)
	rows := func(text string) []string {
		t.Helper()
		lines := strings.Split(strings.TrimSpace(text), "\n")
		if lines[0] != "Datum,Ware,Preis,Rabatt,Mitglied" {
			t.Errorf("the header is %s", lines[0])
		}
		for _, line := range lines[1:] {
			if !like.MatchString(line) {
				t.Errorf("%s is no row of the table", line)
			}
		}
		return lines[1:]
	}
	text, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	original := strings.Split(strings.TrimSpace(string(text)), "\n")[1:]
	wares := 0
	for i, row := range rows(mustRun(t, "reconstruct", table, "--model", out, "--out", "-")) {
		if strings.Split(row, ",")[1] == strings.Split(original[i], ";")[1] {
			wares++
		}
	}
	if wares < 270 {
		t.Errorf("%d of 300 wares are reconstructed", wares)
	}
	said := mustRun(t, "reconstruct", table, "--model", out, "--fill", "--out", back)
	if !strings.HasPrefix(said, "columns of") || !strings.Contains(said, "27 cells of 300 samples") {
		t.Errorf("it says %s", said)
	}
	filled, err := os.ReadFile(back)
	if err != nil {
		t.Fatal(err)
	}
	members, known := 0, 0
	for i, row := range rows(string(filled)) {
		got, err := csv.NewReader(strings.NewReader(row)).Read()
		if err != nil {
			t.Fatal(err)
		}
		for j, cell := range strings.Split(original[i], ";")[:5] {
			gone := cell == "" || cell == "NA" || cell == "k.A."
			if got[j] != cell && !gone {
				t.Errorf("row %d, column %d was %q and is %q", i+1, j+1, cell, got[j])
			}
			if gone && j == 4 {
				known++
				if got[4] == "ja" == (i*7%5 < 2) {
					members++
				}
			}
		}
	}
	// Members have a discount, which tells.
	if known < 5 || members < known-1 {
		t.Errorf("%d of %d members are filled in right", members, known)
	}
	rows(mustRun(t, "generate", table, "--model", out, "--count", "20", "--out", "-"))
	codes := filepath.Join(dir, "codes.csv")
	mustRun(t, "encode", table, "--model", out, "--out", codes)
	rows(mustRun(t, "decode", codes, "--model", out, "--out", "-"))
	if status, _, stderr := run(t, "reconstruct", table, "--model", out, "--fill", "--out", filepath.Join(dir, "back.npy")); status != exitUsage || !strings.Contains(stderr, "--fill is for tables") {
		t.Errorf("filling an array: exit %d, %s", status, stderr)
	}
}

// A model of plain numbers takes a table with gaps, too.
func TestOwnGaps(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "run")
	mustRun(t, "train", tableFile(t, dir, "table.csv", 200), "--label", "kind", "--epochs", "100", "--out", out, "--quiet")
	gaps := writeText(t, dir, "gaps.csv", "kind,weight,width,length\nbig,3.1,,11\nbig,7,-4.0,9.00\n")
	filled := strings.Split(mustRun(t, "reconstruct", gaps, "--label", "kind", "--model", out, "--fill", "--out", "-"), "\n")
	// Where the length is 10+x, the width is 3x-1.
	cells := strings.Split(filled[1], ",")
	if width, err := strconv.ParseFloat(cells[1], 64); err != nil || math.Abs(width-2) > 1.5 || cells[0] != "11" || cells[2] != "3.1" {
		t.Errorf("filled %s, want a width of about 2", filled[1])
	}
	if filled[2] != "9.00,-4.0,7,big" {
		t.Errorf("a row without gaps becomes %s", filled[2])
	}
	whole := writeText(t, dir, "whole.csv", "length,width,weight\n11,2,3\n")
	if got := mustRun(t, "reconstruct", whole, "--model", out, "--fill", "--out", "-"); got != "length,width,weight\n11,2,3\n" {
		t.Errorf("a table without gaps becomes %s", got)
	}
	if status, _, stderr := run(t, "score", gaps, "--label", "kind", "--missing", "refuse", "--model", out, "--out", "-"); status != exitFailure || !strings.Contains(stderr, `column 3 ("width") is missing`) {
		t.Errorf("refusing: exit %d, %s", status, stderr)
	}
	mustRun(t, "score", gaps, "--label", "kind", "--model", out, "--out", "-")
}

// Several tables are one, wherever the run is verified from.
func TestOwnPattern(t *testing.T) {
	dir := t.TempDir()
	orderFile(t, dir, "b.csv", 60)
	orderFile(t, dir, "a.csv", 60)
	t.Chdir(dir)
	printed := mustRun(t, "train", "*.csv", "--ignore-text", "--epochs", "2", "--out", "run")
	if !strings.Contains(printed, "108 for training, 12 for validation") {
		t.Errorf("train says %s", printed)
	}
	t.Chdir(t.TempDir())
	mustRun(t, "verify", filepath.Join(dir, "run"))
}

// Every kind of autoencoder learns from a table of several kinds of columns, or says why not.
func TestOwnColumnsOfEveryKind(t *testing.T) {
	dir := t.TempDir()
	table := orderFile(t, dir, "orders.csv", 120)
	for _, kind := range workflow.KindNames() {
		status, _, stderr := run(t, "train", table, "--label", "Ware", "--ignore-text", "--kind", kind, "--epochs", "2", "--validation", "0", "--out", filepath.Join(dir, kind))
		if kind == "iwae" && strings.Contains(stderr, "have a mask") {
			continue // its copies of a sample have no mask
		}
		if status != 0 {
			t.Errorf("%s: exit %d, %s", kind, status, stderr)
		}
	}
}
