package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"bookmygig/chat"
)

// callsOf are all calls of a store that has a gig "a".
func callsOf(s opened) map[string]func(ctx context.Context) error {
	return map[string]func(ctx context.Context) error{
		"ready":     s.Ready,
		"gig":       func(ctx context.Context) error { _, err := s.Gig(ctx, "a"); return err },
		"list":      func(ctx context.Context) error { _, err := s.ListGigs(ctx, Query{Page: 1, PerPage: 9}); return err },
		"search":    func(ctx context.Context) error { _, err := s.ListGigs(ctx, Query{Text: "show"}); return err },
		"owner":     func(ctx context.Context) error { _, err := s.GigsByOwner(ctx, "owner-1", 9); return err },
		"authorize": func(ctx context.Context) error { _, err := s.Authorize(ctx, "key of a"); return err },
		"messages":  func(ctx context.Context) error { _, _, err := s.Messages(ctx, "a", 0, 9); return err },
		"find":      func(context.Context) error { _, _, err := s.sessions.Find("token"); return err },
	}
}

func writesOf(s opened) map[string]func(ctx context.Context) error {
	return map[string]func(ctx context.Context) error{
		"create": func(ctx context.Context) error { return s.CreateGig(ctx, aGig(NewID(), noon)) },
		"update": func(ctx context.Context) error {
			_, err := s.UpdateGig(ctx, "a", func(g *Gig) error { g.Peak++; return nil })
			return err
		},
		"retitle": func(ctx context.Context) error {
			_, err := s.UpdateGig(ctx, "a", func(g *Gig) error { g.Title += "!"; return nil })
			return err
		},
		"append": func(ctx context.Context) error {
			_, _, err := s.AppendMessages(ctx, []chat.Message{say("a", "ada", NewID(), "text")})
			return err
		},
		"commit": func(context.Context) error {
			return s.sessions.Commit("token", []byte("data"), time.Now().Add(time.Hour))
		},
	}
}

// mustFailSoon checks that all calls fail as unavailable, and wait for Redis only
// once, whatever the machine is busy with besides.
func mustFailSoon(t *testing.T, what string, calls ...map[string]func(ctx context.Context) error) {
	t.Helper()
	var wg sync.WaitGroup
	for _, some := range calls {
		for name, call := range some {
			wg.Go(func() {
				start := time.Now()
				err := call(ctx)
				if took := time.Since(start); !errors.Is(err, ErrUnavailable) || took > 2*patience { // one wait after the other
					t.Errorf("%s: %s: %v after %v", what, name, err, took)
				}
			})
		}
	}
	wg.Wait()
}

func mustWork(t *testing.T, what string, calls ...map[string]func(ctx context.Context) error) {
	t.Helper()
	for _, some := range calls {
		for name, call := range some {
			if err := call(ctx); err != nil {
				t.Errorf("%s: %s: %v", what, name, err)
			}
		}
	}
}

// inUse returns a store on a server, with a gig "a" and an idle connection.
func inUse(t *testing.T, s *aServer) (*Redis, opened) {
	r := openRedis(t, s.url(0))
	o := opened{r, r.Sessions()}
	mustCreate(t, o, aGig("a", time.Now().Add(time.Hour)))
	mustAppend(t, o, say("a", "ada", "1", "hello"))
	return r, o
}

// TestRedisSlow stops the server in its tracks.
func TestRedisSlow(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	r, o := inUse(t, s)
	var many []redis.Conn // idle connections, none of which answers
	for range maxConns / 2 {
		many = append(many, r.pool.Get())
	}
	for _, c := range many {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	resume := s.pause(t)
	defer resume()
	mustFailSoon(t, "stopped", callsOf(o), writesOf(o), map[string]func(context.Context) error{
		"open": func(ctx context.Context) error { _, err := OpenRedis(ctx, s.url(0)); return err },
	})

	soon, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	start := time.Now()
	if _, err := r.Gig(soon, "a"); err == nil || time.Since(start) > time.Second {
		t.Errorf("a call with a deadline: %v after %v", err, time.Since(start))
	}
	resume()
	mustWork(t, "resumed", callsOf(o), writesOf(o))

	closing := openRedis(t, s.url(0)) // takes no longer than a call
	resume = s.pause(t)
	defer resume()
	var wg sync.WaitGroup
	wg.Go(func() { _ = closing.Ready(ctx) })
	start = time.Now()
	if err := closing.Close(); err != nil || time.Since(start) > 2*patience {
		t.Errorf("closed: %v after %v", err, time.Since(start))
	}
	wg.Wait()
}

// TestRedisKilled kills a server that keeps all on disk, and starts it again.
func TestRedisKilled(t *testing.T) {
	t.Parallel()
	s := startServer(t, "--appendonly", "yes", "--appendfsync", "always")
	r, o := inUse(t, s)
	epoch, _ := r.Epoch()
	s.kill()
	mustFailSoon(t, "killed", callsOf(o), writesOf(o))
	s.mustRestart(t)
	mustWork(t, "back", callsOf(o), writesOf(o))
	if l := mustList(t, o, Query{PerPage: 9}); len(l.Gigs) == 0 {
		t.Error("the gig is gone")
	}
	if now, lost := r.Epoch(); now != epoch || lost != 0 {
		t.Errorf("epoch %s, lost %d times; it was %s", now, lost, epoch)
	}
	// A short absence is not even noticed.
	var wg sync.WaitGroup
	s.kill()
	for range 8 {
		wg.Go(func() { mustWork(t, "across a restart", callsOf(o)) })
	}
	s.mustRestart(t)
	wg.Wait()
}

// TestRedisEmptied restarts a server that keeps nothing, and flushes it.
func TestRedisEmptied(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	r, o := inUse(t, s)
	other := openRedis(t, s.url(0))
	first, lost := r.Epoch()
	if second, _ := other.Epoch(); first == "" || first != second || lost != 0 {
		t.Fatalf("epochs %q and %q, lost %d times", first, second, lost)
	}
	if l := mustList(t, o, Query{PerPage: 9}); len(l.Gigs) != 1 {
		t.Fatalf("before: %s", show(l))
	}
	s.mustRestart(t)
	if l := mustList(t, o, Query{PerPage: 9}); len(l.Gigs) != 0 {
		t.Errorf("after: %s", show(l))
	}
	if id, lost := r.Epoch(); id == first || lost != 1 {
		t.Errorf("epoch %s, lost %d times", id, lost)
	}
	mustCreate(t, o, aGig("a", noon))
	if kept := mustAppend(t, o, say("a", "ada", "1", "hello")); kept[0].Seq != 1 {
		t.Errorf("seq %d", kept[0].Seq)
	}
	if l := mustList(t, o, Query{PerPage: 9, Text: "show"}); len(l.Gigs) != 1 {
		t.Errorf("listed anew: %s", show(l))
	}

	raw(t, r, "FLUSHALL") // no connection breaks
	if err := r.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	if _, lost := r.Epoch(); lost != 2 {
		t.Errorf("flushed: lost %d times", lost)
	}
	if err := other.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	mine, _ := r.Epoch()
	if theirs, lost := other.Epoch(); theirs != mine || lost != 1 && lost != 2 {
		t.Errorf("the other node: epoch %s, lost %d times; here %s", theirs, lost, mine)
	}
}

// TestRedisFailover makes the master a replica and its replica the master, and
// then lets the name lead there, as a failover does.
func TestRedisFailover(t *testing.T) {
	t.Parallel()
	first, second := startServer(t), startServer(t)
	name := startForward(t, first.addr)
	o := opened{backend: openHasty(t, "redis://"+name.addr, time.Second)}
	r := o.backend.(*Redis)
	o.sessions = r.Sessions()
	mustCreate(t, o, aGig("a", time.Now().Add(time.Hour)))
	epoch, _ := r.Epoch()

	tell(t, second, "REPLICAOF", first.place()...)
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if n, _ := tell(t, first, "WAIT", 1, 100).(int64); n == 1 && tell(t, second, "EXISTS", keyGig("a")) == int64(1) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the replica does not follow")
		}
	}
	tell(t, second, "REPLICAOF", "NO", "ONE")
	tell(t, first, "REPLICAOF", second.place()...)
	before := r.generation.Load()
	mustFailSoon(t, "a replica", writesOf(o))
	if r.generation.Load() == before {
		t.Error("the connections were kept")
	}
	if err := writesOf(o)["update"](ctx); err == nil || !strings.Contains(err.Error(), "READONLY") {
		t.Errorf("update: %v", err)
	}
	mustWork(t, "a replica", callsOf(o))

	name.to.Store(&second.addr) // old connections still lead to the first
	mustWork(t, "the new master", writesOf(o), callsOf(o))
	if now, lost := r.Epoch(); now != epoch || lost != 0 {
		t.Errorf("epoch %s, lost %d times; it was %s", now, lost, epoch)
	}
}

// TestRedisPassword checks who gets in, and that no text holds the password.
func TestRedisPassword(t *testing.T) {
	t.Parallel()
	const secret = "s3cret/with:odd@signs"
	s := startServer(t, "--requirepass", secret, "--user", "node", "on", ">"+secret, "~*", "&*", "+@all")
	for name, c := range map[string]struct{ login, says string }{
		"right":         {":s3cret%2Fwith%3Aodd%40signs@", ""},
		"user":          {"node:s3cret%2Fwith%3Aodd%40signs@", ""},
		"default user":  {"default:s3cret%2Fwith%3Aodd%40signs@", ""},
		"none":          {"", "NOAUTH"},
		"wrong":         {":s3cret-not@", "WRONGPASS"},
		"wrong user":    {"nobody:s3cret%2Fwith%3Aodd%40signs@", "WRONGPASS"},
		"not escaped":   {":s3cret/with:odd@", "no URL"},
		"user, no more": {"s3cret@", "a user and no password"},
	} {
		start := time.Now()
		r, err := OpenRedis(ctx, "redis://"+c.login+s.addr)
		if c.says == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if text := fmt.Sprintf("%v %+v %#v %#v", r.server, r.server, r.server, &r.server); strings.Contains(text, "s3cret") {
				t.Errorf("%s: printed as %s", name, text)
			}
			if err := r.Close(); err != nil {
				t.Error(err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", name, err)
		}
		if want := map[bool]error{true: ErrUnavailable, false: ErrInvalid}[c.says[0] < 'a']; !errors.Is(err, want) {
			t.Errorf("%s: %v is not %v", name, err, want)
		}
		if took := time.Since(start); took > patience-500*time.Millisecond {
			t.Errorf("%s: refused after %v, as if time could mend it", name, took)
		}
	}
}

// TestRedisFull checks that a Redis without memory refuses writes in words that
// can be understood, reads on, and loses nothing.
func TestRedisFull(t *testing.T) {
	t.Parallel()
	s := startServer(t, "--maxmemory-policy", "noeviction")
	r, o := inUse(t, s)
	want, err := r.Gig(ctx, "a")
	if err != nil {
		t.Fatal(err)
	}
	raw(t, r, "CONFIG", "SET", "maxmemory", "1mb")
	mustFailSoon(t, "full", writesOf(o))
	for name, call := range writesOf(o) {
		if err := call(ctx); err == nil || !strings.Contains(err.Error(), "maxmemory") && name != "commit" {
			t.Errorf("%s: %v", name, err)
		}
	}
	mustWork(t, "full", callsOf(o))
	if got, err := r.Gig(ctx, "a"); err != nil || got != want {
		t.Errorf("the gig is %+v, %v", got, err)
	}
	if l := mustList(t, o, Query{PerPage: 9}); len(l.Gigs) != 1 {
		t.Errorf("listed: %s", show(l))
	}
	raw(t, r, "CONFIG", "SET", "maxmemory", "0")
	mustWork(t, "room again", writesOf(o), callsOf(o))
	mustHaveHistoryOf(t, o, "a", 2)
}

func mustHaveHistoryOf(t *testing.T, s opened, room string, want int) {
	t.Helper()
	msgs, _, err := s.Messages(ctx, room, 0, chat.HistoryKept)
	if err != nil || len(msgs) != want {
		t.Errorf("%d messages, %v, want %d", len(msgs), err, want)
	}
}
