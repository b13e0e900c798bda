package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const demoClip = "../bookmygig/demo.flv"

// record collects what is printed; it is read while it grows.
type record struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.b.Write(p)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.b.String()
}

// built is the folder of what the tests build.
var built string

// builtServer builds the program as people run it, once.
var builtServer = sync.OnceValues(func() (string, error) {
	path := filepath.Join(built, "bookmygig")
	if out, err := exec.Command("go", "build", "-o", path, "../bookmygig").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "showload-test")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	built = dir
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

var addresses = regexp.MustCompile(`msg=listening http=(\S+) rtmp=\S+ ops=(\S+)`)

// soakServer starts the program and returns a soak of it. The end of the test
// stops the program, which must end well unless kill was called.
func soakServer(t *testing.T, out *record, args ...string) (s *soak, kill func()) {
	t.Helper()
	path, err := builtServer()
	if err != nil {
		t.Fatal(err)
	}
	log := new(record)
	cmd := exec.Command(path, "-http", "127.0.0.1:0", "-rtmp", "127.0.0.1:0", "-ops", "127.0.0.1:0", "-data", t.TempDir())
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	stop := sync.OnceValue(func() error {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		return <-ended
	})
	kill = func() { _ = cmd.Process.Kill(); _ = stop() }
	t.Cleanup(func() {
		if err := stop(); err != nil && cmd.ProcessState.Exited() {
			t.Errorf("the program ends with %v", err)
		}
		if t.Failed() {
			text := log.String()
			t.Logf("log of the program:\n%s", text[max(0, len(text)-8<<10):])
		}
	})
	var m []string
	for end := time.Now().Add(20 * time.Second); m == nil; time.Sleep(50 * time.Millisecond) {
		if m = addresses.FindStringSubmatch(log.String()); m == nil && time.Now().After(end) {
			t.Fatalf("the program does not listen:\n%s", log)
		}
	}
	s, err = parseSoak(append([]string{"-url", "http://" + m[1], "-ops", "http://" + m[2], "-clip", demoClip}, args...), out)
	if err != nil {
		t.Fatal(err)
	}
	return s, kill
}

// Shows come and go for three minutes, the last grace included, with everything that happens to shows in
// them. Nobody receives anything wrong, and when all have left the server is
// what it was before.
func TestSoak(t *testing.T) {
	t.Parallel()
	out := new(record)
	s, _ := soakServer(t, out, "-duration", "110s")
	err := s.run(t.Context())
	t.Logf("\n%s", out)
	if err != nil {
		t.Error(err)
	}
	c := s.counts()
	for what, n := range map[string]int{
		"shows": c.Shows - 10, "takeovers": c.Takeovers, "new keys": c.Rotations, "returns within the grace": c.Returns,
		"graces that ran out": c.GracesOver, "ends": c.Ends, "24-bit wraps": c.Wraps24, "32-bit wraps": c.Wraps32,
		"visits": c.Visits, "messages": c.Messages,
	} {
		if n <= 0 {
			t.Errorf("there were no %s", what)
		}
	}
	if !strings.Contains(out.String(), "  1 min: ") {
		t.Error("no word after a minute")
	}
}

// A server that goes away in the middle is a failure, and soon over.
func TestSoakOfAServerThatDies(t *testing.T) {
	t.Parallel()
	out := new(record)
	s, kill := soakServer(t, out, "-duration", "10s", "-shows", "2")
	ended := make(chan error, 1)
	go func() { ended <- s.run(t.Context()) }()
	for end := time.Now().Add(time.Minute); s.counts().Shows < 2; { // the first is the rehearsal
		if time.Now().After(end) {
			t.Fatalf("the soak does not begin:\n%s", out)
		}
		time.Sleep(50 * time.Millisecond)
	}
	kill()
	select {
	case err := <-ended:
		if err == nil || s.faultCount() == 0 {
			t.Errorf("%v, %d faults:\n%s", err, s.faultCount(), out)
		}
	case <-time.After(time.Minute):
		t.Fatal("the soak goes on")
	}
}

// opsPage is what an operator's port answers with.
func opsPage(f figures) string {
	return fmt.Sprintf(`# HELP go_goroutines Number of goroutines that currently exist.
go_goroutines %d
go_memstats_heap_alloc_bytes %d
go_memstats_heap_alloc_bytes_total 9e+12
process_resident_memory_bytes %d
process_open_fds %d
bookmygig_viewers %d
bookmygig_publishers %d
bookmygig_chat_members %d
`, f.Goroutines, f.Heap, f.Resident, f.Files, f.Viewers, f.Publishers, f.Members)
}

func TestReadFigures(t *testing.T) {
	want := figures{Publishers: 1, Viewers: 2, Members: 3, Goroutines: 4, Files: 5, Heap: 9 << 20, Resident: 7 << 20}
	var collections int
	body := opsPage(want)
	ops := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/debug/pprof/heap":
			if r.FormValue("gc") == "1" && r.FormValue("debug") == "1" {
				collections++
				fmt.Fprintf(w, "heap profile: 1: 2 [3: 4] @ heap/1048576\n\n# runtime.MemStats\n# Alloc = 9\n# HeapAlloc = %d\n", 6<<20/collections)
			}
		case "/metrics":
			_, _ = w.Write([]byte(body))
		default:
			http.NotFound(w, r)
		}
	}))
	defer ops.Close()
	got, err := readFigures(t.Context(), ops.URL, false)
	if err != nil || got != want {
		t.Errorf("read %+v, %v", got, err)
	}
	want.Heap = 3 << 20 // after the second collection
	if got, err = readFigures(t.Context(), ops.URL, true); err != nil || got != want {
		t.Errorf("after collections %+v, %v", got, err)
	}
	if collections != 2 {
		t.Errorf("%d collections", collections)
	}
	body = strings.ReplaceAll(body, "process_open_fds", "else")
	if _, err := readFigures(t.Context(), ops.URL, false); err == nil || !strings.Contains(err.Error(), "process_open_fds") {
		t.Errorf("a figure is missing: %v", err)
	}
	if _, err := ask(t.Context(), ops.URL+"/nowhere"); err == nil {
		t.Error("a page that is not there is read")
	}
}

func TestWhatMayRemain(t *testing.T) {
	before := figures{Goroutines: 20, Files: 10, Heap: 5 << 20, Resident: 50 << 20}
	for _, tt := range []struct {
		name   string
		change func(f *figures)
		want   string // line of the table with a complaint
	}{
		{"nothing more", func(f *figures) {}, ""},
		{"less", func(f *figures) { f.Goroutines, f.Files, f.Heap, f.Resident = 1, 1, 1, 1 }, ""},
		{"as much as may be", func(f *figures) { f.Goroutines += moreGoroutines; f.Heap += moreHeap }, ""},
		{"a goroutine", func(f *figures) { f.Goroutines += moreGoroutines + 1 }, "goroutines"},
		{"a file", func(f *figures) { f.Files += moreFiles + 1 }, "open files"},
		{"heap", func(f *figures) { f.Heap += moreHeap + 1 }, "live heap"},
		{"resident", func(f *figures) { f.Resident += moreResident + 1 }, "resident"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			after := before
			tt.change(&after)
			var out strings.Builder
			if err := writeFigures(&out, before, after); err != nil {
				t.Fatal(err)
			}
			if got := after.back(before); got != (tt.want == "") {
				t.Errorf("back: %v", got)
			}
			var complaints []string
			for line := range strings.Lines(out.String()) {
				if strings.Contains(line, "too much") {
					complaints = append(complaints, line)
				}
			}
			switch {
			case tt.want == "" && len(complaints) > 0, tt.want != "" && len(complaints) != 1:
				t.Errorf("the table complains: %q", complaints)
			case tt.want != "" && !strings.HasPrefix(complaints[0], tt.want):
				t.Errorf("the table complains: %q", complaints)
			}
		})
	}
	for _, f := range []figures{{Publishers: 1}, {Viewers: 1}, {Members: 1}} {
		if f.idle() {
			t.Errorf("%v counts as idle", f)
		}
	}
}

// A server that lets go late is waited for; one that never does is not for ever.
func TestSoakWaitsForTheServerToSettle(t *testing.T) {
	t.Parallel()
	f := figures{Viewers: 1}
	asked := 0
	ops := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/metrics" {
			fmt.Fprintln(w, "# HeapAlloc = 1")
			return
		}
		if asked++; asked == 2 {
			f.Viewers = 0
		}
		_, _ = w.Write([]byte(opsPage(f)))
	}))
	defer ops.Close()
	s := &soak{ops: ops.URL, settling: time.Minute, out: new(record)}
	if got, err := s.settle(t.Context(), figures.idle); err != nil || asked != 2 || !got.idle() {
		t.Errorf("asked %d times, %v, %v", asked, got, err)
	}
	f.Viewers, asked, s.settling = 1, 10, 0
	if got, err := s.settle(t.Context(), figures.idle); err != nil || got.Viewers != 1 {
		t.Errorf("%v, %v", got, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	s.settling = time.Minute
	if _, err := s.settle(ctx, figures.idle); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("at the end of the context: %v", err)
	}
}

// What must not be in a show is noted: a publisher that is not thrown out, one
// that is thrown out, and messages that are lost.
func TestShowsNoteFaults(t *testing.T) {
	t.Parallel()
	s := &soak{out: new(record)}
	sh := &show{soak: s, name: "Show", ctx: t.Context()}
	staying := &publishing{done: make(chan error, 1)}
	staying.cancel = func() { close(staying.done) }
	sh.gone(staying, "was taken over")
	thrown := &publishing{cancel: func() {}, done: make(chan error, 1)}
	thrown.done <- errors.New("no")
	sh.on = thrown
	if sh.play(time.Minute) {
		t.Error("the show goes on without a publisher")
	}
	sh.judgeRoom(chatReport{Lost: 1, Faults: []string{"cannot join"}, Sent: 3})
	want := []string{"was taken over is still there", "its publisher ended: no", "cannot join", "1 messages are lost"}
	for i, w := range want {
		if i >= len(s.told) || !strings.Contains(s.told[i], w) {
			t.Fatalf("noted: %q, want %q", s.told, want)
		}
	}
	for range 100 {
		s.fault("again")
	}
	if s.faultCount() != 104 || len(s.told) != faultsKept || s.counts().Messages != 3 {
		t.Errorf("%d faults, %d told, %+v", s.faultCount(), len(s.told), s.counts())
	}
}

func TestParseSoak(t *testing.T) {
	clip := filepath.Join(t.TempDir(), "clip.flv")
	if err := os.WriteFile(clip, []byte("FLV"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args string
		want string // in the error; empty: none
	}{
		{"-clip " + clip, ""},
		{"-clip " + clip + " -url http://a/ -ops http://b/ -duration 1s -shows 100 -viewers 0 -chatters 0", ""},
		{"", "-clip"},
		{"-clip " + clip + ".gone", "-clip"},
		{"-clip " + clip + " -duration 0s", "-duration"},
		{"-clip " + clip + " -shows 0", "-shows"},
		{"-clip " + clip + " -shows 101", "-shows"},
		{"-clip " + clip + " -viewers -1", "-viewers"},
		{"-clip " + clip + " -viewers 1001", "-viewers"},
		{"-clip " + clip + " -chatters 201", "-chatters"},
		{"-nonsense", "-nonsense"},
	} {
		s, err := parseSoak(strings.Fields(tt.args), new(record))
		switch {
		case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%q: %v, want a word about %q", tt.args, err, tt.want)
		case tt.want == "" && (err != nil || strings.HasSuffix(s.url, "/") || strings.HasSuffix(s.ops, "/")):
			t.Errorf("%q: %+v, %v", tt.args, s, err)
		}
	}
}
