package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// The program boots inside a test, stops when its context ends, and leaves
// nothing running.
func TestRunStartsAndStops(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var log logBuffer
	ended := make(chan error, 1)
	args := []string{"-http", "127.0.0.1:0", "-rtmp", "127.0.0.1:0", "-ops", "127.0.0.1:0", "-data", t.TempDir()}
	go func() { ended <- run(ctx, args, none, &log) }()
	var m []string
	eventually(t, 10*time.Second, "it listens", func() error {
		if m = listening.FindStringSubmatch(log.String()); m == nil {
			return io.EOF
		}
		return nil
	})
	c := newClient(t)
	if _, err := get(c, "http://"+m[1]+"/", http.StatusOK); err != nil {
		t.Error(err)
	}
	c.CloseIdleConnections()
	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it does not stop")
	}
}

func TestHelpIsNoFailure(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), []string{"-help"}, none, &out); err != nil || !strings.Contains(out.String(), "-public-url") {
		t.Errorf("%v: %s", err, out.String())
	}
}

// A port or a folder that is taken is one clear line on stderr, and exit 1.
func TestWhatIsTakenIsSaid(t *testing.T) {
	p := startProgram(t)
	folder := filepath.Join(t.TempDir(), "file")
	if err := exec.Command("touch", folder).Run(); err != nil {
		t.Fatal(err)
	}
	free := func(args ...string) []string {
		return append([]string{"-http", "127.0.0.1:0", "-rtmp", "127.0.0.1:0", "-ops", "", "-data", t.TempDir()}, args...)
	}
	for _, tt := range []struct {
		name string
		args []string
		want []string
	}{
		{"http port", free("-http", p.http), []string{"-http", p.http, "in use"}},
		{"rtmp port", free("-rtmp", p.rtmp), []string{"-rtmp", p.rtmp, "in use"}},
		{"ops port", free("-ops", p.ops), []string{"-ops", p.ops, "in use"}},
		{"data folder", free("-data", p.data), []string{"-data"}},
		{"data is a file", free("-data", folder), []string{"-data", folder}},
		{"redis", free("-redis", "redis://localhost"), []string{"-redis", "embedded store"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var stderr bytes.Buffer
			cmd := exec.Command(p.path, tt.args...)
			cmd.Stderr = &stderr
			stop := time.AfterFunc(15*time.Second, func() { _ = cmd.Process.Kill() })
			defer stop.Stop()
			err := cmd.Run()
			if cmd.ProcessState.ExitCode() != 1 {
				t.Errorf("exit: %v", err)
			}
			line := stderr.String()
			if strings.Count(line, "\n") != 1 {
				t.Errorf("not one line: %q", line)
			}
			for _, w := range tt.want {
				if !strings.Contains(line, w) {
					t.Errorf("%q lacks %q", line, w)
				}
			}
		})
	}
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	p := startProgram(t)
	// A request that is never finished holds up the orderly stop.
	conn, err := net.Dial("tcp", p.http)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "POST /gigs HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\na"); err != nil {
		t.Fatal(err)
	}
	signal := func() { _ = p.cmd.Process.Signal(syscall.SIGTERM) } // it may have ended
	signal()
	eventually(t, 10*time.Second, "the stop begins", func() error {
		if !strings.Contains(p.log.String(), "msg=stopping") {
			return io.EOF
		}
		return nil
	})
	// As somebody in a hurry does: again and again. The orderly stop would wait
	// for the request until pagesTime is over.
	eventually(t, drainTime, "it ends", func() error {
		signal()
		select {
		case <-p.exited:
			p.cmd = nil
			return nil
		default:
			return io.EOF
		}
	})
	if strings.Contains(p.log.String(), "msg=stopped") {
		t.Error("it ended in good order, so the signals were of no effect")
	}
}

func TestOpsEndpoints(t *testing.T) {
	t.Parallel()
	p := startProgram(t)
	c := newClient(t)
	for path, want := range map[string]string{"/healthz": "ok", "/readyz": "ready", "/debug/pprof/goroutine?debug=1": "goroutine profile"} {
		if body, err := get(c, "http://"+p.ops+path, http.StatusOK); err != nil || !strings.Contains(body, want) {
			t.Errorf("%s: %v %.100s", path, err, body)
		}
		if _, err := get(c, p.url()+path, http.StatusNotFound); err != nil {
			t.Errorf("visitors reach %s: %v", path, err)
		}
	}
	for _, method := range []string{"POST", "BREW", "DELETE", "COFFEE"} {
		req, err := http.NewRequest(method, p.url()+"/some/thing", nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
	}
	id, target := p.listGig(t, "Counted")
	publish(t, "demo.flv", target)
	eventually(t, 20*time.Second, "the gig is live", func() error { return p.isLive(id) })
	ada, err := joinChat(p.url(), id, "Ada", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer ada.close()
	if err := ada.say("one", "1"); err != nil {
		t.Fatal(err)
	}
	eventually(t, 10*time.Second, "the message comes back", func() error { return ada.heard("one") })
	wait := startLoad(t.Context(), t, p, id, "-viewers", "3", "-duration", "4s", "-ramp", "0s")
	eventually(t, 10*time.Second, "the viewers count", func() error {
		if n := p.metric("bookmygig_viewers"); n != 3 {
			return io.EOF
		}
		return nil
	})
	if l := wait(); l.Viewers.Started != 3 {
		t.Errorf("%+v", l)
	}
	for name, least := range map[string]float64{
		"bookmygig_publishers": 1, "bookmygig_media_bytes_in_total": 1000, "bookmygig_media_bytes_out_total": 3000,
		"bookmygig_media_tags_in_total": 10, "bookmygig_chat_rooms": 1, "bookmygig_chat_members": 1, "bookmygig_chat_messages_total": 1,
		`bookmygig_http_requests_total{method="POST",route="/gigs",status="303"}`:              1,
		`bookmygig_http_requests_total{method="GET",route="/gigs/{id}/live.flv",status="200"}`: 3,
		"bookmygig_http_request_duration_seconds_count":                                        4,
		"go_goroutines": 1, "process_resident_memory_bytes": 1 << 20,
	} {
		if got := p.metric(name); got < least {
			t.Errorf("%s is %v, want %v at least", name, got, least)
		}
	}
	body, err := get(c, "http://"+p.ops+"/metrics", http.StatusOK)
	if !strings.Contains(body, `method="other"`) {
		t.Error("an odd method is not counted as other")
	}
	if err != nil || strings.Contains(body, "BREW") || strings.Contains(body, id) || strings.Contains(body, "some/thing") {
		t.Errorf("a visitor's words stand in the metrics: %v", err)
	}
}

// Over its limit the listener closes what comes, and takes again when there is room.
func TestCappedListener(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var log logBuffer
	capped := &cappedListener{Listener: ln, limit: 2, log: slog.New(slog.NewTextHandler(&log, nil))}
	defer capped.Close()
	accepted := make(chan net.Conn, 10)
	go func() {
		defer close(accepted)
		for {
			c, err := capped.Accept()
			if err != nil {
				return
			}
			accepted <- c
		}
	}()
	dial := func() net.Conn {
		c, err := net.DialTimeout("tcp", ln.Addr().String(), 5*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	dial()
	first := <-accepted
	dial()
	second := <-accepted
	for range 3 {
		c := dial()
		_ = c.SetReadDeadline(time.Now().Add(5 * time.Second)) // never fails on an open connection
		if _, err := c.Read(make([]byte, 1)); err == nil || strings.Contains(err.Error(), "timeout") {
			t.Fatalf("over the limit: %v", err)
		}
	}
	if n := strings.Count(log.String(), "too many connections"); n != 1 {
		t.Errorf("said %d times", n)
	}
	first.Close()
	first.Close() // gives its place back once only
	dial()
	third := <-accepted
	second.Close()
	third.Close()
	if n := capped.open.Load(); n != 0 {
		t.Errorf("%d connections are still counted", n)
	}
}

// countedWrites counts calls of Write. The method that net.Buffers needs for
// writev is promoted past it.
type countedWrites struct {
	*cappedConn
	calls int
}

func (c *countedWrites) Write(b []byte) (int, error) {
	c.calls++
	return c.cappedConn.Write(b)
}

// A connection of the listener still writes many slices in one system call.
func TestCappedConnKeepsWritev(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	capped := &cappedListener{Listener: ln, limit: 2, log: slog.Default()}
	defer capped.Close()
	client, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server, err := capped.Accept()
	if err != nil {
		t.Fatal(err)
	}
	w := &countedWrites{cappedConn: server.(*cappedConn)}
	bufs := net.Buffers{[]byte("one "), []byte("two "), []byte("three")}
	if _, err := bufs.WriteTo(w); err != nil {
		t.Fatal(err)
	}
	server.Close()
	got, err := io.ReadAll(client)
	if string(got) != "one two three" || err != nil || w.calls != 0 {
		t.Errorf("%q, %v, %d calls of Write", got, err, w.calls)
	}
}
