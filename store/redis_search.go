package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/gomodule/redigo/redis"
)

// A search finds words by how they begin. One letter begins hundreds of words
// with nearly all gigs among them, which takes Redis and the node tens of
// milliseconds. So what was found is kept, a bit for each gig, and follows the
// changes of the schedule. Only what nobody has searched for lately is asked of
// Redis.

// maxFound is how many beginnings are kept.
const maxFound = 500

// find returns the slots of the gigs in which each of the words begins some
// word; nil when there are no words.
func (r *Redis) find(ctx context.Context, words []string) (found slotSet, err error) {
	// Long words first: they match the fewest, and often none.
	words = slices.SortedFunc(slices.Values(words), func(a, b string) int { return len(b) - len(a) })
	for i, w := range words {
		one, err := r.begin(ctx, w)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			found = slices.Clone(one)
			continue
		}
		// Gigs that came between the two lie beyond the end of the first.
		found = found[:min(len(found), len(one))]
		for j := range found {
			found[j] &= one[j]
		}
		if !slices.ContainsFunc(found, func(b uint64) bool { return b != 0 }) {
			return found, nil
		}
	}
	return found, nil
}

func (s *schedules) remembered(begin string) slotSet {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.found[begin]
}

// begin returns the slots of the gigs that have a word which begins so.
func (r *Redis) begin(ctx context.Context, with string) (slotSet, error) {
	if set := r.schedules.remembered(with); set != nil {
		return set, nil
	}
	// While it is taken the schedule follows no changes: those that Redis makes
	// from here on are followed afterwards.
	done, err := r.schedules.take(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	if set := r.schedules.remembered(with); set != nil {
		return set, nil
	}
	words, err := redis.Strings(r.do1(ctx, true, cmd("ZRANGEBYLEX", keyWords, "["+with, "["+with+"\xff"))) // no UTF-8 has this byte
	if err != nil {
		return nil, err
	}
	// Not their union: making it keeps Redis from others for twenty times as long.
	cmds := make([]command, len(words))
	for i, w := range words {
		cmds[i] = cmd("SMEMBERS", keyWord(w))
	}
	replies, err := r.do(ctx, true, cmds...)
	if err != nil {
		return nil, err
	}
	s := r.schedules
	s.mu.Lock()
	defer s.mu.Unlock()
	set := make(slotSet, s.size())
	for _, reply := range replies {
		ids, err := redis.Values(reply, nil)
		if err != nil {
			return nil, unavailable(fmt.Errorf("gigs of a word: %w", err))
		}
		for _, id := range ids {
			if b, ok := id.([]byte); ok {
				if slot, ok := s.slots[string(b)]; ok {
					set.put(slot, true)
				}
			}
		}
	}
	if len(s.found) >= maxFound {
		clear(s.found)
	}
	s.found[with] = set
	return set, nil
}

// size is the length of a slotSet of all gigs.
func (s *schedules) size() int { return (len(s.slots) + 63) / 64 }

func (s slotSet) put(slot uint32, in bool) {
	if s[slot/64] &^= 1 << (slot % 64); in {
		s[slot/64] |= 1 << (slot % 64)
	}
}

// refind brings what was found in step with gigs that changed. The caller holds
// mu.
func (s *schedules) refind(records map[string]indexed) {
	if len(records) == 0 {
		return
	}
	for begin, set := range s.found {
		next := make(slotSet, s.size()) // others are reading the old one
		copy(next, set)
		for id, x := range records {
			next.put(s.slot(id), strings.Contains(" "+x.words, " "+begin))
		}
		s.found[begin] = next
	}
}
