package main

import (
	"bufio"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// slowServer is the program's HTTP server with short times around a handler
// that reads forms, writes pages and takes connections over.
func slowServer(t *testing.T, request, answer time.Duration) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/form", func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			w.WriteHeader(http.StatusBadRequest)
		}
	})
	mux.HandleFunc("/page", func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(make([]byte, 64<<10)) // fails when the time is over
	})
	mux.HandleFunc("/late", func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-time.After(3 * request):
			_, _ = io.WriteString(w, "late") // the client looks whether it came
		}
	})
	mux.HandleFunc("/stream", func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		time.Sleep(3 * max(request, answer))
		_, _ = io.WriteString(conn, "still there") // the client looks whether it came
	})
	mux.HandleFunc("/socket", func(w http.ResponseWriter, r *http.Request) {
		conn, err := (&websocket.Upgrader{}).Upgrade(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, m, err := conn.ReadMessage()
		if err == nil {
			err = conn.WriteMessage(websocket.TextMessage, m)
		}
		if err != nil {
			t.Errorf("on the socket: %v", err)
		}
	})
	web := httptest.NewUnstartedServer(mux)
	web.Config = newHTTPServer(mux, slog.New(slog.DiscardHandler))
	web.Config.ReadTimeout, web.Config.WriteTimeout = request, answer
	web.Start()
	t.Cleanup(web.Close)
	return web.Listener.Addr().String()
}

func dialSlow(t *testing.T, addr, send string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, send); err != nil {
		t.Fatal(err)
	}
	return conn
}

// Whoever never finishes a request, or never reads the answers, is let go.
func TestSlowClientsAreCut(t *testing.T) {
	addr := slowServer(t, 300*time.Millisecond, 300*time.Millisecond)
	for _, tt := range []struct{ name, send string }{
		{"a body that stops", "POST /form HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 60000\r\n\r\na="},
		{"a body that nobody reads", "GET /page HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\na"},
		{"chunks that stop", "POST /form HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n5\r\na="},
		{"a body after 100 Continue", "POST /form HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 9\r\n\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if _, err := io.Copy(io.Discard, dialSlow(t, addr, tt.send)); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("the connection stays open")
			}
		})
	}
	t.Run("answers that nobody reads", func(t *testing.T) {
		t.Parallel()
		const asked = 400 // answers far beyond what the system buffers
		conn := dialSlow(t, addr, strings.Repeat("GET /page HTTP/1.1\r\nHost: x\r\n\r\n", asked))
		// A write fails after the server has closed its end.
		for start := time.Now(); ; time.Sleep(20 * time.Millisecond) {
			if _, err := io.WriteString(conn, "\r\n"); err != nil {
				return
			}
			if time.Since(start) > 20*time.Second {
				t.Fatal("the connection stays open")
			}
		}
	})
}

// The times are each request's own: a connection that is kept has them anew,
// and a handler that thinks longer than a request may take still answers.
func TestTimesAreOfOneRequest(t *testing.T) {
	const request = 400 * time.Millisecond
	conn := dialSlow(t, slowServer(t, request, 10*time.Second), "")
	answers := bufio.NewReader(conn)
	for range 4 {
		if _, err := io.WriteString(conn, "POST /form HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\na=b"); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		time.Sleep(request * 3 / 4)
	}
	if _, err := io.WriteString(conn, "GET /late HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(answers, nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if string(body) != "late" || err != nil {
		t.Errorf("%q, %v", body, err)
	}
}

// Streams and sockets outlast the times of pages.
func TestTakenOverConnectionsHaveNoSuchTimes(t *testing.T) {
	const short = 200 * time.Millisecond
	addr := slowServer(t, short, short)
	stream := dialSlow(t, addr, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
	socket, res, err := websocket.DefaultDialer.Dial("ws://"+addr+"/socket", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	defer socket.Close()
	if got, err := io.ReadAll(stream); string(got) != "still there" || err != nil {
		t.Errorf("the stream: %q, %v", got, err)
	}
	if err := socket.WriteMessage(websocket.TextMessage, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if _, m, err := socket.ReadMessage(); string(m) != "hello" || err != nil {
		t.Errorf("the socket: %q, %v", m, err)
	}
}

func TestRoomFor(t *testing.T) {
	for _, tt := range []struct {
		files int
		want  room
	}{
		{1 << 20, room{http: 20_000, rtmp: 1000}},
		{20_000, room{http: 18_936, rtmp: 1000}},
		{1024, room{http: 704, rtmp: 256}},
		{256, room{http: 128, rtmp: 64}},
		{64, room{http: 16, rtmp: 16}},
		{0, room{http: 16, rtmp: 16}},
	} {
		if got := roomFor(tt.files); got != tt.want {
			t.Errorf("%d files: %+v, want %+v", tt.files, got, tt.want)
		}
	}
	if n := openFiles(); n < 64 {
		t.Errorf("%d open files", n)
	}
}
