package dataset_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"hourglass/dataset"
	"hourglass/dataset/schema"
)

// orders is a table as an office writes it.
const orders = `Datum;Preis;Rabatt;Farbe;Kunde;Stück
02.01.2024;1.234,50 €;12 %;rot;ja;3
03.01.2024;69,15 €;5 %;blau;nein;
05.02.2024;7,00 €;0 %;rot;ja;5
05.03.2024;;10 %;;ja;7
`

var masked = dataset.CSVOptions{Infer: true, Missing: dataset.MissingMask}

func read(t *testing.T, text string, o dataset.CSVOptions) *dataset.Data {
	t.Helper()
	d, err := dataset.ReadCSV(strings.NewReader(text), "table", o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// all returns the values of all samples.
func all(t *testing.T, s dataset.Source) []float32 {
	t.Helper()
	x, indices := make([]float32, s.Len()*s.Sample().Size()), make([]int, s.Len())
	for i := range indices {
		indices[i] = i
	}
	if err := s.Read(x, indices); err != nil {
		t.Fatal(err)
	}
	return x
}

func TestTypedTable(t *testing.T) {
	d := read(t, orders, masked)
	if got, want := fmt.Sprintf("%q", d.Features), `["Datum" "Datum (week, sine)" "Datum (week, cosine)" "Preis" "Rabatt" "Farbe=blau" "Farbe=rot" "Farbe (other)" "Kunde" "Stück"]`; got != want {
		t.Errorf("features %s, want %s", got, want)
	}
	mask := dataset.FaceOf(d.Samples, dataset.Mask)
	if mask == nil {
		t.Fatal("there is no mask")
	}
	width := d.Shape().Size()
	if got, want := fmt.Sprint(all(t, mask)[width:2*width], all(t, mask)[3*width:]), "[1 1 1 1 1 1 1 1 1 0] [1 1 1 0 1 0 0 0 1 1]"; got != want {
		t.Errorf("the mask of rows 2 and 4 is %s, want %s", got, want)
	}
	if got, want := fmt.Sprint(all(t, d.Samples)[width+3:2*width]), "[69.15 5 1 0 0 0 5]"; got != want { // 5 is the mean of 3, 5 and 7
		t.Errorf("row 2 becomes %s, want %s", got, want)
	}
	if d.Cell(0, 1) != "1.234,50 €" || d.Cell(3, 3) != "" {
		t.Errorf("cells %q and %q", d.Cell(0, 1), d.Cell(3, 3))
	}
	view, err := d.Select([]int{2, 0})
	if err != nil || view.Cell(0, 1) != "7,00 €" || view.Cell(1, 1) != "1.234,50 €" {
		t.Errorf("cells of a selection %q and %q (%v)", view.Cell(0, 1), view.Cell(1, 1), err)
	}
}

// A table of plain numbers is read as it is without inferring.
func TestTypedPlain(t *testing.T) {
	const plain = "a,b\n1,2.5\n3e2,-4\n"
	d := read(t, plain, masked)
	if d.Schema != nil || show(d) != show(read(t, plain, dataset.CSVOptions{})) {
		t.Errorf("plain numbers become %s with the schema %v", show(d), d.Schema)
	}
}

func TestTypedChoices(t *testing.T) {
	o := masked
	o.Choices, o.IgnoreText, o.Label = schema.Choices{"plz": {Kind: schema.Category}, "3": {Kind: schema.Number}}, true, "class"
	d := read(t, "plz,note,n,class\n01067,some,1,a\n50667,more,,b\n01067,text,3,a\n50667,here,4,b\n", o)
	if got, want := fmt.Sprintf("%q %q %v %q", d.Features, d.Texts, d.Labels, d.Classes), `["plz=01067" "plz=50667" "plz (other)" "n"] ["note"] [0 1 0 1] ["a" "b"]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	o = masked
	o.Header = dataset.HeaderNo
	if d := read(t, "a;1,5\nb;2,5\na;3\nb;4\n", o); fmt.Sprintf("%q", d.Features) != `["column 1=a" "column 1=b" "column 1 (other)" "column 2"]` || d.Schema.Names() != nil {
		t.Errorf("without a header: %q", d.Features)
	}
	if d := read(t, "1,5;a\n2,5;b\n3;a\n4;b\n", masked); d.Len() != 4 { // a first row with a number names nothing
		t.Errorf("%d rows, want 4", d.Len())
	}
}

func TestTypedMissing(t *testing.T) {
	o := masked
	o.Missing = dataset.MissingDrop
	if d := read(t, orders, o); d.Len() != 2 || d.Dropped != 2 || d.SampleName(1) != "row 3" || d.Cell(1, 1) != "7,00 €" || dataset.FaceOf(d.Samples, dataset.Mask) != nil {
		t.Errorf("%d rows, %d dropped, the second is %s", d.Len(), d.Dropped, d.SampleName(1))
	}
	o.Missing = dataset.MissingMean
	d := read(t, "a;b\nx;1,5\ny;\nx;4,5\ny;3\n", o)
	if got := all(t, d.Samples)[7]; got != 3 || dataset.FaceOf(d.Samples, dataset.Mask) != nil {
		t.Errorf("the missing number becomes %v, want 3", got)
	}
}

// New tables are read by the schema of the old, whatever the order of their columns.
func TestTypedSchema(t *testing.T) {
	s := read(t, orders, masked).Schema
	o := dataset.CSVOptions{Schema: s, Missing: dataset.MissingMask}
	d := read(t, "Kunde;Neu;Farbe;Preis;Rabatt;Stück;Datum\nJA;1;grün;1,50 €;3 %;k.A.;06.03.2024\n", o)
	if got, want := fmt.Sprint(all(t, d.Samples)[3:], d.Extra), "[1.5 3 0 0 1 1 5] [Neu]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for _, c := range []struct{ name, text, want string }{
		{"lacks", "Datum;Preis\n02.01.2024;1,00 €\n", `lacks 4 of the 6 columns wanted: "Rabatt", "Farbe", "Kunde", "Stück"; it has "Datum", "Preis"`},
		{"number", strings.Replace(orders, "7,00 €", "billig", 1), `row 3 (line 4), column 2 ("Preis") is "billig", want a number such as 1.234,50 €`},
		{"unit", strings.Replace(orders, "5 %", "5 kg", 1), `row 2 (line 3), column 3 ("Rabatt") is "5 kg", want a number such as 12 %`},
		{"boolean", strings.Replace(orders, ";ja;3", ";vielleicht;3", 1), `row 1 (line 2), column 5 ("Kunde") is "vielleicht", want nein or ja`},
		{"time", strings.Replace(orders, "05.03.2024", "2024-03-05", 1), `row 4 (line 5), column 1 ("Datum") is "2024-03-05", want a time such as 14.11.2023`},
		{"two", strings.NewReplacer("05.03.2024", "gestern", ";ja;3", ";x;3").Replace(orders), `2 columns cannot be used: column 1 ("Datum") is "gestern" in row 4 (line 5), column 5 ("Kunde") is "x" in row 1 (line 2)`},
		{"beyond", strings.Replace(orders, "7,00 €", "1"+strings.Repeat("0", 40)+" €", 1), "want a number within float32"},
	} {
		_, err := dataset.ReadCSV(strings.NewReader(c.text), "table", o)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %v, want one line with %s", c.name, err, c.want)
		}
	}
	o.Missing = dataset.MissingRefuse
	if _, err := dataset.ReadCSV(strings.NewReader(orders), "table", o); err == nil || !strings.Contains(err.Error(), `column 2 ("Preis") is missing in row 4 (line 5)`) {
		t.Errorf("refusing: %v", err)
	}
	if _, err := dataset.ReadCSV(strings.NewReader("1;2\n"), "table", dataset.CSVOptions{Schema: s}); err == nil || !strings.Contains(err.Error(), "has 2 columns, want the 6 that the model knows") {
		t.Errorf("another number of columns: %v", err)
	}
}

func TestTypedRefuses(t *testing.T) {
	for _, c := range []struct {
		name, text string
		options    func(o *dataset.CSVOptions)
		want       string
	}{
		{"text", "a,b\n1,one\n2,two\n3,three\n", nil, `row 1 (line 2), column 2 ("b") is free text (3 different values in 3 cells): "one", want it left out, or named as label`},
		{"nothing", "a,b\n1,\n2,\n", nil, `column 2 ("b") has no cell that is not missing`},
		{"ragged", "a,b\n1,x\n2\n", nil, "row 2 (line 3) has 1 cells, want 2 as in the first"},
		{"chosen", "a,b\n1,x\n", func(o *dataset.CSVOptions) { o.Choices = schema.Choices{"c": {Kind: schema.Category}} }, `chosen column "c" is not there`},
		{"chosen label", "a,b\n1,x\n", func(o *dataset.CSVOptions) { o.Choices, o.Label = schema.Choices{"b": {Kind: schema.Category}}, "b" }, `chosen column "b" is left out or has the labels`},
		{"only text", "a\nx\ny\nz\n", func(o *dataset.CSVOptions) { o.IgnoreText = true }, "none of its 1 columns is left to learn from"},
		{"memory", "a,b\n1,x\n1,y\n", func(o *dataset.CSVOptions) { o.Memory = 100 }, "take more than the 100 bytes of memory allowed"},
		{"text in memory", "a,b\n1,x\n1,y\n", func(o *dataset.CSVOptions) { o.Memory = 4 }, "takes more than the 4 bytes of memory allowed"},
		{"dates", "d;n\n1/2/2024;x\n3/4/2024;x\n", nil, `has dates that may begin with the day or with the month, want one of dmy and mdy: "1/2/2024"`},
	} {
		o := masked
		if c.options != nil {
			c.options(&o)
		}
		_, err := dataset.ReadCSV(strings.NewReader(c.text), "table", o)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %v, want one line with %s", c.name, err, c.want)
		}
	}
	var columns *dataset.ColumnsError
	if _, err := dataset.ReadCSV(strings.NewReader("a,b\n1,one\n2,two\n3,three\n"), "table", masked); !errors.As(err, &columns) || !columns.Text || columns.Names[0] != "b" {
		t.Errorf("free text is %#v", columns)
	}
}

// Only what is there counts, and only numbers are scaled.
func TestFitColumnScaler(t *testing.T) {
	d := read(t, "a;b;c\nx;1,5;ja\ny;;nein\nx;4,5;ja\ny;;ja\nx;6;nein\n", masked)
	s, err := dataset.FitColumnScaler(t.Context(), dataset.StandardScaling, d.Samples, d.Schema)
	if err != nil {
		t.Fatal(err)
	}
	// b is 1.5, 4.5 and 6: the mean is 4, the variance (6.25 + 0.25 + 4) / 3.
	deviation := float32(math.Sqrt(3.5))
	if got, want := fmt.Sprint(s.Offset, s.Scale), fmt.Sprint([]float32{0, 0, 0, 4, 0}, []float32{1, 1, 1, deviation, 1}); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if s, err = dataset.FitColumnScaler(t.Context(), dataset.MinMaxScaling, d.Samples, d.Schema); err != nil || s.Offset[3] != 1.5 || s.Scale[3] != 4.5 {
		t.Errorf("minmax: %v (%v)", s, err)
	}
	if s, err = dataset.FitColumnScaler(t.Context(), dataset.NoScaling, d.Samples, d.Schema); err != nil || len(s.Scale) > 0 {
		t.Errorf("none: %v (%v)", s, err)
	}
	if _, err = dataset.FitColumnScaler(t.Context(), dataset.UnitScaling, d.Samples, d.Schema); err == nil {
		t.Error("one scale for all is accepted")
	}
}

// FuzzTyped looks for tables that panic, or whose rows are not those of the text.
func FuzzTyped(f *testing.F) {
	f.Add([]byte(orders), true)
	f.Add([]byte("a,b\n1,x\n2,y\n"), false)
	f.Add([]byte("\xff\xfea\x00,\x00b\x00\n\x001\x00,\x00x\x00"), false)
	f.Fuzz(func(t *testing.T, text []byte, ignore bool) {
		o := masked
		o.IgnoreText, o.Memory = ignore, 1<<20
		d, err := dataset.ReadCSV(strings.NewReader(string(text)), "table", o)
		if err != nil || d.Schema == nil {
			return
		}
		x := all(t, d.Samples)
		for _, v := range x {
			if v-v != 0 {
				t.Fatalf("value %v", v)
			}
		}
		again, err := dataset.ReadCSV(strings.NewReader(string(text)), "table", dataset.CSVOptions{Schema: d.Schema, Missing: dataset.MissingMask})
		if err != nil {
			if strings.Contains(err.Error(), "lacks") || strings.Contains(err.Error(), "columns") { // names twice, or text left out
				return
			}
			t.Fatalf("by its own schema: %v", err)
		}
		if again.Len() == d.Len() && fmt.Sprint(all(t, again.Samples)) != fmt.Sprint(x) {
			t.Fatal("other values by its own schema")
		}
	})
}
