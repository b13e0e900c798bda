package handlers

import (
	"fmt"
	"testing"
	"time"

	"bookmygig/media"
)

// show is a gig on air with a window that watches it.
type show struct {
	ts   *testServer
	w    *window
	id   string
	to   string // where encoders send to
	kill func() // the encoder
}

// openShow publishes with further arguments for the encoder and opens the page.
func openShow(t *testing.T, ts *testServer, rtmp string, w *window, args ...string) *show {
	t.Helper()
	g, key := ts.listForFilm(t, nil)
	s := &show{ts: ts, w: w, id: g.ID, to: rtmp + key}
	s.kill = film(t, s.to, args...)
	w.before(`(() => { const f = fetch; window.asked = 0; window.fetch = (...a) => {
		if (String(a[0].url ?? a[0]).includes("/live.flv")) window.asked++;
		return f(...a) } })()`)
	eventually(t, "the stream is live", func() bool { return ts.Relay.State(g.ID) == media.StateLive })
	w.open(ts.URL + "/gigs/" + g.ID)
	return s
}

// next puts another encoder in the place of the one that sends.
func (s *show) next(args ...string) {
	s.w.t.Helper()
	s.kill()
	s.kill = film(s.w.t, s.to, args...)
}

// runs waits until the picture has the width (0: there is none) and the show
// has gone on for some seconds from then.
func (s *show) runs(width, seconds int) {
	s.w.t.Helper()
	eval[bool](s.w, `(window.from = null, true)`)
	s.w.waitFor(fmt.Sprintf(`player.videoWidth !== %d || player.paused ? (window.from = null, false)
		: window.from === null || player.currentTime < window.from - 1 ? (window.from = player.currentTime, false)
		: player.currentTime > window.from + %d`, width, seconds))
}

// sounds waits until more sound is decoded.
func (s *show) sounds() {
	s.w.t.Helper()
	eval[bool](s.w, `(window.heard = player.webkitAudioDecodedByteCount, true)`)
	s.w.waitFor(`player.webkitAudioDecodedByteCount > window.heard || (window.heard = Math.min(window.heard, player.webkitAudioDecodedByteCount), false)`)
}

// starts is how often the page has asked for the stream.
func (s *show) starts() int {
	s.w.t.Helper()
	return eval[int](s.w, `window.asked`)
}

// TestEncodersChange: one page through all that encoders do in mid-show. The
// picture goes on, and the page makes a new player only where tracks come or go.
func TestEncodersChange(t *testing.T) {
	t.Parallel()
	ts := newTestServerWith(t, media.RelayOptions{Grace: 8 * time.Second})
	rtmp := ts.ingest(t)
	w := openWindow(t, startChromium(t))
	starts := 1
	most := func(s *show, more int, what string) {
		t.Helper()
		if n := s.starts(); n > starts+more {
			t.Errorf("%s: the player began %d times more", what, n-starts)
		}
		starts = s.starts()
	}

	// Seconds before its clock passes 24 bits.
	s := openShow(t, ts, rtmp, w, "-output_ts_offset", "16774")
	s.runs(1280, 5)
	s.sounds()
	most(s, 0, "a clock past 24 bits")

	// Another size, another sample rate, B-frames; and before it passes 32 bits.
	s.next("-s", "1920x1080", "-ar", "48000", "-bf", "3", "-output_ts_offset", "4294964")
	s.runs(1920, 5)
	s.sounds()
	most(s, 1, "another size and sample rate")

	s.next("-an")
	s.runs(1280, 1)
	most(s, 1, "no sound any more")
	s.next("-vn")
	s.runs(0, 1)
	s.sounds()
	most(s, 1, "sound in place of the picture")
	w.waitFor(curtain + ` === "Sound without a picture"`)
	s.next()
	s.runs(1280, 1)
	s.sounds()
	most(s, 1, "both again")
	w.waitFor(curtain + ` === ""`)

	// The grace runs out: the page waits, and begins by itself.
	s.kill()
	w.waitFor(stands + ` === "reconnecting"`)
	w.waitFor(stands + ` === "waiting"`)
	s.kill = film(t, s.to)
	w.waitFor(stands + ` === "live"`)
	s.runs(1280, 1)
	most(s, 1, "after the grace")
	if n := ts.Relay.Viewers(s.id); n != 1 {
		t.Errorf("%d viewers, want 1", n)
	}
}

// curtain is the heading of what hangs before the picture.
const curtain = `[...document.querySelectorAll(".curtain")].filter((c) => c.checkVisibility()).map((c) => c.querySelector("h2")?.textContent ?? "poster").join()`
