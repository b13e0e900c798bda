package handlers

import (
	"fmt"
	"slices"
	"testing"
)

// spread checks waits in ms: 200, and more by chance, evenly up to most.
func spread(t *testing.T, what string, waits []float64, most float64) {
	t.Helper()
	slices.Sort(waits)
	n := len(waits)
	first, middle, last := waits[0]-200, waits[n/2]-200, waits[n-1]-200
	if first < 0 || first > most/10 || middle < most*0.4 || middle > most*0.6 || last < most*0.9 || last > most {
		t.Errorf("%s: %d waits of %.0f to %.0f ms, half of them below %.0f", what, n, first+200, last+200, middle+200)
	}
}

// chatBacksOff checks how long the open page waits for its chat when nobody
// told it: longer each time, by chance between nothing and all of it, five
// seconds at most.
func chatBacksOff(w *window) {
	w.t.Helper()
	for tries, most := range []float64{1000, 2000, 4000, 4800, 4800, 4800} {
		waits := eval[[]float64](w, fmt.Sprintf(`Array.from({length: 1000}, () => htmx.config.wsReconnectDelay(%d))`, tries))
		spread(w.t, fmt.Sprintf("the chat after %d tries", tries), waits, most)
	}
}

// fakePlayers is a script that makes players of a library that loads nothing,
// and takes hold of their timers. end ends the stream of the newest, or breaks
// it; waited tells how long that player waits, and plays its timer.
const fakePlayers = `
	const keep = [window.setTimeout, window.setInterval];
	let wait = -1, then = null, on = {};
	window.setTimeout = (f, ms) => (wait = ms, then = f, 1e9);
	window.setInterval = () => 1e9;
	const lib = {
		isSupported: () => true, ErrorDetails: {}, Events: {ERROR: "broken", LOADING_COMPLETE: "complete"},
		createPlayer: () => ({on: (event, f) => (on[event] = f), attachMediaElement() {}, load() {}, destroy() {}}),
	};
	const make = () => startPlayer({lib, video: document.createElement("video"), url: "/none", state: () => "live"});
	const end = (event) => on[event]("", "", {code: -1});
	const waited = () => { const ms = wait, f = then; wait = -1; then = null; if (f) f(); return ms; };
	const done = (result) => ([window.setTimeout, window.setInterval] = keep, result);`

// playerBacksOff checks the same of the player, and that it keeps to the
// moment that the page was told, whenever that was.
func playerBacksOff(w *window) {
	w.t.Helper()
	for event, most := range map[string][]float64{
		"complete": {2000, 2000, 4000, 4800, 4800},
		"broken":   {1000, 2000, 4000, 4800, 4800},
	} {
		waits := eval[[][]float64](w, fmt.Sprintf(`(() => {%s
			const steps = Array.from({length: %d}, () => []);
			for (let i = 0; i < 300; i++) {
				make();
				for (const step of steps) { end(%q); step.push(waited()); }
			}
			return done(steps);
		})()`, fakePlayers, len(most), event))
		for i, m := range most {
			spread(w.t, fmt.Sprintf("the player after %q, %d tries", event, i), waits[i], m)
		}
	}
	for _, tt := range []struct {
		name, script string
		least, most  float64 // ms; -1: it does not plan to come back
		trouble      string
	}{
		{"told, then ended", `p.stayAway(7000); end("complete")`, 6000, 7000, "restart"},
		{"ended, then told", `end("complete"); p.stayAway(7000)`, 6000, 7000, "restart"},
		{"told, then broken twice", `p.stayAway(7000); end("broken"); end("broken")`, 6000, 7000, "restart"},
		{"told long ago", `p.stayAway(-1); end("broken")`, 200, 1200, ""},
		{"told, and nothing ended", `p.stayAway(7000)`, -1, -1, ""},
		{"told, ended, and the page heard that it is live", `p.stayAway(7000); end("complete"); p.follow()`, 6000, 7000, "restart"},
		{"paused by its visitor", `p.setPaused(true); wait = -1; p.stayAway(7000); end("complete")`, -1, -1, ""},
		{"paused, ended, and played again", `p.setPaused(true); p.stayAway(7000); end("complete"); wait = -1; p.setPaused(false)`, 6000, 7000, "restart"},
	} {
		got := eval[struct {
			Wait    float64
			Trouble string
		}](w, `(() => {`+fakePlayers+` const p = make(); `+tt.script+`; return done({wait, trouble: p.trouble()}); })()`)
		if got.Wait < tt.least || got.Wait > tt.most || got.Trouble != tt.trouble {
			w.t.Errorf("%s: it waits %.0f ms, trouble %q", tt.name, got.Wait, got.Trouble)
		}
	}
	playerAsksAgain(w)
}

// playerAsksAgain checks that a player that was refused, asked why, and was
// never answered does not wait for the answer for ever.
func playerAsksAgain(w *window) {
	w.t.Helper()
	got := eval[struct{ Limit, Wait float64 }](w, `(async () => {`+fakePlayers+`
		const real = [window.fetch, AbortSignal.timeout];
		let limit = -1;
		AbortSignal.timeout = (ms) => {
			const c = new AbortController();
			limit = ms;
			queueMicrotask(() => c.abort());
			return c.signal;
		};
		window.fetch = (url, {signal}) => new Promise((_, fail) => signal.addEventListener("abort", fail));
		make();
		on.broken("", "", {code: 503});
		await new Promise((soon) => keep[0].call(window, soon, 50));
		[window.fetch, AbortSignal.timeout] = real;
		return done({limit, wait});
	})()`)
	if got.Limit <= 0 || got.Limit > 10_000 || got.Wait < 200 || got.Wait > 5000 {
		w.t.Errorf("it waits %.0f ms for the answer, then %.0f ms", got.Limit, got.Wait)
	}
}
