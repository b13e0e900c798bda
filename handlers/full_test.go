package handlers

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"bookmygig/chat"
	"bookmygig/media"
)

// Over a limit of viewers the answer is short and says when to ask again; a
// viewer that comes anew takes its own seat.
func TestFullHouse(t *testing.T) {
	ts := newTestServerWith(t, media.RelayOptions{MaxShowViewers: 2, MaxViewers: 3})
	big, small := ts.listGig(t, nil), ts.listGig(t, nil)
	ts.goLive(t, big.ID)
	ts.goLive(t, small.ID)
	full := func(gigID, query string) {
		t.Helper()
		for _, method := range []string{"GET", "HEAD"} {
			req, err := http.NewRequestWithContext(t.Context(), method, ts.URL+"/gigs/"+gigID+"/live.flv"+query, nil)
			if err != nil {
				t.Fatal(err)
			}
			p := do(t, ts.client, req)
			if p.StatusCode != http.StatusServiceUnavailable || p.Header.Get("Retry-After") != "5" || p.Header.Get("X-House") != "full" ||
				p.Header.Get("Cache-Control") != "no-store" || p.Header.Get("Content-Security-Policy") == "" {
				t.Errorf("%s: %s %v", method, p.Status, p.Header)
			}
			if method == "GET" && (len(p.body) > 100 || !strings.Contains(p.body, "The house is full.")) {
				t.Errorf("%q", p.body)
			}
		}
	}
	seat := func(gigID, query string) io.Closer {
		t.Helper()
		conn, resp := ts.dialLive(t, gigID, query)
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s", query, resp.Status)
		}
		return conn
	}
	seat(big.ID, "?viewer=ada")
	seat(big.ID, "")
	full(big.ID, "")
	full(big.ID, "?viewer=bob")
	seat(big.ID, "?viewer=ada")
	last := seat(small.ID, "?viewer=eve")
	full(small.ID, "?viewer=bob")
	seat(small.ID, "?viewer=eve").Close()
	last.Close()
	p := ts.goLive(t, small.ID) // who has left is noticed at the next write
	eventually(t, "the seat is free", func() bool {
		_ = p.WriteTag(media.TagVideo, 700, testKeyframe)
		return !ts.Relay.Full(small.ID, "")
	})
	seat(small.ID, "?viewer=bob")
	if s := ts.Relay.Stats(); s.Viewers != 3 || s.Refused["viewers-per-show"] != 2 || s.Refused["viewers"] != 1 {
		t.Errorf("%d viewers, refused %v", s.Viewers, s.Refused)
	}
}

// Who finds the house full reads so, chats, and sees the picture as soon as a
// seat is free; who finds the chat full reads that, and comes in by itself.
func TestFullHouseInTheBrowser(t *testing.T) {
	ts := newSmallServer(t, media.RelayOptions{MaxShowViewers: 2}, chat.HubOptions{MaxMembers: 2})
	rtmp := ts.ingest(t)
	g, key := ts.listForFilm(t, nil)
	film(t, rtmp+key)
	eventually(t, "the stream is live", func() bool { return ts.Relay.State(g.ID) == media.StateLive })
	var seats []io.Closer
	var wg sync.WaitGroup
	for range 2 {
		conn, resp := ts.dialLive(t, g.ID, "")
		_ = conn.SetDeadline(time.Time{}) // never fails on an open connection
		seats = append(seats, conn)
		wg.Go(func() { _, _ = io.Copy(io.Discard, resp.Body) }) // until it is closed
	}
	visible := `[...document.querySelectorAll(".curtain")].filter((c) => c.checkVisibility()).map((c) => c.querySelector("h2").textContent).join()`

	browser := startChromium(t)
	w := openWindow(t, browser)
	w.watchPolicy()
	w.before("Math.random = () => 0") // the shortest waits
	w.open(ts.URL + "/gigs/" + g.ID)
	w.waitFor(`document.querySelector(".screen").dataset.trouble === "full"`)
	if got := eval[string](w, visible); got != "The house is full" {
		t.Errorf("the stage says %q", got)
	}
	w.waitFor(`document.querySelector("#link-state").dataset.link === "ok"`)
	w.types("#name", "Ada\n")
	w.types("#text", "Is there a seat?\n")
	w.waitFor(`document.querySelector("#chat-log").textContent.includes("Is there a seat?")`)
	inAllLooks(t, w, "gig-full")

	other := ts.enterChat(t, g.ID, "")
	late := openWindow(t, browser)
	late.before("Math.random = () => 0")
	late.open(ts.URL + "/gigs/" + g.ID)
	late.waitFor(`document.querySelector("#link-state").textContent === "Full" && document.querySelector("#chat-slow").textContent.startsWith("The chat is full.")`)
	axe(t, late)
	late.shot("gig-full-chat-wide-light")

	other.conn.Close()
	for _, s := range seats {
		s.Close()
	}
	wg.Wait()
	late.waitFor(`document.querySelector("#link-state").dataset.link === "ok" && document.querySelector("#chat-slow").textContent === ""`)
	late.waitFor(`document.querySelector("#chat-log").textContent.includes("Is there a seat?")`)
	for _, w := range []*window{w, late} {
		w.waitFor(`!document.querySelector(".screen").dataset.trouble`)
		w.plays(1)
		if got := eval[string](w, visible); got != "" {
			t.Errorf("the stage says %q over the picture", got)
		}
	}
	eventually(t, "two viewers are counted", func() bool { return ts.Relay.Viewers(g.ID) == 2 })
	w.keptPolicy("a full house")
	for _, w := range []*window{w, late} {
		for _, fault := range w.console() {
			if !strings.Contains(fault, "503") {
				t.Errorf("on the console: %s", fault)
			}
		}
	}
}
