package store

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"
)

// index holds in memory what the listing selects and sorts by, so that a page
// reads only its own gigs from the file. Only the writer changes it.
type index struct {
	mu      sync.RWMutex
	byStart []*entry // by order; replaced as a whole, never changed in place
	byID    map[string]*entry
	words   vocabulary
	slots   uint32 // given out so far
}

// entry is one gig in the index. It does not change.
type entry struct {
	id         string
	start, end time.Time
	past       time.Time // after this it is past unless it is live; zero when it is over
	over       bool
	category   Category
	slot       uint32 // the same for all entries of a gig
	words      []*posting
}

func newEntry(g *Gig, slot uint32, words []*posting) *entry {
	n := &entry{id: g.ID, start: g.Start, end: g.End, over: g.Over(), category: g.Category, slot: slot, words: words}
	if !n.over {
		n.past = g.End.Add(LateAllowance)
	}
	return n
}

// order sorts by start, then id.
func order(a, b *entry) int {
	return cmp.Or(a.start.Compare(b.start), strings.Compare(a.id, b.id))
}

// load fills an empty index from the file.
func (x *index) load(tx *bolt.Tx) error {
	x.byID = map[string]*entry{}
	x.words.byWord = map[string]*posting{}
	var fresh []*posting
	err := tx.Bucket(bucketGigs).ForEach(func(_, value []byte) error {
		g, _, err := decodeGig(value)
		if err != nil {
			return err
		}
		words, more := x.words.add(x.slots, gigWords(&g))
		fresh = append(fresh, more...)
		n := newEntry(&g, x.slots, words)
		x.slots++
		x.byID[n.id] = n
		x.byStart = append(x.byStart, n)
		return nil
	})
	x.words.sort(fresh)
	slices.SortFunc(x.byStart, order)
	return err
}

// set brings gigs in step with the file: by id, nil for one that the file does
// not hold. All of it shows at once.
func (x *index) set(gigs map[string]*Gig) {
	list := slices.Clone(x.byStart)
	words := make(map[string][]string, len(gigs))
	for id, g := range gigs {
		if g != nil {
			words[id] = gigWords(g)
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for id, g := range gigs {
		old := x.byID[id]
		if old != nil {
			i, _ := slices.BinarySearchFunc(list, old, order)
			list = slices.Delete(list, i, i+1)
		}
		if n := x.replace(old, g, words[id]); n != nil {
			i, _ := slices.BinarySearchFunc(list, n, order)
			list = slices.Insert(list, i, n)
			x.byID[id] = n
		} else {
			delete(x.byID, id)
		}
	}
	x.byStart = list
}

// replace returns the new entry of a gig and enters it under its words. Either
// of old and g may be nil.
func (x *index) replace(old *entry, g *Gig, words []string) *entry {
	if old != nil && g != nil && slices.EqualFunc(old.words, words, func(p *posting, w string) bool { return p.word == w }) {
		return newEntry(g, old.slot, old.words) // most changes are not of the text
	}
	slot := x.slots
	if old != nil {
		slot = old.slot
		x.words.remove(slot, old.words)
	}
	if g == nil {
		return nil
	}
	if old == nil {
		x.slots++
	}
	all, fresh := x.words.add(slot, words)
	x.words.insert(fresh)
	return newEntry(g, slot, all)
}

// view is one consistent state of the index, as a query needs it.
type view struct {
	all  []*entry // in order
	live []*entry // of the query's, those that there are, each once
	text slotSet  // of the gigs that match the query's text; nil: all do
}

func (x *index) view(live, words []string) view {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return view{all: x.byStart, live: pick(x.byID, live), text: x.words.find(words, x.slots)}
}

// pick returns the entries that there are of ids, each once.
func pick(byID map[string]*entry, ids []string) (picked []*entry) {
	seen := make(map[string]bool, len(ids))
	for _, id := range ids {
		if n := byID[id]; n != nil && !seen[id] {
			seen[id] = true
			picked = append(picked, n)
		}
	}
	return picked
}

// list selects one page: the ids of its gigs, and in counts how many match.
func (x *index) list(q Query) (ids []string, counts Listing) {
	words, nothing := queryWords(q.Text)
	if nothing {
		return nil, counts
	}
	v := x.view(q.Live, words)
	return v.list(q)
}

// list selects one page of those that match the query's text.
func (v *view) list(q Query) (ids []string, counts Listing) {
	p, now := newPage(q), q.Now
	if now.IsZero() {
		now = time.Now()
	}
	shown := make(map[*entry]bool, len(v.live))
	for _, n := range v.live {
		if !n.over && v.match(n, &q) {
			shown[n] = true
			p.add(n)
		}
	}
	counts.Live = p.seen
	for _, n := range v.all {
		if !now.After(n.past) && v.match(n, &q) && !shown[n] {
			p.add(n)
		}
	}
	counts.Upcoming = p.seen - counts.Live
	for _, n := range slices.Backward(v.all) {
		if now.After(n.past) && v.match(n, &q) && !shown[n] {
			p.add(n)
		}
	}
	counts.Past = p.seen - counts.Live - counts.Upcoming
	return p.ids, counts
}

// match reports whether the query selects the gig.
func (v *view) match(n *entry, q *Query) bool {
	return (v.text == nil || v.text.has(n.slot)) &&
		(q.Category == "" || q.Category == n.category) &&
		(q.From.IsZero() || n.end.After(q.From)) &&
		(q.To.IsZero() || n.start.Before(q.To))
}

// Bounds of a page's size and number.
const (
	maxPerPage = 100
	maxPage    = 1 << 20
)

// page counts what matches and keeps the ids that fall on it.
type page struct {
	from, to, seen int
	ids            []string
}

func newPage(q Query) *page {
	size := min(max(q.PerPage, 1), maxPerPage)
	from := (min(max(q.Page, 1), maxPage) - 1) * size
	return &page{from: from, to: from + size}
}

func (p *page) add(n *entry) {
	if p.from <= p.seen && p.seen < p.to {
		p.ids = append(p.ids, n.id)
	}
	p.seen++
}
