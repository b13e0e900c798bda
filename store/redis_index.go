package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gomodule/redigo/redis"
)

// The gig and the index that finds it lie in different slots of a cluster, so
// no script can change both. They are kept in step like this:
//
//  1. A writer puts an intent ("this gig may differ from the index") into the
//     slot of the index and learns what the index holds of the gig (begin).
//  2. It writes the gig, in one script that refuses when the gig has changed
//     meanwhile, or when more than intentWrite has passed since step 1 (put).
//     The gig is the truth from here on.
//  3. It brings the index in step with the gig and takes its intent out, in
//     one script that refuses when what the index holds of the gig is not what
//     the writer saw in step 1 (apply).
//
// A reader of the index looks at the intents in the same breath. When there
// are any it compares these gigs with the index, as step 3 does, before it
// goes on (settled). So wherever a writer died:
//
//   - before 2: the gig is as before, and so is the index; the intent is in
//     vain and costs readers a comparison until it is cleared.
//   - between 2 and 3: the next reader finds the intent and does step 3. There
//     is no moment at which a reader misses the gig or sees what it was.
//   - after 3: all is done.
//
// An intent is removed by others only when it is older than intentAge, much
// longer than intentWrite: by then step 2 has happened or never will, however
// long its writer was held up, and the clocks of two servers may differ by the
// rest. It is removed after the comparison.
//
// Two that apply to one gig at once do no harm: each has read what the index
// holds first and the gig after that, and every change of what the index holds
// gives it a token that it never had before. So the second one is refused, and
// looks again.
//
// The page that is read in the end is compared with the gigs once more, as a
// server that lost its last writes, alone among several, may leave the index
// with what never was (Redis.page).
const (
	intentWrite = 5 * time.Second
	intentAge   = time.Minute

	changesKept = 10_000 // in keyChanges
)

// begun notes an intent and tells the time and what the index holds.
var begun = newScript(`
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('ZADD', KEYS[1], now, ARGV[1])
return {now, redis.call('HGET', KEYS[2], ARGV[2]) or ''}`)

// apply replaces what the index holds of a gig, if that is what the caller saw,
// and takes out an intent. Its answer is what the index held.
var apply = newScript(`
local indexed, intents, changes, schedule, vocabulary, categoryBefore, categoryAfter, ownerBefore, ownerAfter = unpack(KEYS, 1, 9)
local id, intent, seen, after, kept, memberBefore, memberAfter, start, ownedBefore, ownedAfter, listed, fresh = unpack(ARGV, 1, 12)
local have = redis.call('HGET', indexed, id) or ''
if have ~= seen then return have end
if after ~= '' then redis.call('HSET', indexed, id, after) else redis.call('HDEL', indexed, id) end
redis.call('XADD', changes, 'MAXLEN', '~', kept, '*', 'gig', id)
if memberBefore ~= '' then
	redis.call('ZREM', schedule, memberBefore)
	redis.call('ZREM', categoryBefore, memberBefore)
	redis.call('ZREM', ownerBefore, ownedBefore)
end
if memberAfter ~= '' then
	redis.call('ZADD', schedule, start, memberAfter)
	redis.call('ZADD', categoryAfter, start, memberAfter)
	redis.call('ZADD', ownerAfter, listed, ownedAfter)
end
fresh = tonumber(fresh)
for i = 10, #KEYS do
	local word = ARGV[i + 3]
	if i < 10 + fresh then
		redis.call('SADD', KEYS[i], id)
		redis.call('ZADD', vocabulary, 0, word)
	else
		redis.call('SREM', KEYS[i], id)
		if redis.call('EXISTS', KEYS[i]) == 0 then redis.call('ZREM', vocabulary, word) end
	end
end
redis.call('ZREM', intents, intent)
return have`)

// indexed is what the index holds of a gig. In Redis its parts are joined by
// the byte 0, which no part contains.
type indexed struct {
	token    string // no other state of any gig's record has it
	id       string
	schedule string // schedulePart
	owner    string
	owned    string // ownerMember
	words    string // each once, in order, by spaces
}

// newIndexed is what the index is to hold of a gig, as yet without a token.
func newIndexed(g *Gig) indexed {
	return indexed{
		id: g.ID, schedule: schedulePart(g), owner: g.Owner, owned: ownerMember(g),
		words: strings.Join(gigWords(g), " "),
	}
}

func (x indexed) String() string {
	if x.schedule == "" {
		return ""
	}
	return strings.Join([]string{x.token, x.id, x.schedule, x.owner, x.owned, x.words}, "\x00")
}

// readIndexed reads what String wrote; "" is the record of no gig.
func readIndexed(record string) (x indexed, err error) {
	if record == "" {
		return x, nil
	}
	f := strings.Split(record, "\x00")
	if len(f) != 6 {
		return x, unavailable(errors.New("damaged record of the index"))
	}
	return indexed{f[0], f[1], f[2], f[3], f[4], f[5]}, nil
}

// member is the gig in the schedule: all that the listing selects and sorts by.
func (x indexed) member() string {
	if x.schedule == "" {
		return ""
	}
	return x.schedule + " " + x.id
}

// category is the one of the schedule.
func (x indexed) category() Category {
	f := strings.SplitN(x.schedule, " ", 4)
	return Category(f[min(2, len(f)-1)])
}

// sameIndexed reports whether the index holds the same of both.
func sameIndexed(a, b *Gig) bool {
	if a.Title == b.Title && a.CreatorName == b.CreatorName && a.Description == b.Description {
		return schedulePart(a) == schedulePart(b)
	}
	return newIndexed(a) == newIndexed(b)
}

// timeLayout is RFC 3339 to the nanosecond, so that texts sort as times do.
const timeLayout = "2006-01-02T15:04:05.000000000Z"

// schedulePart is what a schedule's member says of the gig.
func schedulePart(g *Gig) string {
	state := "open"
	if g.Over() {
		state = "over"
	}
	return g.Start.Format(timeLayout) + " " + g.End.Format(timeLayout) + " " + string(g.Category) + " " + state
}

// readMember reads a member of the schedule.
func readMember(m string) (*entry, error) {
	f := strings.SplitN(m, " ", 5)
	if len(f) != 5 {
		return nil, unavailable(errors.New("damaged schedule"))
	}
	// It is RFC 3339, which is parsed faster under that name.
	start, errStart := time.Parse(time.RFC3339Nano, f[0])
	end, errEnd := time.Parse(time.RFC3339Nano, f[1])
	if err := errors.Join(errStart, errEnd); err != nil {
		return nil, unavailable(fmt.Errorf("damaged schedule: %w", err))
	}
	n := &entry{id: f[4], start: start, end: end, category: Category(f[2]), over: f[3] == "over"}
	if !n.over {
		n.past = end.Add(LateAllowance)
	}
	return n, nil
}

// ownerMember is a gig among those of its owner: behind the second of the
// listing, which is the score, its microseconds and the id.
func ownerMember(g *Gig) string { return fmt.Sprintf("%06d %s", g.ListedAt.Nanosecond()/1000, g.ID) }

func ownerMemberID(m string) string { _, id, _ := strings.Cut(m, " "); return id }

// reindex brings the index in step with gigs, and takes the intents out. seen
// is what the index held before the gigs were read; a gig that is not there is
// nil.
func (r *Redis) reindex(ctx context.Context, id string, g *stored, seen, intent string) error {
	for range 5 {
		before, err := readIndexed(seen)
		if err != nil {
			return err
		}
		var after indexed
		if g != nil {
			after = newIndexed(&g.Gig)
			after.token = before.token
		}
		if after == before || g == nil && seen == "" {
			return r.dropIntent(ctx, intent)
		}
		if g != nil {
			after.token = NewID()
		}
		have, err := redis.String(r.do1(ctx, true, applyCall(id, intent, before, after, g)))
		switch {
		case err != nil || have == seen:
			return err
		case have == after.String(): // an earlier try of ours, whose answer was lost
			return r.dropIntent(ctx, intent)
		}
		if seen, g, err = r.compare(ctx, id); err != nil {
			return err
		}
	}
	return unavailable(fmt.Errorf("the index of gig %q keeps changing", id))
}

func (r *Redis) dropIntent(ctx context.Context, intent string) error {
	if intent == "" {
		return nil
	}
	_, err := r.do1(ctx, true, cmd("ZREM", keyIntents, intent))
	return err
}

// compare reads what the index holds of a gig and then the gig, in this order.
func (r *Redis) compare(ctx context.Context, id string) (seen string, g *stored, err error) {
	replies, err := r.do(ctx, true, cmd("HGET", keyIndexed, id), cmd("HGETALL", keyGig(id)))
	if err != nil {
		return "", nil, err
	}
	return readCompared(replies)
}

// readCompared reads the two replies of compare.
func readCompared(replies []any) (seen string, g *stored, err error) {
	if replies[0] != nil {
		if seen, err = redis.String(replies[0], nil); err != nil {
			return "", nil, unavailable(err)
		}
	}
	g, err = readGig(replies[1])
	return seen, g, err
}

// applyCall is the call of apply that turns before into after.
func applyCall(id, intent string, before, after indexed, g *stored) command {
	gone, fresh := wordsChanged(before.words, after.words)
	keys := []string{
		keyIndexed, keyIntents, keyChanges, keySchedule, keyWords,
		keyCategory(before.category()), keyCategory(after.category()),
		keyOwner(before.owner), keyOwner(after.owner),
	}
	var start, listed int64
	if g != nil {
		start, listed = g.Start.Unix(), g.ListedAt.Unix()
	}
	seen := before.String()
	args := []any{
		id, intent, seen, after.String(), changesKept, before.member(), after.member(), start,
		before.owned, after.owned, listed, len(fresh),
	}
	for _, w := range slices.Concat(fresh, gone) {
		keys = append(keys, keyWord(w))
		args = append(args, w)
	}
	return apply.call(keys, args...)
}

// wordsChanged returns the words that are only in before and only in after.
func wordsChanged(before, after string) (gone, fresh []string) {
	a, b := strings.Fields(before), strings.Fields(after)
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(b) == 0 || len(a) > 0 && cmp.Less(a[0], b[0]):
			gone, a = append(gone, a[0]), a[1:]
		case len(a) == 0 || cmp.Less(b[0], a[0]):
			fresh, b = append(fresh, b[0]), b[1:]
		default:
			a, b = a[1:], b[1:]
		}
	}
	return gone, fresh
}
