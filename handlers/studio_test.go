package handlers

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"bookmygig/media"
	"bookmygig/store"
)

// listInBrowser lists a gig through the form and returns the studio page that
// follows.
func (ts *testServer) listInBrowser(t *testing.T, change func(url.Values)) (id string, studio page) {
	t.Helper()
	start := time.Now().UTC().Add(24 * time.Hour)
	f := url.Values{
		"name": {"Marta Okafor"}, "title": {"Late & Unprepared"}, "description": {"A new hour."},
		"category": {"comedy"}, "price": {"6"}, "date": {start.Format("2006-01-02")},
		"time_from": {"20:00"}, "time_to": {"21:00"}, "time_zone": {"Africa/Lagos"}, "payment_pointer": {"$wallet.example/marta"},
	}
	if change != nil {
		change(f)
	}
	studio = ts.post(t, ts.client, "/gigs", f)
	path := studio.Request.URL.Path
	if studio.StatusCode != 200 || !strings.HasPrefix(path, "/studio/gigs/") {
		t.Fatalf("listing ends with %d at %s:\n%s", studio.StatusCode, path, studio.body)
	}
	return strings.TrimPrefix(path, "/studio/gigs/"), studio
}

func (ts *testServer) gig(t *testing.T, id string) store.Gig {
	t.Helper()
	g, err := ts.data.Gig(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestStudioShowsTheKeyOnce(t *testing.T) {
	ts := newTestServer(t)
	id, studio := ts.listInBrowser(t, nil)
	key := studio.text(t, "[data-stream-key]")
	if store.HashKey(key) != ts.gig(t, id).KeyHash {
		t.Fatalf("the key shown is not the gig's")
	}
	if got := studio.one(t, "[data-stream-key]").FirstChild.Data; got != key {
		t.Errorf("the text of the key is %q, not the value alone", got)
	}
	if got, want := studio.text(t, "[data-rtmp-url]"), "rtmp://127.0.0.1:1935/live"; got != want {
		t.Errorf("the server is %s, want %s", got, want)
	}
	if got, want := studio.text(t, "[data-share-url]"), ts.URL+"/gigs/"+id; got != want {
		t.Errorf("the link is %s, want %s", got, want)
	}
	if studio.Header.Get("Cache-Control") != "no-store" {
		t.Error("a page with the key may be kept")
	}

	again := ts.get(t, "/studio/gigs/"+id)
	if strings.Contains(again.body, key) || len(again.all("[data-stream-key]")) != 0 {
		t.Error("the key is shown a second time")
	}
	if got := again.text(t, "#this-browser"); !strings.Contains(got, "no way yet to open the gig’s studio from another") {
		t.Errorf("of this browser the studio says %q", got)
	}
	if !strings.Contains(again.text(t, ".hidden-key"), "Made on") {
		t.Error("the page does not say when the key was made")
	}

	rotated := ts.post(t, ts.client, "/studio/gigs/"+id+"/key", nil)
	fresh := rotated.text(t, "[data-stream-key]")
	// A HEAD shows nothing, and takes nothing.
	ts.keys.put(id, ts.gig(t, id).Owner, "peeked")
	req, _ := http.NewRequestWithContext(t.Context(), "HEAD", ts.URL+"/studio/gigs/"+id, nil)
	if p := do(t, ts.client, req); p.StatusCode != 200 {
		t.Errorf("HEAD answers %d", p.StatusCode)
	}
	if got := ts.get(t, "/studio/gigs/"+id).text(t, "[data-stream-key]"); got != "peeked" {
		t.Errorf("after a HEAD the key is %q", got)
	}
	if fresh == key || store.HashKey(fresh) != ts.gig(t, id).KeyHash {
		t.Error("the key was not replaced")
	}
	for _, p := range []string{"/gigs/" + id, "/", "/studio"} {
		if body := ts.get(t, p).body; strings.Contains(body, key) || strings.Contains(body, fresh) {
			t.Errorf("the key stands in %s", p)
		}
	}
}

func TestStudioIsTheOwnersAlone(t *testing.T) {
	ts := newTestServer(t)
	id, _ := ts.listInBrowser(t, nil)
	before := ts.gig(t, id)
	stranger, rival := ts.newBrowser(t), ts.newBrowser(t)
	other := ts.client
	ts.client = rival
	ts.listInBrowser(t, nil) // a creator too, but not this gig's
	ts.client = other

	for who, c := range map[string]*http.Client{"a visitor": stranger, "another creator": rival} {
		for _, path := range []string{"", "/health", "/edit", "/key", "/end", "/cancel"} {
			for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"} {
				req, _ := http.NewRequestWithContext(t.Context(), method, ts.URL+"/studio/gigs/"+id+path, strings.NewReader("title=Mine"))
				req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				req.Header.Set("Origin", ts.URL)
				resp, err := c.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				resp.Body.Close()
				if resp.StatusCode != 404 && resp.StatusCode != 405 {
					t.Errorf("%s: %s %s answers %d", who, method, path, resp.StatusCode)
				}
				registered := method == "GET" && (path == "" || path == "/health" || path == "/edit") ||
					method == "POST" && path != "/health" && path != "/edit"
				if registered && resp.StatusCode != 404 {
					t.Errorf("%s: %s %s answers %d, want 404", who, method, path, resp.StatusCode)
				}
			}
		}
	}
	if ts.gig(t, id) != before {
		t.Error("a stranger changed the gig")
	}

	// The owner's own browser, sent here by another site, changes nothing.
	for _, path := range []string{"", "/key", "/end", "/cancel"} {
		req, _ := http.NewRequestWithContext(t.Context(), "POST", ts.URL+"/studio/gigs/"+id+path, strings.NewReader(""))
		req.Header.Set("Sec-Fetch-Site", "cross-site")
		req.Header.Set("Origin", "https://evil.example")
		if p := do(t, ts.client, req); p.StatusCode != 403 {
			t.Errorf("a POST from another site to %q answers %d, want 403", path, p.StatusCode)
		}
	}
	if ts.gig(t, id) != before {
		t.Error("another site changed the gig")
	}
}

func TestRotatingDropsThePublisherAndKeepsTheViewers(t *testing.T) {
	ts := newTestServer(t)
	id, _ := ts.listInBrowser(t, nil)
	kicked := make(chan struct{}, 8)
	p, err := ts.Relay.Publish(id, media.PublisherInfo{Addr: "192.0.2.1:1", Kick: func() { kicked <- struct{}{} }})
	if err != nil {
		t.Fatal(err)
	}
	sendPicture(t, p)
	eventually(t, "the stream is live", func() bool { return ts.Relay.State(id) == media.StateLive })
	ts.dialLive(t, id, "")
	if got := ts.get(t, "/studio/gigs/"+id).text(t, "#act-key"); !strings.Contains(got, "60 seconds") {
		t.Errorf("before the key is replaced the studio says %q", got)
	}
	ts.post(t, ts.client, "/studio/gigs/"+id+"/key", nil)
	select {
	case <-kicked:
	case <-time.After(5 * time.Second):
		t.Error("the publisher was not dropped")
	}
	p.Close()
	eventually(t, "the grace runs", func() bool { return ts.Relay.State(id) == media.StateReconnecting })
	if n := ts.Relay.Viewers(id); n != 1 {
		t.Errorf("%d viewers, want 1", n)
	}
	if got := ts.get(t, "/studio/gigs/"+id).text(t, "#health-box .notice"); !strings.Contains(got, "Put the new key into OBS within a minute") || strings.Contains(got, "by itself") {
		t.Errorf("with a new key the studio says %q", got)
	}
}

// sendPicture is what goLive sends.
func sendPicture(t *testing.T, p *media.Publisher) {
	t.Helper()
	for _, tag := range []struct {
		at   uint32
		body []byte
	}{{0, testHeader}, {0, testKeyframe}, {600, testKeyframe}} {
		if err := p.WriteTag(media.TagVideo, tag.at, tag.body); err != nil {
			t.Fatal(err)
		}
	}
}

func TestEndAndCancel(t *testing.T) {
	ts := newTestServer(t)
	for _, c := range []struct {
		act, stage, lamp string
	}{{"end", "ended", "Ended"}, {"cancel", "cancelled", "Cancelled"}} {
		id, studio := ts.listInBrowser(t, nil)
		if len(studio.all("#act-end")) != 0 {
			t.Error("a show that has not begun can be ended")
		}
		ts.goLive(t, id)
		eventually(t, "the show is heard of", func() bool { return ts.pulse.show(id) != nil })
		// As if it had begun half an hour ago.
		ts.pulse.mu.Lock()
		ts.pulse.airing[id].since = time.Now().Add(-30 * time.Minute)
		ts.pulse.mu.Unlock()
		_, resp := ts.dialLive(t, id, "")
		live := ts.get(t, "/studio/gigs/"+id)
		for _, act := range []string{"key", "end", "cancel"} {
			// Asked once more: the button that does it is behind another.
			live.one(t, "#act-"+act+` details:not([open]) > form[method="post"][action="/studio/gigs/`+id+`/`+act+`"] > button`)
		}
		done := ts.post(t, ts.client, "/studio/gigs/"+id+"/"+c.act, nil)
		if done.StatusCode != 200 || done.Request.URL.Path != "/studio/gigs/"+id {
			t.Fatalf("%s leads to %d %s", c.act, done.StatusCode, done.Request.URL.Path)
		}
		if got := attr(done.one(t, "#stream-state"), "data-state"); got != c.stage {
			t.Errorf("after %s the stage is %s", c.act, got)
		}
		// How it went is known at once.
		if got := done.texts(".desk .figure"); c.act == "end" && (len(got) != 2 || !strings.HasPrefix(got[0], "00:30:0") || got[1] != "1") {
			t.Errorf("after %s it went %q", c.act, got)
		}
		if n := len(done.all(".act, [data-rtmp-url], [hx-trigger], a[href$='/edit']")); n != 0 {
			t.Errorf("after %s there are %d things left to do", c.act, n)
		}
		buf := make([]byte, 1<<16)
		for {
			if _, err := resp.Body.Read(buf); err != nil {
				break
			}
		}
		eventually(t, "the stream has ended", func() bool { return ts.Relay.State(id) == media.StateIdle })
		// Whatever is told late.
		ts.StreamChanged(id, media.StateReconnecting)
		ts.StreamChanged(id, media.StateIdle)
		if g := ts.gig(t, id); g.AiredAt.IsZero() || g.AirTime < 30*time.Minute || g.AirTime > 31*time.Minute || g.Peak != 1 {
			t.Errorf("kept: on air first at %v, %v in all, %d at most", g.AiredAt, g.AirTime, g.Peak)
		}

		// What is over stays as it is.
		was := ts.gig(t, id)
		for _, path := range []string{"", "/key", "/end", "/cancel"} {
			ts.post(t, ts.client, "/studio/gigs/"+id+path, url.Values{
				"name": {"X"}, "title": {"Y"}, "description": {""}, "category": {"play"}, "price": {"1"},
				"date": {was.Start.Format("2006-01-02")}, "time_from": {"20:00"}, "time_to": {"21:00"}, "time_zone": {"Africa/Lagos"},
			})
		}
		if now := ts.gig(t, id); now != was {
			t.Errorf("a gig that is over was changed: %+v", now)
		}
		if p := ts.get(t, "/studio/gigs/"+id+"/edit"); p.Request.URL.Path != "/studio/gigs/"+id {
			t.Errorf("the form of a gig that is over is at %s", p.Request.URL.Path)
		}
	}
}

func TestEditing(t *testing.T) {
	ts := newTestServer(t)
	id, _ := ts.listInBrowser(t, nil)
	before := ts.gig(t, id)
	form := ts.get(t, "/studio/gigs/"+id+"/edit")
	if got := attr(form.one(t, "input[name=title]"), "value"); got != before.Title {
		t.Errorf("the title in the form is %q", got)
	}
	action := attr(form.one(t, "form[method=post]"), "action")
	fields := url.Values{
		"name": {"Marta Okafor"}, "title": {"Later & Prepared"}, "description": {"Another hour."}, "category": {"play"},
		"price": {"0"}, "date": {before.Start.Add(48 * time.Hour).Format("2006-01-02")}, "time_from": {"23:00"},
		"time_to": {"01:00"}, "time_zone": {"Europe/Dublin"}, "payment_pointer": {""},
	}
	bad := url.Values{}
	for k, v := range fields {
		bad[k] = v
	}
	bad.Set("price", "a lot")
	refused := ts.post(t, ts.client, action, bad)
	if refused.StatusCode != 422 || attr(refused.one(t, "input[name=title]"), "value") != "Later & Prepared" ||
		attr(refused.one(t, "form[method=post]"), "action") != action {
		t.Errorf("bad input answers %d, and the form leads to %q", refused.StatusCode, attr(refused.one(t, "form[method=post]"), "action"))
	}
	if ts.gig(t, id) != before {
		t.Error("bad input changed the gig")
	}
	if p := ts.post(t, ts.client, action, fields); p.Request.URL.Path != "/studio/gigs/"+id {
		t.Errorf("saving leads to %s:\n%s", p.Request.URL.Path, p.body)
	}
	g := ts.gig(t, id)
	if g.Title != "Later & Prepared" || g.Category != store.Play || g.PriceCents != 0 || g.PaymentPointer != "" ||
		g.TimeZone != "Europe/Dublin" || g.End.Sub(g.Start) != 2*time.Hour {
		t.Errorf("saved: %+v", g)
	}
	if g.KeyHash != before.KeyHash || g.Owner != before.Owner || g.ID != before.ID || !g.ListedAt.Equal(before.ListedAt) {
		t.Error("editing changed what it must not")
	}
}

func TestStudioList(t *testing.T) {
	ts := newTestServer(t)
	empty := ts.get(t, "/studio")
	empty.one(t, `main a[href="/gigs/new"]`)
	first, _ := ts.listInBrowser(t, nil)
	second, _ := ts.listInBrowser(t, func(f url.Values) { f.Set("title", "Second") })
	ts.listGig(t, nil) // somebody else's
	ts.goLive(t, first)
	list := ts.get(t, "/studio")
	if got := list.texts(".own h2"); len(got) != 2 {
		t.Fatalf("the list is %q", got)
	}
	list.one(t, `.own li:has(a[href="/studio/gigs/`+first+`"]) .lamp[data-state="live"]`)
	list.one(t, `.own li:has(a[href="/studio/gigs/`+second+`"]) .lamp[data-state="waiting"]`)
}

func TestStudioHealth(t *testing.T) {
	ts := newTestServer(t)
	id, studio := ts.listInBrowser(t, nil)
	box := studio.one(t, "#health-box")
	if attr(box, "hx-trigger") != "every 2s" {
		t.Errorf("the health is fetched %q", attr(box, "hx-trigger"))
	}
	same := ts.get(t, attr(box, "hx-get"))
	if len(same.all("#acts, #stream-state")) != 0 {
		t.Error("what has not changed is sent again: an open question on the page would close")
	}
	p := ts.goLive(t, id)
	changed := ts.get(t, attr(box, "hx-get"))
	if got := changed.text(t, "#stream-state"); got != "On air" {
		t.Errorf("the lamp says %q", got)
	}
	changed.one(t, "#act-end")
	changed.one(t, ".new-key #act-key")
	if got := changed.texts(".apart-zone .act > p > b"); strings.Join(got, "|") != "End the show.|Cancel the gig." {
		t.Errorf("the curtain comes down by %q", got)
	}
	ts.dialLive(t, id, "")
	if got := ts.get(t, "/studio/gigs/"+id+"/health?stage=live").text(t, "#text-end"); !strings.Contains(got, "the one person") {
		t.Errorf("who is there is not kept fresh: %q", got)
	}
	changed.one(t, `#house-lights[data-lit="yes"]`)
	if got := strings.Join(changed.texts(".desk dt"), ", "); got != "On air, Watching, Picture, Keyframes every, Codecs, Sound, Bitrate" {
		t.Errorf("the desk shows %s", got)
	}
	if !strings.Contains(changed.text(t, ".desk .wide"), "192.0.2.1:1935") {
		t.Error("the publisher's address is not there")
	}
	if got := attr(changed.one(t, "#health-box"), "hx-get"); !strings.HasSuffix(got, "stage=live") {
		t.Errorf("the next question is %s", got)
	}
	p.Close()
	eventually(t, "the grace runs", func() bool { return ts.Relay.State(id) == media.StateReconnecting })
	lost := ts.get(t, "/studio/gigs/"+id+"/health?stage=live")
	if got := lost.text(t, ".notice"); !strings.Contains(got, "Your stream has stopped") || !strings.Contains(got, "comes back by itself") {
		t.Errorf("the loss is said as %q", got)
	}
	eventually(t, "the loss is heard of", func() bool { return !ts.pulse.show(id).lost.IsZero() })
	ts.pulse.mu.Lock()
	ts.pulse.airing[id].lost = time.Now().Add(-time.Hour) // as if long ago
	ts.pulse.mu.Unlock()
	if got := ts.get(t, "/studio/gigs/"+id+"/health?stage=live").texts(".desk .figure")[0]; got != "00:00:00" {
		t.Errorf("off air, the time on air goes on: %s", got)
	}
}

func TestAddresses(t *testing.T) {
	for _, c := range []struct {
		name, host, public, rtmp string
		port                     int
		wantRTMP, wantPublic     string
	}{
		{"with a port", "gigs.example:8080", "", "", 1935, "rtmp://gigs.example:1935/live", "http://gigs.example:8080"},
		{"without", "gigs.example", "", "", 1936, "rtmp://gigs.example:1936/live", "http://gigs.example"},
		{"IPv6", "[2001:db8::1]:8080", "", "", 1935, "rtmp://[2001:db8::1]:1935/live", "http://[2001:db8::1]:8080"},
		{"IPv6 alone", "[::1]", "", "", 1935, "rtmp://[::1]:1935/live", "http://[::1]"},
		{"public", "10.0.0.1:80", "https://gigs.example/", "", 1935, "rtmp://gigs.example:1935/live", "https://gigs.example"},
		{"as set", "10.0.0.1", "", "rtmp://in.example/live", 1935, "rtmp://in.example/live", "http://10.0.0.1"},
	} {
		s := &Server{Options: Options{PublicURL: c.public, RTMPURL: c.rtmp, RTMPPort: c.port}}
		r := &http.Request{Host: c.host}
		if got := s.rtmpURL(r); got != c.wantRTMP {
			t.Errorf("%s: the RTMP URL is %s, want %s", c.name, got, c.wantRTMP)
		}
		if got := s.publicURL(r); got != c.wantPublic {
			t.Errorf("%s: links begin with %s, want %s", c.name, got, c.wantPublic)
		}
	}
}
