package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/gomodule/redigo/redis"
)

// A stream key leads to its gig by a claim, which lies in another slot than the
// gig. It is made before the gig is written, and the claim of the key before is
// released after that. The gig says which key it has, so a claim that was left
// over opens nothing, and one gig may claim a key again and again; another gig
// may take over a claim in vain when it is older than intentAge, as an intent.
//
// The value is the gig's id, a token of the write and the milliseconds of
// Redis, joined by the byte 0. The token stands in the gig as key_claim: only
// the claim that led to the gig is released, not one made meanwhile.
var claim = newScript(`
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local have = redis.call('GET', KEYS[1])
local own = ARGV[1] .. '\0'
if have and have ~= ARGV[3] and string.sub(have, 1, #own) ~= own then return {now, have} end
redis.call('SET', KEYS[1], own .. ARGV[2] .. '\0' .. string.format('%.0f', now))
return {now, ''}`)

var release = newScript(`
local have = redis.call('GET', KEYS[1])
local own = ARGV[1] .. '\0' .. ARGV[2] .. '\0'
if have and string.sub(have, 1, #own) == own then redis.call('DEL', KEYS[1]) end
return 1`)

func readClaim(value string) (id string, at int64) {
	f := strings.Split(value, "\x00")
	if len(f) == 3 {
		at, _ = strconv.ParseInt(f[2], 10, 64) // one that cannot be read is old
	}
	return f[0], at
}

// begin puts the intent and claims the stream key, as far as the write needs it.
func (w *writing) begin(ctx context.Context) error {
	var cmds []command
	if w.indexed {
		w.intent = NewID() + " " + w.after.ID
		cmds = append(cmds, begun.call([]string{keyIntents, keyIndexed}, w.intent, w.after.ID))
	}
	claims := w.moved && w.after.KeyHash != [32]byte{}
	if w.moved {
		w.after.claim = ""
	}
	if claims {
		w.after.claim = NewID()
		cmds = append(cmds, w.claim(""))
	}
	if len(cmds) == 0 {
		return nil
	}
	replies, err := w.r.do(ctx, true, cmds...)
	if err != nil {
		return err
	}
	for i, reply := range replies {
		var now int64
		var text string
		values, err := redis.Values(reply, nil)
		if err == nil {
			_, err = redis.Scan(values, &now, &text)
		}
		if err != nil {
			return unavailable(err)
		}
		if w.deadline == 0 {
			w.deadline = now + intentWrite.Milliseconds()
		}
		if w.indexed && i == 0 {
			w.record = text
		} else if text != "" {
			if err := w.contest(ctx, text, now); err != nil {
				w.giveUp(ctx)
				return err
			}
		}
	}
	return nil
}

func (w *writing) claim(instead string) command {
	return claim.call([]string{keyStreamKey(w.after.KeyHash)}, w.after.ID, w.after.claim, instead)
}

// contest decides about a stream key that another gig has claimed.
func (w *writing) contest(ctx context.Context, have string, now int64) error {
	id, at := readClaim(have)
	s, err := w.r.gig(ctx, id)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	if err == nil && s.KeyHash == w.after.KeyHash {
		return fmt.Errorf("%w: another gig has this stream key", ErrInvalid)
	}
	if now-at > intentAge.Milliseconds() {
		reply, err := redis.Values(w.r.do1(ctx, true, w.claim(have)))
		if err != nil {
			return err
		}
		if text, err := redis.String(reply[1], nil); err == nil && text == "" {
			return nil
		}
	}
	return unavailable(errors.New("the stream key is being given to another gig"))
}

// giveUp takes the intent back when nothing was written.
func (w *writing) giveUp(ctx context.Context) {
	if err := w.r.dropIntent(ctx, w.intent); err != nil {
		w.leftOver(err)
	}
}

// finish does what remains after the gig was written, also when the caller has
// left meanwhile.
func (w *writing) finish(ctx context.Context) {
	until, _ := ctx.Deadline()
	ctx, cancel := context.WithDeadlineCause(context.WithoutCancel(ctx), until, errPatience)
	defer cancel()
	if w.indexed {
		if err := w.r.reindex(ctx, w.after.ID, w.after, w.record, w.intent); err != nil {
			w.leftOver(err)
		}
	}
	if w.moved && w.before.claim != "" {
		_, err := w.r.do1(ctx, true, release.call([]string{keyStreamKey(w.before.KeyHash)}, w.before.ID, w.before.claim))
		if err != nil {
			w.leftOver(err)
		}
	}
}

func (w *writing) leftOver(err error) {
	slog.Warn("a write has left something over, which readers will mend", "gig", w.after.ID, "err", err)
}

// settled returns the changes of the index since one of them, after it has
// brought the index in step with all gigs that a writer may have left behind.
// known is false when the changes since then are no longer known.
func (r *Redis) settled(ctx context.Context, since string) (changed []change, known bool, err error) {
	replies, err := r.do(ctx, true, changesSince(since), cmd("ZRANGE", keyIntents, 0, -1))
	if err != nil {
		return nil, false, err
	}
	intents, err := redis.Strings(replies[1], nil)
	if err != nil {
		return nil, false, unavailable(err)
	}
	if len(intents) > 0 {
		for i, intent := range intents {
			intents[i] = intentID(intent)
		}
		if err := r.mend(ctx, intents); err != nil {
			return nil, false, err
		}
		if replies, err = r.do(ctx, true, changesSince(since)); err != nil {
			return nil, false, err
		}
	}
	return readChanges(replies[0], since)
}

func intentID(intent string) string { _, id, _ := strings.Cut(intent, " "); return id }

// mend brings the index in step with gigs. It takes out no intent: their
// writers may be under way.
func (r *Redis) mend(ctx context.Context, ids []string) error {
	var cmds []command
	for _, id := range ids {
		cmds = append(cmds, cmd("HGET", keyIndexed, id), cmd("HGETALL", keyGig(id)))
	}
	replies, err := r.do(ctx, true, cmds...)
	if err != nil {
		return err
	}
	for i, id := range ids {
		seen, g, err := readCompared(replies[2*i : 2*i+2])
		if err == nil {
			err = r.reindex(ctx, id, g, seen, "")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// clearIntents takes out the intents of writers that died, after another look
// at their gigs.
func (r *Redis) clearIntents(ctx context.Context) error {
	ctx, cancel := r.patient(ctx)
	defer cancel()
	now, err := redis.Int64s(r.do1(ctx, true, cmd("TIME")))
	if err != nil || len(now) == 0 {
		return err
	}
	old := (now[0] - int64(intentAge/time.Second)) * 1000
	intents, err := redis.Strings(r.do1(ctx, true, cmd("ZRANGEBYSCORE", keyIntents, "-inf", old)))
	if err != nil {
		return err
	}
	for _, intent := range intents {
		id := intentID(intent)
		seen, g, err := r.compare(ctx, id)
		if err == nil {
			err = r.reindex(ctx, id, g, seen, intent)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
