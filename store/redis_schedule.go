package store

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/gomodule/redigo/redis"
)

// A listing counts all that matches, so it has to look at the whole schedule.
// Each node keeps the schedule in memory and asks Redis only what has changed
// since: a page costs that question and the page's own gigs. Which gigs have a
// word that begins with what somebody searches for is kept as well, see
// redis_search.go.

// maxFollowed is how many changes are looked at one by one; after more of them
// all is read anew.
const maxFollowed = 1000

// schedules are what the node keeps of the index.
type schedules struct {
	busy chan struct{} // of capacity 1: full while somebody changes what follows

	mu    sync.Mutex
	of    map[Category]*schedule // "": of all gigs
	found map[string]slotSet     // by how a word begins; as new as the schedule of all gigs
	slots map[string]uint32      // of gigs by id, for good
}

// schedule is a sorted set of the index as it was after some change.
type schedule struct {
	seen    string    // id of the newest change that it has; "": none
	asked   time.Time // nothing in it is older
	byStart []*entry  // by order; replaced as a whole, never changed in place
	byID    map[string]*entry
}

func newSchedules() *schedules {
	s := &schedules{
		busy: make(chan struct{}, 1),
		of:   map[Category]*schedule{}, found: map[string]slotSet{}, slots: map[string]uint32{},
	}
	for _, c := range append([]Category{""}, Categories...) {
		s.of[c] = &schedule{}
	}
	return s
}

// take waits until nobody else is changing anything, and keeps others from it
// until done.
func (s *schedules) take(ctx context.Context) (done func(), err error) {
	select {
	case s.busy <- struct{}{}:
		return func() { <-s.busy }, nil
	case <-ctx.Done():
		return nil, failed(ctx, ctx.Err())
	}
}

// state returns when a schedule was asked for last and what it has seen.
func (s *schedules) state(c Category) (asked time.Time, seen string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.of[c].asked, s.of[c].seen
}

// refresh brings the schedule of a category in step with Redis; "": that of
// all gigs.
func (r *Redis) refresh(ctx context.Context, c Category) error {
	asked := time.Now()
	_, seen := r.schedules.state(c)
	changed, known, err := r.settled(ctx, seen)
	if err != nil || known && len(changed) == 0 {
		return err
	}
	done, err := r.schedules.take(ctx)
	if err != nil {
		return err
	}
	defer done()
	// Somebody may have done it while we waited, or half of it.
	before, seen := r.schedules.state(c)
	if before.After(asked) {
		return nil
	}
	asked = time.Now()
	reply, err := r.do1(ctx, true, changesSince(seen))
	if err != nil {
		return err
	}
	changed, known, err = readChanges(reply, seen)
	if err != nil {
		return err
	}
	if !known || len(changed) > maxFollowed {
		return r.reload(ctx, c, asked)
	}
	return r.follow(ctx, c, asked, changed)
}

// change is an entry of keyChanges.
type change struct{ at, gig string }

// changesSince asks for the changes after seen, and for that one itself: if it
// is no longer there, others are missing as well.
func changesSince(seen string) command {
	if seen == "" {
		return cmd("XRANGE", keyChanges, "-", "+", "COUNT", 1)
	}
	return cmd("XRANGE", keyChanges, seen, "+", "COUNT", maxFollowed+2)
}

func readChanges(reply any, seen string) (changed []change, known bool, err error) {
	entries, err := redis.Values(reply, nil)
	if err != nil {
		return nil, false, unavailable(err)
	}
	for _, e := range entries {
		parts, err := redis.Values(e, nil)
		if err != nil || len(parts) != 2 {
			return nil, false, unavailable(errors.New("damaged list of changes"))
		}
		at, errAt := redis.String(parts[0], nil)
		gig, errGig := redis.StringMap(parts[1], nil)
		if err := errors.Join(errAt, errGig); err != nil {
			return nil, false, unavailable(err)
		}
		changed = append(changed, change{at, gig["gig"]})
	}
	if seen == "" || len(changed) == 0 || changed[0].at != seen {
		return nil, false, nil
	}
	return changed[1:], true, nil
}

// reload reads a schedule from Redis.
func (r *Redis) reload(ctx context.Context, c Category, asked time.Time) error {
	key := keySchedule
	if c != "" {
		key = keyCategory(c)
	}
	// The newest change first: should there be another one between the two, it
	// is followed later, to no effect.
	replies, err := r.do(ctx, true, cmd("XREVRANGE", keyChanges, "+", "-", "COUNT", 1), cmd("ZRANGE", key, 0, -1))
	if err != nil {
		return err
	}
	newest, err := redis.Values(replies[0], nil)
	if err != nil {
		return unavailable(err)
	}
	next := &schedule{asked: asked, byID: map[string]*entry{}}
	if len(newest) > 0 {
		parts, err := redis.Values(newest[0], nil)
		if err != nil {
			return unavailable(err)
		}
		if next.seen, err = redis.String(parts[0], nil); err != nil {
			return unavailable(err)
		}
	}
	members, err := redis.Strings(replies[1], nil)
	if err != nil {
		return unavailable(err)
	}
	for _, m := range members {
		n, err := readMember(m)
		if err != nil {
			return err
		}
		next.byStart = append(next.byStart, n)
		next.byID[n.id] = n
	}
	slices.SortFunc(next.byStart, order)
	s := r.schedules
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range next.byStart {
		n.slot = s.slot(n.id)
	}
	if c == "" {
		clear(s.found)
	}
	s.of[c] = next
	return nil
}

// slot returns the slot of a gig. The caller holds mu.
func (s *schedules) slot(id string) uint32 {
	slot, ok := s.slots[id]
	if !ok {
		slot = uint32(len(s.slots))
		s.slots[id] = slot
	}
	return slot
}

// follow brings a schedule in step with changes, and with that of all gigs
// what was found.
func (r *Redis) follow(ctx context.Context, c Category, asked time.Time, changed []change) error {
	records, err := r.records(ctx, changed)
	if err != nil {
		return err
	}
	s := r.schedules
	s.mu.Lock()
	defer s.mu.Unlock()
	of := s.of[c]
	list := slices.Clone(of.byStart) // others are reading the old one
	for id, x := range records {
		if old := of.byID[id]; old != nil {
			i, _ := slices.BinarySearchFunc(list, old, order)
			list = slices.Delete(list, i, i+1)
			delete(of.byID, id)
		}
		if x.schedule == "" || c != "" && c != x.category() {
			continue
		}
		n, err := readMember(x.member())
		if err != nil {
			of.seen = "" // half of it is done
			return err
		}
		n.slot = s.slot(id)
		i, _ := slices.BinarySearchFunc(list, n, order)
		list = slices.Insert(list, i, n)
		of.byID[id] = n
	}
	if c == "" {
		s.refind(records)
	}
	of.byStart, of.asked = list, asked
	if len(changed) > 0 {
		of.seen = changed[len(changed)-1].at
	}
	return nil
}

// records reads what the index holds of gigs that changed, by id.
func (r *Redis) records(ctx context.Context, changed []change) (map[string]indexed, error) {
	if len(changed) == 0 {
		return nil, nil
	}
	args := []any{keyIndexed}
	for _, one := range changed {
		args = append(args, one.gig)
	}
	texts, err := redis.Strings(r.do1(ctx, true, cmd("HMGET", args...)))
	if err != nil {
		return nil, err
	}
	records := make(map[string]indexed, len(texts))
	for i, text := range texts {
		if records[changed[i].gig], err = readIndexed(text); err != nil {
			return nil, err
		}
	}
	return records, nil
}
