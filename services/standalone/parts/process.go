package parts

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Spec says what to start.
type Spec struct {
	// Part is one of the constants, Args are its flags. A port that is to be the same after a restart is named there.
	Part string
	Args []string
	// Name is that of the log file; default the part.
	Name string
	// Dir is the folder of the log file, which all starts of the part append to.
	Dir string
	// Binary is a binary whose main calls [Child]; default this one.
	Binary string
	// Env are further environment variables, NAME=value. Variables with our prefix are not handed on, but the one that
	// names the engine.
	Env []string
}

// Process is a part that was started. It is safe for concurrent use.
type Process struct {
	spec Spec

	mu  sync.Mutex
	run *life
}

// life is one life of the process.
type life struct {
	cmd   *exec.Cmd
	addr  string
	pids  []int
	ended chan struct{}
}

// startTimeout bounds a start.
const startTimeout = 60 * time.Second

// Start starts a part and returns when it is ready, or with an error when it has ended before or ctx has.
func Start(ctx context.Context, spec Spec) (*Process, error) {
	if spec.Name == "" {
		spec.Name = spec.Part
	}
	p := &Process{spec: spec}
	return p, p.Restart(ctx)
}

// Restart starts the part again, with the same flags, and waits until it is ready. Where it still runs it is killed
// first. Where the start fails, the part does not run.
func (p *Process) Restart(ctx context.Context) error {
	p.Kill()
	r, err := p.spec.start(ctx)
	if err != nil {
		return fmt.Errorf("start %s: %w", p.spec.Name, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.run = r
	return nil
}

func (s Spec) start(ctx context.Context) (*life, error) {
	binary := s.Binary
	if binary == "" {
		self, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("find own executable: %w", err)
		}
		binary = self
	}
	log, err := os.OpenFile(filepath.Join(s.Dir, s.Name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	defer func() { _ = log.Close() }()
	args := append([]string{command, s.Part, "--with-parent=true"}, s.Args...)
	// The part outlives ctx: it ends by Kill or Stop, or with this process.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), binary, args...)
	cmd.Env = environment(s.Env)
	cmd.Stderr = log
	// A group of its own: Ctrl-C on a terminal is for us.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	// Open until the part has ended: that is how it knows that we live.
	if _, err := cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	r := &life{cmd: cmd, ended: make(chan struct{})}
	ready := make(chan []string, 1)
	go func() {
		defer close(r.ended)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if words := strings.Fields(lines.Text()); len(words) > 1 && words[0] == "ready" {
				ready <- words[1:]
			}
		}
		_ = cmd.Wait()
	}()
	return r, r.await(ctx, ready)
}

// await waits for the ready line.
func (r *life) await(ctx context.Context, ready <-chan []string) error {
	timer := time.NewTimer(startTimeout)
	defer timer.Stop()
	var err error
	select {
	case words := <-ready:
		r.addr, r.pids = words[0], []int{r.cmd.Process.Pid}
		for _, w := range words[1:] {
			pid, err := strconv.Atoi(w)
			if err != nil {
				return fmt.Errorf("read ready line: %w", err)
			}
			// First, so that a signal meets the engine before its parent.
			r.pids = append([]int{pid}, r.pids...)
		}
		return nil
	case <-r.ended:
		return fmt.Errorf("it ended before it was ready: %s", r.cmd.ProcessState)
	case <-ctx.Done():
		err = ctx.Err()
	case <-timer.C:
		err = errors.New("it was not ready in time")
	}
	_ = r.cmd.Process.Kill()
	<-r.ended
	return err
}

// environment is ours without the variables that would be settings of the part.
func environment(further []string) []string {
	var out []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "PLUMBLINE_") || strings.HasPrefix(v, "PLUMBLINE_ENGINE=") {
			out = append(out, v)
		}
	}
	return append(out, further...)
}

// now is the life of the process that counts, nil where there was none.
func (p *Process) now() *life {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.run
}

// Name is the name of the part.
func (p *Process) Name() string { return p.spec.Name }

// Addr is what the part can be reached at: host:port, and of a database its DSN.
func (p *Process) Addr() string {
	if r := p.now(); r != nil {
		return r.addr
	}
	return ""
}

// Pids are the process ids of the part; an engine stands before the process that holds it.
func (p *Process) Pids() []int {
	if r := p.now(); r != nil {
		return r.pids
	}
	return nil
}

// Log is the path of the log file.
func (p *Process) Log() string { return filepath.Join(p.spec.Dir, p.spec.Name+".log") }

// Running tells whether it has not ended. A paused process runs.
func (p *Process) Running() bool {
	r := p.now()
	if r == nil {
		return false
	}
	select {
	case <-r.ended:
		return false
	default:
		return true
	}
}

// signal sends a signal to all processes of the part.
func (p *Process) signal(s syscall.Signal) {
	r := p.now()
	if r == nil {
		return
	}
	select {
	case <-r.ended: // the ids may be those of others by now
	default:
		for _, pid := range r.pids {
			_ = syscall.Kill(pid, s)
		}
	}
}

// Kill is kill -9. It returns when the part has ended.
func (p *Process) Kill() {
	p.signal(syscall.SIGKILL)
	if r := p.now(); r != nil {
		<-r.ended
	}
}

// Pause is SIGSTOP, Resume is SIGCONT.
func (p *Process) Pause() { p.signal(syscall.SIGSTOP) }

// Resume lets a paused part go on.
func (p *Process) Resume() { p.signal(syscall.SIGCONT) }

// Stop asks the part to end in good order, and kills it when ctx ends first, which is an error.
func (p *Process) Stop(ctx context.Context) error {
	r := p.now()
	if r == nil {
		return nil
	}
	p.Resume()
	select {
	case <-r.ended:
		return nil
	default:
		_ = r.cmd.Process.Signal(syscall.SIGTERM)
	}
	select {
	case <-r.ended:
		return nil
	case <-ctx.Done():
		p.Kill()
		return fmt.Errorf("stop %s: %w", p.spec.Name, ctx.Err())
	}
}

// LimitFiles is [LimitFiles] for all processes of the part, until it is started again.
func (p *Process) LimitFiles(size uint64) error {
	var errs []error
	for _, pid := range p.Pids() {
		errs = append(errs, LimitFiles(pid, size))
	}
	return errors.Join(errs...)
}
