package filelock

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// removesOpenFiles says that a file can be removed while it is open.
const removesOpenFiles = false

// lockedByte is the byte that is locked: far behind the text, which others may then
// read.
const lockedByte = 1 << 30

// tryLock locks an open file unless somebody else holds it; a shared lock may be held by
// others who share it.
func tryLock(f *os.File, shared bool) (held bool, err error) {
	at, how := &windows.Overlapped{Offset: lockedByte}, uint32(windows.LOCKFILE_FAIL_IMMEDIATELY)
	if !shared {
		how |= windows.LOCKFILE_EXCLUSIVE_LOCK
	}
	err = windows.LockFileEx(windows.Handle(f.Fd()), how, 0, 1, 0, at)
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) || errors.Is(err, windows.ERROR_IO_PENDING) {
		return true, nil
	}
	return false, err
}
