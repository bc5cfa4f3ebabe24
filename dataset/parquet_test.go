package dataset_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"hourglass/dataset"
)

// Files that Impala and Spark wrote, from https://github.com/apache/parquet-testing; see
// testdata/parquet/README.md.
func TestReadParquetOfOthers(t *testing.T) {
	for _, c := range []struct {
		file, want string
		options    dataset.CSVOptions
	}{
		// As DataFusion's documentation shows this file.
		{"alltypes_plain", "8×9 [4 1 0 0 0 0 0 0 0 5 0 1 1 1 10 1.1 10.1 1 6 1 0 0 0 0 0 0 0 7 0 1 1 1 10 1.1 10.1 1 2 1 0 0 0 0 0 0 0 3 0 1 1 1 10 1.1 10.1 1 0 1 0 0 0 0 0 0 0 1 0 1 1 1 10 1.1 10.1 1] [id bool_col tinyint_col smallint_col int_col bigint_col float_col double_col string_col] [2 2 3 3 1 1 0 0] [01/01/09 02/01/09 03/01/09 04/01/09]",
			dataset.CSVOptions{Label: "date_string_col", Ignore: []string{"timestamp_col"}}},
		// 1.00 to 24.00, as Arrow's tests have them.
		{"int32_decimal", "24×1 [1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24] [value] [] []", dataset.CSVOptions{}},
		{"fixed_length_decimal", "24×1 [1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24] [value] [] []", dataset.CSVOptions{}},
		{"byte_array_decimal", "24×1 [1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24] [value] [] []", dataset.CSVOptions{}},
	} {
		d, err := dataset.Load(t.Context(), filepath.Join("testdata", "parquet", c.file+".parquet"), dataset.LoadOptions{CSV: c.options})
		if err != nil {
			t.Errorf("%s: %v", c.file, err)
			continue
		}
		if got := show(d); got != c.want || d.Format != dataset.FormatParquet || d.SampleName(1) != "row 2" {
			t.Errorf("%s: got %s, want %s", c.file, got, c.want)
		}
	}
}

func TestReadParquetRefuses(t *testing.T) {
	for _, c := range []struct {
		file, want string
		options    dataset.CSVOptions
	}{
		{"alltypes_plain", `2 columns are not all numbers: column 9 ("date_string_col") is "03/01/09" in row 1, column 11 ("timestamp_col") is "time `, dataset.CSVOptions{}},
		{"int32_with_null_pages", `row 5, column 1 ("int32_field") is missing, want a number`, dataset.CSVOptions{}},
		{"delta_length_byte_array", `row 1, column 1 ("FRUIT") is "apple_banana_mango0", want a number`, dataset.CSVOptions{}},
		{"nulls.snappy", `column "b_struct" is a list or has columns within, want one value a row`, dataset.CSVOptions{}},
		{"int32_decimal", `lacks 1 of the 1 columns wanted: "price"; it has "value"`, dataset.CSVOptions{Columns: []string{"price"}}},
	} {
		path := filepath.Join("testdata", "parquet", c.file+".parquet")
		_, err := dataset.Load(t.Context(), path, dataset.LoadOptions{CSV: c.options})
		checkError(t, c.file, err, "dataset: read "+path+": "+c.want)
	}
	whole, err := os.ReadFile(filepath.Join("testdata", "parquet", "alltypes_plain.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(t.TempDir(), "cut.parquet")
	for _, size := range []int{1, 4, 100, len(whole) / 2, len(whole) - 1} {
		if err := os.WriteFile(cut, whole[:size], 0o666); err != nil {
			t.Fatal(err)
		}
		_, err := dataset.Load(t.Context(), cut, dataset.LoadOptions{})
		checkError(t, fmt.Sprint(size, " bytes"), err, "is damaged or no Parquet file")
	}
}

// What the module writes of Go's types, dates and unsigned numbers among them.
func TestReadParquetTypes(t *testing.T) {
	type row struct {
		Small  uint32   `parquet:"small"`
		Large  uint64   `parquet:"large"`
		Maybe  *float64 `parquet:"maybe,optional"`
		Day    int32    `parquet:"day,date"`
		Moment int64    `parquet:"moment,timestamp(millisecond)"`
		Kind   string   `parquet:"kind,dict"`
	}
	half := 0.5
	var file bytes.Buffer
	rows := []row{{4294967295, 1 << 63, &half, 20000, 1_700_000_000_123, "a"}, {1, 2, nil, -1, -1, "b"}}
	if err := parquet.Write(&file, rows); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "types.parquet")
	if err := os.WriteFile(path, file.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	d, err := dataset.Load(t.Context(), path, dataset.LoadOptions{Label: "moment",
		CSV: dataset.CSVOptions{Ignore: []string{"kind"}, Names: "day", Missing: dataset.MissingMean}})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := show(d), "2×3 [4.2949673e+09 9.223372e+18 0.5 1 2 0.5] [small large maybe] [1 0] [1969-12-31 23:59:59.999 2023-11-14 22:13:20.123]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if names := []string{d.SampleName(0), d.SampleName(1)}; !slices.Equal(names, []string{"2024-10-04", "1969-12-31"}) {
		t.Errorf("days %v", names)
	}
}

// A file of a stranger is data or an error of one line.
func FuzzParquet(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("testdata", "parquet", "*.parquet"))
	if err != nil || len(files) == 0 {
		f.Fatal("no files", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := dataset.ReadParquet(bytes.NewReader(text), int64(len(text)), "fuzz", dataset.CSVOptions{Missing: dataset.MissingMean, Memory: 1 << 20})
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("an error of several lines: %q", err)
			}
			return
		}
		if values := d.Samples.(dataset.Array); values.Len() != d.Len() {
			t.Errorf("%d samples of %d values", d.Len(), len(values.Data))
		}
	})
}
