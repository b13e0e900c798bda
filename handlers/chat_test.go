package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"bookmygig/chat"
	"bookmygig/store"
)

func TestChatOfAnUnknownGig(t *testing.T) {
	ts := newTestServer(t)
	if _, resp, err := ts.dialChat(t, "nosuchgig", ""); err == nil || resp.StatusCode != http.StatusNotFound {
		t.Errorf("got %v, %v", resp, err)
	}
}

func TestChatNeedsASocket(t *testing.T) {
	ts := newTestServer(t)
	g := ts.listGig(t, nil)
	if p := ts.get(t, "/gigs/"+g.ID+"/chat"); p.StatusCode != http.StatusBadRequest {
		t.Errorf("a plain GET: %d", p.StatusCode)
	}
}

func TestChatAsksForANameAndThenTakesMessages(t *testing.T) {
	ts := newTestServer(t)
	g := ts.listGig(t, nil)
	c := ts.enterChat(t, g.ID, "")
	hello := c.until("people-list")
	if hello.one(t, "#chat-say[data-say=name] form#name-form[ws-send] input[name=name]"); len(hello.all("#chat-form")) > 0 {
		t.Error("one may write without a name")
	}
	hello.one(t, "#stream-state[data-state=waiting]")
	c.say("anonymous")
	c.until("name-form")

	for name, why := range map[string]string{
		"x": "at least 2", strings.Repeat("x", 25): "24 characters", "ASHA raman": "the host’s name", "H0ST": "people who run the house",
	} {
		c.name(name)
		p := c.until(why)
		p.one(t, "#name-error[hx-swap-oob=innerHTML] p.error")
		if len(p.all("input")) > 0 {
			t.Error("a refused name takes away what was typed")
		}
		time.Sleep(time.Second) // the pace of a person
	}
	c.name("  Bea\u202e  B. ")
	p := c.until("chat-form")
	p.one(t, "#chat-say[data-say=chat] form#chat-form[ws-send] input[name=text]")
	if got := p.text(t, "#chat-say form:has([name=rename]) p"); got != "Writing as Bea B." {
		t.Errorf("the page says %q", got)
	}
	remember := p.one(t, "form[hx-post='/name'][hx-trigger=load]")
	if remember == nil || attr(p.one(t, "form[hx-post] input[name=name]"), "value") != "Bea B." {
		t.Error("the name is not remembered")
	}

	c.send(`{"text":"hello","client_id":"c-1","HEADERS":{"HX-Request":"true"}}`)
	p = c.until("hello")
	li := p.one(t, "#chat-log[hx-swap-oob=beforeend] > li#m-1")
	if attr(li, "data-client") != "c-1" || !strings.HasPrefix(attr(li, "data-author"), "u") || attr(li, "data-tint") == "" {
		t.Errorf("the message is %s", p.body)
	}
	if got := textOf(li); !strings.HasSuffix(got, "UTC Bea B. hello") {
		t.Errorf("the message reads %q", got)
	}

	c.send(`{"rename":"1"}`)
	if p = c.until("name-form"); attr(p.one(t, "#name-form input"), "value") != "Bea B." {
		t.Error("the present name is not offered for change")
	}
	c.name("Beatrice")
	c.until("chat-form")
	c.say("it is me")
	if p = c.until("it is me"); p.text(t, "#m-2 b") != "Beatrice" {
		t.Errorf("the message is %s", p.body)
	}
}

func TestChatNameIsKeptInTheSession(t *testing.T) {
	ts := newTestServer(t)
	first, second := ts.listGig(t, nil), ts.listGig(t, nil)
	c := ts.enterChat(t, first.ID, "")
	c.until("people-list")
	c.name("Bea")
	p := c.until("/name")
	secret := attr(p.one(t, "form[hx-post] input[name=visitor]"), "value")
	answer := ts.post(t, ts.client, "/name", url.Values{"name": {"Bea"}, "visitor": {secret}})
	if answer.StatusCode != http.StatusNoContent {
		t.Fatalf("POST /name: %d", answer.StatusCode)
	}
	c.say("hello")
	author := attr(c.until("hello").one(t, "#m-1"), "data-author")
	if strings.Contains(author, secret) || author != authorOf(secret) {
		t.Errorf("the author is %q", author)
	}
	c.conn.Close()

	home, _ := url.Parse(ts.URL)
	cookie := ts.client.Jar.Cookies(home)[0].String()
	other := ts.enterChat(t, second.ID, "", "Cookie", cookie)
	other.until("chat-form")
	other.say("here too")
	if li := other.until("here too").one(t, "#m-1"); attr(li, "data-author") != author {
		t.Errorf("in another chat the author is %q", attr(li, "data-author"))
	}
	// A second visit does not change who one is.
	if answer = ts.post(t, ts.client, "/name", url.Values{"name": {"Bea B."}, "visitor": {strings.Repeat("A", 26)}}); answer.StatusCode != http.StatusNoContent {
		t.Fatalf("POST /name: %d", answer.StatusCode)
	}
	third := ts.enterChat(t, ts.listGig(t, nil).ID, "", "Cookie", cookie)
	third.until("chat-form")
	third.say("again")
	if li := third.until("again").one(t, "#m-1"); attr(li, "data-author") != author || !strings.Contains(textOf(li), "Bea B.") {
		t.Errorf("the message is %s", third.read)
	}
	for _, bad := range []url.Values{
		{}, {"name": {"Bea"}}, {"name": {"x"}, "visitor": {secret}}, {"name": {"host"}, "visitor": {secret}},
		{"name": {"Bea"}, "visitor": {"short"}}, {"name": {"Bea"}, "visitor": {strings.Repeat("a", 26)}},
	} {
		if p := ts.post(t, ts.client, "/name", bad); p.StatusCode != http.StatusBadRequest {
			t.Errorf("POST /name %v: %d", bad, p.StatusCode)
		}
	}
}

func TestChatKnowsTheHost(t *testing.T) {
	ts := newTestServer(t)
	g, other := ts.listGig(t, nil), ts.listGig(t, nil)
	cookie := ts.session(t, sessionOwner, g.Owner, sessionName, "Nickname")
	c := ts.enterChat(t, g.ID, "", "Cookie", cookie)
	if p := c.until("people-list"); len(p.all("#chat-form")) != 1 || len(p.all("[name=rename]")) != 0 {
		t.Errorf("the host gets %s", p.body)
	}
	c.send(`{"rename":"1"}`)
	c.name("Somebody")
	c.say("welcome")
	li := c.until("welcome").one(t, "#m-1")
	if attr(li, "data-author") != "host" || attr(li, "data-tint") != "" || !strings.Contains(textOf(li), "Asha Raman Host welcome") {
		t.Errorf("the host's message is %s", c.read)
	}
	visitor := ts.enterChat(t, g.ID, "")
	if p := visitor.until("people-list"); p.text(t, "#people-list li .mark") != "Host" {
		t.Errorf("who is here: %s", p.body)
	}
	// Elsewhere the same person is a visitor.
	there := ts.enterChat(t, other.ID, "", "Cookie", cookie)
	there.until("chat-form")
	there.say("just watching")
	if li := there.until("just watching").one(t, "#m-1"); !strings.HasPrefix(attr(li, "data-author"), "u") {
		t.Errorf("elsewhere the message is %s", there.read)
	}
}

func TestChatTellsWhyARememberedNameCannotBeHad(t *testing.T) {
	ts := newTestServer(t)
	g := ts.listGig(t, nil)
	c := ts.enterChat(t, g.ID, "", "Cookie", ts.session(t, sessionName, "asha raman", sessionVisitor, strings.Repeat("A", 26)))
	p := c.until("people-list")
	if attr(p.one(t, "#name-form input"), "value") != "asha raman" || !strings.Contains(p.text(t, "#name-error"), "the host’s name") {
		t.Errorf("got %s", p.body)
	}
}

func TestChatShowsHTMLAsText(t *testing.T) {
	ts := newTestServer(t)
	g := ts.listGig(t, nil)
	payloads := []string{
		`<script>alert(1)</script>`, `<img src=x onerror=alert(1)>`, `"><svg onload=alert(1)>`, `</li></ol><div id="chat-say" hx-swap-oob="true">gone</div>`,
		`<b hx-get="/studio" hx-trigger="load">`, `<a href="javascript:alert(1)">x</a>`, `&lt;script&gt;`, `{{7*7}}`, "<!-- ", "]]>",
	}
	c := ts.enterChat(t, g.ID, "")
	c.until("people-list")
	c.name(`<i id="x">Bea</i>`)
	c.until("chat-form")
	for i, payload := range payloads {
		if i >= 4 {
			time.Sleep(time.Second) // the pace of a person
		}
		c.say(payload)
		p := c.until(fmt.Sprintf(`id="m-%d"`, i+1))
		li := p.one(t, "#chat-log > li[data-author]")
		if got := textOf(li); !strings.Contains(got, strings.Join(strings.Fields(payload), " ")) || !strings.Contains(got, `<i id="x">Bea</i>`) {
			t.Errorf("%q reads %q", payload, got)
		}
		if bad := p.all("li script, li img, li svg, li a, li i, li [hx-get], li [hx-swap-oob], #chat-say"); len(bad) > 0 {
			t.Errorf("%q became %s", payload, p.body)
		}
	}
	// The page as first rendered says the same.
	p := ts.get(t, "/gigs/"+g.ID)
	if got := len(p.all("#chat-log[hx-disable] > li[data-author]")); got != len(payloads) {
		t.Errorf("%d messages in the page, want %d", got, len(payloads))
	}
	if bad := p.all("#chat-log script, #chat-log img, #chat-log svg, #chat-log a, #chat-log i, #chat-log [hx-get]"); len(bad) > 0 {
		t.Errorf("the page became %s", p.body)
	}
}

func TestChatReplaysWhatCameSince(t *testing.T) {
	ts := newTestServer(t)
	g := ts.listGig(t, nil)
	for i := range 230 {
		if _, err := ts.History.Publish(t.Context(), chat.Message{Room: g.ID, Author: "u1", Name: "Bea", Text: fmt.Sprint("n", i+1)}); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		query       string
		first, many int
	}{
		{"", 31, 200}, {"?after=0", 31, 200}, {"?after=229", 230, 1}, {"?after=20", 21, 210}, {"?after=230", 0, 0},
		{"?after=-1", 31, 200}, {"?after=x", 31, 200}, {"?after=9999999", 0, 0},
	}
	for _, test := range tests {
		c := ts.enterChat(t, g.ID, test.query)
		p := c.until("people-list")
		found := p.all("#chat-log > li[data-author]")
		if len(found) != test.many || (len(found) > 0 && attr(found[0], "id") != fmt.Sprint("m-", test.first)) {
			t.Errorf("%s: %d messages: %.200s", test.query, len(found), p.body)
		}
	}
	p := ts.get(t, "/gigs/"+g.ID)
	if found := p.all("#chat-log > li"); len(found) != 200 || attr(found[0], "id") != "m-31" {
		t.Errorf("%d messages in the page", len(found))
	}
	p.one(t, "aside.chat[hx-ext=ws][ws-connect='/gigs/"+g.ID+"/chat']")
}

func TestChatRoomsAreApart(t *testing.T) {
	ts := newTestServer(t)
	a, b := ts.listGig(t, nil), ts.listGig(t, nil)
	inA := ts.enterChat(t, a.ID, "", "Cookie", ts.session(t, sessionName, "Bea", sessionVisitor, strings.Repeat("A", 26)))
	inB := ts.enterChat(t, b.ID, "", "Cookie", ts.session(t, sessionName, "Dan", sessionVisitor, strings.Repeat("B", 26)))
	inA.until("people-list")
	inA.say("only for a")
	inA.until("only for a")
	inB.say("only for b")
	if p := inB.until("only for b"); strings.Contains(p.body, "only for a") || len(p.all("#m-1")) != 1 {
		t.Errorf("b got %s", p.body)
	}
}

func TestChatCloses(t *testing.T) {
	ts := newTestServer(t)
	g := ts.listGig(t, nil)
	cookie := ts.session(t, sessionName, "Bea", sessionVisitor, strings.Repeat("A", 26))
	c := ts.enterChat(t, g.ID, "", "Cookie", cookie)
	c.until("chat-form")
	end := func(at time.Time) {
		t.Helper()
		if _, err := ts.data.UpdateGig(t.Context(), g.ID, func(g *store.Gig) error { g.EndedAt = at; return nil }); err != nil {
			t.Fatal(err)
		}
	}
	end(time.Now().Add(-chatAfterEnd + time.Minute))
	c.say("thank you")
	c.until("thank you")
	end(time.Now().Add(-chatAfterEnd - time.Second))
	c.send(`{"text":"too late","client_id":"c9"}`)
	p := c.until("c9")
	if p.one(t, "#chat-say[data-say=closed]"); len(p.all("form")) > 0 || attr(p.one(t, "#chat-slow span"), "data-refused") != "c9" {
		t.Errorf("got %s", p.body)
	}
	// Entering is possible, to read.
	late := ts.enterChat(t, g.ID, "", "Cookie", cookie)
	p = late.until("people-list")
	p.one(t, "#chat-say[data-say=closed]")
	if !strings.Contains(p.body, "thank you") || strings.Contains(p.body, "too late") {
		t.Errorf("got %s", p.body)
	}
	late.name("Other")
	late.until("chat-say")
	if !strings.Contains(ts.get(t, "/gigs/"+g.ID).text(t, "#chat-say"), "The chat is closed. You can still read it.") {
		t.Error("the page does not say that the chat is closed")
	}
	// Cancelled: closed at once.
	cancelled := ts.listGig(t, func(g *store.Gig) { g.CancelledAt = time.Now().UTC() })
	ts.enterChat(t, cancelled.ID, "", "Cookie", cookie).until(`data-say="closed"`)
}

// brokenHistory is a broker whose history cannot be read.
type brokenHistory struct{ chat.Broker }

func (brokenHistory) History(context.Context, string, uint64, int) ([]chat.Message, uint64, error) {
	return nil, 0, errors.New("broken")
}

func TestPageWithoutHistory(t *testing.T) {
	ts := newTestServer(t)
	g := ts.listGig(t, nil)
	ts.History = brokenHistory{ts.History}
	p := ts.get(t, "/gigs/"+g.ID)
	if p.one(t, "#chat-log"); p.StatusCode != http.StatusOK || strings.Contains(p.body, "broken") {
		t.Errorf("%d: %s", p.StatusCode, p.body)
	}
}
