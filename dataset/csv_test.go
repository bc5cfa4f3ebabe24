package dataset_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"hourglass/dataset"
	"hourglass/tensor"
)

// show writes what matters of a table: shape, values, features, labels.
func show(d *dataset.Data) string {
	return fmt.Sprint(d.Len(), "×", d.Shape(), " ", d.Samples.(dataset.Array).Data, d.Features, d.Labels, d.Classes)
}

func TestReadCSV(t *testing.T) {
	for _, c := range []struct {
		name, text string
		options    dataset.CSVOptions
		want       string
	}{
		{"plain", "1,2,3\n4,5,6\n", dataset.CSVOptions{}, "2×3 [1 2 3 4 5 6] [] [] []"},
		{"no last line end", "1,2\n3,4", dataset.CSVOptions{}, "2×2 [1 2 3 4] [] [] []"},
		{"header", "a,b\n1,2\n", dataset.CSVOptions{}, "1×2 [1 2] [a b] [] []"},
		{"BOM, CRLF, empty lines, spaces", "\ufeffa,b\r\n\r\n 1 ,\t-2.5e1\r\n\r\n", dataset.CSVOptions{}, "1×2 [1 -25] [a b] [] []"},
		{"quotes", "\"a,\"\"x\"\"\",b\n\"1\",2\n", dataset.CSVOptions{}, "1×2 [1 2] [a,\"x\" b] [] []"},
		{"semicolons", "a;b\n1;2\n3;4\n", dataset.CSVOptions{}, "2×2 [1 2 3 4] [a b] [] []"},
		{"tabs", "1\t2\n3\t4\n", dataset.CSVOptions{}, "2×2 [1 2 3 4] [] [] []"},
		{"spaces", "  1 2.5   3\n 4  5 6  \n   \n7 8 9", dataset.CSVOptions{}, "3×3 [1 2.5 3 4 5 6 7 8 9] [] [] []"},
		{"spaces with a header", "a b\n1  2\n", dataset.CSVOptions{}, "1×2 [1 2] [a b] [] []"},
		{"a name of two words", "sepal length\n7\n8\n", dataset.CSVOptions{}, "2×1 [7 8] [sepal length] [] []"},
		{"another delimiter", "1|2\n3|4\n", dataset.CSVOptions{Delimiter: '|'}, "2×2 [1 2 3 4] [] [] []"},
		{"delimiter within quotes", "\"a;b\",c\n1,2\n", dataset.CSVOptions{}, "1×2 [1 2] [a;b c] [] []"},
		{"one column", "7\n8\n9\n", dataset.CSVOptions{}, "3×1 [7 8 9] [] [] []"},
		{"header that is numbers", "1,2\n3,4\n", dataset.CSVOptions{Header: dataset.HeaderYes}, "1×2 [3 4] [1 2] [] []"},
		{"header without some names", "a,\n1,2\n", dataset.CSVOptions{}, "1×2 [1 2] [a column 2] [] []"},
		{"label by name", "x,species,y\n1,setosa,2\n3,iris,4\n5,setosa,6\n", dataset.CSVOptions{Label: "species"}, "3×2 [1 2 3 4 5 6] [x y] [1 0 1] [iris setosa]"},
		{"label by number", "1,b,2\n3,a,4\n", dataset.CSVOptions{Label: "2"}, "2×2 [1 2 3 4] [] [1 0] [a b]"},
		{"numeric labels", "9,1\n10,2\n9,3\n-1,4\n", dataset.CSVOptions{Label: "1"}, "4×1 [1 2 3 4] [] [1 2 1 0] [-1 9 10]"},
		{"label among numeric names", "label,0,1\n5,2,3\n", dataset.CSVOptions{Label: "label"}, "1×2 [2 3] [0 1] [0] [5]"},
		{"name before number", "3,2,1\nx,5,6\n", dataset.CSVOptions{Header: dataset.HeaderYes, Label: "3"}, "1×2 [5 6] [2 1] [0] [x]"},
		{"ignored", "id,x,note,y\na7,1,hello,2\n", dataset.CSVOptions{Ignore: []string{"note", "1"}}, "1×2 [1 2] [x y] [] []"},
		{"mean", "a,b\n1,\nNA,4\n3,8\n", dataset.CSVOptions{Missing: dataset.MissingMean}, "3×2 [1 6 2 4 3 8] [a b] [] []"},
		{"mean given", "a,b\n1,\nNA,4\n", dataset.CSVOptions{Missing: dataset.MissingMean, Fill: []float32{-1, -2}}, "2×2 [1 -2 -1 4] [a b] [] []"},
		{"drop", "a,b,c\n1,,x\n2,3,x\n4,5,\n6,7,y\n", dataset.CSVOptions{Missing: dataset.MissingDrop, Label: "c"}, "2×2 [2 3 6 7] [a b] [0 1] [x y]"},
		{"missing in ignored", "a,b\n1,\n", dataset.CSVOptions{Ignore: []string{"b"}}, "1×1 [1] [a] [] []"},
		{"rounded once", "0.1,1e-45,16777217\n", dataset.CSVOptions{}, "1×3 [0.1 1e-45 1.6777216e+07] [] [] []"},
	} {
		d, err := dataset.ReadCSV(strings.NewReader(c.text), "table", c.options)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := show(d); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

func TestReadCSVRefuses(t *testing.T) {
	for _, c := range []struct {
		name, text string
		options    dataset.CSVOptions
		want       string
	}{
		{"empty", "", dataset.CSVOptions{}, "is empty, want a row for each sample"},
		{"empty lines", "\n\r\n\n", dataset.CSVOptions{}, "is empty, want a row for each sample"},
		{"header only", "a,b\n", dataset.CSVOptions{}, "has a header but no rows"},
		{"ragged", "1,2\n\n3,4,5\n", dataset.CSVOptions{}, "row 2 (line 3) has 3 cells, want 2 as in the first"},
		{"text", "a,b\n1,2\n3,x\n", dataset.CSVOptions{}, `row 2 (line 3), column 2 ("b") is "x", want a number`},
		{"text in a first row of numbers", "1,2,x\n3,4,5\n", dataset.CSVOptions{}, `row 1 (line 1), column 3 is "x", want a number (if the first row names the columns, say that it is a header)`},
		{"comma for a point", "1;2\n3,5;4\n", dataset.CSVOptions{}, `column 1 is "3,5", want a number with a decimal point`},
		{"missing", "a,b\n1,2\n3, \n", dataset.CSVOptions{}, `row 2 (line 3), column 2 ("b") is missing, want a number`},
		{"NA", "NA,1\n", dataset.CSVOptions{}, "row 1 (line 1), column 1 is missing"},
		{"NaN", "1,NaN\n", dataset.CSVOptions{}, `column 2 is "NaN", want a finite number`},
		{"infinity", "1,-inf\n", dataset.CSVOptions{Missing: dataset.MissingMean}, `column 2 is "-inf", want a finite number`},
		{"beyond float32", "1,1e39\n", dataset.CSVOptions{}, `column 2 is "1e39", a number beyond float32`},
		{"line break in a message", "1,\"x\ny\"\n", dataset.CSVOptions{}, `column 2 is "x\ny", want a number`},
		{"no label", "1,a\n2,\n", dataset.CSVOptions{Label: "2"}, "row 2 (line 2), column 2 has no label"},
		{"unknown label", "x,y\n1,2\n", dataset.CSVOptions{Label: "z"}, `label column "z" is not there, want 1 to 2 or one of "x", "y"`},
		{"label without header", "1,2\n", dataset.CSVOptions{Label: "z"}, `label column "z" is not there, want 1 to 2 (the columns have no names)`},
		{"number of a column", "1,2\n", dataset.CSVOptions{Label: "3"}, `label column "3" is not there`},
		{"number 0", "1,2\n", dataset.CSVOptions{Ignore: []string{"0"}}, `ignored column "0" is not there`},
		{"two of a name", "x,x\n1,2\n", dataset.CSVOptions{Label: "x"}, `column "x" is there twice, want its number`},
		{"label ignored", "x,y\n1,2\n", dataset.CSVOptions{Label: "x", Ignore: []string{"1"}}, `column "1" is both the label and ignored`},
		{"nothing left", "x,y\n1,2\n", dataset.CSVOptions{Label: "x", Ignore: []string{"y"}}, "none of its 2 columns is left to learn from"},
		{"all dropped", "1,\n,2\n", dataset.CSVOptions{Missing: dataset.MissingDrop}, "every one of its 2 rows has a missing cell"},
		{"no mean", "1,\n2,\n", dataset.CSVOptions{Missing: dataset.MissingMean}, "column 2 has no number in any row"},
		{"other features", "1,2\n", dataset.CSVOptions{Missing: dataset.MissingMean, Fill: []float32{1}}, "has 2 features, but there are 1 numbers to replace missing cells"},
		{"open quote", "1,\"2\n3,4\n", dataset.CSVOptions{}, "row that starts in line 1: extraneous or missing \" in quoted-field"},
		{"stray quote", "1,2\n3,4\"5\n", dataset.CSVOptions{}, "row that starts in line 2: bare \" in non-quoted-field"},
		{"UTF-16 cut off", "\xff\xfe1\x00,\x002", dataset.CSVOptions{}, "column 2 is \"\ufffd\", want a number"},
		{"several columns", "a,b,c,d\n1,x,2,\n2,y,3,4\n3,4,z,5\n", dataset.CSVOptions{},
			`3 columns are not all numbers: column 2 ("b") is "x" in row 1 (line 2), column 3 ("c") is "z" in row 3 (line 4), column 4 ("d") is missing in row 1 (line 2); want columns of text left out or named as label, and missing cells replaced`},
		{"a bad column and a bad row", "a,b\n1,x\n1,2,3\n", dataset.CSVOptions{}, `column 2 ("b") is "x", want a number; and row 2 (line 3) has 3 cells`},
		{"names", "a,b\n1,2\n", dataset.CSVOptions{Names: "id"}, `name column "id" is not there`},
		{"lacking columns", "b,a\n1,2\n", dataset.CSVOptions{Columns: []string{"a", "c", "b", "d"}}, `lacks 2 of the 4 columns wanted: "c", "d"; it has "b", "a"`},
		{"too much", "1,2\n3,4\n", dataset.CSVOptions{Memory: 12}, "row 2 (line 2): its values take more than the 12 bytes of memory allowed"},
		{"delimiter", "1,2\n", dataset.CSVOptions{Delimiter: '\n'}, `delimiter '\n', want a character such as`},
		{"treatment", "1,2\n", dataset.CSVOptions{Missing: "zero"}, `missing cells "zero", want mask, mean or drop`},
	} {
		_, err := dataset.ReadCSV(strings.NewReader(c.text), "table", c.options)
		checkError(t, c.name, err, c.want)
		checkError(t, c.name, err, "dataset: read table: ")
	}
}

// The wanted text is what Python's codecs of these names encode.
func TestReadCSVEncodings(t *testing.T) {
	const text = "Größe,Gewicht in €,Art\n1,2,Käse\n3,4,Öl\n"
	utf16 := func(order string) string {
		b := []byte(order)
		for _, c := range text { // all within the basic plane
			pair := [2]byte{byte(c), byte(c >> 8)}
			if order[0] == 0xfe {
				pair[0], pair[1] = pair[1], pair[0]
			}
			b = append(b, pair[:]...)
		}
		return string(b)
	}
	windows := strings.NewReplacer("ö", "\xf6", "ß", "\xdf", "€", "\x80", "ä", "\xe4", "Ö", "\xd6").Replace(text)
	for encoding, encoded := range map[string]string{
		"": text, " ": "\ufeff" + text, dataset.Windows1252: windows, dataset.UTF16: utf16("\xff\xfe"), "UTF-16 ": utf16("\xfe\xff"),
	} {
		d, err := dataset.ReadCSV(strings.NewReader(encoded), "table", dataset.CSVOptions{Label: "Art"})
		if err != nil {
			t.Errorf("%q: %v", encoding, err)
			continue
		}
		if got := show(d); got != "2×2 [1 2 3 4] [Größe Gewicht in €] [0 1] [Käse Öl]" || d.Encoding != strings.TrimSpace(encoding) {
			t.Errorf("%q: got %s, encoding %q", encoding, got, d.Encoding)
		}
		if header := dataset.CSVHeader([]byte(encoded)); !slices.Equal(header, []string{"Größe", "Gewicht in €", "Art"}) {
			t.Errorf("%q: header %q", encoding, header)
		}
	}
	// A letter that comes after megabytes of ASCII, across all borders of buffers.
	for shift := range 3 {
		long := strings.Repeat("1", shift) + strings.Repeat("1,2,x\n", 200_000) + "3,4,\xe9t\xe9\n5,6,Öl\n"
		d, err := dataset.ReadCSV(strings.NewReader(long), "table", dataset.CSVOptions{Label: "3"})
		if err != nil || d.Len() != 200_002 || !slices.Equal(d.Classes, []string{"x", "Öl", "été"}) || d.Encoding != dataset.Windows1252 {
			t.Errorf("late letters: %v", err)
		}
	}
}

func TestReadCSVMatchesColumns(t *testing.T) {
	columns := []string{"a", "b"}
	for _, c := range []struct {
		text    string
		options dataset.CSVOptions
		want    string
	}{
		{"a,b\n1,2\n", dataset.CSVOptions{}, "1×2 [1 2] [a b] [] [] []"},
		{"b,a\n1,2\n", dataset.CSVOptions{}, "1×2 [2 1] [a b] [] [] []"},
		{"id,b,note,a\nx7,1,hello,2\n", dataset.CSVOptions{}, "1×2 [2 1] [a b] [] [] [id note]"},
		{"b,kind,a\n1,x,2\n", dataset.CSVOptions{Label: "kind"}, "1×2 [2 1] [a b] [0] [x] []"},
		{"b,a\n1,\n", dataset.CSVOptions{Missing: dataset.MissingMean, Fill: []float32{7, 8}}, "1×2 [7 1] [a b] [] [] []"},
		{"1,2\n", dataset.CSVOptions{}, "1×2 [1 2] [] [] [] []"},
		{"1,2,3\n4,5,6\n", dataset.CSVOptions{Columns: []string{"3", "1"}}, "1×2 [6 4] [3 1] [] [] [2]"},
		{"b,a,b\n1,2,3\n", dataset.CSVOptions{Columns: []string{"b", "b", "a"}}, "1×3 [1 3 2] [b b a] [] [] []"},
		{"a,\n1,2\n", dataset.CSVOptions{Columns: []string{"column 2"}}, "1×1 [2] [column 2] [] [] [a]"},
	} {
		if c.options.Columns == nil {
			c.options.Columns = columns
		}
		d, err := dataset.ReadCSV(strings.NewReader(c.text), "table", c.options)
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
		} else if got := fmt.Sprint(show(d), " ", d.Extra); got != c.want {
			t.Errorf("%q: got %s, want %s", c.text, got, c.want)
		}
	}
}

func TestColumnsErrorNamesColumns(t *testing.T) {
	_, err := dataset.ReadCSV(strings.NewReader("x,a,x,\n1,k,k,k\n"), "table", dataset.CSVOptions{})
	if e := new(dataset.ColumnsError); !errors.As(err, &e) || !slices.Equal(e.Names, []string{"a", "3", "4"}) {
		t.Errorf("got %v, want the columns a, 3 and 4 named as options can name them", err)
	}
}

func TestSampleNamesOfTables(t *testing.T) {
	d, err := dataset.ReadCSV(strings.NewReader("1\n2\n3\n"), "table", dataset.CSVOptions{})
	if err != nil {
		t.Fatal(err)
	}
	part, err := d.Select([]int{2, 0})
	if err != nil || part.SampleName(0) != "row 3" || d.SampleName(1) != "row 2" {
		t.Errorf("names %s and %s (error %v), want row 3 and row 2", part.SampleName(0), d.SampleName(1), err)
	}
	d, err = dataset.ReadCSV(strings.NewReader("1,a\n,b\n3,\"c\nd\"\n"), "table", dataset.CSVOptions{Missing: dataset.MissingDrop, Names: "2"})
	if err != nil || d.Len() != 2 || d.Shape().Size() != 1 || d.SampleName(0) != "a" || d.SampleName(1) != "c\nd" {
		t.Errorf("%v, want two samples named a and c\\nd", err)
	}
	d, err = dataset.ReadCSV(strings.NewReader("1,2\n,\n3,4\n"), "table", dataset.CSVOptions{Missing: dataset.MissingDrop})
	if err != nil || d.Dropped != 1 || d.SampleName(1) != "row 3" {
		t.Errorf("%d dropped, sample 1 is %s (error %v), want 1 and row 3", d.Dropped, d.SampleName(1), err)
	}
}

// endless is a table whose last quote is never closed.
type endless struct{ start string }

func (e *endless) Read(p []byte) (int, error) {
	if e.start != "" {
		n := copy(p, e.start)
		e.start = e.start[n:]
		return n, nil
	}
	for i := range p {
		p[i] = '7'
	}
	return len(p), nil
}

func TestReadCSVBoundsRows(t *testing.T) {
	_, err := dataset.ReadCSV(&endless{"1,2\n3,\"4"}, "table", dataset.CSVOptions{})
	checkError(t, "endless", err, "the row after line 1 is longer than 67108864 bytes; is a closing quote missing?")
}

func TestReadCSVReaderFails(t *testing.T) {
	_, err := dataset.ReadCSV(io.MultiReader(strings.NewReader(strings.Repeat("1,2\n", 1<<15)), failing{}), "table", dataset.CSVOptions{})
	checkError(t, "failing", err, "the disk is on fire")
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, fmt.Errorf("the disk is on fire") }

func TestWriteCSVFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "codes.csv")
	codes := tensor.Tensor{Shape: tensor.Shape{2, 2}, Data: []float32{0.1, -3e-45, 16777216, 1e30}}
	columns := dataset.CSVColumns("code", 2, "label")
	if err := dataset.WriteCSVFile(path, columns, codes, []string{"a,b", "c"}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if want := "code_1,code_2,label\n0.1,-3e-45,\"a,b\"\n1.6777216e+07,1e+30,c\n"; err != nil || string(text) != want {
		t.Errorf("wrote %q, want %q", text, want)
	}
	d, err := dataset.Load(t.Context(), path, dataset.LoadOptions{Label: "label"})
	if err != nil {
		t.Fatal(err)
	}
	if got := d.Samples.(dataset.Array); !slices.Equal(got.Data, codes.Data) || fmt.Sprint(d.Classes) != "[a,b c]" {
		t.Errorf("read back %v, %v", got.Data, d.Classes)
	}
	checkError(t, "text", dataset.WriteCSVFile(path, columns, codes, []string{"a"}), "text column 1 has 1 rows, want 2")
	checkError(t, "columns", dataset.WriteCSVFile(path, columns, codes), "a row of 2 cells, want 3")
	if again, _ := os.ReadFile(path); !bytes.Equal(again, text) {
		t.Error("a failed write changed the file")
	}
}

func FuzzCSV(f *testing.F) {
	f.Add("a,b\n1,2\n3,x\n", "a", "b", uint8(0), ',')
	f.Add("\ufeffa;b\r\n1;\r\n\"3\";4\r\n", "", "", uint8(1), rune(0))
	f.Add("1\tx\n\ty\n", "2", "", uint8(2), '\t')
	f.Add("1,\"2\n3,4\n", "", "1", uint8(1), rune(0))
	missing := []dataset.Missing{dataset.MissingRefuse, dataset.MissingMean, dataset.MissingDrop}
	f.Fuzz(func(t *testing.T, text, label, ignore string, choice uint8, delimiter rune) {
		o := dataset.CSVOptions{Label: label, Missing: missing[choice%3], Header: dataset.Header(choice / 3 % 3), Delimiter: delimiter}
		if ignore != "" {
			o.Ignore = []string{ignore}
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		d, err := dataset.ReadCSV(strings.NewReader(text), "fuzz", o)
		runtime.ReadMemStats(&after)
		if got, most := after.TotalAlloc-before.TotalAlloc, uint64(1<<20+200*len(text)); got > most {
			t.Errorf("%d bytes of text took %d of memory", len(text), got)
		}
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Fatalf("error of several lines: %q", err)
			}
			return
		}
		values := d.Samples.(dataset.Array)
		for _, v := range values.Data {
			if v-v != 0 {
				t.Fatalf("%v was read", v)
			}
		}
		if values.Len() != d.Len() || d.Labels != nil && len(d.Labels) != d.Len() {
			t.Fatalf("%d samples, %d values, %d labels", d.Len(), len(values.Data), len(d.Labels))
		}
	})
}

func ExampleReadCSV() {
	table := "length,width,species\n5.1,3.5,setosa\n6.2,2.9,versicolor\n"
	d, err := dataset.ReadCSV(strings.NewReader(table), "flowers", dataset.CSVOptions{Label: "species"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(d.Len(), d.Features, d.Classes[d.Labels[1]])
	// Output: 2 [length width] versicolor
}

func BenchmarkReadCSV(b *testing.B) {
	var text bytes.Buffer
	w, err := dataset.NewCSVWriter(&text, dataset.CSVColumns("x", 100))
	if err != nil {
		b.Fatal(err)
	}
	row := make([]float32, 100)
	for i := range 2000 {
		for j := range row {
			row[j] = float32(i*j) / 7
		}
		if err := w.Append(row); err != nil {
			b.Fatal(err)
		}
	}
	w.Close()
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := dataset.ReadCSV(bytes.NewReader(text.Bytes()), "table", dataset.CSVOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}
