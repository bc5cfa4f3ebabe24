package schema

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// column makes cells of a column, in which some may come several times.
func column(values ...string) Cells {
	c := Cells{Name: "c"}
	for _, v := range values {
		if at := slices.Index(c.Values, v); at >= 0 {
			c.Counts[at]++
			continue
		}
		c.Values, c.Counts = append(c.Values, v), append(c.Counts, 1)
	}
	return c
}

// one returns what a column alone is, or the error.
func one(t *testing.T, choice string, cells ...string) string {
	t.Helper()
	choices := Choices{}
	if choice != "" {
		c, err := ParseChoice(choice)
		if err != nil {
			t.Fatal(err)
		}
		choices["c"] = c
	}
	s, _, errs := Infer([]Cells{column(cells...)}, choices)
	if len(errs) > 0 {
		return fmt.Sprintf("%v %q", errs[0], errs[0].Value)
	}
	if err := s.Validate(); err != nil {
		t.Error(err)
	}
	c := &s.Columns[0]
	return fmt.Sprint(c.Kind, ": ", c.describe(), " missing ", c.Missing)
}

func TestInfer(t *testing.T) {
	for _, c := range []struct{ choice, cells, want string }{
		{"", "1|2.5|-3e2", "number: -300 to 2.5 missing 0"},
		{"", "69,15|7|-0,5", "number: -0,50 to 69,15 missing 0"},
		{"", "1.234,5|12", "number: 12,0 to 1.234,5 missing 0"},
		{"", "1,234|999,999", "number: 1,234 to 999,999 missing 0"}, // ambiguous: groups, as English has them
		{"", "1,234|0,5", "number: 0,500 to 1,234 missing 0"},       // 0,5 decides
		{"", "1,234.5|7", "number: 7.0 to 1,234.5 missing 0"},
		{"", "1 234,5|10", "number: 10,0 to 1 234,5 missing 0"},
		{"", "1'234.5|10", "number: 10.0 to 1'234.5 missing 0"},
		{"", "12 %|5%|NA", "number: 5 % to 12 % missing 1"},
		{"", "€ 5|€ 1,50", "number: € 1,50 to € 5,00 missing 0"},
		{"", "-$5.25|$7", "number: $-5.25 to $7.00 missing 0"},
		{"", "5 kg|6 kg", "number: 5 kg to 6 kg missing 0"},
		{"", "5 kg|6 g|5 kg|6 g", "category: 5 kg, 6 g missing 0"},
		{"", "0|1|1", "number: 0 to 1 missing 0"},
		{"", "5|-|k.A.|6", "number: 5 to 6 missing 2"},
		{"", "A1|A2|A1|A2", "category: A1, A2 missing 0"},
		{"", "yes|no|Yes", "boolean: no, yes missing 0"},
		{"", "TRUE|TRUE", "boolean: FALSE, TRUE missing 0"},
		{"", "Ja|Nein|", "boolean: Nein, Ja missing 1"},
		{"", "y|y|y|y", "category: y missing 0"},
		{"", "+|-|+|-", "category: +, - missing 0"},
		{"", "b|a|b|a||?", "category: a, b missing 2"},
		{"", "2024-01-02|2024-03-02", "time: 2024-01-02 to 2024-03-02, by week missing 0"},
		{"", "31.12.2021|1.1.2024", "time: 31.12.2021 to 1.1.2024, by week, year missing 0"},
		{"", "2024-01-02T10:00:00Z|2024-01-04T12:00:00+02:00", "time: 2024-01-02T10:00:00Z to 2024-01-04T10:00:00Z, by day missing 0"},
		{"", "08:15|17:30", "time: 08:15 to 17:30, by day missing 0"},
		{"", "13/02/2024|01/02/2024", "time: 01/02/2024 to 13/02/2024 (day first), by week missing 0"},
		{"", "02/13/2024|02/01/2024", "time: 02/01/2024 to 02/13/2024 (month first), by week missing 0"},
		{"dmy", "02/01/2024|05/01/2024", "time: 02/01/2024 to 05/01/2024 (day first) missing 0"},
		{"mdy", "02/01/2024|02/03/2024", "time: 02/01/2024 to 02/03/2024 (month first) missing 0"},
		{"category", "01067|50667|01067", "category: 01067, 50667 missing 0"},
		{"category", "a|b|c|d", "category: a, b, c, d missing 0"},

		{"", "02/01/2024|05/01/2024", `has dates that may begin with the day or with the month, want one of dmy and mdy "02/01/2024"`},
		{"", "a|b|c|d", `is free text (4 different values in 4 cells) "a"`},
		{"", "|NA", `has no cell that is not missing ""`},
		{"", "1|2|3|4|5|6|7|8|9|10|x1", `has 10 different numbers, but not only such "x1"`},
		{"number", "1|2|drei", `is to be a number, which it is not "drei"`},
		{"boolean", "yes|no|maybe", `is to be a boolean, which it is not "maybe"`},
		{"time", "2024-01-01|gestern", `is to be a time, which it is not "gestern"`},
	} {
		if got := one(t, c.choice, strings.Split(c.cells, "|")...); got != c.want {
			t.Errorf("%s %s: got %s, want %s", c.cells, c.choice, got, c.want)
		}
	}
	for _, text := range []string{"", "text", "Number"} {
		if c, err := ParseChoice(text); err == nil {
			t.Errorf("%q is read as %v", text, c)
		}
	}
}

// A table with one column that only a decimal comma explains is one of decimal commas.
func TestInferComma(t *testing.T) {
	table := []Cells{column("69,15", "7"), column("1.234", "1.500"), column("02/01/2024", "03/01/2024"), column("1.5", "2.25")}
	s, _, errs := Infer(table, nil)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	if c := s.Columns[1]; c.High != 1500 {
		t.Errorf("1.500 beside 69,15 is %v, want 1500", c.High)
	}
	if c := s.Columns[2]; c.Layout != "02/01/2006" {
		t.Errorf("the layout of 02/01/2024 beside 69,15 is %s", c.Layout)
	}
	if c := s.Columns[3]; c.High != 2.25 {
		t.Errorf("2.25 is %v", c.High)
	}
}

// Rare classes are one, so that a row does not become very long.
func TestMostClasses(t *testing.T) {
	c := Cells{Name: "c"}
	for i := range 200 {
		c.Values, c.Counts = append(c.Values, fmt.Sprintf("class %03d", i)), append(c.Counts, 1000-i)
	}
	s, _, errs := Infer([]Cells{c}, nil)
	if len(errs) > 0 {
		t.Fatal(errs[0])
	}
	got := s.Columns[0]
	if len(got.Classes) != MostClasses || got.Classes[MostClasses-1] != "class 127" || got.Rare != (801+872)*72/2 || s.Width() != MostClasses+1 {
		t.Errorf("%d classes up to %s, %d rare cells, %d values", len(got.Classes), got.Classes[len(got.Classes)-1], got.Rare, s.Width())
	}
	values := make([]float32, s.Width())
	if missing, err := got.Encode(values, "class 150"); missing || err != nil || values[MostClasses] != 1 || got.Decode(values) != Other {
		t.Errorf("a rare class becomes %v (%v)", values, err)
	}
}

var examples = []Cells{
	column("1.234,50 €", "7,25 €", "", "3,00 €"), column("ja", "nein", "ja", ""), column("rot", "blau", "rot", "rot"),
	column("02.01.2024", "05.07.2025", "31.12.2024", "29.02.2024"), column("2024-01-02 08:15", "2026-03-01 17:45", "2025-12-31 23:59", "2025-05-05 00:00"),
	column("08:15", "23:59", "00:00", "12:30"), column("12", "13", "14", "15"),
}

// What is encoded is decoded again, but for what is missing, also of a schema that went through JSON.
func TestRoundTrip(t *testing.T) {
	s, _, errs := Infer(examples, nil)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	again := &Schema{}
	if err := json.Unmarshal(text, again); err != nil {
		t.Fatal(err)
	}
	if again.String() != s.String() || again.Groups(true) != s.Groups(true) {
		t.Errorf("through JSON\n%vbecomes\n%v", s, again)
	}
	for i, cells := range examples {
		c := &again.Columns[i]
		values := make([]float32, c.Width())
		for _, cell := range cells.Values {
			missing, err := c.Encode(values, cell)
			if err != nil || missing != (cell == "") {
				t.Fatalf("%q: missing %v, %v", cell, missing, err)
			}
			if got := c.Decode(values); got != cell && !missing {
				t.Errorf("%q becomes %v and %q", cell, values, got)
			}
		}
	}
	// 1 by the entropies of 2/3 and 1/3 and of 3/4 and 1/4, and by the 3 and 4 parts of the dates.
	if got, want := s.Groups(true), "numbers:1,booleans:1*1.571,classes:3*1.778,numbers:5*0.333,numbers:7*0.25,numbers:3"; got != want {
		t.Errorf("groups %s, want %s", got, want)
	}
}

// Values are those of the definition.
func TestEncode(t *testing.T) {
	s, _, errs := Infer([]Cells{column("2024-01-01", "2024-01-05", "2024-01-15"), column("06:00", "12:00")}, nil)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	values := make([]float32, s.Width())
	s.Columns[0].Encode(values, "2024-01-05")
	s.Columns[1].Encode(values[3:], "06:00")
	// The fifth of January 2024 is a Friday, and weeks begin with the first of January 1970, a Thursday.
	want := []float32{4. / 14, 0.781831482, 0.623489802, 1, 0}
	for i, v := range values {
		if d := v - want[i]; d > 1e-6 || d < -1e-6 {
			t.Errorf("value %d is %v, want %v", i, v, want[i])
		}
	}
	for cell, want := range map[string]string{"gestern": "want a time such as 2023-11-14", "2024-13-01": "want a time such as 2023-11-14"} {
		if _, err := s.Columns[0].Encode(values, cell); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", cell, err, want)
		}
	}
}

func TestPlain(t *testing.T) {
	s := Plain([]string{"a", "b"}, []float32{1.5, -2})
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	values := make([]float32, 2)
	missing, err := s.Columns[1].Encode(values[1:], "NA")
	if _, other := s.Columns[0].Encode(values, "2.5e-3"); other != nil || err != nil || !missing || values[1] != -2 {
		t.Errorf("values %v, missing %v, %v, %v", values, missing, err, other)
	}
	if got := strings.Join(s.Decode(values), " "); got != "0.0025 -2" || !s.IsNumbers() || s.Groups(true) != "numbers:2" {
		t.Errorf("got %s of the groups %s", got, s.Groups(true))
	}
}

// Files come from anywhere.
func TestValidate(t *testing.T) {
	for _, text := range []string{`{}`, `{"columns":[{"kind":"number","weight":1}]}`, `{"columns":[{"kind":"text","weight":1}]}`,
		`{"columns":[{"kind":"category","weight":1}]}`, `{"columns":[{"kind":"category","classes":["b","a"],"weight":1}]}`,
		`{"columns":[{"kind":"category","classes":["a","a"],"weight":1}]}`, `{"columns":[{"kind":"boolean","words":["a","A"],"weight":1}]}`,
		`{"columns":[{"kind":"time","layout":"15:04","weight":1}]}`, `{"columns":[{"kind":"time","layout":"2006","cycles":["month"],"weight":1}]}`,
		`{"columns":[{"kind":"number","notation":{"decimal":";"},"weight":1}]}`, `{"columns":[{"kind":"number","notation":{"decimal":".","digits":99},"weight":1}]}`,
		`{"columns":[{"kind":"category","classes":["a"],"weight":0}]}`, `{"columns":[{"kind":"number","notation":{"decimal":"."},"low":2,"high":1,"weight":1}]}`} {
		if err := json.Unmarshal([]byte(text), &Schema{}); err == nil {
			t.Errorf("%s is accepted", text)
		}
	}
}

// FuzzInfer looks for cells that are understood and then cannot be read, or not back.
func FuzzInfer(f *testing.F) {
	for _, c := range examples {
		f.Add(strings.Join(c.Values, "\n"))
	}
	f.Add("1,234\n-$5\n5 kg")
	f.Add("1e5\n.5\n5.")
	f.Fuzz(func(t *testing.T, text string) {
		cells := column(strings.Split(text, "\n")...)
		for i, v := range cells.Values {
			cells.Values[i] = strings.TrimSpace(v)
		}
		cells = column(cells.Values...)
		s, columns, errs := Infer([]Cells{cells}, nil)
		if len(columns)+len(errs) != 1 {
			t.Fatalf("%d columns and %d errors", len(columns), len(errs))
		}
		if len(errs) > 0 {
			return
		}
		if err := s.Validate(); err != nil {
			t.Fatal(err)
		}
		c := &s.Columns[0]
		values := make([]float32, c.Width())
		for _, cell := range cells.Values {
			missing, err := c.Encode(values, cell)
			if err != nil {
				t.Fatalf("%q is a %s, but: %v", cell, c.Kind, err)
			}
			written := c.Decode(values)
			if missing || c.Kind == Time && c.High-c.Low > 1e8 { // float32 has no more digits
				continue
			}
			again := make([]float32, c.Width())
			if gone, err := c.Encode(again, written); err != nil || gone {
				t.Fatalf("%q is written %q, which cannot be read: %v", cell, written, err)
			}
		}
	})
}

// FuzzSchema looks for a schema from a file that panics.
func FuzzSchema(f *testing.F) {
	s, _, _ := Infer(examples, nil)
	text, _ := json.Marshal(s)
	f.Add(string(text), "1,5")
	f.Fuzz(func(t *testing.T, text, cell string) {
		var s Schema
		if json.Unmarshal([]byte(text), &s) != nil || s.Width() > 1<<12 {
			return
		}
		values := make([]float32, s.Width())
		s.Each(func(i, lo, hi int) { s.Columns[i].Encode(values[lo:hi], cell) })
		s.Decode(values)
		_ = s.String()
	})
}
