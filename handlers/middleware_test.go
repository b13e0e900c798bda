package handlers

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"bookmygig/media"
	"bookmygig/store"
)

func TestStatusOfErrors(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
	}{
		{store.ErrNotFound, 404}, {fmt.Errorf("deep: %w", store.ErrNotFound), 404}, {errForbidden, 403},
		{errBadRequest, 400}, {errTooLarge, 413}, {media.ErrNotLive, 409}, {media.ErrLimit, 503},
		{store.ErrUnavailable, 503}, {errors.New("anything"), 500},
	} {
		if got := statusOf(c.err); got != c.want {
			t.Errorf("%v: %d, want %d", c.err, got, c.want)
		}
	}
}

// What goes wrong inside is logged and never told.
func TestErrorsAreNotTold(t *testing.T) {
	var logged strings.Builder
	s := NewServer(Options{Logger: slog.New(slog.NewTextHandler(&logged, nil))})
	for status, err := range map[int]error{500: errors.New("disk at /var/secret"), 503: fmt.Errorf("bolt timeout: %w", store.ErrUnavailable)} {
		rec := httptest.NewRecorder()
		s.page(func(http.ResponseWriter, *http.Request) error { return err }).ServeHTTP(rec, httptest.NewRequest("GET", "/", nil))
		if rec.Code != status || strings.Contains(rec.Body.String(), "secret") || strings.Contains(rec.Body.String(), "bolt") {
			t.Errorf("%d: %s", rec.Code, rec.Body)
		}
		if (rec.Header().Get("Retry-After") != "") != (status == 503) {
			t.Errorf("%d: Retry-After %q", status, rec.Header().Get("Retry-After"))
		}
	}
	if !strings.Contains(logged.String(), "/var/secret") {
		t.Errorf("the log has only %q", logged.String())
	}
}

func TestPanicEndsOneRequestOnly(t *testing.T) {
	s := NewServer(Options{Logger: slog.New(slog.DiscardHandler)})
	h := s.recoverPanics(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("kaput") }))
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest("GET", "/", nil))
	if rec.Code != 500 || !strings.Contains(rec.Body.String(), "A lamp has gone out") || strings.Contains(rec.Body.String(), "kaput") {
		t.Errorf("%d: %s", rec.Code, rec.Body)
	}
	defer func() {
		if recover() != http.ErrAbortHandler {
			t.Error("an aborted response must stay aborted")
		}
	}()
	s.recoverPanics(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })).
		ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
}

func TestRequestsAreObservedByRoute(t *testing.T) {
	var mu sync.Mutex
	var seen []string
	ts := newTestServer(t)
	ts.OnRequest = func(route, method string, status int, _ time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, fmt.Sprint(method, " ", route, " ", status))
	}
	ts.handler = ts.routes()
	ts.get(t, "/")
	ts.get(t, "/gigs/some-secret-id")
	ts.get(t, "/what/is/this?key=1")
	ts.get(t, "/static/none.css")
	want := []string{"GET / 200", "GET /gigs/{id} 404", "GET other 404", "GET /static/* 404"}
	eventually(t, "all are observed", func() bool { mu.Lock(); defer mu.Unlock(); return len(seen) >= len(want) })
	for i := range want {
		if seen[i] != want[i] {
			t.Errorf("observed %q, want %q", seen[i], want[i])
		}
	}
}

func TestHeadAnswersLikeGet(t *testing.T) {
	ts := newTestServer(t)
	g := ts.listGig(t, nil)
	for _, path := range []string{"/", "/gigs/new", "/gigs/" + g.ID, "/gigs/nowhere", "/gigs/nowhere/live.flv"} {
		req, _ := http.NewRequestWithContext(t.Context(), "HEAD", ts.URL+path, nil)
		head, get := do(t, ts.client, req), ts.get(t, path)
		if head.StatusCode != get.StatusCode || head.body != "" {
			t.Errorf("%s: %d with %d bytes, GET %d", path, head.StatusCode, len(head.body), get.StatusCode)
		}
	}
}

// Reading changes nothing, and no GET writes.
func TestMethods(t *testing.T) {
	ts := newTestServer(t)
	for _, route := range []string{"DELETE /", "PUT /gigs", "GET /gigs", "GET /name", "GET /studio/gigs/x/end", "GET /studio/gigs/x/cancel", "GET /studio/gigs/x/key"} {
		method, path, _ := strings.Cut(route, " ")
		req, _ := http.NewRequestWithContext(t.Context(), method, ts.URL+path, nil)
		if p := do(t, ts.client, req); p.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("%s: %d", route, p.StatusCode)
		}
	}
}

func TestPublicAddressIsATrustedOrigin(t *testing.T) {
	ts := newTestServer(t)
	ts.PublicURL = "https://gigs.example"
	ts.handler = ts.routes()
	for origin, want := range map[string]int{"https://gigs.example": 422, "https://gigs.example.evil": 403, "http://gigs.example": 403} {
		req, _ := http.NewRequestWithContext(t.Context(), "POST", ts.URL+"/gigs", strings.NewReader("title="))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", origin)
		if p := do(t, ts.client, req); p.StatusCode != want {
			t.Errorf("%s: %d, want %d", origin, p.StatusCode, want)
		}
	}
}

// A session is written when it changes, and once a day to roll its 90 days on.
func TestSessionRollsOn(t *testing.T) {
	ts := newTestServer(t)
	ts.post(t, noRedirect(ts.client), "/gigs", goodForm())
	if p := ts.get(t, "/"); len(p.Cookies()) != 0 {
		t.Errorf("a fresh session was written again: %v", p.Cookies())
	}
	// As if it had been made two days ago.
	ts.sessions.Lifetime -= 48 * time.Hour
	old := ts.newBrowser(t)
	ts.post(t, noRedirect(old), "/gigs", goodForm())
	ts.sessions.Lifetime = sessionLife
	req, _ := http.NewRequestWithContext(t.Context(), "GET", ts.URL+"/", nil)
	p := do(t, old, req)
	if len(p.Cookies()) != 1 || p.Cookies()[0].MaxAge < int((sessionLife-time.Minute).Seconds()) {
		t.Errorf("an older session did not roll on: %v", p.Cookies())
	}
	req, _ = http.NewRequestWithContext(t.Context(), "GET", ts.URL+"/", nil)
	if p := do(t, old, req); len(p.Cookies()) != 0 {
		t.Errorf("it was written twice: %v", p.Cookies())
	}
}
