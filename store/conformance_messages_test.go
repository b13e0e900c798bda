package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"bookmygig/chat"
)

func say(room, author, clientID, text string) chat.Message {
	return chat.Message{Room: room, Author: author, Name: strings.ToUpper(author), Text: text, ClientID: clientID, Time: noon}
}

func mustAppend(t *testing.T, s opened, msgs ...chat.Message) []chat.Message {
	t.Helper()
	kept, added, err := s.AppendMessages(ctx, msgs)
	if err != nil || len(kept) != len(msgs) || len(added) != len(msgs) {
		t.Fatalf("append: %v %v %v", kept, added, err)
	}
	return kept
}

func mustHaveHistory(t *testing.T, s opened, room string, want []chat.Message) {
	t.Helper()
	got, oldest, err := s.Messages(ctx, room, 0, chat.HistoryKept)
	if err != nil || !slices.Equal(got, want) {
		t.Fatalf("room %s: got %v, %v, want %v", room, got, err, want)
	}
	if len(want) > 0 && oldest != want[0].Seq || len(want) == 0 && oldest != 0 {
		t.Fatalf("room %s: oldest is %d", room, oldest)
	}
}

func seqs(msgs []chat.Message) []uint64 {
	out := []uint64{}
	for _, m := range msgs {
		out = append(out, m.Seq)
	}
	return out
}

func testMessages(t *testing.T, open place) {
	s := open()
	mustHaveHistory(t, s, "a", nil)
	kept, added, err := s.AppendMessages(ctx, nil)
	if len(kept) != 0 || len(added) != 0 || err != nil {
		t.Errorf("nothing appended: %v %v %v", kept, added, err)
	}

	given := []chat.Message{
		say("a", "ada", "1", "one"),
		say("b", "bob", "1", "another room"),
		say("a", "bob", "", "<b>two</b> & \"three\"\u2028 🎸"),
		{Room: "a", Author: "host", Name: strings.Repeat("𝒜", 60), Host: true, Text: strings.Repeat("🎸", chat.MaxText), ClientID: "x", Time: noon.Add(123456789).In(time.FixedZone("", 3600))},
	}
	before := slices.Clone(given)
	kept = mustAppend(t, s, given...)
	if !slices.Equal(given, before) {
		t.Error("the caller's messages were changed")
	}
	want := slices.Clone(given)
	want[0].Seq, want[1].Seq, want[2].Seq, want[3].Seq = 1, 1, 2, 3
	want[3].Time = noon.Add(123456789)
	if !slices.Equal(kept, want) {
		t.Fatalf("kept %v\nwant %v", kept, want)
	}
	mustHaveHistory(t, s, "a", []chat.Message{want[0], want[2], want[3]})
	mustHaveHistory(t, s, "b", want[1:2])
	mustHaveHistory(t, s, "aa", nil)
	mustHaveHistory(t, s, "", nil)

	for i := range 7 {
		mustAppend(t, s, say("a", "ada", fmt.Sprint("more", i), "more"))
	}
	for _, c := range []struct {
		after uint64
		limit int
		want  []uint64
	}{
		{0, 100, []uint64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}},
		{0, 3, []uint64{8, 9, 10}},
		{8, 3, []uint64{9, 10}},
		{7, 3, []uint64{8, 9, 10}},
		{3, 3, []uint64{8, 9, 10}},
		{9, 100, []uint64{10}},
		{10, 100, []uint64{}},
		{11, 100, []uint64{}},
		{1<<64 - 1, 100, []uint64{}},
		{0, 0, []uint64{}},
		{0, -1, []uint64{}},
	} {
		got, oldest, err := s.Messages(ctx, "a", c.after, c.limit)
		if err != nil || oldest != 1 || !slices.Equal(seqs(got), c.want) {
			t.Errorf("after %d, limit %d: %v from %d, %v", c.after, c.limit, seqs(got), oldest, err)
		}
	}
}

func testResend(t *testing.T, open place) {
	s := open()
	first := mustAppend(t, s, say("a", "ada", "1", "hello"))[0]
	msgs := []chat.Message{
		say("a", "ada", "1", "hello again, later"), // sent before
		say("a", "bob", "1", "bob's"),              // another author's id
		say("b", "ada", "1", "in b"),               // another room
		say("a", "bob", "1", "bob's again"),        // sent before in this call
		say("a", "ada", "", "no id"),
		say("a", "ada", "", "no id"), // without an id nothing is a resend
		say("a", "ada", "2", "next"),
		say("a", "a", "da1", "looks alike"),
	}
	kept, added, err := s.AppendMessages(ctx, msgs)
	if err != nil {
		t.Fatal(err)
	}
	if want := []bool{false, true, true, false, true, true, true, true}; !slices.Equal(added, want) {
		t.Errorf("added %v, want %v", added, want)
	}
	if want := []uint64{1, 2, 1, 2, 3, 4, 5, 6}; !slices.Equal(seqs(kept), want) {
		t.Errorf("seqs %v, want %v", seqs(kept), want)
	}
	if kept[0] != first || kept[3] != kept[1] {
		t.Errorf("a resend is not answered with the first: %v", kept)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open()
	if again := mustAppend(t, s, msgs[0]); again[0] != first {
		t.Errorf("after reopening: %v", again)
	}
	mustHaveHistory(t, s, "a", []chat.Message{first, kept[1], kept[4], kept[5], kept[6], kept[7]})
}

func testPruning(t *testing.T, open place) {
	s := open()
	mustAppend(t, s, say("b", "ada", "1", "untouched"))
	id := func(n int) string { return fmt.Sprint("id", n) }
	next := 1
	fill := func(upTo int) {
		for next <= upTo {
			var msgs []chat.Message
			for ; next <= upTo && len(msgs) < 100; next++ {
				msgs = append(msgs, say("a", "ada", id(next), fmt.Sprint("text ", next)))
			}
			mustAppend(t, s, msgs...)
		}
	}
	check := func(oldest, newest uint64) {
		t.Helper()
		msgs, got, err := s.Messages(ctx, "a", 0, 2*chat.HistoryKept)
		if err != nil || got != oldest || len(msgs) != int(newest-oldest)+1 {
			t.Fatalf("%d messages from %d, %v", len(msgs), got, err)
		}
		for i, m := range msgs {
			if m.Seq != oldest+uint64(i) {
				t.Fatalf("seq %d at place %d from %d", m.Seq, i, oldest)
			}
		}
	}
	fill(chat.HistoryKept)
	check(1, chat.HistoryKept)
	fill(chat.HistoryKept + 1)
	check(2, chat.HistoryKept+1)
	fill(chat.HistoryKept + 450)
	check(451, chat.HistoryKept+450)

	// A message that is kept is known; one that is not is new.
	if m := mustAppend(t, s, say("a", "ada", id(451), "resend"))[0]; m.Seq != 451 || m.Text != "text 451" {
		t.Errorf("resend of the oldest kept: %v", m)
	}
	if m := mustAppend(t, s, say("a", "ada", id(450), "resend"))[0]; m.Seq != chat.HistoryKept+451 || m.Text != "resend" {
		t.Errorf("resend of one dropped: %v", m)
	}
	if m := mustAppend(t, s, say("a", "ada", id(451), "resend"))[0]; m.Seq != chat.HistoryKept+452 {
		t.Errorf("resend of one dropped just now: %v", m)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open()
	check(453, chat.HistoryKept+452)
	if m := mustAppend(t, s, say("a", "ada", "", "on"))[0]; m.Seq != chat.HistoryKept+453 {
		t.Errorf("after reopening: %v", m)
	}
	if msgs, oldest, err := s.Messages(ctx, "b", 0, 9); len(msgs) != 1 || oldest != 1 || err != nil {
		t.Errorf("the other room: %v from %d, %v", msgs, oldest, err)
	}
}

func testAppendTogether(t *testing.T, open place) {
	s := open()
	const people, times = 8, 25
	rooms := []string{"a", "b"}
	var wg sync.WaitGroup
	for p := range people {
		wg.Go(func() {
			last := map[string]uint64{}
			for n := range times {
				for _, room := range rooms {
					// Each message is sent twice, as after a lost answer.
					m := say(room, fmt.Sprint("author", p), fmt.Sprint(n), "text")
					kept, added, err := s.AppendMessages(ctx, []chat.Message{m, m})
					if err != nil || kept[0] != kept[1] || !added[0] || added[1] || kept[0].Seq <= last[room] {
						t.Errorf("%v %v %v, before %d", kept, added, err, last[room])
						return
					}
					last[room] = kept[0].Seq
				}
			}
		})
	}
	wg.Wait()
	for _, room := range rooms {
		msgs, oldest, err := s.Messages(ctx, room, 0, chat.HistoryKept)
		if err != nil || oldest != 1 || len(msgs) != people*times {
			t.Fatalf("%s: %d messages from %d, %v", room, len(msgs), oldest, err)
		}
		for i, m := range msgs {
			if m.Seq != uint64(i+1) {
				t.Fatalf("%s: seq %d at place %d", room, m.Seq, i)
			}
		}
	}
}

// testAppendRefuses checks that one bad message keeps the whole call out.
func testAppendRefuses(t *testing.T, open place) {
	s := open()
	long := strings.Repeat("x", 4096)
	for _, bad := range []chat.Message{
		say("", "ada", "1", "x"), say("a\x00", "ada", "1", "x"), say(long, "ada", "1", "x"),
		say("a", "", "1", "x"), say("a", "a\x00", "1", "x"), say("a", long, "1", "x"),
		say("a", "ada", long, "x"), say("a", "ada", "1", long), say("a", "ada", "1", "\xff"), say("a", "ada", "\xff", "x"),
		{Room: "a", Author: "ada", Text: "x", Time: noon.AddDate(9000, 0, 0)},
	} {
		_, _, err := s.AppendMessages(ctx, []chat.Message{say("a", "ada", "0", "good"), bad})
		if !errors.Is(err, ErrInvalid) {
			t.Errorf("%.60q: %v", fmt.Sprint(bad), err)
		}
	}
	mustHaveHistory(t, s, "a", nil)
}
