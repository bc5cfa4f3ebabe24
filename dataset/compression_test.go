package dataset_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"hourglass/dataset"
)

// packed returns text compressed in both ways.
func packed(t *testing.T, text []byte) map[string][]byte {
	t.Helper()
	var z, s bytes.Buffer
	zip := gzip.NewWriter(&z)
	squeeze, err := zstd.NewWriter(&s)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []interface {
		Write([]byte) (int, error)
		Close() error
	}{zip, squeeze} {
		if _, err := w.Write(text); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return map[string][]byte{".gz": z.Bytes(), ".zst": s.Bytes()}
}

// Whatever is read plain is read compressed.
func TestLoadCompressed(t *testing.T) {
	header := "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }"
	header = "\x93NUMPY\x01\x00\x76\x00" + header + strings.Repeat(" ", 117-len(header)) + "\n"
	for name, text := range map[string]string{
		"table.csv": "a,b,kind\n1,2,x\n3,4,y\n",
		"table.tsv": "a\tb\tkind\n1\t2\tx\n3\t4\ty\n",
		"array.npy": header + "\x01\x02\x03\x04\x05\x06",
		"array.idx": "\x00\x00\x08\x02\x00\x00\x00\x02\x00\x00\x00\x03\x01\x02\x03\x04\x05\x06",
	} {
		dir := t.TempDir()
		o := dataset.LoadOptions{}
		if filepath.Ext(name) == ".csv" || filepath.Ext(name) == ".tsv" {
			o.Label = "kind"
		}
		load := func(name string, text []byte) string {
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, text, 0o666); err != nil {
				t.Fatal(err)
			}
			d, err := dataset.Load(t.Context(), path, o)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			return fmt.Sprint(d.Format, d.Shape(), allValues(d.Samples), d.Labels, d.Classes, d.Features, d.Largest)
		}
		want := load(name, []byte(text))
		for extension, bytes := range packed(t, []byte(text)) {
			if got := load(name+extension, bytes); got != want {
				t.Errorf("%s: got %s, want %s", name+extension, got, want)
			}
		}
	}
	table := []byte("Größe;b\n1;2\n")
	for extension, text := range packed(t, table) {
		d, err := dataset.Load(t.Context(), "-", dataset.LoadOptions{Stdin: bytes.NewReader(text)})
		if err != nil || !slices.Equal(d.Features, []string{"Größe", "b"}) {
			t.Errorf("%s on the standard input: %v", extension, err)
		}
		if header := dataset.CSVHeader(text); !slices.Equal(header, []string{"Größe", "b"}) {
			t.Errorf("%s: header %q", extension, header)
		}
	}
}

func TestLoadCompressedRefuses(t *testing.T) {
	dir := t.TempDir()
	table := bytes.Repeat([]byte("1,2\n"), 100_000)
	for extension, text := range packed(t, table) {
		for _, c := range []struct {
			name   string
			text   []byte
			memory int64
			want   string
		}{
			{"cut.csv", text[:len(text)/2], 0, "unexpected EOF"},
			{"large.csv", text, 1000, "take more than the 1000 bytes of memory allowed"},
			{"array.npz", packed(t, []byte("PK\x03\x04"))[extension], 0, "is a npz file within "},
			{"broken.csv", append(slices.Clone(text[:4]), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), 0, ""},
		} {
			path := filepath.Join(dir, c.name+extension)
			if err := os.WriteFile(path, c.text, 0o666); err != nil {
				t.Fatal(err)
			}
			_, err := dataset.Load(t.Context(), path, dataset.LoadOptions{Memory: c.memory})
			checkError(t, c.name+extension, err, c.want)
		}
	}
}
