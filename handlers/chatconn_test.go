package handlers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/gorilla/websocket"

	"bookmygig/chat"
)

// enterNamed enters a chat under a name.
func (ts *testServer) enterNamed(t *testing.T, gigID, query, name string) *chatter {
	t.Helper()
	secret := strings.Repeat("A", 26-len(name)) + strings.ToUpper(name)
	c := ts.enterChat(t, gigID, query, "Cookie", ts.session(t, sessionName, name, sessionVisitor, secret))
	c.until("people-list")
	return c
}

func TestChatRefusesWhatIsTooFast(t *testing.T) {
	ts := newTestServer(t)
	c := ts.enterNamed(t, ts.listGig(t, nil).ID, "", "Bea")
	for i := range 6 {
		c.send(fmt.Sprintf(`{"text":"message %d","client_id":"c%d"}`, i, i))
	}
	p := c.until("chat-slow")
	line := p.one(t, "#chat-slow[hx-swap-oob=innerHTML] span[data-wait='1'][data-refused=c5]")
	if got := textOf(line); got != "That was quick. You can write again in 1 second." {
		t.Errorf("the line says %q", got)
	}
	time.Sleep(time.Second)
	c.send(`{"text":"message 5","client_id":"c5"}`)
	if p = c.until("message 5"); attr(p.one(t, "#m-6"), "data-client") != "c5" {
		t.Errorf("got %s", p.body)
	}
}

func TestChatRefusesWhatCannotBeSaid(t *testing.T) {
	ts := newTestServer(t)
	c := ts.enterNamed(t, ts.listGig(t, nil).ID, "", "Bea")
	c.send(`{"text":"` + strings.Repeat("x", chat.MaxText+1) + `","client_id":"long"}`)
	c.until(`data-refused="long">That is too long to send. A message has at most 500 characters.`)
	c.send(`{"text":" \u200b ","client_id":"empty"}`)
	c.until(`data-refused="empty"></span>`)
	c.send(`{"text":"` + strings.Repeat("𝒳", chat.MaxText) + `"}`)
	c.until(`id="m-1"`)
}

func TestChatAResendIsNoSecondMessage(t *testing.T) {
	ts := newTestServer(t)
	g := ts.listGig(t, nil)
	c := ts.enterNamed(t, g.ID, "", "Bea")
	c.send(`{"text":"once","client_id":"c1"}`)
	c.until("once")
	c.conn.Close()
	c = ts.enterNamed(t, g.ID, "?after=0&again=1", "Bea")
	c.send(`{"text":"once","client_id":"c1"}`)
	c.send(`{"text":"twice","client_id":"c2"}`)
	if p := c.until("twice"); len(p.all("#m-2")) != 1 || strings.Contains(p.body, "once") {
		t.Errorf("got %s", p.body)
	}
}

func TestChatFramesItDoesNotTake(t *testing.T) {
	ts := newTestServer(t)
	g := ts.listGig(t, nil)
	pad := func(n int) string {
		const head, tail = `{"text":"x","pad":"`, `"}`
		return head + strings.Repeat("p", n-len(head)-len(tail)) + tail
	}
	tests := []struct {
		name, frame string
		kind, code  int
	}{
		{"too large", pad(frameMax + 1), websocket.TextMessage, websocket.CloseMessageTooBig},
		{"much too large", pad(1 << 20), websocket.TextMessage, websocket.CloseMessageTooBig},
		{"binary", `{"text":"x"}`, websocket.BinaryMessage, websocket.CloseInvalidFramePayloadData},
		{"no JSON", "hello", websocket.TextMessage, websocket.CloseInvalidFramePayloadData},
		{"an array", `["text"]`, websocket.TextMessage, websocket.CloseInvalidFramePayloadData},
		{"nothing in it", `{}`, websocket.TextMessage, websocket.CloseInvalidFramePayloadData},
		{"nothing at all", ``, websocket.TextMessage, websocket.CloseInvalidFramePayloadData},
		{"another type", `{"text":7}`, websocket.TextMessage, websocket.CloseInvalidFramePayloadData},
		{"two texts", `{"text":["a","b"]}`, websocket.TextMessage, websocket.CloseInvalidFramePayloadData},
		{"no UTF-8", "{\"text\":\"a\xff\"}", websocket.TextMessage, websocket.CloseInvalidFramePayloadData},
		{"deep", strings.Repeat("[", 2000), websocket.TextMessage, websocket.CloseInvalidFramePayloadData},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := ts.enterNamed(t, g.ID, "", "Bea")
			// A frame that is too large may be refused while it is being sent.
			if err := c.conn.WriteMessage(test.kind, []byte(test.frame)); err != nil && len(test.frame) <= frameMax {
				t.Fatal(err)
			}
			var broken *net.OpError
			_ = c.conn.SetReadDeadline(time.Now().Add(15 * time.Second))
			for {
				_, _, err := c.conn.ReadMessage()
				if err == nil {
					continue
				}
				if len(test.frame) > 2*frameMax && errors.As(err, &broken) && !broken.Timeout() {
					break // cut in the middle of it: the reason may get lost
				}
				if !websocket.IsCloseError(err, test.code) {
					t.Errorf("closed with %v, want code %d", err, test.code)
				}
				break
			}
		})
	}
	c := ts.enterNamed(t, g.ID, "", "Bea")
	c.send(pad(frameMax))
	c.until(`id="m-1"`)
}

func TestChatAtShutdown(t *testing.T) {
	ts := newTestServer(t)
	g := ts.listGig(t, nil)
	o := ts.Options
	o.Hub = chat.NewHub(chat.NewLocalBroker(ts.data), ChatRenderer{}, chat.HubOptions{})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- o.Hub.Run(ctx) }()
	web := httptest.NewServer(NewServer(o))
	t.Cleanup(web.Close)
	ts.URL = web.URL
	var all []*chatter
	for range 20 {
		c := ts.enterChat(t, g.ID, "")
		c.until("people-list")
		all = append(all, c)
	}
	stop()
	moments := map[string]bool{}
	for _, c := range all {
		back := c.until("data-back").one(t, "#link-state[hx-swap-oob=innerHTML] [data-back]")
		moments[attr(back, "data-back")] = true
		if code, text := c.closed(); code != websocket.CloseServiceRestart || text != "restarting" {
			t.Errorf("closed with %d %q", code, text)
		}
	}
	if len(moments) < len(all)/2 {
		t.Errorf("%d are to come back at %d moments", len(all), len(moments))
	}
	start := time.Now()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if took := time.Since(start); took > 4*time.Second {
		t.Errorf("the hub waited %v for sockets that were closed", took)
	}
	late := ts.enterChat(t, g.ID, "")
	if code, _ := late.closed(); code != websocket.CloseServiceRestart {
		t.Errorf("afterwards closed with %d", code)
	}
}

// Somebody who comes and goes while others write gets each message once.
func TestChatNoHolesNoDoublesOverSockets(t *testing.T) {
	ts := newTestServer(t)
	g := ts.listGig(t, nil)
	stop := make(chan struct{})
	var senders sync.WaitGroup
	for i := range 3 {
		senders.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				case <-time.After(2 * time.Millisecond):
				}
				m := chat.Message{Room: g.ID, Author: fmt.Sprint("u", i), Name: "Sender", Text: "x", ClientID: fmt.Sprint(n)}
				if _, err := ts.History.Publish(t.Context(), m); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	last := 0
	take := func(p page) {
		for _, li := range p.all("#chat-log > li[data-author]") {
			if want := fmt.Sprint("m-", last+1); attr(li, "id") != want {
				t.Fatalf("%s came, want %s", attr(li, "id"), want)
			}
			last++
		}
	}
	for range 60 {
		c := ts.enterChat(t, g.ID, fmt.Sprintf("?after=%d&again=1", last))
		take(c.until("people-list"))
		take(c.until(fmt.Sprintf(`id="m-%d"`, last+1+rand.IntN(5))))
		c.conn.NetConn().Close()
	}
	close(stop)
	senders.Wait()
	if last < 60 {
		t.Errorf("%d messages", last)
	}
}

func TestChatSocketsThatGoAreForgotten(t *testing.T) {
	ts := newTestServer(t)
	g := ts.listGig(t, nil)
	for i := range 10 {
		c := ts.enterChat(t, g.ID, "")
		c.until("people-list")
		if i%2 == 0 {
			c.conn.NetConn().Close()
		} else {
			_ = c.conn.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseGoingAway, ""))
		}
	}
	eventually(t, "the room is empty", func() bool { return ts.Hub.People(g.ID).Count == 0 })
}

// A socket that takes nothing is cut when its queue is full; the others do not
// notice, and it may come back.
func TestChatCutsASlowSocket(t *testing.T) {
	ts := newTestServer(t)
	g := ts.listGig(t, nil)
	slow, quick := ts.enterChat(t, g.ID, ""), ts.enterNamed(t, g.ID, "", "Bea")
	slow.until("people-list")
	frame := []byte(`<p id="big">` + strings.Repeat("x", 64<<10) + `</p>`)
	for n := 0; ts.Hub.Stats().Cut == 0; n++ {
		if n == 5000 {
			t.Fatal("a socket that takes nothing was sent 300 MB")
		}
		ts.Hub.Broadcast(g.ID, frame)
		quick.until(`id="big"`)
	}
	quick.say("still here")
	quick.until("still here")
	if code, text := slow.closed(); code != websocket.CloseTryAgainLater || text != "too slow to keep up" {
		t.Errorf("closed with %d %q", code, text)
	}
	if n := ts.Hub.Stats().Members; n != 1 {
		t.Errorf("%d members", n)
	}
	ts.enterChat(t, g.ID, "").until("still here")
}

func TestGoodbyes(t *testing.T) {
	for _, test := range []struct {
		err  error
		code int
	}{
		{chat.ErrShutdown, websocket.CloseServiceRestart},
		{chat.ErrSlow, websocket.CloseTryAgainLater},
		{chat.ErrFull, websocket.CloseTryAgainLater},
		{errors.New("the store does not answer"), websocket.CloseTryAgainLater},
		{fmt.Errorf("wrapped: %w", errBadFrame), websocket.CloseInvalidFramePayloadData},
	} {
		if code, text := goodbyeOf(test.err); code != test.code || strings.Contains(text, "store") {
			t.Errorf("%v: %d %q", test.err, code, text)
		}
	}
}

func FuzzFrame(f *testing.F) {
	for _, s := range []string{
		`{"name":"Bea","HEADERS":{"HX-Request":"true","HX-Trigger":"name-form","HX-Target":"name-form","HX-Current-URL":"http://localhost/gigs/x"}}`,
		`{"text":"hello","client_id":"c1","HEADERS":{}}`, `{"rename":"1"}`, `{"text":""}`, `{"text":null}`, `{}`, `[]`, `"text"`, `{"text":["a"]}`,
		`{"TEXT":"a","Text":"b"}`, `{"text":"\ud800\u0000"}`, "{\"text\":\"\xff\"}", `{"name":{"a":1}}`, `{"text":"a","text":"b"}`, `{"text":1e999}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		frame, err := decodeFrame(data)
		if err != nil {
			if !errors.Is(err, errBadFrame) {
				t.Errorf("%v is not errBadFrame", err)
			}
			return
		}
		if frame.Name == nil && frame.Text == nil && frame.Rename == "" {
			t.Error("a frame without anything in it was taken")
		}
		if len(data) > frameMax || !json.Valid(data) || !utf8.Valid(data) {
			t.Errorf("%q was taken", data)
		}
	})
}
