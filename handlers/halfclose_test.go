package handlers

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// A client that closes its half of the connection behind the request, as some
// proxies and probes do, gets the answer or none, but never an empty success.
func TestHalfClosedRequest(t *testing.T) {
	ts := newTestServer(t)
	g := ts.listGig(t, nil)
	for path, want := range map[string]int{
		"/":                           http.StatusOK,
		"/gigs/" + g.ID:               http.StatusOK,
		"/gigs/" + g.ID + "/live.flv": http.StatusConflict,
		"/gigs/nothere":               http.StatusNotFound,
	} {
		answered := 0
		for range 60 {
			status, body := ts.halfClosed(t, path)
			switch {
			case status == 0:
			case status != want || body == "":
				t.Fatalf("%s: status %d with %d bytes, want %d", path, status, len(body), want)
			default:
				answered++
			}
		}
		t.Logf("%s: %d of 60 answered", path, answered)
	}
}

// halfClosed asks for a page and closes its half. Status 0: no answer came.
func (ts *testServer) halfClosed(t *testing.T, path string) (status int, body string) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(ts.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: gigs.example\r\nConnection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, ""
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}
