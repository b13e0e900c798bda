package handlers

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"bookmygig/chat"
	"bookmygig/store"
)

// write types into the chat's field and sends.
func (w *window) write(text string) {
	w.t.Helper()
	w.types("#chat-form input[name=text]", text+"\n")
}

// sees waits until exactly one message has the text.
func (w *window) sees(text string) {
	w.t.Helper()
	w.waitFor(`[...document.querySelectorAll("#chat-log > li[data-author]")].filter((l) => l.lastElementChild.textContent === ` + quote(text) + `).length === 1`)
}

// whole checks that the log is without holes and doubles, and returns its last number.
func (w *window) whole() int {
	w.t.Helper()
	seqs := eval[[]int](w, `[...document.querySelectorAll("#chat-log > li[data-author]")].map((l) => +l.id.slice(2))`)
	for i := 1; i < len(seqs); i++ {
		if seqs[i] != seqs[i-1]+1 {
			w.t.Errorf("m-%d after m-%d", seqs[i], seqs[i-1])
		}
	}
	if len(seqs) == 0 {
		return 0
	}
	return seqs[len(seqs)-1]
}

func (w *window) enter(url, name string) {
	w.t.Helper()
	w.open(url)
	w.waitFor(`document.querySelector("#link-state").textContent === "Connected"`)
	w.types("#name-form input[name=name]", name+"\n")
	w.waitFor(`document.querySelector("#chat-form")`)
}

// onlySockets takes the console's errors; a socket that cannot be opened is
// the one that these tests expect.
func (w *window) onlySockets() {
	w.t.Helper()
	for _, f := range w.console() {
		if !strings.Contains(f, "WebSocket") {
			w.t.Errorf("on the console: %s", f)
		}
	}
}

func (ts *testServer) publish(t *testing.T, gigID string, from, to int) {
	t.Helper()
	say := func(i int) error {
		_, err := ts.History.Publish(t.Context(), chat.Message{Room: gigID, Author: "u-other", Name: "Other", Text: fmt.Sprint("other ", i)})
		return err
	}
	// The hub's goroutine may not have begun yet.
	eventually(t, "the chat runs", func() bool { return !errors.Is(say(from), chat.ErrShutdown) })
	for i := from + 1; i <= to; i++ {
		if err := say(i); err != nil {
			t.Fatal(err)
		}
	}
}

// evil is what some people write in the hope that it is not shown as text.
var evil = []string{
	`<script>window.pwned = 1</script>`, `<img src=x onerror="window.pwned = 1">`, `"><svg onload="window.pwned = 1">`,
	`</li></ol><div id="chat-say" hx-swap-oob="true">gone</div>`, `<b hx-get="/pwned" hx-trigger="load">x</b>`,
	`<b data-hx-get="/pwned" data-hx-trigger="load">x</b>`, `<i hx-on:click="window.pwned = 1" hx-on::load="window.pwned = 1">x</i>`,
	`<a href="javascript:window.pwned = 1">x</a>`, `<iframe srcdoc="<script>parent.pwned = 1</script>">`, `&lt;script&gt;window.pwned = 1`,
	`<style>* { display: none }</style>`, `<div ws-connect="/pwned"></div>`, `${window.pwned = 1}`, `<!--`, `<template>`, `<base href="//evil.example">`,
}

func (ts *testServer) publishEvil(t *testing.T, gigID string) {
	t.Helper()
	for _, text := range evil {
		if _, err := ts.History.Publish(t.Context(), chat.Message{Room: gigID, Author: "u-evil", Name: text, Text: text}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestChatInABrowser(t *testing.T) {
	ts := newTestServer(t)
	g := ts.listGig(t, nil)
	url := ts.URL + "/gigs/" + g.ID
	browser := startChromium(t)
	a, b := openWindow(t, browser), openWindow(t, browser)

	a.open(url)
	a.waitFor(`document.querySelector("#link-state").textContent === "Connected"`)
	if got := a.text(".quiet"); got != "Nobody has said anything yet." || !eval[bool](a, `document.querySelector(".quiet").checkVisibility()`) {
		t.Errorf("an empty chat says %q", got)
	}
	a.types("#name", "asha RAMAN\n")
	a.waitFor(`document.querySelector("#name-error .error")?.textContent.includes("the host’s name") && document.querySelector("#name").ariaInvalid === "true"`)
	if got := eval[string](a, `document.querySelector("#name").value`); got != "asha RAMAN" {
		t.Errorf("the field has %q", got)
	}
	axe(t, a)
	a.types("#name", "\b\b\b\b\b\b\b\b\b\bBea\n")
	a.waitFor(`document.activeElement.id === "text"`)
	b.enter(url, "Dan")

	a.write(`<b id="x">hello</b> & <img src=x onerror=alert(1)>`)
	for _, w := range []*window{a, b} {
		w.sees(`<b id="x">hello</b> & <img src=x onerror=alert(1)>`)
		w.waitFor(`/^\d\d:\d\d$/.test(document.querySelector("#m-1 time").textContent)`)
	}
	a.waitFor(`document.querySelector("#text").value === "" && !document.querySelector(".quiet").checkVisibility()`)
	b.write("hello Bea")
	a.sees("hello Bea")

	// Who is here stays open while it changes.
	a.do(chromedp.Click(chromedp.CSS("[popovertarget=people]")))
	a.waitFor(`document.querySelector("#people").matches(":popover-open") && document.querySelectorAll("#people-list li").length === 2`)
	c := ts.enterNamed(t, g.ID, "", "Eve")
	a.waitFor(`document.querySelectorAll("#people-list li").length === 3`)
	if !eval[bool](a, `document.querySelector("#people").matches(":popover-open")`) {
		t.Error("the list of people closed by itself")
	}
	axe(t, a)
	a.shot("chat-people")
	c.conn.Close()

	// Another name: what was begun is still there.
	eval[bool](a, `(document.querySelector("#people").hidePopover(), true)`)
	a.types("#text", "half a wo")
	a.do(chromedp.Click(chromedp.CSS("#chat-say [name=rename] ~ button")))
	a.waitFor(`document.activeElement.id === "name"`)
	a.types("#name", "Beatrice\n")
	a.waitFor(`document.activeElement.id === "text" && document.activeElement.value === "half a wo"`)
	eval[bool](a, `(document.activeElement.value = "", true)`)
	a.write("me again")
	b.waitFor(`[...document.querySelectorAll("#chat-log > li")].some((l) => l.querySelector("b")?.textContent === "Beatrice" && l.textContent.includes("me again"))`)

	// The name is remembered, also in another gig's chat.
	other := ts.listGig(t, nil)
	ts.publishEvil(t, other.ID)
	a.open(ts.URL + "/gigs/" + other.ID)
	a.waitFor(`document.querySelector("#link-state").textContent === "Connected" && document.querySelector("#chat-form") && document.querySelector("#chat-say [name=rename] ~ p").textContent === "Writing as Beatrice"`)
	// What others write there is text, in the page as in what comes live; had
	// any of it run, the console or the page would tell.
	ts.publishEvil(t, other.ID)
	a.waitFor(fmt.Sprintf(`document.querySelectorAll("#chat-log > li[data-author]").length === %d`, 2*len(evil)))
	if got := eval[string](a, `String(window.pwned) + document.querySelectorAll("#chat-log :is(script, img, svg, a, i, iframe, [hx-get], [data-hx-get], [hx-on\\:click])").length`); got != "undefined0" {
		t.Errorf("in the log: %s", got)
	}

	// Too quick: said so, nothing lost, and it passes.
	for i := range 7 {
		b.types("#text", fmt.Sprintf("quick %d\n", i))
		if eval[bool](b, `document.querySelector("#chat-form button").ariaDisabled === "true"`) {
			break
		}
	}
	b.waitFor(`/^That was quick\. You can write again in \d seconds?\.$/.test(document.querySelector("#chat-slow").textContent)`)
	b.waitFor(`document.querySelector("#text").value.startsWith("quick ")`)
	b.shot("chat-slow")
	b.waitFor(`document.querySelector("#chat-slow").textContent === "" && document.querySelector("#chat-form button").ariaDisabled !== "true"`)

	// The chat closes under the hands of somebody who types.
	if _, err := ts.data.UpdateGig(t.Context(), g.ID, func(g *store.Gig) error { g.CancelledAt = time.Now(); return nil }); err != nil {
		t.Fatal(err)
	}
	b.waitFor(`document.querySelector("#chat-say").textContent.trim() === "The chat is closed. You can still read it." && document.querySelector("#link-state").dataset.link === "closed"`)
	axe(t, b)
}

func TestChatComesBackInABrowser(t *testing.T) {
	ts := newTestServer(t)
	g := ts.listGig(t, nil)
	line := newWire(t, ts.URL)
	w := openWindow(t, startChromium(t))
	w.enter(line.URL+"/gigs/"+g.ID, "Bea")
	ts.publish(t, g.ID, 1, 3)
	w.sees("other 3")
	down := func(is bool) { line.set(func() { line.down = is }) }
	back := func() {
		t.Helper()
		down(false)
		w.waitFor(`document.querySelector("#link-state").textContent === "Connected"`)
	}

	// Down: said so. What is written is sent later, what is typed stays.
	down(true)
	w.waitFor(`document.querySelector("#link-state").textContent === "Reconnecting"`)
	w.write("written while down")
	w.waitFor(`document.querySelector("#chat-slow").textContent === "The chat is coming back. What you write now is sent then."`)
	w.write("and this")
	w.types("#text", "half a sentence")
	ts.publish(t, g.ID, 4, 60)
	back()
	w.sees("other 60")
	w.sees("written while down")
	w.sees("and this")
	if last := w.whole(); last != 62 {
		t.Errorf("the last message is m-%d, want m-62", last)
	}
	if got := eval[string](w, `document.querySelector("#text").value`); got != "half a sentence" {
		t.Errorf("the field has %q", got)
	}
	w.waitFor(`document.querySelector("#chat-slow").textContent === ""`)
	eval[bool](w, `document.querySelector("#text").value = ""; true`)

	// A proxy goes away.
	line.goAway()
	w.waitFor(`document.querySelector("#link-state").textContent === "Reconnecting"`)
	back()
	chatBacksOff(w)

	// Sent into a dead line: it never arrived.
	line.set(func() { line.loseUp = true })
	w.write("lost on the way")
	w.waitFor(`document.querySelector("#text").value === ""`)
	down(true)
	line.set(func() { line.loseUp = false })
	back()
	w.sees("lost on the way")

	// It arrived, but the answer did not: sent again, and said once.
	line.set(func() { line.loseDown = true })
	w.write("answer lost")
	eventually(t, "the message is kept", func() bool {
		msgs, _, err := ts.History.History(t.Context(), g.ID, 63, 10)
		return err == nil && len(msgs) == 1
	})
	down(true)
	line.set(func() { line.loseDown = false })
	back()
	w.sees("answer lost")
	w.write("the end")
	w.sees("the end")
	if last := w.whole(); last != 65 {
		t.Errorf("the last message is m-%d, want m-65", last)
	}

	// More than waits: told, and not taken from the field.
	down(true)
	w.waitFor(`document.querySelector("#link-state").textContent === "Reconnecting"`)
	eval[bool](w, `(() => { for (let i = 0; i < 25; i++) { text.value ||= "many " + i; document.querySelector("#chat-form").requestSubmit(); } return true; })()`)
	if got := w.text("#chat-slow"); !strings.HasPrefix(got, "A lot is waiting to be sent already.") {
		t.Errorf("the line says %q", got)
	}
	if got := eval[string](w, `document.querySelector("#text").value`); got != "many 20" {
		t.Errorf("the field has %q", got)
	}
	back()
	w.sees("many 2")
	w.whole()

	// The server's history no longer reaches back.
	down(true)
	ts.publish(t, g.ID, 100, 100+chat.HistoryKept+50)
	back()
	w.sees(fmt.Sprint("other ", 100+chat.HistoryKept+50))
	if n := eval[int](w, `document.querySelector("#chat-log").childElementCount`); n > 500 {
		t.Errorf("%d lines in the page", n)
	}
	w.onlySockets()
}

func TestChatScrolledUp(t *testing.T) {
	ts := newTestServer(t)
	g := ts.listGig(t, nil)
	ts.publish(t, g.ID, 1, 120)
	w := openWindow(t, startChromium(t))
	w.enter(ts.URL+"/gigs/"+g.ID, "Bea")
	top := `Math.round(document.querySelector("#m-60").getBoundingClientRect().top)`
	if !eval[bool](w, `document.querySelector(".chat-scroll").scrollTop === 0 && document.querySelector(".jump").hidden`) {
		t.Error("the chat does not open at its end")
	}
	ts.publish(t, g.ID, 121, 121)
	w.sees("other 121")
	if !eval[bool](w, `document.querySelector(".chat-scroll").scrollTop === 0 && document.querySelector(".jump").hidden`) {
		t.Error("the chat does not stay at its end")
	}
	eval[bool](w, `document.querySelector("#m-60").scrollIntoView(), true`)
	before := eval[int](w, top)
	ts.publish(t, g.ID, 122, 124)
	w.waitFor(`document.querySelector(".jump").textContent === "3 new messages" && !document.querySelector(".jump").hidden`)
	if after := eval[int](w, top); after < before-1 || after > before+1 {
		t.Errorf("what is read moved from %d to %d", before, after)
	}
	axe(t, w)
	w.shot("chat-jump")
	w.look(phone, dark)
	w.shot("chat-jump-phone")
	w.do(chromedp.Click(chromedp.CSS(".jump")))
	w.waitFor(`document.querySelector(".jump").hidden && document.querySelector(".chat-scroll").scrollTop === 0`)
	if w.whole() != 124 {
		t.Error("messages are missing")
	}
}
