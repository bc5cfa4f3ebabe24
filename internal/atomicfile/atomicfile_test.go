package atomicfile_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"hourglass/internal/atomicfile"
)

// onlyFile fails unless dir holds exactly the file of that name and content.
func onlyFile(t *testing.T, dir, name, content string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 || entries[0].Name() != name {
		t.Fatalf("folder holds %v, want only %s", entries, name)
	}
	got, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil || string(got) != content {
		t.Fatalf("file holds %q (error %v), want %q", got, err, content)
	}
}

func TestWriteFileCreatesAndReplaces(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.json")
	for _, content := range []string{"first", "", strings.Repeat("second", 1<<15)} {
		if err := atomicfile.WriteFile(path, []byte(content)); err != nil {
			t.Fatal(err)
		}
		onlyFile(t, dir, "a.json", content)
	}
}

func TestFailureLeavesOldFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.json")
	if err := os.WriteFile(path, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	cause := errors.New("weights are NaN")
	err := atomicfile.Write(path, func(w io.Writer) error {
		io.WriteString(w, strings.Repeat("x", 1<<20))
		return cause
	})
	if !errors.Is(err, cause) || !strings.Contains(err.Error(), path) {
		t.Errorf("got error %v, want one with the path and %q", err, cause)
	}
	onlyFile(t, dir, "a.json", "old")
}

func TestPermissions(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such permissions")
	}
	dir := t.TempDir()
	plain, ours := filepath.Join(dir, "plain"), filepath.Join(dir, "ours")
	if err := os.WriteFile(plain, nil, 0o666); err != nil { // what the umask leaves
		t.Fatal(err)
	}
	if err := atomicfile.WriteFile(ours, nil); err != nil {
		t.Fatal(err)
	}
	mode := func(path string) os.FileMode {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Mode().Perm()
	}
	if mode(ours) != mode(plain) {
		t.Errorf("new file has mode %v, want %v", mode(ours), mode(plain))
	}
	if err := os.Chmod(ours, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := atomicfile.WriteFile(ours, []byte("again")); err != nil {
		t.Fatal(err)
	}
	if mode(ours) != 0o600 {
		t.Errorf("replaced file has mode %v, want the 0600 it had", mode(ours))
	}
}

func TestFollowsSymbolicLink(t *testing.T) {
	dir := t.TempDir()
	file, link := filepath.Join(dir, "file"), filepath.Join(t.TempDir(), "link")
	if err := os.WriteFile(file, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(file, link); err != nil {
		t.Skip("no symbolic links here:", err)
	}
	if err := atomicfile.WriteFile(link, []byte("new")); err != nil {
		t.Fatal(err)
	}
	onlyFile(t, dir, "file", "new")
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link became %v (error %v)", info.Mode(), err)
	}
}

func TestRefusals(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct{ path, want string }{
		{dir, "is a folder, want a file"},
		{filepath.Join(dir, "absent", "a.json"), ""},
		{os.DevNull, "is not a regular file"},
	} {
		if c.path == os.DevNull && runtime.GOOS == "windows" {
			continue
		}
		err := atomicfile.WriteFile(c.path, []byte("x"))
		if err == nil {
			t.Errorf("%s was written", c.path)
			continue
		}
		text := err.Error()
		if !strings.HasPrefix(text, "write "+c.path+": ") || !strings.Contains(text, c.want) || strings.Contains(text, ".tmp") || strings.Contains(text, "\n") {
			t.Errorf("error is %q, want one line with the path, %q and no temporary name", text, c.want)
		}
	}
}

func TestReplace(t *testing.T) {
	dir := t.TempDir()
	temp, path := filepath.Join(dir, "a.part"), filepath.Join(dir, "a")
	if err := os.WriteFile(temp, []byte("new"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := atomicfile.Replace(temp, path); err != nil {
		t.Fatal(err)
	}
	onlyFile(t, dir, "a", "new")
	err := atomicfile.Replace(temp, path)
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), path) {
		t.Errorf("replacing with an absent file gave %v", err)
	}
	onlyFile(t, dir, "a", "new")
}

// A link that points nowhere was put there by somebody, who would not find the file
// where it points to: neither may the link be lost in silence.
func TestDanglingLinkIsRefused(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "link")
	if err := os.Symlink(filepath.Join(dir, "gone", "model"), path); err != nil {
		t.Skip(err)
	}
	err := atomicfile.WriteFile(path, []byte("new"))
	if err == nil || !strings.Contains(err.Error(), "symbolic link") || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %v", err)
	}
	if target, err := os.Readlink(path); err != nil || target != filepath.Join(dir, "gone", "model") {
		t.Errorf("the link is %q, %v", target, err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("the folder holds %v", entries)
	}
}
