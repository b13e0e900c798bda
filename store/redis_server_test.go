package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"
)

// databases is how many tests may have one of their own on the shared server.
const databases = 2000

// aServer is a real redis-server on a port and in a folder of its own.
type aServer struct {
	addr, dir string
	args      []string
	cmd       *exec.Cmd
}

// startServer starts a server that keeps nothing on disk, unless args say
// otherwise, and that ends with the test.
func startServer(t testing.TB, args ...string) *aServer {
	t.Helper()
	s, err := newServer(t.TempDir(), args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.kill)
	return s
}

func newServer(dir string, args ...string) (*aServer, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		return nil, err
	}
	s := &aServer{addr: addr, dir: dir, args: args}
	return s, s.start()
}

// start starts the server, also once more after kill, and waits until it
// listens.
func (s *aServer) start() error {
	_, port, _ := net.SplitHostPort(s.addr)
	args := []string{"--port", port, "--bind", "127.0.0.1", "--dir", s.dir, "--save", "", "--appendonly", "no", "--logfile", "redis.log", "--repl-diskless-sync-delay", "0"}
	s.cmd = exec.Command("redis-server", append(args, s.args...)...)
	if err := s.cmd.Start(); err != nil {
		return err
	}
	for deadline := time.Now().Add(30 * time.Second); ; {
		c, err := net.DialTimeout("tcp", s.addr, time.Second)
		if err == nil {
			return c.Close()
		}
		if time.Now().After(deadline) {
			s.kill()
			log, _ := os.ReadFile(s.dir + "/redis.log")
			return fmt.Errorf("redis-server does not listen: %w\n%s", err, log)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// kill ends the server as kill -9 does.
func (s *aServer) kill() {
	if s.cmd.ProcessState == nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
	}
}

func (s *aServer) mustRestart(t testing.TB) {
	t.Helper()
	s.kill()
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
}

func (s *aServer) signal(t testing.TB, sig os.Signal) {
	t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}

// pause stops the server from doing anything until resumed.
func (s *aServer) pause(t testing.TB) (resume func()) {
	s.signal(t, syscall.SIGSTOP)
	return sync.OnceFunc(func() { s.signal(t, syscall.SIGCONT) })
}

func (s *aServer) url(db int) string { return "redis://" + s.addr + "/" + strconv.Itoa(db) }

// place is where the server is, as REPLICAOF wants it.
func (s *aServer) place() []any {
	host, port, _ := net.SplitHostPort(s.addr)
	return []any{host, port}
}

// tell sends a server one command on a connection of its own.
func tell(t testing.TB, s *aServer, name string, args ...any) any {
	t.Helper()
	c, err := redis.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	reply, err := c.Do(name, args...)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return reply
}

// forward is an address that leads to another, and may lead elsewhere later.
type forward struct {
	addr string
	to   atomic.Pointer[string]
	// watch, when it is set, is told of what clients send, and says what
	// becomes of it.
	watch atomic.Pointer[func(sent []byte) fate]
}

// fate is what becomes of bytes and the connection they came on.
type fate int

const (
	passed   fate = iota // they go on to the server
	cut                  // the connection is closed, and they never arrive
	answered             // they arrive, and the connection is closed instead of bringing the answer
)

func startForward(t testing.TB, to string) *forward {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &forward{addr: l.Addr().String()}
	f.to.Store(&to)
	var wg sync.WaitGroup
	quit, stop := context.WithCancel(context.Background())
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { f.pass(quit, c) })
		}
	})
	t.Cleanup(func() {
		stop()
		_ = l.Close()
		wg.Wait()
	})
	return f
}

// pass copies in both directions until one ends.
func (f *forward) pass(ctx context.Context, client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", *f.to.Load())
	if err != nil {
		return
	}
	defer server.Close()
	defer context.AfterFunc(ctx, func() { _ = client.Close(); _ = server.Close() })()
	back := make(chan struct{})
	var mute atomic.Bool
	go func() {
		defer close(back)
		defer client.Close()
		buf := make([]byte, 64<<10)
		for {
			n, err := server.Read(buf)
			if err != nil || mute.Load() {
				return
			}
			if _, err := client.Write(buf[:n]); err != nil {
				return
			}
		}
	}()
	defer func() { _ = server.Close(); <-back }()
	buf := make([]byte, 64<<10)
	for {
		n, err := client.Read(buf)
		if err != nil {
			return
		}
		if watch := f.watch.Load(); watch != nil {
			switch (*watch)(buf[:n]) {
			case cut:
				return
			case answered:
				mute.Store(true)
			}
		}
		if _, err := server.Write(buf[:n]); err != nil {
			return
		}
	}
}

// strike sets what becomes of the next call of a script, and of all that is
// sent after it.
func (f *forward) strike(s *script, then, after fate) {
	var struck atomic.Bool
	watch := func(sent []byte) fate {
		switch {
		case struck.Load():
			return after
		case bytes.Contains(sent, []byte(s.hash)) || bytes.Contains(sent, []byte(s.source)):
			struck.Store(true)
			return then
		}
		return passed
	}
	f.watch.Store(&watch)
}

// shared is the server of all tests that do it no harm.
var shared struct {
	once   sync.Once
	server *aServer
	err    error
	db     atomic.Int64 // the last one given out
}

// freshDB is the URL of an empty database on the shared server.
func freshDB(t testing.TB) string {
	t.Helper()
	shared.once.Do(func() {
		var dir string
		if dir, shared.err = os.MkdirTemp("", "store-redis-"); shared.err == nil {
			shared.server, shared.err = newServer(dir, "--databases", strconv.Itoa(databases))
		}
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.server.url(int(shared.db.Add(1)))
}

func stopShared() error {
	if shared.server == nil {
		return nil
	}
	shared.server.kill()
	return os.RemoveAll(shared.server.dir)
}

// openRedis opens a store that is closed at the end of the test.
func openRedis(t testing.TB, url string) *Redis {
	t.Helper()
	return openHasty(t, url, patience)
}

// openHasty opens a store that gives up sooner, or later.
func openHasty(t testing.TB, url string, patience time.Duration) *Redis {
	t.Helper()
	r, err := openPatient(ctx, url, patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// raw sends one command, past the store.
func raw(t testing.TB, r *Redis, name string, args ...any) any {
	t.Helper()
	reply, err := r.do1(within(t, 10*time.Second), true, cmd(name, args...))
	if err != nil {
		t.Fatal(err)
	}
	return reply
}

// within is a context that ends with the test, or after a time.
func within(t testing.TB, d time.Duration) context.Context {
	c, cancel := context.WithTimeoutCause(ctx, d, errors.New("the test's patience is over"))
	t.Cleanup(cancel)
	return c
}
