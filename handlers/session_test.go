package handlers

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"bookmygig/store"
)

// sickSessions is a session store that can refuse writes, as on a full disk,
// or everything.
type sickSessions struct {
	*store.Sessions
	full, gone atomic.Bool
	writes     atomic.Int32 // tried
}

var errDisk = errors.New("no space left on device")

func (s *sickSessions) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	if s.gone.Load() {
		return nil, false, errDisk
	}
	return s.Sessions.FindCtx(ctx, token)
}

func (s *sickSessions) CommitCtx(ctx context.Context, token string, b []byte, expiry time.Time) error {
	if s.writes.Add(1); s.full.Load() {
		return errDisk
	}
	return s.Sessions.CommitCtx(ctx, token, b, expiry)
}

func (s *sickSessions) DeleteCtx(ctx context.Context, token string) error {
	if s.full.Load() {
		return errDisk
	}
	return s.Sessions.DeleteCtx(ctx, token)
}

// lockedLog collects what handlers log at the same time.
type lockedLog struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// newSickServer is a server whose session store can be made to fail, with what
// it logs.
func newSickServer(t *testing.T) (*testServer, *sickSessions, *lockedLog) {
	ts := newTestServer(t)
	sick, log := &sickSessions{Sessions: ts.data.Sessions()}, &lockedLog{}
	ts.sessions.Store = sick
	ts.Logger = slog.New(slog.NewTextHandler(log, nil))
	return ts, sick, log
}

// oldBrowser has a session that is due to be renewed.
func (ts *testServer) oldBrowser(t *testing.T) *http.Client {
	t.Helper()
	ts.sessions.Lifetime = sessionLife - 2*sessionRenew
	old := ts.newBrowser(t)
	if p := ts.post(t, noRedirect(old), "/gigs", goodForm()); p.StatusCode != http.StatusSeeOther {
		t.Fatalf("listing answers %d", p.StatusCode)
	}
	ts.sessions.Lifetime = sessionLife
	return old
}

func (ts *testServer) getAs(t *testing.T, c *http.Client, path string) page {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", ts.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return do(t, c, req)
}

// A store that takes no writes renews no session, and shows every page.
func TestPagesOpenWhileNoSessionIsRenewed(t *testing.T) {
	ts, sick, log := newSickServer(t)
	old := ts.oldBrowser(t)
	sick.full.Store(true)
	sick.writes.Store(0)
	for range 3 {
		for _, path := range []string{"/", "/studio", "/gigs/new"} {
			p := ts.getAs(t, old, path)
			if p.StatusCode != http.StatusOK || p.Header.Get("Content-Type") != "text/html; charset=utf-8" || len(p.Cookies()) != 0 {
				t.Fatalf("%s: %d, %v", path, p.StatusCode, p.Header)
			}
		}
	}
	if n := sick.writes.Load(); n != 1 {
		t.Errorf("tried %d times in a minute", n)
	}
	if n := strings.Count(log.String(), "session"); n != 1 {
		t.Errorf("logged %d times:\n%s", n, log)
	}
	sick.full.Store(false)
	ts.renewAfter.Store(0) // as if the minute had passed
	p := ts.getAs(t, old, "/gigs/new")
	if len(p.Cookies()) != 1 || p.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("not renewed: %v", p.Header)
	}
	if p := ts.getAs(t, old, "/studio"); !strings.Contains(p.body, goodForm().Get("title")) {
		t.Error("the creator's gigs are gone")
	}
}

// What changes a session that cannot be kept is answered with an error page
// and nothing else, and lists nothing.
func TestSessionThatCannotBeKept(t *testing.T) {
	ts, sick, log := newSickServer(t)
	sick.full.Store(true)
	remember := url.Values{"name": {"Ada"}, "visitor": {strings.Repeat("A", 26)}}
	for range 3 {
		for path, form := range map[string]url.Values{"/gigs": goodForm(), "/name": remember} {
			p := ts.post(t, noRedirect(ts.client), path, form)
			if p.StatusCode != http.StatusServiceUnavailable || p.Header.Get("Location") != "" || len(p.Cookies()) != 0 ||
				p.Header.Get("Retry-After") == "" || p.Header.Get("Content-Security-Policy") == "" ||
				p.Header.Get("Content-Type") != "text/html; charset=utf-8" {
				t.Errorf("%s: %d, %v", path, p.StatusCode, p.Header)
			}
			if n := strings.Count(p.body, "</html>"); n != 1 || !strings.HasSuffix(strings.TrimSpace(p.body), "</html>") || strings.Contains(p.body, errDisk.Error()) {
				t.Errorf("%s: %d pages:\n%s", path, n, p.body)
			}
		}
	}
	if l, err := ts.data.ListGigs(t.Context(), store.Query{Now: time.Now(), PerPage: 10}); err != nil || len(l.Gigs) != 0 {
		t.Errorf("%d gigs without an owner are listed, %v", len(l.Gigs), err)
	}
	if n := strings.Count(log.String(), "session failed"); n != 1 {
		t.Errorf("logged %d times:\n%s", n, log)
	}
}

// A creator who has a name in chats already gets a new session; that may fail
// before it is written.
func TestSessionThatCannotBeReplaced(t *testing.T) {
	ts, sick, _ := newSickServer(t)
	ts.post(t, ts.client, "/name", url.Values{"name": {"Ada"}, "visitor": {strings.Repeat("A", 26)}})
	sick.full.Store(true)
	if p := ts.post(t, noRedirect(ts.client), "/gigs", goodForm()); p.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("%d", p.StatusCode)
	}
	sick.full.Store(false)
	if p := ts.post(t, noRedirect(ts.client), "/gigs", goodForm()); p.StatusCode != http.StatusSeeOther {
		t.Errorf("later: %d", p.StatusCode)
	}
}

func TestSessionThatCannotBeRead(t *testing.T) {
	ts, sick, _ := newSickServer(t)
	ts.post(t, noRedirect(ts.client), "/gigs", goodForm())
	sick.gone.Store(true)
	p := ts.get(t, "/")
	if p.StatusCode != http.StatusServiceUnavailable || strings.Count(p.body, "</html>") != 1 || p.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("%d %v", p.StatusCode, p.Header)
	}
}

// watchedGigs looks at what has been written when a gig is listed.
type watchedGigs struct {
	Gigs
	sick *sickSessions
	seen chan int32
}

func (g watchedGigs) CreateGig(context.Context, store.Gig) error {
	g.seen <- g.sick.writes.Load()
	return store.ErrUnavailable
}

func TestOwnerIsKeptBeforeTheGig(t *testing.T) {
	ts, sick, _ := newSickServer(t)
	gigs := watchedGigs{ts.Gigs, sick, make(chan int32, 2)}
	ts.Gigs = gigs
	for range 2 {
		p := ts.post(t, noRedirect(ts.client), "/gigs", goodForm())
		if n := <-gigs.seen; n != 1 {
			t.Errorf("the session was written %d times before the gig, want once for both gigs", n)
		}
		if p.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("%d", p.StatusCode)
		}
	}
	if n := sick.writes.Load(); n != 1 {
		t.Errorf("the session was written %d times", n)
	}
}

// A form that does not come in time is said so, and the connection ends.
func TestFormThatDoesNotCome(t *testing.T) {
	ts := newTestServer(t)
	web := httptest.NewUnstartedServer(ts.Server)
	web.Config.ReadTimeout = 200 * time.Millisecond
	web.Start()
	defer web.Close()
	for _, path := range []string{"/gigs", "/name"} {
		conn, err := net.Dial("tcp", web.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(20 * time.Second)) // never fails on an open connection
		if _, err := io.WriteString(conn, "POST "+path+" HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 500\r\n\r\nname="); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		if res.StatusCode != http.StatusBadRequest || !res.Close || err != nil || !strings.Contains(string(body), "</html>") {
			t.Errorf("%s: %d, close %v, %v: %.200s", path, res.StatusCode, res.Close, err, body)
		}
	}
}
