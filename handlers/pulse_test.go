package handlers

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"bookmygig/chat"
	"bookmygig/media"
	"bookmygig/store"
)

// inRoom joins the gig's room and returns what it is sent.
func (ts *testServer) inRoom(t *testing.T, gigID string) *chat.Member {
	t.Helper()
	m, err := ts.Hub.Join(t.Context(), gigID, chat.Identity{Author: "u1", Addr: "192.0.2.7"}, "", 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Leave)
	return m
}

// hears waits for a frame with the text and returns it.
func hears(t *testing.T, m *chat.Member, text string) string {
	t.Helper()
	timeout := time.After(15 * time.Second)
	var heard []string
	for {
		select {
		case frame := <-m.Frames():
			if strings.Contains(string(frame), text) {
				return string(frame)
			}
			heard = append(heard, string(frame))
		case <-timeout:
			t.Fatalf("not heard: %s\nbut %q", text, heard)
		}
	}
}

func TestRoomsFollowTheStage(t *testing.T) {
	ts := newTestServer(t)
	g := ts.listGig(t, nil)
	m, elsewhere := ts.inRoom(t, g.ID), ts.inRoom(t, ts.listGig(t, nil).ID)
	hears(t, m, `1</b> waiting`)

	p := ts.goLive(t, g.ID)
	frame := hears(t, m, `data-state="live"`)
	for _, id := range []string{"stream-state", "footlights", "end-curtain", "news"} {
		if strings.Count(frame, `id="`+id+`"`) != 1 {
			t.Errorf("%s is not in the frame once: %s", id, frame)
		}
	}
	ts.dialLive(t, g.ID, "")
	count := hears(t, m, `1</b> watching`)
	if strings.Contains(count, "stream-state") {
		t.Error("the stage is sent again when only the house has changed")
	}
	p.Close()
	hears(t, m, `data-state="reconnecting"`)
	ts.Relay.End(g.ID)
	hears(t, m, `data-state="waiting"`)

	if _, err := ts.data.UpdateGig(t.Context(), g.ID, func(g *store.Gig) error {
		g.EndedAt = time.Now().Add(-chatAfterEnd + 2*time.Second)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	// Nobody says so: the beat finds it out.
	if frame := hears(t, m, `data-state="ended"`); strings.Contains(frame, `data-say="closed"`) {
		t.Error("the chat closed too early")
	}
	hears(t, m, `data-say="closed"`)
	for len(elsewhere.Frames()) > 0 {
		if frame := <-elsewhere.Frames(); strings.Contains(string(frame), `data-state="live"`) {
			t.Error("another room heard of it")
		}
	}
}

func TestBeatIsSilentWhenNothingChanges(t *testing.T) {
	ts := newTestServer(t)
	g := ts.listGig(t, nil)
	m := ts.inRoom(t, g.ID)
	hears(t, m, `waiting`)
	for range 3 {
		ts.beat(t.Context(), time.Now())
	}
	time.Sleep(2 * pulseEvery)
	for len(m.Frames()) > 0 {
		if frame := <-m.Frames(); strings.Contains(string(frame), "stream-state") {
			t.Errorf("told again: %s", frame)
		}
	}
	m.Leave()
	eventually(t, "an empty room is forgotten", func() bool {
		ts.beat(t.Context(), time.Now())
		ts.pulse.mu.Lock()
		defer ts.pulse.mu.Unlock()
		return len(ts.pulse.told) == 0
	})
}

func TestAirTimeIsKept(t *testing.T) {
	ts := newTestServer(t)
	g := ts.listGig(t, nil)
	p := ts.goLive(t, g.ID)
	eventually(t, "the first time is kept", func() bool { return !ts.gig(t, g.ID).AiredAt.IsZero() })
	aired := ts.gig(t, g.ID).AiredAt
	ts.dialLive(t, g.ID, "")
	ts.dialLive(t, g.ID, "")
	eventually(t, "both are counted", func() bool { return ts.Relay.Viewers(g.ID) == 2 })
	p.Close()
	// Changes that follow fast may be told as one: each is waited for.
	heard := func(lost bool) func() bool {
		return func() bool {
			ts.pulse.mu.Lock()
			defer ts.pulse.mu.Unlock()
			a := ts.pulse.airing[g.ID]
			return a != nil && a.lost.IsZero() != lost
		}
	}
	eventually(t, "the loss is heard of", heard(true))
	ts.Relay.End(g.ID)
	eventually(t, "the length is kept", func() bool { return ts.gig(t, g.ID).AirTime > 0 })
	first := ts.gig(t, g.ID)
	if first.Peak != 2 {
		t.Errorf("the house was %d, want 2", first.Peak)
	}
	// A second part adds to the first.
	p = ts.goLive(t, g.ID)
	eventually(t, "the second part is heard of", heard(false))
	p.Close()
	ts.Relay.End(g.ID)
	eventually(t, "the second part is added", func() bool { return ts.gig(t, g.ID).AirTime > first.AirTime })
	if got := ts.gig(t, g.ID); !got.AiredAt.Equal(aired) || got.Peak != 2 {
		t.Errorf("on air first at %v with %d, want %v with 2", got.AiredAt, got.Peak, aired)
	}
}

func TestAiring(t *testing.T) {
	t0 := time.Date(2026, 11, 27, 20, 0, 0, 0, time.UTC)
	at := func(min int) time.Time { return t0.Add(time.Duration(min) * time.Minute) }
	var p pulse
	step := func(state media.State, peak, min int) bool { return p.aired("g", state, peak, at(min)) }
	if began := step(media.StateLive, 0, 0); !began {
		t.Error("the beginning is not seen")
	}
	step(media.StateReconnecting, 7, 10)
	if began := step(media.StateLive, 3, 11); began {
		t.Error("coming back is no beginning")
	}
	step(media.StateReconnecting, 5, 30)
	step(media.StateIdle, 0, 31)
	ended := p.take("g")
	g := store.Gig{AirTime: time.Minute, Peak: 4}
	ended.addTo(&g, at(31))
	if g.AirTime != 31*time.Minute || g.Peak != 7 {
		t.Errorf("%v with %d, want 31m with 7: the grace is no air time", g.AirTime, g.Peak)
	}
	if again := p.take("g"); again != nil {
		t.Error("it ended twice")
	}
	// What ends without a loss counts to its end.
	step(media.StateLive, 0, 40)
	step(media.StateIdle, 0, 45)
	ended = p.take("g")
	g = store.Gig{}
	ended.addTo(&g, at(45))
	if g.AirTime != 5*time.Minute {
		t.Errorf("%v, want 5m", g.AirTime)
	}
}

// brokenGigs is a store that does not answer.
type brokenGigs struct{ Gigs }

func (brokenGigs) Gig(context.Context, string) (store.Gig, error) {
	return store.Gig{}, store.ErrUnavailable
}

func (brokenGigs) UpdateGig(context.Context, string, func(*store.Gig) error) (store.Gig, error) {
	return store.Gig{}, store.ErrUnavailable
}

func TestStoreFailuresAreLoggedOnceAMinute(t *testing.T) {
	ts := newTestServer(t)
	var log bytes.Buffer
	s := &Server{Options: ts.Options}
	s.Gigs, s.Logger = brokenGigs{}, slog.New(slog.NewTextHandler(&log, nil))
	for range 50 {
		s.StreamChanged("g", media.StateLive)
		s.announce(t.Context(), "g")
	}
	s.complain(store.ErrNotFound)
	s.complain(nil)
	if n := strings.Count(log.String(), "\n"); n != 1 {
		t.Errorf("%d lines:\n%s", n, log.String())
	}
	s.pulse.complained = time.Now().Add(-complainEach - time.Second)
	s.complain(errors.New("again"))
	if n := strings.Count(log.String(), "\n"); n != 2 {
		t.Errorf("%d lines after a minute, want 2", n)
	}
}
