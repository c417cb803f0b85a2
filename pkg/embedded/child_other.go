//go:build !linux

package embedded

import "syscall"

// tiedToThread can do nothing here: only Linux ends a process with its parent.
// The folder lock still keeps the data safe.
func tiedToThread() *syscall.SysProcAttr { return nil }
