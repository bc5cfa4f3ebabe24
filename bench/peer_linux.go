package main

import (
	"os/exec"
	"syscall"
)

// dieWithParent has the kernel end the process when this one is gone, however
// it went. Everywhere else a peer ends with its input, once it looks for more.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
