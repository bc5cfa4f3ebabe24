package filelock

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// asHolder in the environment makes the test's program a process that holds a lock
// until it is killed.
const asHolder = "HOURGLASS_TEST_HOLDS"

func TestMain(m *testing.M) {
	if path := os.Getenv(asHolder); path != "" {
		l, err := Acquire(path, "the other process")
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("locked")
		time.Sleep(time.Hour)
		l.Release()
	}
	os.Exit(m.Run())
}

func TestLockIsExclusive(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	l, err := Acquire(path, "the first")
	if err != nil {
		t.Fatal(err)
	}
	var held *HeldError
	if _, err := Acquire(path, "the second"); !errors.As(err, &held) || held.Holder != "the first" {
		t.Errorf("error %v", err)
	}
	if err := l.Release(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("the file is still there")
	}
	if l, err = Acquire(path, "the third"); err != nil {
		t.Fatal(err)
	}
	if err := l.Release(); err != nil {
		t.Fatal(err)
	}
}

// A process that is killed leaves the file, and no lock.
func TestLockEndsWithItsProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), asHolder+"="+path)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(stdout).ReadString('\n'); err != nil || line != "locked\n" {
		t.Fatalf("the other process says %q, %v", line, err)
	}
	var held *HeldError
	if _, err := Acquire(path, "this"); !errors.As(err, &held) || held.Holder != "the other process" {
		t.Errorf("error %v", err)
	}
	if held, err := Held(path); !held || err != nil {
		t.Errorf("held by a process that lives: %v, %v", held, err)
	}
	cmd.Process.Kill()
	cmd.Wait()
	if held, err := Held(path); held || err != nil {
		t.Errorf("held by a process that was killed: %v, %v", held, err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	l, err := Acquire(path, "this")
	if err != nil {
		t.Fatal(err)
	}
	l.Release()
}

// Who asks whether a lock is held keeps nobody from it.
func TestAskingDoesNotDisturb(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	if held, err := Held(path); held || err != nil {
		t.Errorf("without a file: %v, %v", held, err)
	}
	end, ended := make(chan struct{}), make(chan error)
	go func() {
		for {
			select {
			case <-end:
				ended <- nil
				return
			default:
			}
			if _, err := Held(path); err != nil {
				ended <- err
				return
			}
		}
	}()
	for range 200 {
		l, err := Acquire(path, "this")
		if err != nil {
			t.Fatal(err)
		}
		if held, err := Held(path); !held || err != nil {
			t.Fatalf("held: %v, %v", held, err)
		}
		if err := l.Release(); err != nil {
			t.Fatal(err)
		}
	}
	close(end)
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestLockErrors(t *testing.T) {
	if _, err := Acquire(filepath.Join(t.TempDir(), "no", "folder"), "me"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}
