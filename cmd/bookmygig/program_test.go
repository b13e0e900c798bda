package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// binaries is the folder of what the tests build.
var binaries string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "bookmygig-test")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binaries = dir
	code := m.Run()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.RemoveAll(dir)
	os.Exit(code)
}

// build returns a function that builds a command once and returns its path.
func build(name, pkg string, flags ...string) func() (string, error) {
	return sync.OnceValues(func() (string, error) {
		path := filepath.Join(binaries, name)
		args := append(append([]string{"build", "-o", path}, flags...), pkg)
		out, err := exec.Command("go", args...).CombinedOutput()
		if err != nil {
			return "", fmt.Errorf("go build %s: %w\n%s", pkg, err, out)
		}
		return path, nil
	})
}

var (
	raceProgram = build("bookmygig-race", ".", "-race")
	fastProgram = build("bookmygig", ".")
	showload    = build("showload", "../showload")
)

// program is the real program in a process of its own.
type program struct {
	t    *testing.T
	path string
	args []string // beyond the addresses and the data folder
	data string
	log  logBuffer // over all its runs

	cmd             *exec.Cmd
	exited          chan error
	http, rtmp, ops string // bound addresses; the next run binds the same
}

// logBuffer collects output; it is read while it grows.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// startProgram starts the program with the race detector and an empty data folder.
func startProgram(t *testing.T, args ...string) *program {
	return startBuilt(t, raceProgram, args...)
}

func startBuilt(t *testing.T, built func() (string, error), args ...string) *program {
	t.Helper()
	path, err := built()
	if err != nil {
		t.Fatal(err)
	}
	p := &program{
		t: t, path: path, args: args, data: t.TempDir(),
		http: "127.0.0.1:0", rtmp: "127.0.0.1:0", ops: "127.0.0.1:0",
	}
	t.Cleanup(func() {
		p.kill()
		log := p.log.String()
		for _, bad := range []string{"DATA RACE", "panic", "fatal error"} {
			if strings.Contains(log, bad) {
				t.Errorf("the log speaks of a %s", bad)
			}
		}
		if t.Failed() {
			t.Logf("log of the program:\n%s", tail(log, 12_000))
		}
	})
	p.start()
	return p
}

func tail(s string, n int) string {
	if len(s) > n {
		return "…" + s[len(s)-n:]
	}
	return s
}

var listening = regexp.MustCompile(`msg=listening http=(\S+) rtmp=(\S+) ops=(\S+)`)

// start runs the program, again at the same addresses, and waits until it is ready.
func (p *program) start() {
	p.t.Helper()
	before := len(p.log.String())
	args := append([]string{"-http", p.http, "-rtmp", p.rtmp, "-ops", p.ops, "-data", p.data}, p.args...)
	p.cmd = exec.Command(p.path, args...)
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	p.cmd.Env = append(os.Environ(), "GORACE=halt_on_error=1")
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	exited := make(chan error, 1)
	go func(c *exec.Cmd) { exited <- c.Wait() }(p.cmd)
	p.exited = exited
	eventually(p.t, 20*time.Second, "the program listens", func() error {
		if m := listening.FindStringSubmatch(p.log.String()[before:]); m != nil {
			p.http, p.rtmp, p.ops = m[1], m[2], m[3]
			return nil
		}
		select {
		case err := <-exited:
			exited <- err
			p.t.Fatalf("the program ended at its start: %v", err)
		default:
		}
		return errors.New("no such line in the log")
	})
	eventually(p.t, 20*time.Second, "the program is ready", func() error {
		_, err := get(http.DefaultClient, "http://"+p.ops+"/readyz", http.StatusOK)
		return err
	})
}

// kill ends the process the hard way, if it runs.
func (p *program) kill() {
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.exited
	p.cmd = nil
	http.DefaultClient.CloseIdleConnections()
}

// stop asks the process to end and returns how long it took. It must end well.
func (p *program) stop() time.Duration {
	p.t.Helper()
	begin := time.Now()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	select {
	case err := <-p.exited:
		if err != nil {
			p.t.Fatalf("after SIGTERM: %v", err)
		}
	case <-time.After(10 * time.Second):
		p.t.Fatal("still running 10 s after SIGTERM")
	}
	p.cmd = nil
	http.DefaultClient.CloseIdleConnections()
	return time.Since(begin)
}

func (p *program) url() string { return "http://" + p.http }

// metric returns a figure of /metrics; labels as they stand there.
func (p *program) metric(name string) float64 {
	p.t.Helper()
	body, err := get(http.DefaultClient, "http://"+p.ops+"/metrics", http.StatusOK)
	if err != nil {
		p.t.Fatal(err)
	}
	return metricIn(body, name)
}

// metricIn sums the series of a name, or of a name with labels.
func metricIn(body, name string) (sum float64) {
	for line := range strings.Lines(body) {
		rest, ok := strings.CutPrefix(line, name)
		if !ok || rest[0] != ' ' && rest[0] != '{' {
			continue
		}
		var v float64
		if _, err := fmt.Sscan(rest[strings.LastIndexByte(rest, ' '):], &v); err == nil {
			sum += v
		}
	}
	return sum
}

// get returns the body of a page that must have the status.
func get(c *http.Client, url string, status int) (string, error) {
	res, err := c.Get(url)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, 8<<20))
	if err == nil && res.StatusCode != status {
		err = fmt.Errorf("GET %s: %s, want %d", url, res.Status, status)
	}
	return string(b), err
}

// eventually waits until f returns nil.
func eventually(t *testing.T, limit time.Duration, what string, f func() error) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited %v until %s: %v", limit, what, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
