package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// logFile writes a log of two sensors, in two machines that alternate.
func logFile(t *testing.T, dir string, rows int) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("at,machine,pressure,flow\n")
	for i := range rows {
		x := math.Sin(float64(i) / 9)
		fmt.Fprintf(&b, "2026-11-27 %02d:%02d:%02d,%s,%.3f,%.3f\n", i/3600, i/60%60, i%60, []string{"old", "new"}[i%2], 5+x, 20-3*x)
	}
	return writeText(t, dir, "log.csv", b.String())
}

// readTable returns the rows of a table, the names of its columns first.
func readTable(t *testing.T, path string) [][]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestSeriesFromTrainingToRows(t *testing.T) {
	dir := t.TempDir()
	table, model := logFile(t, dir, 400), filepath.Join(dir, "run")
	said := mustRun(t, "train", table, "--window", "16", "--stride", "4", "--time", "at", "--group", "machine", "--epochs", "40", "--codes", "4", "--out", model)
	for _, want := range []string{"samples of shape 16×2", "out of 400 rows in 2 stretches", "are left out"} {
		if !strings.Contains(said, want) {
			t.Errorf("train does not say %q: %s", want, said)
		}
	}
	mustRun(t, "verify", model)

	out := filepath.Join(dir, "rows.csv")
	mustRun(t, "reconstruct", table, "--model", model, "--out", out)
	original, rows := readTable(t, table), readTable(t, out)
	if got := strings.Join(rows[0], " "); got != "pressure flow at machine" || len(rows) != len(original) {
		t.Fatalf("columns %s and %d rows, want those of the log and %d", got, len(rows), len(original))
	}
	wrong := 0.0
	for i := 1; i < len(rows); i++ {
		if rows[i][2] != original[i][0] || rows[i][3] != original[i][1] {
			t.Fatalf("row %d is %v, want that of %v", i, rows[i], original[i])
		}
		was, _ := strconv.ParseFloat(original[i][2], 64)
		is, err := strconv.ParseFloat(rows[i][0], 64)
		if err != nil {
			t.Fatal(err)
		}
		wrong += (is - was) * (is - was) / float64(len(rows)-1)
	}
	// A sine of amplitude 1 has a variance of a half.
	if wrong > 0.1 {
		t.Errorf("mean squared error %v of the pressure, want less than a fifth of its variance", wrong)
	}

	codes := filepath.Join(dir, "codes.csv")
	mustRun(t, "encode", out, "--model", model, "--stride", "16", "--out", codes)
	if rows := readTable(t, codes); len(rows) != 1+2*13 || rows[1][4] != "old, 2026-11-27 00:00:00 to 2026-11-27 00:00:30" {
		t.Errorf("%d codes, the first of %v", len(rows)-1, rows[1])
	}
}

// Rows of stretches that are shorter than a window come back empty, not left out.
func TestSeriesKeepsRowsWithoutWindow(t *testing.T) {
	dir := t.TempDir()
	var b strings.Builder
	b.WriteString("t,x,y\n")
	for i := range 103 {
		at := i
		if i >= 100 {
			at += 1000
		}
		fmt.Fprintf(&b, "%d,%d,%d\n", at, i%7, i%5)
	}
	table := writeText(t, dir, "gap.csv", b.String())
	model, out := filepath.Join(dir, "run"), filepath.Join(dir, "rows.csv")
	said := mustRun(t, "train", table, "--window", "8", "--time", "t", "--epochs", "1", "--out", model)
	if !strings.Contains(said, "1 stretch of less rows than a window, 3 rows in all, left out") {
		t.Errorf("train does not tell of the short stretch: %s", said)
	}
	mustRun(t, "reconstruct", table, "--model", model, "--out", out)
	rows := readTable(t, out)
	if len(rows) != 104 || rows[100][0] == "" || rows[101][0] != "" || rows[103][1] != "" || rows[103][2] != "1102" {
		t.Errorf("%d rows, those at the gap %v", len(rows)-1, rows[100:])
	}
}

func TestSeriesFlagsAreChecked(t *testing.T) {
	dir := t.TempDir()
	table := logFile(t, dir, 100)
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--window", "1"}, "--window is 1"},
		{[]string{"--stride", "4"}, "want --window"},
		{[]string{"--window", "8", "--stride", "0"}, "--stride is 0"},
		{[]string{"--window", "8", "--time", "at", "--group", "at"}, "two columns"},
		{[]string{"--window", "8", "--time", "at", "--gap", "soon"}, `--gap is "soon"`},
		{[]string{"--window", "8", "--time", "at", "--gap", "-5s"}, "more than 0"},
	} {
		status, _, stderr := run(t, append([]string{"train", table, "--out", filepath.Join(dir, "run")}, c.args...)...)
		if status != 2 || !strings.Contains(stderr, c.want) {
			t.Errorf("%v: exit %d, %q, want 2 and %q", c.args, status, stderr, c.want)
		}
	}
}

// faultyLog is a log whose pressure no longer follows its flow in rows 300 to 359, behind a
// gap with a stretch of five rows; and whether each row is faulty.
func faultyLog(t *testing.T, dir string, faulty bool) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("t,pressure,flow,state\n")
	at := 0
	for i := range 505 {
		at++
		if i == 400 || i == 405 {
			at += 1000
		}
		x, state := math.Sin(float64(i)/9), "fine"
		y := x
		if faulty && i >= 300 && i < 360 {
			y, state = x+1.2, "broken"
		}
		fmt.Fprintf(&b, "%d,%.4f,%.4f,%s\n", at, 5+y+0.03*math.Sin(float64(i*i)), 20-3*x+0.03*math.Cos(float64(7*i*i)), state)
	}
	return writeText(t, dir, fmt.Sprint("log", faulty, ".csv"), b.String())
}

func TestScoreOfASeriesIsByRow(t *testing.T) {
	dir := t.TempDir()
	model, out := filepath.Join(dir, "run"), filepath.Join(dir, "scores.csv")
	mustRun(t, "train", faultyLog(t, dir, false), "--window", "16", "--time", "t", "--label", "state", "--only", "fine", "--epochs", "60", "--out", model)
	said := mustRun(t, "score", faultyLog(t, dir, true), "--model", model, "--label", "state", "--explain", "--out", out)
	rows := readTable(t, out)
	if got := strings.Join(rows[0], " "); got != "sample score p because outlier label" || len(rows) != 506 {
		t.Fatalf("%d rows of %s, want one for each of 505", len(rows)-1, got)
	}
	right, early := 0, 0
	for i, row := range rows[1:] {
		if i >= 400 && i < 405 {
			if row[1] != "" || row[2] != "" || row[4] != "no" {
				t.Errorf("row %d, in a stretch without a window, is scored: %v", i, row)
			}
			continue
		}
		if (row[4] == "yes") == (row[5] == "broken") {
			right++
		}
		if i < 300 && row[4] == "yes" {
			early++
		}
	}
	if right < 470 || early > 0 {
		t.Errorf("%d rows of 500 are judged rightly, %d are called outliers in front of the fault: %s", right, early, said)
	}
	if !strings.Contains(rows[340][3], "pressure") || rows[340][0] != "340" {
		t.Errorf("a broken row is %v, want that of time 340 because of the pressure", rows[340])
	}
	if !strings.Contains(said, "ROC AUC") || !strings.Contains(said, "rows are outliers") {
		t.Errorf("score says %q", said)
	}
	if _, err := os.Stat(filepath.Join(dir, "scores.png")); err != nil {
		t.Error("the series is not drawn")
	}

	// What is not in the window of a row does not change its score.
	first := filepath.Join(dir, "first.csv")
	lines := strings.SplitAfter(readText(t, faultyLog(t, dir, true)), "\n")
	mustRun(t, "score", writeText(t, dir, "head.csv", strings.Join(lines[:1+320], "")), "--model", model, "--out", first)
	for i, row := range readTable(t, first)[1:] {
		if row[1] != rows[1+i][1] {
			t.Fatalf("row %d scores %s, but %s with later rows behind it", i, row[1], rows[1+i][1])
		}
	}

	top := filepath.Join(dir, "top.csv")
	mustRun(t, "score", faultyLog(t, dir, true), "--model", model, "--top", "5", "--out", top)
	list := readTable(t, top)
	last := math.Inf(1)
	for _, row := range list[1:] {
		score, err := strconv.ParseFloat(row[1], 64)
		if err != nil || score > last {
			t.Fatalf("the highest scores are %v", list)
		}
		last = score
	}
	if len(list) != 6 {
		t.Errorf("%d rows, want 5", len(list)-1)
	}
}

func readText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Rows that are answered as they come have the scores, to the bit, that they have in the
// whole table: over gaps, in several groups, with reasons.
func TestFollowIsAsAtOnce(t *testing.T) {
	dir := t.TempDir()
	log := readText(t, faultyLog(t, dir, true))
	var b strings.Builder
	b.WriteString("unit," + strings.SplitAfter(log, "\n")[0])
	for i, line := range strings.SplitAfter(log, "\n")[1:] {
		if line != "" {
			fmt.Fprintf(&b, "%s,%s", []string{"north", "south", "south"}[i%3], line)
		}
	}
	table, model := writeText(t, dir, "units.csv", b.String()), filepath.Join(dir, "run")
	mustRun(t, "train", table, "--window", "12", "--time", "t", "--group", "unit", "--gap", "100", "--label", "state", "--only", "fine", "--epochs", "20", "--out", model)
	var whole struct{ Scores []json.RawMessage }
	if err := json.Unmarshal([]byte(mustRun(t, "score", table, "--model", model, "--json", "--explain")), &whole); err != nil {
		t.Fatal(err)
	}
	want := map[int]string{}
	for i, s := range whole.Scores {
		want[i] = string(compact(t, s))
	}
	answers := strings.Split(strings.TrimSpace(mustRun(t, "score", table, "--model", model, "--follow", "--explain", "--json", "--quiet")), "\n")
	if len(answers) != 505 || len(want) != 505 {
		t.Fatalf("%d answers and %d scores, want 505", len(answers), len(want))
	}
	unscored, outliers := 0, 0
	for _, line := range answers {
		var a struct {
			Index             int
			Unscored, Outlier bool
		}
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			t.Fatal(err)
		}
		if line != want[a.Index] {
			t.Fatalf("row %d is answered %s, at once it is %s", a.Index, line, want[a.Index])
		}
		if a.Unscored {
			unscored++
		}
		if a.Outlier {
			outliers++
		}
		delete(want, a.Index)
	}
	if len(want) != 0 || unscored != 5 || outliers == 0 {
		t.Errorf("%d rows have no answer; %d are unscored, want the 5 between gaps; %d are outliers", len(want), unscored, outliers)
	}
	if status, _, stderr := run(t, "score", table, "--model", model, "--follow", "--fail", "--quiet"); status != 3 {
		t.Errorf("with outliers --fail exits %d: %s", status, stderr)
	}
}

func compact(t *testing.T, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, text); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A table whose rows are samples is followed, too.
func TestFollowRowsThatAreSamples(t *testing.T) {
	dir := t.TempDir()
	table, model := tableFile(t, dir, "parts.csv", 80), filepath.Join(dir, "run")
	mustRun(t, "train", table, "--label", "kind", "--epochs", "5", "--out", model)
	at := map[string]string{}
	for _, row := range strings.Split(mustRun(t, "score", table, "--ignore", "kind", "--model", model), "\n") {
		name, rest, _ := strings.Cut(row, ",")
		at[name] = rest
	}
	for _, row := range strings.Split(mustRun(t, "score", table, "--ignore", "kind", "--model", model, "--follow"), "\n") {
		if name, rest, _ := strings.Cut(row, ","); at[name] != rest {
			t.Errorf("%s is answered %s, at once it is %s", name, rest, at[name])
		}
	}
}

func TestFollowRefuses(t *testing.T) {
	dir := t.TempDir()
	table, model := faultyLog(t, dir, false), filepath.Join(dir, "run")
	mustRun(t, "train", table, "--window", "8", "--time", "t", "--ignore", "state", "--epochs", "2", "--out", model)
	for _, c := range []struct {
		text   string
		flags  []string
		status int
		want   string
	}{
		{"t,pressure,flow\n2,5,20\n1,5,20\n", nil, 1, `row 2 (line 3): the time "1" is before`},
		{"t,pressure,flow\nsoon,5,20\n", nil, 1, `row 1 (line 2): time "soon"`},
		{"t,pressure\n1,5\n", nil, 1, `"flow"`},
		{"t,pressure,flow\n1,5,high\n", nil, 1, `"high"`},
		{"t,pressure,flow\n", []string{"--top", "3"}, 2, "--top is for all rows"},
		{"t,pressure,flow\n", []string{"--out", "x.csv"}, 2, "without --out"},
	} {
		status, _, stderr := run(t, append([]string{"score", writeText(t, dir, "bad.csv", c.text), "--model", model, "--follow"}, c.flags...)...)
		if status != c.status || !strings.Contains(stderr, c.want) {
			t.Errorf("%q %v: exit %d, %q, want %d and %q", c.text, c.flags, status, stderr, c.status, c.want)
		}
	}
}
