package embedded

import "syscall"

// tiedToThread makes a new process end with the thread that starts it.
func tiedToThread() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
