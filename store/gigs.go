package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// errConflict means that another update of the same gig came first.
var errConflict = errors.New("store: the gig has changed meanwhile")

// CreateGig keeps a new gig; it is durable when CreateGig returns. An id or a
// stream key that another gig has is ErrInvalid.
func (e *Embedded) CreateGig(ctx context.Context, g Gig) error {
	g = inUTC(g)
	if err := checkNew(&g); err != nil {
		return err
	}
	return e.write(ctx, func(c *commit) error {
		if c.tx.Bucket(bucketGigs).Get([]byte(g.ID)) != nil {
			return fmt.Errorf("%w: gig %s exists already", ErrInvalid, g.ID)
		}
		if err := c.putGig(&g, 1, [32]byte{}); err != nil {
			return err
		}
		return c.put(c.tx.Bucket(bucketOwners), ownerKey(&g), nil)
	})
}

// Gig returns a gig, or ErrNotFound.
func (e *Embedded) Gig(ctx context.Context, id string) (Gig, error) {
	g, _, err := e.revision(ctx, id)
	return g, err
}

func (e *Embedded) revision(ctx context.Context, id string) (g Gig, revision uint64, err error) {
	err = e.read(ctx, func(tx *bolt.Tx) error {
		g, revision, err = getGig(tx, id)
		return err
	})
	return g, revision, err
}

// UpdateGig changes a gig in one atomic, durable step: change is called with
// the present gig and may be called again; an error from it is returned and
// nothing changes. ID, Owner and ListedAt cannot be changed: that is
// ErrInvalid. A new KeyHash takes effect, and the old one ends, in the same step.
func (e *Embedded) UpdateGig(ctx context.Context, id string, change func(*Gig) error) (Gig, error) {
	// change runs here and not in the writer, so that it may take its time,
	// use the store or panic without harm to others. Where updates collide one
	// of them always gets through.
	for {
		before, revision, err := e.revision(ctx, id)
		if err != nil {
			return Gig{}, err
		}
		after := before
		if err := change(&after); err != nil {
			return Gig{}, err
		}
		after = inUTC(after)
		if err := checkChange(&before, &after); err != nil {
			return Gig{}, err
		}
		err = e.write(ctx, func(c *commit) error {
			_, present, err := getGig(c.tx, id)
			if err != nil {
				return err
			}
			if present != revision {
				return errConflict
			}
			return c.putGig(&after, revision+1, before.KeyHash)
		})
		switch {
		case err == nil:
			return after, nil
		case !errors.Is(err, errConflict):
			return Gig{}, err
		}
	}
}

// ListGigs answers a query. PerPage is 1 to 100; what is outside is taken as
// the nearest. Past gigs of one start come in the reverse order of their ids.
// A text without any letter or digit matches nothing.
func (e *Embedded) ListGigs(ctx context.Context, q Query) (Listing, error) {
	if err := ctx.Err(); err != nil {
		return Listing{}, fmt.Errorf("store: list: %w", err)
	}
	ids, l := e.index.list(q)
	err := e.read(ctx, func(tx *bolt.Tx) error {
		for _, id := range ids {
			g, _, err := getGig(tx, id)
			if err != nil {
				return err
			}
			l.Gigs = append(l.Gigs, g)
		}
		return nil
	})
	if err != nil {
		return Listing{}, err
	}
	return l, nil
}

// GigsByOwner returns the owner's gigs, newest listing first, at most limit.
func (e *Embedded) GigsByOwner(ctx context.Context, owner string, limit int) ([]Gig, error) {
	var gigs []Gig
	err := e.read(ctx, func(tx *bolt.Tx) error {
		prefix := append([]byte(owner), 0)
		c := tx.Bucket(bucketOwners).Cursor()
		// From the first key behind the owner's backwards.
		key, _ := c.Seek(append([]byte(owner), 1))
		if key == nil {
			key, _ = c.Last()
		} else {
			key, _ = c.Prev()
		}
		for ; bytes.HasPrefix(key, prefix) && len(gigs) < limit; key, _ = c.Prev() {
			g, _, err := getGig(tx, string(key[len(prefix)+8:]))
			if err != nil {
				return err
			}
			gigs = append(gigs, g)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return gigs, nil
}

func ownerKey(g *Gig) []byte {
	key := append([]byte(g.Owner), 0)
	key = append(key, keyTime(g.ListedAt)...)
	return append(key, g.ID...)
}

// putGig writes the gig and moves its stream key. oldKey is the key that it
// had; zero: none.
func (c *commit) putGig(g *Gig, revision uint64, oldKey [32]byte) error {
	value, err := encodeGig(g, revision)
	if err != nil {
		return err
	}
	keys := c.tx.Bucket(bucketKeys)
	moved := g.KeyHash != oldKey
	if moved && keys.Get(g.KeyHash[:]) != nil {
		return fmt.Errorf("%w: another gig has this stream key", ErrInvalid)
	}
	c.gigs = append(c.gigs, g.ID)
	if moved && oldKey != [32]byte{} {
		if err := c.remove(keys, oldKey[:]); err != nil {
			return err
		}
	}
	if moved && g.KeyHash != [32]byte{} {
		if err := c.put(keys, g.KeyHash[:], []byte(g.ID)); err != nil {
			return err
		}
	}
	return c.put(c.tx.Bucket(bucketGigs), []byte(g.ID), value)
}

// getGig reads a gig and its revision, or returns ErrNotFound.
func getGig(tx *bolt.Tx, id string) (Gig, uint64, error) {
	value := tx.Bucket(bucketGigs).Get([]byte(id))
	if value == nil {
		return Gig{}, 0, fmt.Errorf("%w: gig %q", ErrNotFound, id)
	}
	return decodeGig(value)
}

// reindex brings the index in step with the file for the gigs named.
func (e *Embedded) reindex(ids []string) {
	if len(ids) == 0 {
		return
	}
	gigs := make(map[string]*Gig, len(ids))
	err := e.read(context.Background(), func(tx *bolt.Tx) error {
		for _, id := range ids {
			g, _, err := getGig(tx, id)
			switch {
			case err == nil:
				gigs[id] = &g
			case errors.Is(err, ErrNotFound):
				gigs[id] = nil
			default:
				return err
			}
		}
		return nil
	})
	// A file that cannot be read fails every page as well: the index of before
	// is as good as any.
	if err == nil {
		e.index.set(gigs)
	}
}

func encodeGig(g *Gig, revision uint64) ([]byte, error) {
	value, err := json.Marshal(newGigRecord(g, revision))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if len(value) > maxGigBytes {
		return nil, fmt.Errorf("%w: gig %s takes %d bytes, at most %d are kept", ErrInvalid, g.ID, len(value), maxGigBytes)
	}
	return value, nil
}

func decodeGig(value []byte) (Gig, uint64, error) {
	var r gigRecord
	if err := decode(value, &r); err != nil {
		return Gig{}, 0, err
	}
	return r.gig(), r.Revision, nil
}
