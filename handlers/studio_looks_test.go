package handlers

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"bookmygig/media"
	"bookmygig/store"
	"bookmygig/views"
)

// TestStudioLooksGood takes a creator through the studio, in each of its
// states.
func TestStudioLooksGood(t *testing.T) {
	ts := newTestServer(t)
	rtmp := ts.ingest(t)
	w := openWindow(t, startChromium(t))
	w.open(ts.URL + "/studio")
	inAllLooks(t, w, "studio-list-empty")

	// Listed as people do it.
	w.open(ts.URL + "/gigs/new")
	at := time.Now().UTC().Add(-10 * time.Minute)
	fill := `(() => { const set = (n, v) => { document.getElementById(n).value = v };
		set("title", "Late & Unprepared"); set("name", "Marta Okafor"); set("description", "A new hour.");
		set("date", "` + at.Format("2006-01-02") + `"); set("time_from", "` + at.Format("15:04") + `");
		set("time_to", "` + at.Add(2*time.Hour).Format("15:04") + `"); document.getElementById("time_zone").value = "Europe/London";
		document.getElementById("category-comedy").checked = true;
		document.getElementById("gig-form").requestSubmit(); return true })()`
	eval[bool](w, fill)
	w.waitFor(`document.querySelector("[data-stream-key]")`)
	key := w.text("[data-stream-key]")
	id := strings.TrimPrefix(eval[string](w, "location.pathname"), "/studio/gigs/")
	inAllLooks(t, w, "studio-key")

	// The copy buttons mark the value where copying is refused.
	eval[bool](w, `(document.querySelector("[data-stream-key] + [data-copy]").click(), true)`)
	w.waitFor(`document.querySelector("#main > [role=status]").textContent !== ""`)

	w.open(ts.URL + "/studio/gigs/" + id)
	w.waitFor(`document.querySelector(".hidden-key")`)
	inAllLooks(t, w, "studio-hidden")
	eval[bool](w, `(document.querySelector("#act-cancel summary").click(), true)`)
	inAllLooks(t, w, "studio-asked")
	if !eval[bool](w, `document.querySelector("#act-cancel details").open && location.pathname.endsWith("`+id+`")`) {
		t.Error("the question is not asked")
	}

	kill := film(t, rtmp+key, "-g", "75")
	w.waitFor(`document.querySelector("#stream-state").dataset.state === "live"`)
	w.waitFor(`document.querySelector(".desk")?.textContent.includes("1280 × 720")`)
	w.waitFor(`document.querySelector(".notice")?.textContent.includes("seconds apart")`)
	w.waitFor(`document.querySelector("svg.spark")`)
	w.waitFor(`document.querySelector("#act-end")`)
	inAllLooks(t, w, "studio-live")
	// Before there is a graph, the bitrate stands in one column all the same.
	eval[bool](w, `(document.querySelector("dd:has(svg.spark)").remove(), true)`)
	if !eval[bool](w, `new Set([...document.querySelector(".desk .wide").children].map((e) => e.getBoundingClientRect().left)).size === 1`) {
		t.Error("without its graph the bitrate takes two columns")
	}

	// Nothing is asked while the tab is in the background.
	eval[bool](w, `(Object.defineProperty(document, "hidden", {value: true, configurable: true}), window.asked = 0,
		document.addEventListener("htmx:beforeSend", () => window.asked++), true)`)
	time.Sleep(4500 * time.Millisecond)
	if n := eval[int](w, "asked"); n != 0 {
		t.Errorf("asked %d times in the background", n)
	}
	eval[bool](w, `(delete document.hidden, true)`)

	kill()
	w.waitFor(`document.querySelector("#stream-state").dataset.state === "reconnecting"`)
	p, err := ts.Relay.Publish(id, media.PublisherInfo{})
	if err != nil {
		t.Fatal(err)
	}
	p.TooFast(31_000_000)
	w.waitFor(`[...document.querySelectorAll(".notice h3")].map((h) => h.textContent).join("|") === "Your stream has stopped|You were cut off: your encoder sent 31 Mbit/s"`)
	inAllLooks(t, w, "studio-grace")

	eval[bool](w, `(document.querySelector("#act-end summary").click(), document.querySelector("#act-end form button").click(), true)`)
	w.waitFor(`document.querySelector("#stream-state")?.dataset.state === "ended"`)
	inAllLooks(t, w, "studio-ended")
	w.open(ts.URL + "/studio")
	inAllLooks(t, w, "studio-list")

	// A title of one endless word is broken, not the page.
	long := ts.listGig(t, func(g *store.Gig) {
		g.Owner, g.Title, g.CreatorName, g.Category = ts.gig(t, id).Owner, strings.Repeat("W", 80), strings.Repeat("N", 60), store.Workshop
	})
	for _, path := range []string{"/studio", "/studio/gigs/" + long.ID, "/gigs/" + long.ID} {
		w.open(ts.URL + path)
		for _, width := range []int64{wide, phone, narrowest} {
			w.look(width, light)
			fits(t, w, path, width)
		}
		w.shot("long" + strings.ReplaceAll(path, "/", "-"))
	}
	if over := eval[int](w, `(({right}, box) => right - box.getBoundingClientRect().right)(
		(() => { const r = document.createRange(); r.selectNodeContents(document.querySelector(".poster-kind")); return r.getBoundingClientRect() })(),
		document.querySelector(".poster")) | 0`); over > 0 {
		t.Errorf("the name is cut by %d pixels", over)
	}
}

// TestWarningsAreWords: each warning that the relay can give is explained.
func TestWarningsAreWords(t *testing.T) {
	all := []media.Warning{
		media.WarnLongKeyframes, media.WarnNoKeyframe, media.WarnVideoCodec, media.WarnVideoProfile, media.WarnAudioCodec,
		media.WarnNoAudio, media.WarnNoVideo, media.WarnHighBitrate, media.WarnManyReconnects,
		media.WarnManyEncoders, media.WarnTooFast,
	}
	h := media.Health{
		State: media.StateLive, Since: time.Now().Add(-41 * time.Minute), Interruptions: 2, VideoCodec: "HEVC", AudioCodec: "Speex",
		KeyframeInterval: 8 * time.Second, VideoBitrate: 9_000_000, AudioBitrate: 160_000, SampleRate: 44100, Channels: 2,
		Bitrates: []int{2_600_000, 1_700_000, 2_900_000}, Warnings: all,
		TooFast: 30_100_000, MaxBitrate: 20_000_000,
	}
	p := renderHealth(t, &h)
	headings := p.texts(".notice h3")
	if len(headings) != len(all) {
		t.Fatalf("%d warnings of %d: %q", len(headings), len(all), headings)
	}
	seen := map[string]bool{"Something is not right with your stream": true}
	for i, text := range headings {
		if seen[text] {
			t.Errorf("%s says %q", all[i], text)
		}
		seen[text] = true
	}
	want := []string{
		"Your keyframes are 8 seconds apart", "Browsers cannot show HEVC", "Browsers cannot play Speex sound", "You send 9.2 Mbit/s",
		"You were cut off: your encoder sent 30.1 Mbit/s",
	}
	for _, text := range want {
		if !seen[text] {
			t.Errorf("nothing says %q, but %q", text, headings)
		}
	}
	for i, text := range p.texts(".notice p") {
		if w := all[i]; w != media.WarnManyReconnects && !strings.Contains(text, "In OBS ") {
			t.Errorf("%s does not say what to press: %q", w, text)
		}
	}
	if got := attr(p.one(t, "svg.spark"), "aria-label"); got != "Bitrate over the last 15 seconds: about 2.4 Mbit/s, never under 1.7 Mbit/s or over 2.9 Mbit/s" {
		t.Errorf("the sparkline's name is %q", got)
	}
	if got := p.text(t, ".desk dl > div:first-child"); got != "On air00:41:002 interruptions" {
		t.Errorf("on air: %q", got)
	}
}

// renderHealth is the studio's view of a stream in this health.
func renderHealth(t *testing.T, h *media.Health) page {
	t.Helper()
	now := h.Since.Add(41 * time.Minute)
	m := views.StudioModel{ID: "x", State: "live", Aired: true, Now: now, Health: healthModel(h, now)}
	body := string(fragment(views.StudioHealth(m, false)))
	root, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return page{body: body, root: root}
}
