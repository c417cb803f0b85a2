package faults

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"plumbline/services/standalone/parts"
)

// apache is one broker of Apache Kafka, run by the project's script.
type apache struct {
	script, dir string
	node        int
	addr        string

	mu  sync.Mutex
	pid int
}

// startApache starts a cluster on a folder.
func startApache(ctx context.Context, script, dir string, brokers int) ([]engine, error) {
	if script == "" {
		return nil, errNoScript
	}
	port, err := parts.FreePort(ctx)
	if err != nil {
		return nil, err
	}
	out, err := kafkaScript(ctx, script, "start", dir, strconv.Itoa(port), "--brokers", strconv.Itoa(brokers))
	if err != nil {
		return nil, err
	}
	var engines []engine
	_, addrs, _ := strings.Cut(strings.TrimSpace(out), "ready ")
	for i, addr := range strings.Split(addrs, ",") {
		a := &apache{script: script, dir: dir, node: i + 1, addr: addr}
		if err := a.readPid(); err != nil {
			return nil, err
		}
		engines = append(engines, a)
	}
	if len(engines) != brokers {
		return nil, fmt.Errorf("the script says %q, want %d addresses", out, brokers)
	}
	return engines, nil
}

// kafkaScript runs the script.
func kafkaScript(ctx context.Context, script string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, script, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	// The brokers inherit the error output: it must not be waited for.
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", filepath.Base(script), strings.Join(args, " "), err, errs.String())
	}
	return out.String(), nil
}

func (a *apache) pidFile() string {
	return filepath.Join(a.dir, "broker"+strconv.Itoa(a.node), "pid")
}

func (a *apache) readPid() error {
	text, err := os.ReadFile(a.pidFile())
	if err != nil {
		return fmt.Errorf("read the process id of broker %d: %w", a.node, err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return fmt.Errorf("read the process id of broker %d: %w", a.node, err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.pid = pid
	return nil
}

func (a *apache) signal(s syscall.Signal) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.pid == 0 {
		return syscall.ESRCH
	}
	return syscall.Kill(a.pid, s)
}

// Addr is the address of the broker.
func (a *apache) Addr() string { return a.addr }

// Running tells whether the process is there, and not only its name because nobody has waited for it.
func (a *apache) Running() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.pid == 0 || syscall.Kill(a.pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(a.pid), "stat"))
	if err != nil {
		return runtime.GOOS != "linux"
	}
	_, state, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(state, "Z")
}

// Kill is kill -9; it returns when the process is gone.
func (a *apache) Kill() {
	_ = a.signal(syscall.SIGKILL) // nothing to kill is as good
	for a.Running() {
		time.Sleep(5 * time.Millisecond)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.pid = 0
}

// Pause is SIGSTOP.
func (a *apache) Pause() { _ = a.signal(syscall.SIGSTOP) }

// Resume is SIGCONT.
func (a *apache) Resume() { _ = a.signal(syscall.SIGCONT) }

// Restart starts the broker again on its data and its port.
func (a *apache) Restart(ctx context.Context) error {
	a.Kill()
	if _, err := kafkaScript(ctx, a.script, "restart", a.dir, strconv.Itoa(a.node)); err != nil {
		return err
	}
	return a.readPid()
}

// LimitFiles bounds the size of the files of the broker.
func (a *apache) LimitFiles(size uint64) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.pid == 0 {
		return nil
	}
	return parts.LimitFiles(a.pid, size)
}
