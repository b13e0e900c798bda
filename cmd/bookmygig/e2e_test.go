package main

import (
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// What a browser says by itself while the server is away.
var whileAway = []string{"net::ERR", "WebSocket connection to", "status of 409", "[object Event]"}

// A whole evening, the way people have it: a creator lists a gig in a browser
// and goes live, two people watch and chat, the encoder's line breaks, the
// server is restarted and once it is killed, and a second gig runs beside it.
func TestAnEvening(t *testing.T) {
	t.Parallel()
	p := startProgram(t)
	browser := openBrowser(t)
	creator := openWindow(t, browser, "creator")
	gig, target := listInBrowser(creator, p, "The Midnight Overture")
	key := path.Base(target)

	other, otherTarget := p.listGig(t, "A show next door")
	small := encodeClip(t, "-f", "lavfi", "-i", "testsrc2=s=640x360:r=25:d=4", "-f", "lavfi", "-i", "sine=d=4",
		"-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "25", "-c:a", "aac", "-t", "4")
	publish(t, small, otherTarget)
	neighbour, err := joinChat(p.url(), other, "Neighbour", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer neighbour.close()

	anna, ben := openWindow(t, browser, "anna"), openWindow(t, browser, "ben")
	for _, w := range []*window{anna, ben} {
		w.open(p.url() + "/gigs/" + gig)
		w.until(10*time.Second, `document.querySelector('#stream-state[data-state=waiting]')`)
	}
	encoder := publish(t, "demo.flv", target)
	for _, w := range []*window{anna, ben} {
		w.until(20*time.Second, `document.querySelector('#stream-state[data-state=live]')`)
		w.plays(20*time.Second, 1280)
		w.until(10*time.Second, `/\b2\b/.test(document.querySelector('#viewer-count').textContent)`)
	}

	anna.takeName("Anna")
	ben.takeName("Ben")
	evil := `<img src=x onerror="console.error('script ran')"><b>bold</b>`
	texts := []string{"good evening", "good evening back", evil}
	anna.say(texts[0])
	ben.reads(10*time.Second, texts[0])
	ben.say(texts[1])
	anna.reads(10*time.Second, texts[1])
	anna.say(evil)
	ben.reads(10*time.Second, evil)
	for _, w := range []*window{creator, anna, ben} {
		w.until(time.Second, `!document.querySelector('#chat-log img') && !document.querySelector('#chat-log b b')`)
		w.clean()
	}

	theEncoderFalls(encoder, anna, ben)
	anna.say("still here")
	ben.reads(10*time.Second, "still here")
	for _, w := range []*window{anna, ben} {
		w.clean()
	}

	for i, restart := range []func(){func() { p.stop() }, p.kill} {
		for _, w := range []*window{anna, ben} {
			w.watchesTheReturn()
		}
		restart()
		p.start()
		for _, w := range []*window{anna, ben} {
			w.until(30*time.Second, `document.querySelector('#stream-state[data-state=live]')`)
			w.plays(30*time.Second, 1280)
			w.keepsWhatWasTyped()
			if i == 0 {
				w.cameBackWhenTold()
			}
		}
		there, back := fmt.Sprintf("back after %d", i), fmt.Sprintf("me too, %d", i)
		anna.say(there)
		ben.reads(20*time.Second, there)
		ben.say(back)
		anna.reads(20*time.Second, back)
		for _, w := range []*window{anna, ben} {
			w.clean(whileAway...)
		}
	}

	// Eight messages were said: each is there once, in order, at both.
	want := []int{1, 2, 3, 4, 5, 6, 7, 8}
	for _, w := range []*window{anna, ben} {
		if got := w.log(); !slices.Equal(got, want) {
			t.Errorf("%s has messages %v, want %v", w.name, got, want)
		}
	}
	theNeighboursSawNothing(t, p, other, neighbour)
	theKeyIsNowhere(t, p, gig, key, anna, ben)
}

// listInBrowser fills in the form and reads what the creator's encoder needs.
func listInBrowser(w *window, p *program, title string) (gig, target string) {
	w.t.Helper()
	w.open(p.url() + "/")
	w.do("list a gig", chromedp.Click(chromedp.CSS(`a[href="/gigs/new"]`)))
	w.until(10*time.Second, `document.querySelector('form input[name=title]')`)
	zone := w.text(`document.querySelector('[name=time_zone]').value`)
	location, err := time.LoadLocation(zone)
	if err != nil || zone == "" {
		w.t.Fatalf("the form presets the time zone %q: %v", zone, err)
	}
	now := time.Now().In(location)
	field := func(name string) chromedp.CSS { return chromedp.CSS(`form [name=` + name + `]`) }
	w.types("form [name=title]", title)
	w.types("form [name=name]", "Ada Quill")
	w.types("form [name=description]", "An hour at the keys, with the curtain open.")
	w.types("form [name=payment_pointer]", "$wallet.example/ada")
	w.do("fill in the rest",
		chromedp.Evaluate[chromedp.Void](`document.querySelector('input[name=category][value=music]').click()`),
		chromedp.SetValue(field("price"), "6.50"),
		chromedp.SetValue(field("date"), now.Format("2006-01-02")),
		chromedp.SetValue(field("time_from"), now.Format("15:04")),
		chromedp.SetValue(field("time_to"), now.Add(3*time.Hour).Format("15:04")),
		chromedp.Click(chromedp.CSS(`form[action="/gigs"] button.primary`)),
	)
	w.until(15*time.Second, `location.pathname.startsWith('/studio/gigs/') && document.querySelector('[data-stream-key]')`)
	gig = strings.TrimPrefix(w.text(`location.pathname`), "/studio/gigs/")
	key := w.text(`document.querySelector('[data-stream-key]').textContent.trim()`)
	if len(key) < 22 || key == gig {
		w.t.Fatalf("stream key of %d characters for gig %s", len(key), gig)
	}
	return gig, w.text(`document.querySelector('[data-rtmp-url]').textContent.trim()`) + "/" + key
}

// theEncoderFalls kills the encoder and lets it come back: the page says so,
// and the same player goes on over the same connection.
func theEncoderFalls(encoder *publisher, windows ...*window) {
	var requests []int
	for _, w := range windows {
		requests = append(requests, w.streamRequests())
		w.do("mark the player", chromedp.Evaluate[chromedp.Void](`void (document.querySelector('video#player').marked = true)`))
	}
	encoder.leave()
	for _, w := range windows {
		w.until(15*time.Second, `document.querySelector('#stream-state[data-state=reconnecting]')`)
	}
	encoder.comeBack()
	for i, w := range windows {
		w.until(20*time.Second, `document.querySelector('#stream-state[data-state=live]')`)
		w.plays(20*time.Second, 1280)
		w.until(time.Second, `document.querySelector('video#player').marked`)
		if n := w.streamRequests(); n != requests[i] {
			w.t.Errorf("%s asked for the stream %d times more", w.name, n-requests[i])
		}
	}
}

// theNeighboursSawNothing checks that the second gig had its own picture and
// an empty room all the time.
func theNeighboursSawNothing(t *testing.T, p *program, gig string, before *chatter) {
	t.Helper()
	eventually(t, 20*time.Second, "the neighbours are live", func() error { return p.isLive(gig) })
	out, err := exec.Command("ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "stream=width",
		"-of", "csv=p=0", p.url()+"/gigs/"+gig+"/live.flv").CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "640" {
		t.Errorf("the neighbours' picture: %s %v", out, err)
	}
	now, err := joinChat(p.url(), gig, "Neighbour", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer now.close()
	if err := now.say("all quiet here", "quiet-1"); err != nil {
		t.Fatal(err)
	}
	eventually(t, 10*time.Second, "the neighbours' room answers", func() error { return now.heard("all quiet here") })
	if n := len(before.messages()) + len(now.messages()); n != 1 {
		t.Errorf("the neighbours' room heard %v %v", before.messages(), now.messages())
	}
}

// theKeyIsNowhere looks for the stream key wherever somebody else could see it.
func theKeyIsNowhere(t *testing.T, p *program, gig, key string, visitors ...*window) {
	t.Helper()
	absent := func(where, text string) {
		t.Helper()
		if i := strings.Index(text, key); i >= 0 {
			t.Errorf("the stream key stands in %s", where)
		}
	}
	for _, w := range visitors {
		absent(w.name+"'s page", w.text(`document.documentElement.outerHTML`))
	}
	stranger := newClient(t)
	for url, status := range map[string]int{
		p.url() + "/":                              http.StatusOK,
		p.url() + "/gigs/" + gig:                   http.StatusOK,
		p.url() + "/gigs/" + gig + "/calendar.ics": http.StatusOK,
		p.url() + "/studio":                        http.StatusOK,
		p.url() + "/studio/gigs/" + gig:            http.StatusNotFound,
		p.url() + "/studio/gigs/" + gig + "/edit":  http.StatusNotFound,
		"http://" + p.ops + "/metrics":             http.StatusOK,
		"http://" + p.ops + "/debug/pprof/cmdline": http.StatusOK,
	} {
		body, err := get(stranger, url, status)
		if err != nil {
			t.Error(err)
		}
		absent(url, body)
	}
	p.stop()
	absent("the log", p.log.String())
	files := 0
	err := filepath.WalkDir(p.data, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		b, err := os.ReadFile(name)
		absent(name, string(b))
		return err
	})
	if err != nil || files == 0 {
		t.Errorf("data folder: %d files, %v", files, err)
	}
}
