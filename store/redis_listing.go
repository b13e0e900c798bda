package store

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/gomodule/redigo/redis"
)

// A listing counts all that matches, so it has to look at the whole schedule.
// Each node keeps the schedule as it was read last, and the words that were
// asked for, under the version of the index: a page of a schedule that has not
// changed costs Redis the question for the version and the page's own gigs.

// maxFound is how many words' gigs a schedule remembers, a bit for each gig.
const maxFound = 500

// schedules holds the newest schedule of all gigs, under "", and of categories.
type schedules struct {
	loading chan struct{} // of capacity 1: full while one is read

	mu  sync.Mutex
	all map[Category]*schedule
}

// schedule is the state of the index at one version.
type schedule struct {
	version string
	asked   time.Time // nothing in it is older
	byStart []*entry  // by order; the slot of each is its place
	byID    map[string]*entry

	mu    sync.Mutex
	found map[string]slotSet // by how a word begins
}

func (s *schedules) get(c Category) *schedule {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all[c]
}

func (s *schedules) set(c Category, one *schedule) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = map[Category]*schedule{}
	}
	s.all[c] = one
}

// ListGigs answers a query, as Embedded.ListGigs does.
func (r *Redis) ListGigs(ctx context.Context, q Query) (Listing, error) {
	ctx, cancel := patient(ctx)
	defer cancel()
	words, nothing := queryWords(q.Text)
	if nothing || q.Category != "" && !slices.Contains(Categories, q.Category) {
		return Listing{}, r.Ready(ctx)
	}
	for tries := 3; ; tries-- {
		s, err := r.schedule(ctx, q.Category)
		if err != nil {
			return Listing{}, err
		}
		text, err := r.find(ctx, s, words)
		if err != nil {
			return Listing{}, err
		}
		v := view{all: s.byStart, live: pick(s.byID, q.Live), text: text}
		ids, l := v.list(q)
		wrong, err := r.page(ctx, s, ids, &l)
		if err != nil || len(wrong) == 0 || tries == 0 {
			return l, err
		}
		if err := r.mend(ctx, wrong); err != nil {
			return Listing{}, err
		}
	}
}

// page reads the gigs of a page, and returns the ids of those that are not as
// the schedule says. One that is not there at all is left out.
func (r *Redis) page(ctx context.Context, s *schedule, ids []string, l *Listing) (wrong []string, err error) {
	gigs, err := r.gigs(ctx, ids)
	if err != nil {
		return nil, err
	}
	for i, g := range gigs {
		if g != nil {
			l.Gigs = append(l.Gigs, g.Gig)
		}
		if g == nil || !s.byID[ids[i]].is(&g.Gig) {
			wrong = append(wrong, ids[i])
		}
	}
	return wrong, nil
}

// is reports whether the entry says of the gig what is so.
func (n *entry) is(g *Gig) bool {
	return n.start.Equal(g.Start) && n.end.Equal(g.End) && n.category == g.Category && n.over == g.Over()
}

// schedule returns the present schedule of a category; "": of all gigs.
func (r *Redis) schedule(ctx context.Context, c Category) (*schedule, error) {
	asked := time.Now()
	version, err := r.settled(ctx)
	if err != nil {
		return nil, err
	}
	if s := r.schedules.get(c); s != nil && s.version == version {
		return s, nil
	}
	select {
	case r.schedules.loading <- struct{}{}:
		defer func() { <-r.schedules.loading }()
	case <-ctx.Done():
		return nil, failed(ctx, ctx.Err())
	}
	// Somebody may have read it while we waited.
	if s := r.schedules.get(c); s != nil && s.asked.After(asked) {
		return s, nil
	}
	return r.readSchedule(ctx, c)
}

func (r *Redis) readSchedule(ctx context.Context, c Category) (*schedule, error) {
	key := keySchedule
	if c != "" {
		key = keyCategory(c)
	}
	s := &schedule{asked: time.Now(), byID: map[string]*entry{}, found: map[string]slotSet{}}
	// The version first: should the schedule change between the two, it is read
	// once more.
	replies, err := r.do(ctx, true, cmd("GET", keyVersion), cmd("ZRANGE", key, 0, -1))
	if err != nil {
		return nil, err
	}
	if replies[0] != nil {
		if s.version, err = redis.String(replies[0], nil); err != nil {
			return nil, unavailable(err)
		}
	}
	members, err := redis.Strings(replies[1], nil)
	if err != nil {
		return nil, unavailable(err)
	}
	for _, m := range members {
		n, err := readScheduleMember(m, 0)
		if err != nil {
			return nil, err
		}
		s.byStart = append(s.byStart, n)
		s.byID[n.id] = n
	}
	slices.SortFunc(s.byStart, order)
	for i, n := range s.byStart {
		n.slot = uint32(i)
	}
	r.schedules.set(c, s)
	return s, nil
}

// find returns the slots of the gigs in which each of the words begins some
// word; nil when there are no words.
func (r *Redis) find(ctx context.Context, s *schedule, words []string) (found slotSet, err error) {
	sets, err := r.findEach(ctx, s, words)
	if err != nil {
		return nil, err
	}
	for i, set := range sets {
		if i == 0 {
			found = slices.Clone(set)
			continue
		}
		for j := range found {
			found[j] &= set[j]
		}
	}
	return found, nil
}

// findEach returns the slots of the gigs for each word by itself.
func (r *Redis) findEach(ctx context.Context, s *schedule, words []string) ([]slotSet, error) {
	sets := make([]slotSet, len(words))
	var ask []command
	var asked []int // places in words
	s.mu.Lock()
	for i, w := range words {
		if sets[i] = s.found[w]; sets[i] == nil {
			ask = append(ask, cmd("ZRANGEBYLEX", keyWords, "["+w, "["+w+"\xff")) // no UTF-8 has this byte
			asked = append(asked, i)
		}
	}
	s.mu.Unlock()
	if len(ask) == 0 {
		return sets, nil
	}
	replies, err := r.do(ctx, true, ask...)
	if err != nil {
		return nil, err
	}
	var unions []command
	var of []int
	for i, reply := range replies {
		all, err := redis.Strings(reply, nil)
		if err != nil {
			return nil, unavailable(err)
		}
		sets[asked[i]] = make(slotSet, (len(s.byStart)+63)/64)
		// Not all at once, so that Redis gets to others in between.
		for some := range slices.Chunk(all, 100) {
			keys := make([]any, len(some))
			for j, w := range some {
				keys[j] = keyWord(w)
			}
			unions = append(unions, cmd("SUNION", keys...))
			of = append(of, asked[i])
		}
	}
	if replies, err = r.do(ctx, true, unions...); err != nil {
		return nil, err
	}
	for i, reply := range replies {
		ids, err := redis.Strings(reply, nil)
		if err != nil {
			return nil, unavailable(fmt.Errorf("gigs of a word: %w", err))
		}
		for _, id := range ids {
			if n := s.byID[id]; n != nil {
				sets[of[i]][n.slot/64] |= 1 << (n.slot % 64)
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.found)+len(asked) > maxFound {
		clear(s.found)
	}
	for _, i := range asked {
		s.found[words[i]] = sets[i]
	}
	return sets, nil
}
