package store

import (
	"context"
	"slices"
)

// ListGigs answers a query, as Embedded.ListGigs does.
func (r *Redis) ListGigs(ctx context.Context, q Query) (Listing, error) {
	ctx, cancel := r.patient(ctx)
	defer cancel()
	words, nothing := queryWords(q.Text)
	if nothing || q.Category != "" && !slices.Contains(Categories, q.Category) {
		return Listing{}, r.Ready(ctx)
	}
	of := q.Category
	if len(words) > 0 {
		of = "" // what was found is known of all gigs together
	}
	for tries := 3; ; tries-- {
		if err := r.refresh(ctx, of); err != nil {
			return Listing{}, err
		}
		text, err := r.find(ctx, words)
		if err != nil {
			return Listing{}, err
		}
		v := r.schedules.view(of, q.Live)
		v.text = text
		ids, l := v.list(q)
		wrong, err := r.page(ctx, of, ids, &l)
		if err != nil || len(wrong) == 0 || tries == 0 {
			return l, err
		}
		if err := r.mend(ctx, wrong); err != nil {
			return Listing{}, err
		}
	}
}

func (s *schedules) view(c Category, live []string) view {
	s.mu.Lock()
	defer s.mu.Unlock()
	return view{all: s.of[c].byStart, live: pick(s.of[c].byID, live)}
}

// page reads the gigs of a page, and returns the ids of those that are not as
// the schedule says. One that is not there at all is left out.
func (r *Redis) page(ctx context.Context, c Category, ids []string, l *Listing) (wrong []string, err error) {
	gigs, err := r.gigs(ctx, ids)
	if err != nil {
		return nil, err
	}
	r.schedules.mu.Lock()
	defer r.schedules.mu.Unlock()
	for i, g := range gigs {
		if g != nil {
			l.Gigs = append(l.Gigs, g.Gig)
		}
		if n := r.schedules.of[c].byID[ids[i]]; g == nil || n == nil || !n.is(&g.Gig) {
			wrong = append(wrong, ids[i])
		}
	}
	return wrong, nil
}

// is reports whether the entry says of the gig what is so.
func (n *entry) is(g *Gig) bool {
	return n.start.Equal(g.Start) && n.end.Equal(g.End) && n.category == g.Category && n.over == g.Over()
}
