// Package realdata finds MNIST and Fashion-MNIST for the tests that need them.
// They are too large, and not ours, to be kept with the code.
package realdata

import (
	"os"
	"path/filepath"
	"testing"
)

// Dir returns the folder that has the data sets in folders of their own: that of
// $HOURGLASS_DATA or shared/data beside the repository. A test that has none is
// skipped; with $HOURGLASS_DATA set to a folder without them it fails.
func Dir(t testing.TB) string {
	t.Helper()
	if dir := os.Getenv("HOURGLASS_DATA"); dir != "" {
		if !hasMNIST(dir) {
			t.Fatalf("no mnist folder in $HOURGLASS_DATA (%s)", dir)
		}
		return dir
	}
	for dir := "."; ; dir = filepath.Join(dir, "..") {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			shared := filepath.Join(dir, "..", "shared", "data")
			if !hasMNIST(shared) {
				t.Skip("real data is neither in $HOURGLASS_DATA nor in ../shared/data")
			}
			return shared
		}
		if path, err := filepath.Abs(dir); err != nil || path == filepath.Dir(path) {
			t.Fatal("no go.mod above the test")
		}
	}
}

func hasMNIST(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "mnist"))
	return err == nil
}
