package store

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"
)

func TestParseServer(t *testing.T) {
	for raw, want := range map[string]server{
		"redis://localhost":                   {address: "localhost:6379"},
		"redis://localhost/":                  {address: "localhost:6379"},
		"redis://10.1.2.3:7000/5":             {address: "10.1.2.3:7000", db: 5},
		"redis://[::1]/1":                     {address: "[::1]:6379", db: 1},
		"rediss://:p%40ss@redis.example:6380": {address: "redis.example:6380", tls: true, password: "p@ss"},
		"redis://ada:pass@redis.example/2":    {address: "redis.example:6379", user: "ada", password: "pass", db: 2},
	} {
		if got, err := parseServer(raw); err != nil || got != want {
			t.Errorf("%s: %v, %v", raw, got, err)
		}
	}
	for raw, says := range map[string]string{
		"":                                  "another scheme",
		"localhost:6379":                    "another scheme",
		"http://secret.example":             "another scheme",
		"redis:secret":                      "mean nothing",
		"redis://secret.example?db=1":       "mean nothing",
		"redis://secret.example#1":          "mean nothing",
		"redis://":                          "no host",
		"redis://:secret@:6379":             "no host",
		"redis://:secret@localhost:0":       "valid port",
		"redis://:secret@localhost:65536":   "valid port",
		"redis://:secret@localhost/x":       "database",
		"redis://:secret@localhost/-1":      "database",
		"redis://:secret@localhost/1/2":     "database",
		"redis://secret@localhost":          "user and no password",
		"redis://:secret@local host":        "no URL",
		"redis://:secret%zz@localhost":      "no URL",
		"redis://:secret@localhost:\x01":    "no URL",
		"redis://:secret\n@localhost":       "no URL",
		"redis://:secret@localhost:6379abc": "no URL",
	} {
		_, err := parseServer(raw)
		if !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", raw, err)
		}
	}
}

// TestMendable tells what is tried again.
func TestMendable(t *testing.T) {
	for _, c := range []struct {
		err           error
		once, repeats bool // when use may not be, and may be, repeated
	}{
		{errors.New("connection reset"), false, true},
		{&refused{errors.New("connection refused")}, true, true},
		{redis.Error("LOADING Redis is loading the dataset in memory"), false, true},
		{&refused{redis.Error("READONLY You can't write")}, true, true},
		{&refused{redis.Error("OOM command not allowed")}, false, false},
		{&refused{redis.Error("NOAUTH Authentication required.")}, false, false},
		{&refused{redis.Error("ERR unknown command")}, false, false},
		{&refused{errLayout}, false, false},
		{errClosed, false, false},
	} {
		if a, b := mendable(c.err, false), mendable(c.err, true); a != c.once || b != c.repeats {
			t.Errorf("%v: %v %v", c.err, a, b)
		}
	}
}

// TestRedisPoolIsBounded uses up all connections: the next caller waits as long
// as its context lasts, and goes on when there is one.
func TestRedisPoolIsBounded(t *testing.T) {
	t.Parallel()
	r := openRedis(t, freshDB(t))
	var held []redis.Conn
	for range maxConns {
		c, err := r.pool.GetContext(ctx)
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, c)
	}
	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	if err := r.Ready(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("all in use: %v", err)
	}
	done := make(chan error)
	go func() { done <- r.Ready(ctx) }()
	select {
	case err := <-done:
		t.Errorf("it did not wait: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	for _, c := range held {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if n := r.pool.ActiveCount(); n > maxConns {
		t.Errorf("%d connections", n)
	}
}

// TestRedisForgetsScripts checks that a server that has forgotten the scripts
// is given them again.
func TestRedisForgetsScripts(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	r, o := inUse(t, s)
	raw(t, r, "SCRIPT", "FLUSH")
	kept := mustAppend(t, o, say("a", "ada", "2", "x"), say("b", "ada", "3", "y"), say("a", "ada", "4", "z"))
	if kept[0].Seq != 2 || kept[1].Seq != 1 || kept[2].Seq != 3 {
		t.Errorf("seqs %v", seqs(kept))
	}
	raw(t, r, "SCRIPT", "FLUSH")
	mustWork(t, "flushed", writesOf(o))
}

// TestRedisNewerLayout refuses what it may not understand.
func TestRedisNewerLayout(t *testing.T) {
	t.Parallel()
	url := freshDB(t)
	r := openRedis(t, url)
	for _, layout := range []string{"2", "x", ""} {
		raw(t, r, "HSET", keyMeta, "layout", layout)
		if _, err := OpenRedis(ctx, url); !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "use a newer version") {
			t.Errorf("layout %q: %v", layout, err)
		}
	}
}
