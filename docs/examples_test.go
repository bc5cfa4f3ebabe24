package docs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// The examples are modules of their own, as a user's program is. They must compile.
func TestExamplesCompile(t *testing.T) {
	modules, err := filepath.Glob("../examples/*/go.mod")
	if err != nil || len(modules) == 0 {
		t.Fatalf("examples: %v, %v", modules, err)
	}
	for _, m := range modules {
		cmd := exec.CommandContext(t.Context(), "go", "vet", "./...")
		cmd.Dir, cmd.Env = filepath.Dir(m), append(os.Environ(), "GOFLAGS=-mod=readonly", "GOWORK=off")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", cmd.Dir, err, out)
		}
	}
}
