package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gomodule/redigo/redis"
)

const (
	// patience is how long a call may take in all that waits for Redis. It ends
	// before the 3 s after which a page has to answer.
	patience = 2500 * time.Millisecond
	// tendEvery is how often the store looks after the index and the epoch.
	tendEvery = 5 * time.Second
)

// Redis is the store that several nodes share. Its methods may be called at the
// same time. A Redis that cannot be reached, is slow, refuses the password or
// writes is ErrUnavailable, at the latest after 3 s; a call that failed so may
// or may not have taken effect, but in full or not at all.
//
// What Redis has acknowledged is as durable as it is configured to be:
// "appendonly yes" with "appendfsync always" is what the embedded store does,
// "everysec" may lose the last second, and without either all is gone with the
// process; see Epoch.
type Redis struct {
	server     server
	patience   time.Duration
	pool       *redis.Pool
	generation atomic.Uint64 // connections of an older one are not used again

	epochMu sync.Mutex
	epoch   string
	lost    int

	schedules *schedules

	stop    context.CancelFunc // the tender's
	tender  sync.WaitGroup
	callsMu sync.Mutex
	calls   sync.WaitGroup // connections in use or waited for
	closed  bool           // there are to be no more calls
}

// OpenRedis opens the store at a URL: redis://[user:password@]host[:port][/db],
// rediss:// for TLS. One that cannot be understood is ErrInvalid; a Redis that
// does not answer, or not yet, is ErrUnavailable. The password stands in no
// error.
func OpenRedis(ctx context.Context, url string) (*Redis, error) {
	return openPatient(ctx, url, patience)
}

func openPatient(ctx context.Context, url string, patience time.Duration) (*Redis, error) {
	s, err := parseServer(url)
	if err != nil {
		return nil, err
	}
	r := &Redis{server: s, patience: patience, schedules: newSchedules()}
	r.pool = r.newPool()
	if err := r.Ready(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", s, err), r.pool.Close())
	}
	tending, stop := context.WithCancel(context.Background())
	r.stop = stop
	r.tender.Go(func() { r.tend(tending) })
	return r, nil
}

// Close refuses new calls with ErrUnavailable, waits for those under way, at
// most as long as a call may take, and closes the connections.
func (r *Redis) Close() error {
	r.callsMu.Lock()
	r.closed = true
	r.callsMu.Unlock()
	r.stop()
	r.tender.Wait()
	// The pool of redigo panics when it is asked for a connection while it closes.
	r.calls.Wait()
	return r.pool.Close()
}

// call counts a call in, until done is called; it fails when the store is closed.
func (r *Redis) call() (done func(), err error) {
	r.callsMu.Lock()
	defer r.callsMu.Unlock()
	if r.closed {
		return nil, errClosed
	}
	r.calls.Add(1)
	return r.calls.Done, nil
}

// Ready reports whether Redis answers. One that refuses writes is ready: it
// reads.
func (r *Redis) Ready(ctx context.Context) error {
	ctx, cancel := r.patient(ctx)
	defer cancel()
	return r.with(ctx, true, func(c redis.Conn) error { return r.meet(ctx, c) })
}

// Epoch returns the id of the memory that Redis has, and how often since
// OpenRedis it came back with another one: emptied by a restart without
// persistence, flushed, or a different server. What was kept before is gone
// then. It is found out before anything is read from or written to a Redis
// that has restarted.
func (r *Redis) Epoch() (id string, lost int) {
	r.epochMu.Lock()
	defer r.epochMu.Unlock()
	return r.epoch, r.lost
}

var errLayout = errors.New("the layout of the data in Redis is not known")

// begin names a memory that has no name yet.
var begin = newScript(`
if redis.call('HSETNX', KEYS[1], 'epoch', ARGV[1]) == 1 then
	redis.call('HSET', KEYS[1], 'layout', ARGV[2], 'since', redis.call('TIME')[1])
end
return redis.call('HMGET', KEYS[1], 'epoch', 'layout')`)

// meet finds out which memory is behind the connection.
func (r *Redis) meet(ctx context.Context, c redis.Conn) error {
	have, err := redis.Strings(doOn(ctx, c, cmd("HMGET", keyMeta, "epoch", "layout")))
	if err == nil && len(have) == 2 && have[0] == "" {
		have, err = redis.Strings(doOn(ctx, c, begin.call([]string{keyMeta}, NewID(), redisLayout)))
	}
	if err != nil {
		return err
	}
	if len(have) != 2 {
		return fmt.Errorf("redis answered %d values, not 2", len(have))
	}
	if v, err := strconv.Atoi(have[1]); err != nil || v > redisLayout {
		return fmt.Errorf("%w: it is %q and this program knows only up to %d; use a newer version of the program", errLayout, have[1], redisLayout)
	}
	r.note(have[0])
	return nil
}

// note remembers the epoch, and says so when it is a new one.
func (r *Redis) note(epoch string) {
	r.epochMu.Lock()
	defer r.epochMu.Unlock()
	if epoch == r.epoch {
		return
	}
	if r.epoch != "" {
		r.lost++
		slog.Error("Redis came back without its data: gigs, sessions and messages kept before are gone",
			"redis", r.server.String(), "epoch", epoch, "epoch_before", r.epoch)
	}
	r.epoch = epoch
}

// tend looks after the epoch and the index until ctx ends.
func (r *Redis) tend(ctx context.Context) {
	for {
		// Not all nodes at once.
		t := time.NewTimer(tendEvery/2 + rand.N(tendEvery))
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
		}
		if err := errors.Join(r.Ready(ctx), r.clearIntents(ctx)); err != nil && ctx.Err() == nil {
			slog.Warn("Redis not tended", "err", err)
		}
	}
}
