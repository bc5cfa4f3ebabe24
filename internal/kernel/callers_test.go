package kernel

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// uncalled are the functions that only tests call, and why they are there.
var uncalled = map[string]string{
	"PeakFMA": "benchmarks compare products with the peak that it measures",
	"Uint32s": "it is what all random numbers are made of, and what is known of Philox is known of it",
}

// TestEveryKernelIsCalled reports exported functions of the package that nothing in the module
// calls: a kernel is code for each instruction set, which must be worth it.
func TestEveryKernelIsCalled(t *testing.T) {
	const root = "../.."
	called := map[string]bool{}
	use := regexp.MustCompile(`^kernel\.([A-Z]\w*)$`)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (strings.HasPrefix(d.Name(), ".") && path != root || d.Name() == "testdata" || d.Name() == "node_modules"):
			return filepath.SkipDir
		case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := s.X.(*ast.Ident); ok {
					if m := use.FindStringSubmatch(x.Name + "." + s.Sel.Name); m != nil {
						called[m[1]] = true
					}
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	files = slices.DeleteFunc(files, func(name string) bool { return strings.HasSuffix(name, "_test.go") })
	count := 0
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv != nil || !f.Name.IsExported() {
				continue
			}
			count++
			if _, known := uncalled[f.Name.Name]; known == called[f.Name.Name] {
				t.Errorf("%s: %s is called by the module: %v, and listed among those that are not: %v", name, f.Name.Name, called[f.Name.Name], known)
			}
		}
	}
	if count < 30 {
		t.Errorf("found %d functions of the package, too few to be all", count)
	}
}
