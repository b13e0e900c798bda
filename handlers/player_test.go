package handlers

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"bookmygig/media"
	"bookmygig/store"
)

// stands tells what the stage of the open page shows.
const stands = `document.querySelector("#stream-state").dataset.state`

// seat opens the gig's page and waits until the picture moves.
func seat(t *testing.T, w *window, base, gigID string) {
	t.Helper()
	w.open(base + "/gigs/" + gigID)
	w.plays(1)
}

// plays waits until the picture has moved by some seconds from now on; a new
// player may begin at 0 again.
func (w *window) plays(seconds int) {
	w.t.Helper()
	eval[bool](w, `(window.from = player.currentTime, true)`)
	w.waitFor(fmt.Sprintf(`player.currentTime < from - 1 ? (window.from = player.currentTime, false)
		: player.videoWidth === 1280 && !player.paused && player.currentTime > from + %d`, seconds))
}

// TestPublisherComesBack: the publisher is lost and comes back within the
// grace; the same player plays on, and what someone was typing is still there.
func TestPublisherComesBack(t *testing.T) {
	t.Parallel()
	ts := newTestServer(t)
	rtmp := ts.ingest(t)
	g, key := ts.listForFilm(t, nil)
	kill := film(t, rtmp+key)
	eventually(t, "the stream is live", func() bool { return ts.Relay.State(g.ID) == media.StateLive })
	w := openWindow(t, startChromium(t))
	seat(t, w, ts.URL, g.ID)
	eval[string](w, `(document.querySelector("#name").value = "half a na", document.querySelector("#name").focus(), "")`)
	if n := w.text("#viewer-count"); n != "0" && n != "1" {
		t.Errorf("%s watching", n)
	}
	w.waitFor(`document.querySelector("#viewer-count").textContent === "1"`)

	kill()
	w.waitFor(stands + ` === "reconnecting"`)
	w.waitFor(`document.querySelector("#footlights").dataset.lit === "dim"`)
	// A freeze longer than the player's patience, with the connection open.
	time.Sleep(6 * time.Second)
	film(t, rtmp+key)
	w.waitFor(stands + ` === "live"`)
	w.plays(3)
	if got := eval[string](w, `player.dataset.rebuilds || "none"`); got != "none" {
		t.Errorf("the player was rebuilt %s times", got)
	}
	if got := eval[string](w, `document.activeElement.id + ": " + document.activeElement.value`); got != "name: half a na" {
		t.Errorf("what was typed became %q", got)
	}
	if n := ts.Relay.Viewers(g.ID); n != 1 {
		t.Errorf("%d viewers, want 1", n)
	}
}

// TestPlayerFollowsTheStage: waiting, live, ended, with no reload; and no
// request that would end in 409.
func TestPlayerFollowsTheStage(t *testing.T) {
	t.Parallel()
	ts := newTestServer(t)
	rtmp := ts.ingest(t)
	g, key := ts.listForFilm(t, func(g *store.Gig) { g.CreatorName = "Marta Okafor" })
	w := openWindow(t, startChromium(t))
	w.open(ts.URL + "/gigs/" + g.ID)
	w.waitFor(`document.querySelector("#link-state").dataset.link === "ok"`)
	if got := eval[string](w, stands); got != "waiting" {
		t.Fatalf("the stage is %s", got)
	}
	eval[bool](w, `(window.here = true)`)
	if !eval[bool](w, `document.querySelector("#how-to-watch").checkVisibility()`) {
		t.Error("the page does not say how to watch")
	}
	film(t, rtmp+key)
	w.waitFor(stands + ` === "live"`)
	w.plays(2)
	if eval[bool](w, `document.querySelector("#how-to-watch").checkVisibility()`) {
		t.Error("the show is on, and the page says that it starts by itself")
	}
	w.waitFor(`+player.dataset.lag < 3`)
	eval[bool](w, `(document.querySelector('[data-do="unmute"]').click(), true)`)
	w.waitFor(`!player.muted && document.activeElement.tagName !== "INPUT"`)

	// The keys.
	key1 := func(k string) {
		eval[bool](w, `document.body.dispatchEvent(new KeyboardEvent("keydown", {key: "`+k+`", bubbles: true, cancelable: true}))`)
	}
	key1("m")
	w.waitFor(`player.muted`)
	key1("k")
	w.waitFor(`player.paused && document.querySelector('[data-do="pause"]').ariaLabel === "Play"`)
	key1("k")
	w.plays(1)
	eval[bool](w, `(document.querySelector("#name").focus(), true)`)
	key1("m")
	if !eval[bool](w, `player.muted`) {
		t.Error("a key that was typed into a field turned the sound on")
	}

	if _, err := ts.data.UpdateGig(t.Context(), g.ID, func(g *store.Gig) error { g.EndedAt = time.Now(); return nil }); err != nil {
		t.Fatal(err)
	}
	ts.Relay.End(g.ID)
	w.waitFor(stands + ` === "ended"`)
	w.waitFor(`getComputedStyle(document.querySelector("#end-curtain")).display === "grid"`)
	w.waitFor(`/^Marta Okafor played for .+ to a house of 1\.$/.test(document.querySelector("#end-curtain p").textContent)`)
	if !eval[bool](w, `window.here === true`) {
		t.Error("the page was loaded again")
	}
	if got := eval[string](w, `player.dataset.rebuilds || "none"`); got != "none" {
		t.Errorf("the player was rebuilt %s times", got)
	}
}

// line is a connection to the server that can stand still.
type line struct {
	mu    sync.Mutex
	open  *sync.Cond
	still bool
}

func (l *line) hold(still bool) {
	l.mu.Lock()
	l.still = still
	l.open.Broadcast()
	l.mu.Unlock()
}

func (l *line) copy(dst, src net.Conn) {
	defer dst.Close()
	b := make([]byte, 16<<10)
	for {
		n, err := src.Read(b)
		l.mu.Lock()
		for l.still {
			l.open.Wait()
		}
		l.mu.Unlock()
		if n > 0 {
			if _, err := dst.Write(b[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// newLine puts a line in front of the server and returns the URL of its end.
func newLine(t *testing.T, to string) (*line, string) {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &line{}
	l.open = sync.NewCond(&l.mu)
	var wg sync.WaitGroup
	var conns []io.Closer
	wg.Go(func() {
		for {
			in, err := ln.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", target.Host)
			if err != nil {
				in.Close()
				continue
			}
			l.mu.Lock()
			conns = append(conns, in, out)
			l.mu.Unlock()
			wg.Go(func() { l.copy(out, in) })
			wg.Go(func() { l.copy(in, out) })
		}
	})
	t.Cleanup(func() {
		ln.Close()
		l.hold(false)
		l.mu.Lock()
		for _, c := range conns {
			c.Close()
		}
		l.mu.Unlock()
		wg.Wait()
	})
	return l, "http://" + ln.Addr().String()
}

// TestPlayerHeals: the line stands still without a word, the connection is
// cut; each time the picture comes back, close to live. The chat's socket is no
// help: where this visitor sits, none gets through.
func TestPlayerHeals(t *testing.T) {
	t.Parallel()
	ts := newTestServer(t)
	rtmp := ts.ingest(t)
	g, key := ts.listForFilm(t, nil)
	film(t, rtmp+key)
	eventually(t, "the stream is live", func() bool { return ts.Relay.State(g.ID) == media.StateLive })
	noSockets := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/chat") {
			http.Error(w, "no sockets here", http.StatusBadGateway)
			return
		}
		ts.ServeHTTP(w, r)
	}))
	t.Cleanup(noSockets.Close)
	l, through := newLine(t, noSockets.URL)
	w := openWindow(t, startChromium(t))
	seat(t, w, through, g.ID)

	l.hold(true)
	w.waitFor(`(window.was === player.currentTime) || (window.was = player.currentTime, false)`)
	time.Sleep(3 * time.Second)
	l.hold(false)
	w.plays(2)
	w.waitFor(`+player.dataset.lag < 2.5`)

	l.hold(true)
	w.waitFor(`+player.dataset.rebuilds > 0`)
	l.hold(false)
	w.plays(2)
	w.waitFor(`+player.dataset.lag < 2.5`)

	was := eval[float64](w, `+player.dataset.rebuilds`)
	ts.streams.mu.Lock()
	for sc := range ts.streams.conns {
		sc.conn.(*net.TCPConn).SetLinger(0)
		sc.conn.Close()
	}
	ts.streams.mu.Unlock()
	eventually(t, "the player was rebuilt", func() bool { return eval[float64](w, `+player.dataset.rebuilds`) > was })
	w.plays(2)
	eventually(t, "one viewer is counted", func() bool { return ts.Relay.Viewers(g.ID) == 1 })
	playerBacksOff(w)
	for _, fault := range w.console() {
		if !strings.Contains(fault, "net::ERR") && !strings.Contains(fault, "WebSocket") {
			t.Errorf("on the console: %s", fault)
		}
	}
}

// TestCodecBeyondTheBrowser: what browsers cannot decode is said on the stage,
// and gone when the creator has put it right.
func TestCodecBeyondTheBrowser(t *testing.T) {
	t.Parallel()
	ts := newTestServer(t)
	rtmp := ts.ingest(t)
	g, key := ts.listForFilm(t, nil)
	kill := film(t, rtmp+key, "-c:v", "flv1")
	eventually(t, "the stream is live", func() bool { return ts.Relay.State(g.ID) == media.StateLive })
	w := openWindow(t, startChromium(t))
	w.open(ts.URL + "/gigs/" + g.ID)
	w.waitFor(`document.querySelector(".screen").dataset.trouble === "codec"`)
	if got := eval[string](w, `[...document.querySelectorAll(".curtain")].filter((c) => c.checkVisibility()).map((c) => c.querySelector("h2").textContent).join()`); got != "The picture cannot be shown yet" {
		t.Errorf("the stage says %q", got)
	}
	kill()
	film(t, rtmp+key)
	w.plays(1)
	w.waitFor(`!document.querySelector(".screen").dataset.trouble`)
}

// TestNoKeyframeToStartAt: whoever comes in when the last keyframe is too long
// ago to be kept reads why nothing is seen, and sees the next one.
func TestNoKeyframeToStartAt(t *testing.T) {
	t.Parallel()
	ts := newTestServerWith(t, media.RelayOptions{RingAge: time.Second})
	rtmp := ts.ingest(t)
	g, key := ts.listForFilm(t, nil)
	kill := film(t, rtmp+key, "-g", "9999", "-keyint_min", "9999")
	eventually(t, "the only keyframe is gone", func() bool {
		h, _ := ts.Relay.Health(g.ID)
		return slices.Contains(h.Warnings, media.WarnNoKeyframe)
	})
	w := openWindow(t, startChromium(t))
	w.open(ts.URL + "/gigs/" + g.ID)
	w.waitFor(`document.querySelector(".screen").dataset.trouble === "late"`)
	if got := eval[string](w, `[...document.querySelectorAll(".curtain")].filter((c) => c.checkVisibility()).map((c) => c.querySelector("h2").textContent).join()`); got != "The picture is late" {
		t.Errorf("the stage says %q", got)
	}
	kill()
	film(t, rtmp+key)
	w.plays(1)
	w.waitFor(`!document.querySelector(".screen").dataset.trouble`)
}
