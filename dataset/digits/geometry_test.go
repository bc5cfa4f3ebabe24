package digits

import (
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"strings"
	"testing"
)

// A fused product changes an image only once in a great many, so that no golden file would notice. Hence the source is
// looked through instead: floating-point products are converted at once, as in mul, or are exact.
func TestNoProductCanBeFused(t *testing.T) {
	files := token.NewFileSet()
	info := types.Info{Types: map[ast.Expr]types.TypeAndValue{}}
	check := types.Config{Error: func(error) {}} // imports stay unresolved, which no product depends on
	sources := parseSources(t, files)
	check.Check("digits", files, sources, &info)

	products := 0
	for _, file := range sources {
		converted := map[ast.Expr]bool{}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				if info.Types[n.Fun].IsType() {
					converted[n.Args[0]] = true
				}
			case *ast.AssignStmt:
				if n.Tok == token.MUL_ASSIGN {
					t.Errorf("%v: want mul rather than *=", files.Position(n.Pos()))
				}
			case *ast.BinaryExpr:
				if n.Op != token.MUL || isInteger(info.Types[n]) {
					break
				}
				products++
				if !converted[n] && !isTwo(info.Types[n.X]) && !isTwo(info.Types[n.Y]) {
					t.Errorf("%v: this product could be fused: want mul", files.Position(n.Pos()))
				}
			}
			return true
		})
	}
	if products == 0 {
		t.Error("found no product at all, not even that of mul")
	}
}

func parseSources(t *testing.T, files *token.FileSet) (sources []*ast.File) {
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(files, e.Name(), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, file)
	}
	return sources
}

func isInteger(v types.TypeAndValue) bool {
	basic, ok := v.Type.(*types.Basic)
	return ok && basic.Info()&types.IsInteger != 0
}

func isTwo(v types.TypeAndValue) bool {
	return v.Value != nil && constant.Compare(v.Value, token.EQL, constant.MakeInt64(2))
}
