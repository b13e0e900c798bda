package handlers

import (
	"testing"
	"time"

	"bookmygig/store"
)

// TestGigPageLooksGood checks the gig's page in each of its states.
func TestGigPageLooksGood(t *testing.T) {
	ts := newTestServer(t)
	url := ts.ingest(t)
	now := time.Now().UTC()
	describe := func(g *store.Gig) {
		g.Title, g.CreatorName, g.Category, g.TimeZone = "Late & Unprepared", "Marta Okafor", store.Comedy, "Africa/Lagos"
		g.Description = "Marta Okafor writes on the 54 bus between Yaba and Lekki, and tries the results out on whoever turns up.\n\nRuns about an hour with no interval."
		g.PaymentPointer = "https://wallet.example/marta"
	}
	waiting := ts.listGig(t, func(g *store.Gig) {
		g.Start, g.End = now.Add(26*time.Hour+18*time.Minute), now.Add(28*time.Hour)
		g.PaymentPointer = "https://wallet.example/asha"
	})
	ended := ts.listGig(t, func(g *store.Gig) {
		describe(g)
		g.Start, g.End = now.Add(-2*time.Hour), now.Add(-time.Hour)
		g.AiredAt, g.EndedAt, g.AirTime, g.Peak = g.Start, now.Add(-10*time.Minute), 58*time.Minute, 141
	})
	ts.listGig(t, func(g *store.Gig) {
		describe(g)
		g.Title, g.Start, g.End = "Bad Advice", now.Add(30*time.Hour), now.Add(31*time.Hour)
	})
	ts.listGig(t, func(g *store.Gig) { describe(g); g.Title, g.Owner = "Still Unprepared", ended.Owner })
	cancelled := ts.listGig(t, func(g *store.Gig) {
		g.Title, g.Category, g.CancelledAt = "Bharatanatyam by Candlelight", store.Dance, now
	})
	live, key := ts.listForFilm(t, describe)
	kill := film(t, url+key)
	eventually(t, "the stream is live", func() bool { return ts.Relay.State(live.ID) == "live" })

	w := openWindow(t, startChromium(t))
	w.open(ts.URL + "/gigs/" + waiting.ID)
	w.waitFor(`document.querySelector("#link-state").dataset.link === "ok"`)
	inAllLooks(t, w, "gig-waiting")

	w.open(ts.URL + "/gigs/" + live.ID)
	w.waitFor(`player.videoWidth === 1280 && player.currentTime > 1`)
	inAllLooks(t, w, "gig-live")
	eval[bool](w, `document.querySelector('[data-do="unmute"]').click() ?? true`)
	w.waitFor(`!player.muted`)
	inAllLooks(t, w, "gig-live-sound")

	kill()
	w.waitFor(`document.querySelector("#stream-state").dataset.state === "reconnecting"`)
	inAllLooks(t, w, "gig-reconnecting")

	w.open(ts.URL + "/gigs/" + ended.ID)
	inAllLooks(t, w, "gig-ended")
	w.open(ts.URL + "/gigs/" + cancelled.ID)
	inAllLooks(t, w, "gig-cancelled")

	// A browser without Media Source Extensions, as an iPhone is.
	w.before("delete window.MediaSource; delete window.ManagedMediaSource; delete window.WebKitMediaSource")
	film(t, url+key)
	eventually(t, "the stream is live again", func() bool { return ts.Relay.State(live.ID) == "live" })
	w.open(ts.URL + "/gigs/" + live.ID)
	w.waitFor(`document.querySelector(".screen").dataset.trouble === "unsupported"`)
	inAllLooks(t, w, "gig-trouble")
	if got := w.text(`.curtain[data-when="trouble"] h2`); got != "This browser cannot show the picture" {
		t.Errorf("the curtain says %q", got)
	}
	w.scripts(false)
	w.open(ts.URL + "/gigs/" + waiting.ID)
	w.shot("gig-noscript-wide-light")
	w.open(ts.URL + "/gigs/" + live.ID)
	w.shot("gig-noscript-live-wide-light")
	if got := w.text(".screen noscript h2"); got != "The picture needs JavaScript" {
		t.Errorf("without scripts the stage says %q", got)
	}
	if !eval[bool](w, `((r) => document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2).matches(".screen noscript *"))(document.querySelector(".screen noscript h2").getBoundingClientRect())`) {
		t.Error("without scripts the explanation is covered")
	}
	if got := eval[string](w, `[...document.querySelectorAll("main :is(button, input)")].filter((e) => e.checkVisibility() && !e.popoverTargetElement).map((e) => e.outerHTML).join()`); got != "" {
		t.Errorf("without scripts there are dead controls: %s", got)
	}
	if !eval[bool](w, `document.querySelector(".chat-foot noscript p").checkVisibility()`) {
		t.Error("the chat does not say that it needs JavaScript")
	}
}
