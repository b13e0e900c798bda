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
}

// entry is one gig in the index. It does not change.
type entry struct {
	id         string
	start, end time.Time
	past       time.Time // after this it is past unless it is live; zero when it is over
	over       bool
	category   Category
	text       string // searchText
}

func newEntry(g *Gig) *entry {
	n := &entry{id: g.ID, start: g.Start, end: g.End, over: g.Over(), category: g.Category, text: searchText(g)}
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
	err := tx.Bucket(bucketGigs).ForEach(func(_, value []byte) error {
		g, _, err := decodeGig(value)
		if err != nil {
			return err
		}
		n := newEntry(&g)
		x.byID[n.id] = n
		x.byStart = append(x.byStart, n)
		return nil
	})
	slices.SortFunc(x.byStart, order)
	return err
}

// set brings gigs in step with the file: entries by id, nil for one that the
// file does not hold.
func (x *index) set(entries map[string]*entry) {
	list := slices.Clone(x.byStart)
	for id, n := range entries {
		if old := x.byID[id]; old != nil {
			i, _ := slices.BinarySearchFunc(list, old, order)
			list = slices.Delete(list, i, i+1)
		}
		if n != nil {
			i, _ := slices.BinarySearchFunc(list, n, order)
			list = slices.Insert(list, i, n)
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.byStart = list
	for id, n := range entries {
		if n == nil {
			delete(x.byID, id)
		} else {
			x.byID[id] = n
		}
	}
}

// snapshot returns all entries in order, and those of ids that are there, in
// the order of ids and each once.
func (x *index) snapshot(ids []string) (all, some []*entry) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	seen := make(map[string]bool, len(ids))
	for _, id := range ids {
		if n := x.byID[id]; n != nil && !seen[id] {
			seen[id] = true
			some = append(some, n)
		}
	}
	return x.byStart, some
}

// list selects one page: the ids of its gigs, and in counts how many match.
func (x *index) list(q Query) (ids []string, counts Listing) {
	all, live := x.snapshot(q.Live)
	f, p := newFilter(q), newPage(q)
	now := q.Now
	if now.IsZero() {
		now = time.Now()
	}

	shown := make(map[*entry]bool, len(live))
	for _, n := range live {
		if !n.over && f.match(n) {
			shown[n] = true
			p.add(n)
		}
	}
	counts.Live = p.seen
	for _, n := range all {
		if !now.After(n.past) && f.match(n) && !shown[n] {
			p.add(n)
		}
	}
	counts.Upcoming = p.seen - counts.Live
	for _, n := range slices.Backward(all) {
		if now.After(n.past) && f.match(n) && !shown[n] {
			p.add(n)
		}
	}
	counts.Past = p.seen - counts.Live - counts.Upcoming
	return p.ids, counts
}

// filter is the part of a query that selects.
type filter struct {
	category Category
	from, to time.Time
	terms    terms
}

func newFilter(q Query) filter {
	return filter{category: q.Category, from: q.From, to: q.To, terms: newTerms(q.Text)}
}

func (f *filter) match(n *entry) bool {
	return (f.category == "" || f.category == n.category) &&
		(f.from.IsZero() || n.end.After(f.from)) &&
		(f.to.IsZero() || n.start.Before(f.to)) &&
		f.terms.match(n.text)
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
