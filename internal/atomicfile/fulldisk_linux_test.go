package atomicfile_test

import (
	"errors"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"hourglass/internal/atomicfile"
)

// A file of 64 KiB fits the small disk, one of 4 MiB does not.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
		t.Skip("needs the right to mount a small disk:", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, 0) })
	path := filepath.Join(dir, "model")
	old := strings.Repeat("o", 64<<10)
	if err := atomicfile.WriteFile(path, []byte(old)); err != nil {
		t.Fatal(err)
	}
	err := atomicfile.WriteFile(path, make([]byte, 4<<20))
	if !errors.Is(err, syscall.ENOSPC) || err.Error() != "write "+path+": no space left on device" {
		t.Errorf("got error %v", err)
	}
	onlyFile(t, dir, "model", old)
}
