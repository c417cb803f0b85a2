package embedded

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"unsafe"

	"github.com/ebitengine/purego"
)

// childCommand is the hidden first argument that makes a binary of ours become
// the database. What follows it: the kind of engine, its path, the ports of the
// shield, then the arguments of clickhouse-local.
const childCommand = "embedded-clickhouse-child"

// The kinds of engine.
const (
	kindLibrary = "library" // libchdb.so, loaded into the child
	kindBinary  = "binary"  // a clickhouse binary, a process below the child
)

// lockDescriptor is the file descriptor of the folder lock in the child.
const lockDescriptor = 3

// Child makes this process the database, and never returns, if it was started
// for that; else it does nothing. [StartDatabase] starts its own binary again,
// so the first line of every main and TestMain that may start a database calls
// Child, before flags are parsed.
func Child() {
	if len(os.Args) < 4 || os.Args[1] != childCommand {
		return
	}
	kind, path := os.Args[2], os.Args[3]
	args, err := startShield(os.Args[4:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	run := runLibrary
	if kind == kindBinary {
		run = runBinary
	}
	if err := run(path, args); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// watchParent calls end when stdin, a pipe that only the parent holds open and
// never writes to, is closed: also when the parent was killed. What the engine
// has acknowledged is in its files by then.
func watchParent(end func()) {
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		end()
	}()
}

// runBinary runs clickhouse-local as a process below this one, which ends with
// this one, and holds the folder lock as long as it lives.
func runBinary(path string, args []string) error {
	runtime.LockOSThread()
	cmd := exec.CommandContext(context.Background(), path, append([]string{"local"}, args...)...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.ExtraFiles = []*os.File{os.NewFile(lockDescriptor, "lock")}
	cmd.SysProcAttr = tiedToThread()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the database engine: %w", err)
	}
	watchParent(func() { _ = cmd.Process.Kill() })
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("database engine: %w", err)
	}
	return nil
}

// queryResult is struct local_result_v2 of chdb.h. Its other members are a
// pointer to the result, its length, a pointer of the library's own, and three
// numbers of 64 bits.
type queryResult struct {
	_            [6]uint64
	errorMessage *byte
}

// runLibrary loads the library and calls clickhouse-local in it, which returns
// when its last query has ended.
func runLibrary(library string, args []string) error {
	// The engine keeps state in thread-local variables of its main thread.
	runtime.LockOSThread()
	watchParent(func() { os.Exit(0) })
	handle, err := purego.Dlopen(library, purego.RTLD_NOW|purego.RTLD_GLOBAL)
	if err != nil {
		return fmt.Errorf("load the database engine: %w", err)
	}
	if _, err := purego.Dlsym(handle, "query_stable_v2"); err != nil {
		return fmt.Errorf("load the database engine: %s is not a usable libchdb: %w", library, err)
	}
	var query func(argc int32, argv **byte) *queryResult
	purego.RegisterLibFunc(&query, handle, "query_stable_v2")

	// argv ends with a null pointer, as in C.
	argv := make([]*byte, 0, len(args)+2)
	for _, arg := range append([]string{"clickhouse"}, args...) {
		argv = append(argv, &append([]byte(arg), 0)[0])
	}
	argv = append(argv, nil)
	result := query(int32(len(argv)-1), &argv[0])
	runtime.KeepAlive(argv)
	if result != nil && result.errorMessage != nil {
		return fmt.Errorf("database engine: %s", cString(result.errorMessage))
	}
	return nil
}

// cString copies a string that ends with a zero byte.
func cString(p *byte) string {
	n := 0
	for *(*byte)(unsafe.Add(unsafe.Pointer(p), n)) != 0 {
		n++
	}
	return string(unsafe.Slice(p, n))
}
