package train

import (
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"
)

// Who trains in a service has no use for a progress bar: the package imports this
// module and the standard library, and whatever draws is an observer elsewhere.
func TestImportsNoProgressBar(t *testing.T) {
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), e.Name(), nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range file.Imports {
			if path := strings.Trim(i.Path.Value, `"`); strings.Contains(path, ".") || path == "hourglass/progress" {
				t.Errorf("%s imports %s", e.Name(), path)
			}
		}
	}
}
