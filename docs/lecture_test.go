package docs_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

// programs are those of lecture.md, each in a folder below lecture: what they print, and
// the figure they leave, if they do.
var programs = map[string]struct{ output, figure string }{
	"linear":        {"the angle between the planes is 0.1°\n", "linear_autoencoder_planes.png"},
	"stacked":       {"epochs: 2\n", "reconstruction_plot.png"},
	"map":           {"a map of 200 images\n", "visualization_plot.png"},
	"convolutional": {"encoder 23296 weights, decoder 23233\ncode 3×3×64\n", ""},
	"recurrent":     {"code 30 output 28×28\n", ""},
	"denoising":     {"output 5×28×28\n", ""},
	"recognition":   {"better than guessing: true\n", ""},
	"functional":    {"code 16\n", ""},
}

// Every Go program in lecture.md must be one of the files, and every file must be there.
func TestLectureShowsThePrograms(t *testing.T) {
	page, err := os.ReadFile("lecture.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]bool{}
	for _, block := range regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
		shown[block[1]] = true
	}
	for name := range programs {
		text, err := os.ReadFile(filepath.Join("lecture", name, "main.go"))
		if err != nil {
			t.Error(err)
		}
		if !shown[string(text)] {
			t.Errorf("lecture.md does not show lecture/%s/main.go", name)
		}
		delete(shown, string(text))
	}
	for block := range shown {
		t.Errorf("lecture.md has a program that is no file:\n%s", block)
	}
	if folders, err := os.ReadDir("lecture"); err != nil || len(folders) != len(programs) {
		t.Errorf("%d folders of programs (error %v), want %d", len(folders), err, len(programs))
	}
}

func TestLectureProgramsRun(t *testing.T) {
	bin := t.TempDir()
	if out, err := exec.Command("go", "build", "-o", bin+string(filepath.Separator), "./lecture/...").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	for name, want := range programs {
		t.Run(name, func(t *testing.T) {
			if runtime.GOOS == "windows" {
				name += ".exe"
			}
			cmd := exec.Command(filepath.Join(bin, name))
			cmd.Dir = t.TempDir()
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			output, err := cmd.Output()
			if err != nil || string(output) != want.output {
				t.Errorf("error %v, %s; printed %q, want %q", err, strings.TrimSpace(stderr.String()), output, want.output)
			}
			if want.figure == "" {
				return
			}
			if info, err := os.Stat(filepath.Join(cmd.Dir, want.figure)); err != nil || info.Size() < 1000 {
				t.Errorf("figure: %v", err)
			}
		})
	}
}
