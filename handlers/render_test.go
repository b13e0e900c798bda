package handlers

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"bookmygig/chat"
)

func parse(t *testing.T, fragment []byte) page {
	t.Helper()
	root, err := html.Parse(strings.NewReader(string(fragment)))
	if err != nil {
		t.Fatal(err)
	}
	return page{body: string(fragment), root: root}
}

func TestRenderMessage(t *testing.T) {
	at := time.Date(2026, 11, 27, 20, 36, 0, 0, time.UTC)
	m := chat.Message{Seq: 31, Author: "u7", Name: "Bea", Text: "1 < 2 & so on", ClientID: "c1", Time: at}
	p := parse(t, ChatRenderer{}.Message(m))
	li := p.one(t, "li#m-31[data-author=u7][data-client=c1][data-tint]")
	if got := textOf(li); got != "20:36 UTC Bea 1 < 2 & so on" {
		t.Errorf("it reads %q", got)
	}
	if got := attr(p.one(t, "time[data-form=clock]"), "datetime"); got != "2026-11-27T20:36:00Z" {
		t.Errorf("the time is %q", got)
	}
	if tint := attr(li, "data-tint"); tint < "1" || tint > "5" || len(tint) != 1 {
		t.Errorf("the tint is %q", tint)
	}
	m.Host, m.Author, m.ClientID = true, "host", ""
	p = parse(t, ChatRenderer{}.Message(m))
	if p.text(t, "li[data-author=host]:not([data-tint]):not([data-client]) .mark") != "Host" {
		t.Errorf("the host's message is %s", p.body)
	}
}

func TestRenderNotice(t *testing.T) {
	tests := []struct {
		notice         chat.Notice
		summary, names string
	}{
		{chat.Notice{Joined: []string{"Bea"}}, "", "Bea joined."},
		{chat.Notice{Left: []string{"Bea", "Dan"}}, "", "Bea and Dan left."},
		{chat.Notice{Joined: []string{"Bea"}, Left: []string{"Dan"}}, "", "Bea joined. Dan left."},
		{chat.Notice{Joined: []string{"Meghna", "Oskar", "Li"}}, "3 people joined", "Meghna, Oskar and Li joined."},
		{chat.Notice{Left: []string{"A", "B", "C"}}, "3 people left", "A, B and C left."},
		{chat.Notice{Joined: []string{"A", "B", "C", "D", "E"}, Left: []string{"F", "G"}}, "5 people joined, 2 left", "A, B, C, D and E joined. F and G left."},
		{chat.Notice{Joined: []string{"A", "B", "C", "D", "E", "F"}, JoinedMore: 6}, "12 people joined", "A, B, C, D, E, F and 6 more joined."},
		{chat.Notice{Joined: []string{"<b>A</b>"}}, "", "<b>A</b> joined."},
	}
	for _, test := range tests {
		p := parse(t, ChatRenderer{}.Notice(test.notice))
		want := test.names
		if test.summary != "" {
			want = test.summary + " " + test.names
			if got := p.text(t, "li.system details summary"); got != test.summary {
				t.Errorf("the summary is %q, want %q", got, test.summary)
			}
		}
		if got := p.text(t, "li.system"); got != want {
			t.Errorf("it reads %q, want %q", got, want)
		}
	}
}

func TestRenderPeople(t *testing.T) {
	tests := []struct {
		people      chat.People
		count, list string
	}{
		{chat.People{}, "0 people in the chat, show who", "Nobody yet"},
		{chat.People{Count: 1}, "1 person in the chat, show who", "1 person, no names yet"},
		{chat.People{Count: 1, Names: []string{"Bea"}}, "1 person in the chat, show who", "Bea"},
		{chat.People{Count: 3, Names: []string{"Bea", "Dan"}}, "3 people in the chat, show who", "Bea Dan and 1 more"},
		{chat.People{Count: 94, Names: []string{"Marta", "Bea"}, Host: true}, "94 people in the chat, show who", "Marta Host Bea and 92 more"},
	}
	for _, test := range tests {
		p := parse(t, ChatRenderer{}.People(test.people))
		if got := p.text(t, "#people-count[hx-swap-oob=innerHTML]"); got != test.count {
			t.Errorf("%+v: the count reads %q", test.people, got)
		}
		if got := strings.Join(p.texts("#people-list[hx-swap-oob=innerHTML] li, #people-list p"), " "); got != test.list {
			t.Errorf("%+v: the list reads %q, want %q", test.people, got, test.list)
		}
	}
}

func TestRenderAppend(t *testing.T) {
	r := ChatRenderer{}
	p := parse(t, r.Append(r.Gap(), r.Message(chat.Message{Seq: 8}), r.Message(chat.Message{Seq: 9})))
	got := p.texts("ol#chat-log[hx-swap-oob=beforeend] > li")
	if len(got) != 3 || got[0] != "Some earlier messages are no longer kept." {
		t.Errorf("the frame is %s", p.body)
	}
}

func TestRenderRestart(t *testing.T) {
	p := parse(t, ChatRenderer{}.Restart(2345678*time.Microsecond))
	if got := p.text(t, "#link-state[hx-swap-oob=innerHTML] [data-back='2345']"); got != "Reconnecting" {
		t.Errorf("the frame is %s", p.body)
	}
}
