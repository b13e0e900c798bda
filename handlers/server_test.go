package handlers

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/andybalholm/cascadia"
	"go.uber.org/goleak"
	"golang.org/x/net/html"

	"bookmygig/chat"
	"bookmygig/media"
	"bookmygig/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testServer is a whole server on a port of its own, over a real store.
type testServer struct {
	*Server
	URL    string
	data   *store.Embedded
	client *http.Client // one browser: it keeps cookies and follows redirects
}

// newTestServer starts a server that the end of the test stops.
func newTestServer(t *testing.T) *testServer {
	t.Helper()
	return newTestServerWith(t, media.RelayOptions{})
}

// newTestServerWith starts one whose relay keeps another ring than usual.
func newTestServerWith(t *testing.T, o media.RelayOptions) *testServer {
	t.Helper()
	return newSmallServer(t, o, chat.HubOptions{})
}

// newSmallServer starts one with other bounds than usual.
func newSmallServer(t *testing.T, o media.RelayOptions, ho chat.HubOptions) *testServer {
	t.Helper()
	data, err := store.OpenEmbedded(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	o.Logger, ho.Logger = log, log
	relay := media.NewRelay(o)
	broker := chat.NewLocalBroker(data)
	hub := chat.NewHub(broker, ChatRenderer{}, ho)
	s := NewServer(Options{Gigs: data, Sessions: data.Sessions(), Relay: relay, Hub: hub, History: broker,
		RTMPPort: 1935, Logger: log})
	relay.Observe(s)

	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{}, 2)
	go func() { _ = hub.Run(ctx); done <- struct{}{} }()
	go func() { _ = s.Run(ctx); done <- struct{}{} }()
	web := httptest.NewServer(s)
	jar, _ := cookiejar.New(nil)
	ts := &testServer{Server: s, URL: web.URL, data: data, client: &http.Client{Jar: jar, Timeout: 10 * time.Second}}
	t.Cleanup(func() {
		ts.client.CloseIdleConnections()
		stopCtx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := relay.Shutdown(stopCtx); err != nil {
			t.Errorf("relay: %v", err)
		}
		stop()
		<-done
		<-done
		web.CloseClientConnections()
		web.Close()
		if err := data.Close(); err != nil {
			t.Errorf("store: %v", err)
		}
	})
	return ts
}

// newBrowser is another visitor, without the cookies of the first.
func (ts *testServer) newBrowser(t *testing.T) *http.Client {
	jar, _ := cookiejar.New(nil)
	c := &http.Client{Jar: jar, Timeout: 10 * time.Second}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// listGig keeps a gig that starts in an hour; change may alter it before.
func (ts *testServer) listGig(t *testing.T, change func(*store.Gig)) store.Gig {
	t.Helper()
	now := time.Now().UTC().Truncate(time.Second)
	g := store.Gig{
		ID: store.NewID(), Owner: store.NewID(), CreatorName: "Asha Raman", Title: "The Understudy",
		Description: "One actor, two parts, one kettle.", Category: store.Play, PriceCents: 800,
		Start: now.Add(time.Hour), End: now.Add(2 * time.Hour), TimeZone: "Asia/Kolkata",
		KeyHash: store.HashKey(store.NewStreamKey()), KeyMadeAt: now, ListedAt: now,
	}
	if change != nil {
		change(&g)
	}
	if err := ts.data.CreateGig(t.Context(), g); err != nil {
		t.Fatal(err)
	}
	return g
}

// An H.264 sequence header and a keyframe, as RTMP carries them.
var (
	testHeader   = []byte("\x17\x00\x00\x00\x00\x01\x64\x00\x0a\xff\xe1\x00\x04\x67\x64\x00\x0a\x01\x00\x02\x68\xee")
	testKeyframe = []byte("\x17\x01\x00\x00\x00\x00\x00\x00\x02\x65\x88")
)

// goLive puts the gig on air until the returned publisher is closed, and waits
// until viewers could join.
func (ts *testServer) goLive(t *testing.T, gigID string) *media.Publisher {
	t.Helper()
	p, err := ts.Relay.Publish(gigID, media.PublisherInfo{Addr: "192.0.2.1:1935", Kick: func() {}})
	if err != nil {
		t.Fatal(err)
	}
	// The relay gives a stream half a second to show that it has sound.
	for _, tag := range []struct {
		at   uint32
		body []byte
	}{{0, testHeader}, {0, testKeyframe}, {600, testKeyframe}} {
		if err := p.WriteTag(media.TagVideo, tag.at, tag.body); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the stream is live", func() bool { return ts.Relay.State(gigID) == media.StateLive })
	return p
}

// patience is how long tests wait for what should happen: long, as a busy
// machine takes its time.
const patience = 45 * time.Second

// eventually waits until ok holds.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not in %v: %s", patience, what)
		}
	}
}

// page is an answer with its HTML.
type page struct {
	*http.Response
	body string
	root *html.Node
}

// get asks for a path with the server's first browser; header holds pairs.
func (ts *testServer) get(t *testing.T, path string, header ...string) page {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", ts.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return do(t, ts.client, req)
}

// post sends a form from the page's own origin.
func (ts *testServer) post(t *testing.T, c *http.Client, path string, form url.Values) page {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "POST", ts.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", ts.URL)
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	return do(t, c, req)
}

func do(t *testing.T, c *http.Client, req *http.Request) page {
	t.Helper()
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	root, err := html.Parse(strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	return page{resp, string(body), root}
}

// all returns what a CSS selector finds.
func (p page) all(selector string) []*html.Node {
	return cascadia.QueryAll(p.root, cascadia.MustCompile(selector))
}

// one returns what a CSS selector finds once.
func (p page) one(t *testing.T, selector string) *html.Node {
	t.Helper()
	found := p.all(selector)
	if len(found) != 1 {
		t.Fatalf("%s is there %d times, want once, in:\n%s", selector, len(found), p.body)
	}
	return found[0]
}

// text is the text of the one thing that the selector finds, single-spaced.
func (p page) text(t *testing.T, selector string) string {
	t.Helper()
	return textOf(p.one(t, selector))
}

// texts are the texts of all that the selector finds.
func (p page) texts(selector string) []string {
	var texts []string
	for _, n := range p.all(selector) {
		texts = append(texts, textOf(n))
	}
	return texts
}

func textOf(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// attr is an attribute's value, "" when it is not there.
func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
