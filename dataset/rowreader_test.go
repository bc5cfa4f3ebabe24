package dataset_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"hourglass/dataset"
)

// A row is returned before anything behind it has been written.
func TestRowReaderDoesNotWait(t *testing.T) {
	r, w := io.Pipe()
	lines, answered := make(chan string), make(chan []float32)
	go func() {
		for line := range lines {
			io.WriteString(w, line)
		}
		w.Close()
	}()
	go func() {
		defer close(answered)
		rows, err := dataset.NewRowReader(r, "log", dataset.CSVOptions{Aside: []string{"at"}})
		if err != nil {
			t.Error(err)
			return
		}
		for {
			row, err := rows.Next()
			if err != nil {
				if !errors.Is(err, io.EOF) {
					t.Error(err)
				}
				return
			}
			answered <- slices.Clone(row.Values)
		}
	}()
	lines <- "at;x;y\n"
	for i := range 3 {
		lines <- fmt.Sprintf("2026-11-27 10:14:3%d;%d;%d.5\n", i, i, i)
		if got, want := <-answered, []float32{float32(i), float32(i) + 0.5}; !slices.Equal(got, want) {
			t.Fatalf("row %d is %v, want %v", i, got, want)
		}
	}
	close(lines)
	if _, more := <-answered; more {
		t.Error("there is a row behind the last")
	}
}

func TestRowReaderRefuses(t *testing.T) {
	for _, c := range []struct {
		text string
		o    dataset.CSVOptions
		want string
	}{
		{"", dataset.CSVOptions{}, "is empty"},
		{"x,y\n1,2\n3\n", dataset.CSVOptions{}, "row 2 (line 3) has 1 cells, want 2"},
		{"x,y\n1,2\n3,high\n", dataset.CSVOptions{}, `row 2 (line 3), column 2 ("y") is "high"`},
		{"x,y\n1,2\n3,\n", dataset.CSVOptions{}, "is missing"},
		{"x,y\n1,\n", dataset.CSVOptions{Missing: dataset.MissingMean}, "want those of training data"},
		{"x,y\n1,2\n", dataset.CSVOptions{Columns: []string{"z"}}, `"z"`},
	} {
		rows, err := dataset.NewRowReader(strings.NewReader(c.text), "log", c.o)
		for err == nil {
			_, err = rows.Next()
		}
		if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: got %v, want %q", c.text, err, c.want)
		}
		if rows != nil {
			if _, again := rows.Next(); again == nil {
				t.Errorf("%q: there are rows behind an error", c.text)
			}
		}
	}
}

func TestRowReaderMissing(t *testing.T) {
	const text = "x,y\n1,2\n,4\n5,6\n"
	for missing, want := range map[dataset.Missing]string{dataset.MissingDrop: "1:[1 2] 3:[5 6] ", dataset.MissingMean: "1:[1 2] 2:[7 4] 3:[5 6] "} {
		rows, err := dataset.NewRowReader(strings.NewReader(text), "log", dataset.CSVOptions{Missing: missing, Fill: []float32{7, 8}})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for {
			row, err := rows.Next()
			if err != nil {
				break
			}
			got += fmt.Sprintf("%d:%v ", row.Number, row.Values)
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", missing, got, want)
		}
	}
}

// What is read row by row is what is read at once.
func FuzzRowReader(f *testing.F) {
	f.Add("x,y\n1,2\n3,4\n")
	f.Add("\n\n1;2\r\n3;4")
	f.Add("\"a\nb\",c\n1,2\n")
	f.Add("a b\n1 2\n")
	f.Fuzz(func(t *testing.T, text string) {
		rows, err := dataset.NewRowReader(strings.NewReader(text), "log", dataset.CSVOptions{Delimiter: ','})
		var values []float32
		for err == nil {
			var row dataset.Row
			if row, err = rows.Next(); err == nil {
				values = append(values, row.Values...)
			}
		}
		whole, failed := dataset.ReadCSV(strings.NewReader(text), "log", dataset.CSVOptions{Delimiter: ','})
		if failed != nil || !errors.Is(err, io.EOF) {
			if failed == nil {
				t.Fatalf("row by row there is the error %v, at once none", err)
			}
			return
		}
		if all := whole.Samples.(dataset.Array).Data; !slices.Equal(values, all) {
			t.Fatalf("row by row %v, at once %v", values, all)
		}
	})
}
