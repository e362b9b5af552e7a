package layers

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"strconv"
	"strings"
)

const module = "github.com/xylem-im/xylem"

// A source is one Go file: its path in the module, with slashes, and its text.
type source struct {
	path string
	text []byte
}

// check lists how a file breaks the rules.
func check(src source) (problems []string) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, src.path, src.text, parser.SkipObjectResolution)
	if err != nil {
		return []string{err.Error()}
	}
	pkg := path.Dir(src.path)
	row := layerOf(pkg)
	if row == nil {
		return []string{fmt.Sprintf("%s: package %s has no row in internal/layers/table_test.go: "+
			"add one, and its reason to ARCHITECTURE.md", src.path, pkg)}
	}
	report := func(pos token.Pos, format string, args ...any) {
		problems = append(problems, fmt.Sprintf("%s: ", files.Position(pos))+fmt.Sprintf(format, args...))
	}
	for _, spec := range file.Imports {
		name, _ := strconv.Unquote(spec.Path.Value)
		if why := refuse(pkg, row, name, testKind(src.path, file)); why != "" {
			report(spec.Pos(), "%s may not import %s: %s", pkg, name, why)
		}
	}
	if matchAny(pure, pkg) && testKind(src.path, file) == notTest {
		for _, use := range clockUses(file) {
			report(use.Pos(), "%s may not use time.%s: time is a parameter", pkg, use.Sel.Name)
		}
	}
	return problems
}

// kind tells how strictly a file is held.
type kind uint8

const (
	notTest      kind = iota
	inTest            // of the package itself: may use the test tools beside
	externalTest      // of a package of its own: may import what it drives
)

func testKind(file string, f *ast.File) kind {
	switch {
	case !strings.HasSuffix(file, "_test.go"):
		return notTest
	case strings.HasSuffix(f.Name.Name, "_test"):
		return externalTest
	}
	return inTest
}

// refuse says why pkg may not import name, or nothing if it may.
func refuse(pkg string, row *layer, name string, k kind) string {
	for _, f := range fences {
		if under(name, f.imports) && !matchAny(f.inside, pkg) {
			return "only " + strings.Join(f.inside, ", ") + " may"
		}
	}
	local, isLocal := strings.CutPrefix(name, module+"/")
	switch {
	case k == externalTest || name == "C":
		return ""
	case isLocal:
		if k == inTest && strings.HasPrefix(local, "internal/") || local == pkg || local == "internal/invariants" ||
			matchAny(row.imports, local) {
			return ""
		}
		return "its row in internal/layers/table_test.go does not list it"
	case isStandard(name):
		if k == notTest && matchAny(pure, pkg) && matchAny(impure, name) && !matchAny(pureInImpure, name) {
			return "it is a package of protocol logic"
		}
		return ""
	}
	for _, m := range row.modules {
		if m == "any" || under(name, m) {
			return ""
		}
	}
	return "its row in internal/layers/table_test.go does not list the module"
}

// clockUses finds the uses of clocks of package time, whatever it is called.
func clockUses(file *ast.File) (uses []*ast.SelectorExpr) {
	names := map[string]bool{}
	for _, spec := range file.Imports {
		if spec.Path.Value != `"time"` {
			continue
		}
		name := "time"
		if spec.Name != nil {
			name = spec.Name.Name
		}
		if name == "." { // its functions cannot be told from others any more
			uses = append(uses, &ast.SelectorExpr{X: spec.Name, Sel: ast.NewIdent("* by a dot import")})
		}
		names[name] = true
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok && clocks[sel.Sel.Name] {
			if x, ok := sel.X.(*ast.Ident); ok && names[x.Name] {
				uses = append(uses, sel)
			}
		}
		return true
	})
	return uses
}

// layerOf is the first row of the table that fits the package.
func layerOf(pkg string) *layer {
	for i := range table {
		if match(table[i].pkg, pkg) {
			return &table[i]
		}
	}
	return nil
}

// match tells whether a pattern of the table fits a package: the same, "any",
// or one with "/..." of which it is part.
func match(pattern, pkg string) bool {
	if base, ok := strings.CutSuffix(pattern, "/..."); ok {
		return under(pkg, base)
	}
	return pattern == pkg || pattern == "any"
}

func matchAny(patterns []string, pkg string) bool {
	for _, p := range patterns {
		if match(p, pkg) {
			return true
		}
	}
	return false
}

// under tells whether name is base or below it.
func under(name, base string) bool {
	return name == base || strings.HasPrefix(name, base+"/")
}

// isStandard tells the standard library by the missing dot of a host name.
func isStandard(name string) bool {
	first, _, _ := strings.Cut(name, "/")
	return !strings.Contains(first, ".")
}
