package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/gomodule/redigo/redis"
)

// put writes a gig if it is of the revision that the writer saw, and before
// the time at which nobody waits for this writer any more (0: no such time).
// Its first argument is the writer's own token: sent twice it writes once.
var put = newScript(`
local have = redis.call('HMGET', KEYS[1], 'write', 'revision')
if have[1] == ARGV[1] then return 'ok' end
if (have[2] or '') ~= ARGV[2] then return 'conflict' end
if ARGV[3] ~= '0' then
	local t = redis.call('TIME')
	if t[1] * 1000 + math.floor(t[2] / 1000) > tonumber(ARGV[3]) then return 'late' end
end
local set = tonumber(ARGV[4])
redis.call('HSET', KEYS[1], 'write', ARGV[1], unpack(ARGV, 5, 4 + set))
if #ARGV > 4 + set then redis.call('HDEL', KEYS[1], unpack(ARGV, 5 + set)) end
return 'ok'`)

// errLate means that a writer was held up for longer than its intent is kept.
var errLate = errors.New("the write came too late")

// CreateGig keeps a new gig. An id or a stream key that another gig has is
// ErrInvalid.
func (r *Redis) CreateGig(ctx context.Context, g Gig) error {
	ctx, cancel := r.patient(ctx)
	defer cancel()
	g = inUTC(g)
	if err := checkNew(&g); err != nil {
		return err
	}
	err := r.write(ctx, nil, &g)
	if errors.Is(err, errConflict) {
		err = fmt.Errorf("%w: gig %s exists already", ErrInvalid, g.ID)
	}
	return err
}

// Gig returns a gig, or ErrNotFound.
func (r *Redis) Gig(ctx context.Context, id string) (Gig, error) {
	ctx, cancel := r.patient(ctx)
	defer cancel()
	s, err := r.gig(ctx, id)
	if err != nil {
		return Gig{}, err
	}
	return s.Gig, nil
}

func (r *Redis) gig(ctx context.Context, id string) (*stored, error) {
	all, err := r.gigs(ctx, []string{id})
	if err != nil {
		return nil, err
	}
	if all[0] == nil {
		return nil, fmt.Errorf("%w: gig %q", ErrNotFound, id)
	}
	return all[0], nil
}

// gigs reads gigs together; one that is not there is nil.
func (r *Redis) gigs(ctx context.Context, ids []string) ([]*stored, error) {
	cmds := make([]command, len(ids))
	for i, id := range ids {
		cmds[i] = cmd("HGETALL", keyGig(id))
	}
	replies, err := r.do(ctx, true, cmds...)
	if err != nil {
		return nil, err
	}
	all := make([]*stored, len(ids))
	for i := range replies {
		if all[i], err = readGig(replies[i]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// UpdateGig changes a gig in one atomic step, as Embedded.UpdateGig does.
func (r *Redis) UpdateGig(ctx context.Context, id string, change func(*Gig) error) (Gig, error) {
	for {
		after, err := r.updateOnce(ctx, id, change)
		// On a conflict another update got through: that is no standstill.
		if !errors.Is(err, errConflict) {
			return after, err
		}
	}
}

func (r *Redis) updateOnce(ctx context.Context, id string, change func(*Gig) error) (Gig, error) {
	reading, cancel := r.patient(ctx)
	defer cancel()
	start := time.Now()
	before, err := r.gig(reading, id)
	if err != nil {
		return Gig{}, err
	}
	left := r.patience - time.Since(start)

	after := before.Gig
	if err := change(&after); err != nil {
		return Gig{}, err
	}
	after = inUTC(after)
	if err := checkChange(&before.Gig, &after); err != nil {
		return Gig{}, err
	}
	// What change took is its own affair.
	writing, cancel := context.WithTimeoutCause(ctx, left, errPatience)
	defer cancel()
	return after, r.write(writing, before, &after)
}

// write replaces before (nil: a new gig) by after: it claims what leads to the
// gig, writes the gig, and then brings the index in step; see redis_index.go.
// It returns errConflict when the gig is no longer as before.
func (r *Redis) write(ctx context.Context, before *stored, after *Gig) error {
	if _, err := encodeGig(after, 0); err != nil {
		return err // the same bounds as in the embedded store
	}
	if before == nil {
		before = &stored{}
	}
	w := &writing{r: r, before: before, after: &stored{Gig: *after, revision: before.revision + 1, claim: before.claim}}
	w.moved = after.KeyHash != before.KeyHash
	w.indexed = before.revision == 0 || !sameIndexed(&before.Gig, after)
	if err := w.begin(ctx); err != nil {
		return err
	}
	if err := w.put(ctx); err != nil {
		if errors.Is(err, errConflict) {
			w.giveUp(ctx)
		}
		return err // otherwise it may have been written: the intent stays
	}
	// The gig is written. What is left over now is mended by whoever comes
	// upon it, and changes nothing for a reader.
	w.finish(ctx)
	return nil
}

// writing is one write of a gig under way.
type writing struct {
	r             *Redis
	before, after *stored
	moved         bool // the gig gets another stream key
	indexed       bool // the index has to change

	intent   string
	record   string // what the index holds of the gig
	deadline int64  // after it the gig must not be written; milliseconds of Redis
}

// put writes the gig.
func (w *writing) put(ctx context.Context) error {
	fields := gigFields(&w.after.Gig)
	fields["revision"] = fmt.Sprint(w.after.revision)
	fields["key_claim"] = w.after.claim
	var set, empty []any
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if fields[name] == "" {
			empty = append(empty, name)
		} else {
			set = append(set, name, fields[name])
		}
	}
	expected := ""
	if w.before.revision > 0 {
		expected = fmt.Sprint(w.before.revision)
	}
	args := append([]any{NewID(), expected, w.deadline, len(set)}, set...)
	one := put.call([]string{keyGig(w.after.ID)}, append(args, empty...)...)

	tries := 0
	var answer string
	err := w.r.with(ctx, true, func(c redis.Conn) (err error) {
		tries++
		answer, err = redis.String(doOn(ctx, c, one))
		return err
	})
	switch {
	case err != nil:
		return err
	case answer == "conflict" && tries > 1:
		// An earlier try may have written it before the other update.
		return unavailable(errors.New("whether the gig was written is not known"))
	case answer == "conflict":
		return errConflict
	case answer == "late":
		return unavailable(errLate)
	}
	return nil
}

// GigsByOwner returns the owner's gigs, newest listing first, at most limit.
func (r *Redis) GigsByOwner(ctx context.Context, owner string, limit int) ([]Gig, error) {
	ctx, cancel := r.patient(ctx)
	defer cancel()
	if _, _, err := r.settled(ctx, ""); err != nil || limit <= 0 {
		return nil, err
	}
	members, err := redis.Strings(r.do1(ctx, true, cmd("ZREVRANGE", keyOwner(owner), 0, limit-1)))
	if err != nil {
		return nil, err
	}
	for i, m := range members {
		members[i] = ownerMemberID(m)
	}
	all, err := r.gigs(ctx, members)
	if err != nil {
		return nil, err
	}
	var gigs []Gig
	for _, s := range all {
		if s != nil && s.Owner == owner {
			gigs = append(gigs, s.Gig)
		}
	}
	return gigs, nil
}

// Authorize implements media.Authorizer, as Embedded.Authorize does.
func (r *Redis) Authorize(ctx context.Context, key string) (gigID string, err error) {
	if key == "" {
		return "", refuseUnknown
	}
	ctx, cancel := r.patient(ctx)
	defer cancel()
	hash := HashKey(key)
	value, err := redis.String(r.do1(ctx, true, cmd("GET", keyStreamKey(hash))))
	if errors.Is(err, redis.ErrNil) {
		return "", refuseUnknown
	}
	if err != nil {
		return "", err
	}
	id, _ := readClaim(value)
	s, err := r.gig(ctx, id)
	// The gig says which key it has: a claim may be older or newer than it.
	if errors.Is(err, ErrNotFound) || err == nil && s.KeyHash != hash {
		return "", refuseUnknown
	}
	if err == nil {
		err = admitStream(&s.Gig, time.Now())
	}
	if err != nil {
		return "", err
	}
	return s.ID, nil
}
