package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

var backInFrame = regexp.MustCompile(`id="link-state"[^>]*><span data-back="(\d+)">`)

// crowd is open pages with a gig's chat, which come back as pages do.
type crowd struct {
	url, origin string

	mu      sync.Mutex
	joined  int
	arrived []time.Time // since the last reset, in order
	parted  []parting   // since the last reset
}

// parting is how one socket ended.
type parting struct {
	code int           // close code; 0: cut
	wait time.Duration // what the server had asked for; 0: nothing
}

func (c *crowd) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.arrived, c.parted = nil, nil
}

// here reports an error unless so many are connected.
func (c *crowd) here(want int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.joined != want {
		return fmt.Errorf("%d of %d are", c.joined, want)
	}
	return nil
}

// attend is one page: it comes back at the moment that it was told, or as
// static/chat.js does when nobody told it.
func (c *crowd) attend(ctx context.Context) {
	d := websocket.Dialer{HandshakeTimeout: 10 * time.Second, ReadBufferSize: 1024, WriteBufferSize: 512}
	for tries := 0; ctx.Err() == nil; tries++ {
		wait := 200*time.Millisecond + rand.N(min(time.Second<<min(tries, 3), 4800*time.Millisecond))
		if conn, _, err := d.DialContext(ctx, c.url, http.Header{"Origin": {c.origin}}); err == nil {
			tries = 0
			p := c.listen(ctx, conn)
			wait = max(p.wait, wait)
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

// listen reads until the socket ends.
func (c *crowd) listen(ctx context.Context, conn *websocket.Conn) (p parting) {
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	c.mu.Lock()
	c.joined++
	c.arrived = append(c.arrived, time.Now())
	c.mu.Unlock()
	for {
		_, b, err := conn.ReadMessage()
		if m := backInFrame.FindSubmatch(b); m != nil {
			ms, _ := strconv.Atoi(string(m[1])) // digits by the pattern
			p.wait = time.Duration(ms) * time.Millisecond
		}
		if err == nil {
			continue
		}
		var closed *websocket.CloseError
		if errors.As(err, &closed) && closed.Code != websocket.CloseAbnormalClosure {
			p.code = closed.Code
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.joined--
		c.parted = append(c.parted, p)
		return p
	}
}

// busiest is the most of the moments that lie within a time.
func busiest(moments []time.Duration, within time.Duration) (most int) {
	slices.Sort(moments)
	from := 0
	for to, at := range moments {
		for at-moments[from] > within {
			from++
		}
		most = max(most, to-from+1)
	}
	return most
}

// A full house over a restart and over a crash. Before a restart everybody is
// named a moment of their own; after a crash chance spreads them. Either way
// all are back soon, and never all at once.
func TestTheCrowdComesBack(t *testing.T) {
	t.Parallel()
	const people = 500
	p := startBuilt(t, fastProgram)
	gig, _ := p.listGig(t, "Full house")
	c := &crowd{url: "ws" + strings.TrimPrefix(p.url(), "http") + "/gigs/" + gig + "/chat", origin: p.url()}
	ctx, leave := context.WithCancel(t.Context())
	var pages sync.WaitGroup
	for range people {
		pages.Go(func() { c.attend(ctx) })
	}
	defer pages.Wait()
	defer leave()
	everybody := func() error { return c.here(people) }
	eventually(t, 60*time.Second, "everybody is there", everybody)

	c.reset()
	took := p.stop()
	eventually(t, 10*time.Second, "everybody has heard", func() error { return c.here(0) })
	c.mu.Lock()
	var waits []time.Duration
	for _, s := range c.parted {
		if s.code != websocket.CloseServiceRestart || s.wait < time.Second || s.wait > 31*time.Second {
			t.Errorf("closed with %d, to come back after %v", s.code, s.wait)
		}
		waits = append(waits, s.wait)
	}
	c.mu.Unlock()
	// 500 a second, over two seconds at least.
	if n := busiest(waits, time.Second); len(waits) != people || n > 520 || n > people*6/10 && people <= 1000 {
		t.Errorf("%d were told, %d of them to come within one second", len(waits), n)
	}
	p.start()
	begin := time.Now()
	eventually(t, 40*time.Second, "everybody is back after the restart", everybody)
	t.Logf("stopped in %v; all back %v after the start; %s", took, time.Since(begin), c.rush())

	c.reset()
	p.kill()
	eventually(t, 10*time.Second, "everybody was cut", func() error { return c.here(0) })
	p.start()
	begin = time.Now()
	eventually(t, 40*time.Second, "everybody is back after the crash", everybody)
	t.Logf("all back %v after the start; %s", time.Since(begin), c.rush())
}

// rush says how closely people came in since the last reset.
func (c *crowd) rush() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var at []time.Duration
	for _, a := range c.arrived {
		at = append(at, a.Sub(c.arrived[0]))
	}
	return fmt.Sprintf("%d came, at most %d within one second", len(at), busiest(at, time.Second))
}

// watchesTheReturn types half a sentence and notes from now on what the page
// is told, when it tries to connect, and which curtains are seen.
func (w *window) watchesTheReturn() {
	w.t.Helper()
	w.types("form#chat-form input[name=text]", "half a sen")
	w.until(time.Second, `(() => {
		window.returns = {since: performance.now(), told: 0, tries: [], curtains: []};
		if (window.watched) return true;
		const {fetch} = window, {createWebSocket} = htmx;
		const tries = (what) => returns.tries.push({what, at: performance.now()});
		window.fetch = (url, ...more) => { if (url.includes("/live.flv")) tries("stream"); return fetch(url, ...more); };
		htmx.createWebSocket = (url) => { tries("chat"); return createWebSocket(url); };
		document.addEventListener("restart", (e) => (returns.told = performance.now() + e.detail));
		setInterval(() => {
			for (const c of document.querySelectorAll(".curtain")) {
				if (c.checkVisibility()) returns.curtains.push({what: c.dataset.when, at: performance.now()});
			}
		}, 50);
		return window.watched = true;
	})()`)
}

// keepsWhatWasTyped checks the half sentence, and takes it away.
func (w *window) keepsWhatWasTyped() {
	w.t.Helper()
	if got := w.text(`document.querySelector("#text").value`); got != "half a sen" {
		w.t.Errorf("%s: what was typed became %q", w.name, got)
	}
	w.until(time.Second, `(document.querySelector("#text").value = "", true)`)
}

// cameBackWhenTold checks that neither the chat nor the picture was asked for
// before the moment that the page was told, and what it showed until then.
func (w *window) cameBackWhenTold() {
	w.t.Helper()
	type moment struct {
		What string  `json:"what"`
		At   float64 `json:"at"`
	}
	var r struct {
		Told, Ended     float64
		Tries, Curtains []moment
	}
	if err := w.value(`({...returns, ended: Math.min(...performance.getEntriesByType("resource")
		.filter((e) => e.name.includes("/live.flv")).map((e) => e.responseEnd).filter((at) => at > returns.since))})`, &r); err != nil {
		w.t.Fatal(err)
	}
	tried, shown := map[string]bool{}, map[string]bool{}
	for _, try := range r.Tries {
		tried[try.What] = true
		if try.At < r.Told-5 { // a timer may be early by less
			w.t.Errorf("%s asked for the %s %.0f ms before its moment", w.name, try.What, r.Told-try.At)
		}
	}
	for _, c := range r.Curtains {
		if c.At < r.Told {
			shown[c.What] = true
		}
	}
	if r.Told == 0 || !tried["chat"] || !tried["stream"] {
		w.t.Errorf("%s was told %.0f and tried %v", w.name, r.Told, tried)
	}
	// Where all is slow, the stream may end when it is time already.
	hadToWait := r.Ended > 0 && r.Ended < r.Told-500
	if hadToWait && !shown["restart"] || len(shown) > 1 || len(shown) == 1 && !shown["restart"] {
		w.t.Errorf("%s saw until then, for %.0f ms, the curtains %v", w.name, r.Told-r.Ended, shown)
	}
	w.t.Logf("%s was without a picture %.0f ms before its moment", w.name, r.Told-r.Ended)
}
