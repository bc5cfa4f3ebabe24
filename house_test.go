package hourglass_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What a program that imports the module can see of it: no type that it could not name itself,
// and one spelling, that of Go and of the frameworks. Commands have no importers.
func TestExportedNames(t *testing.T) {
	files := token.NewFileSet()
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if path != "." && entry.IsDir() && (name[0] == '.' || slices.Contains([]string{"internal", "testdata", "cmd", "bench", "node_modules"}, name)) {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(files, path, nil, 0)
		if err == nil && ast.FileExports(file) {
			checkFile(t, files, file)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// british matches what Go and the frameworks spell the American way.
var british = regexp.MustCompile(`(?i)[a-z](is(e|ed|er|ers|ing|ation|ations))([A-Z_]|$)|colour|centre|grey|labelled|behaviour|favour`)

// notBritish are words that only look so.
var notBritish = regexp.MustCompile(`Noise|Otherwise|Rise|wise`)

// checkFile looks at the declarations of a file of which only the exported ones are left.
func checkFile(t *testing.T, files *token.FileSet, file *ast.File) {
	internal := map[string]bool{}
	for _, i := range file.Imports {
		if path := strings.Trim(i.Path.Value, `"`); strings.Contains(path, "/internal/") {
			internal[path[strings.LastIndexByte(path, '/')+1:]] = true
		}
	}
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok {
			if f.Recv != nil && !ast.IsExported(strings.TrimLeft(types.ExprString(f.Recv.List[0].Type), "*")) {
				continue
			}
			f.Body = nil
		}
		ast.Inspect(d, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ValueSpec:
				n.Values = nil // of which only the types are seen
			case *ast.TypeSpec:
				if n.Assign.IsValid() { // an alias gives a name to what has none, with all that there is to know beside it
					return false
				}
			case *ast.SelectorExpr:
				if p, ok := n.X.(*ast.Ident); ok && internal[p.Name] {
					t.Errorf("%v: %s.%s is seen from outside", files.Position(n.Pos()), p.Name, n.Sel.Name)
				}
			case *ast.Ident:
				if n.IsExported() && british.MatchString(n.Name) && !notBritish.MatchString(n.Name) {
					t.Errorf("%v: %s is not spelt as other names are", files.Position(n.Pos()), n.Name)
				}
			}
			return true
		})
	}
}
