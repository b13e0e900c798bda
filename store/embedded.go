package store

import (
	"context"
	"time"

	"bookmygig/chat"
)

// Embedded is the store of a single node: one bbolt file.
type Embedded struct{}

// OpenEmbedded opens or makes the store in the folder dir. It fails with a
// clear error when another process has it open.
func OpenEmbedded(dir string) (*Embedded, error) { panic("not built yet") }

// Close flushes and closes the file.
func (e *Embedded) Close() error { return nil }

// Ready reports whether the store can answer.
func (e *Embedded) Ready(ctx context.Context) error { return nil }

// CreateGig keeps a new gig; it is durable when CreateGig returns.
func (e *Embedded) CreateGig(ctx context.Context, g Gig) error { return nil }

// Gig returns a gig, or ErrNotFound.
func (e *Embedded) Gig(ctx context.Context, id string) (Gig, error) { return Gig{}, ErrNotFound }

// UpdateGig changes a gig in one atomic, durable step: change is called with
// the present gig and may be called again; an error from it is returned and
// nothing changes. ID, Owner and ListedAt cannot be changed.
func (e *Embedded) UpdateGig(ctx context.Context, id string, change func(*Gig) error) (Gig, error) {
	return Gig{}, ErrNotFound
}

// ListGigs answers a query.
func (e *Embedded) ListGigs(ctx context.Context, q Query) (Listing, error) { return Listing{}, nil }

// GigsByOwner returns the owner's gigs, newest listing first, at most limit.
func (e *Embedded) GigsByOwner(ctx context.Context, owner string, limit int) ([]Gig, error) {
	return nil, nil
}

// Authorize implements media.Authorizer: it resolves a stream key by its hash.
func (e *Embedded) Authorize(ctx context.Context, key string) (gigID string, err error) {
	return "", ErrNotFound
}

// AppendMessages implements chat.Log.
func (e *Embedded) AppendMessages(ctx context.Context, msgs []chat.Message) ([]chat.Message, []bool, error) {
	return nil, nil, nil
}

// Messages implements chat.Log.
func (e *Embedded) Messages(ctx context.Context, room string, after uint64, limit int) ([]chat.Message, uint64, error) {
	return nil, 0, nil
}

// Sessions is the session store, as alexedwards/scs wants it.
func (e *Embedded) Sessions() *Sessions { return nil }

// Sessions implements scs.Store.
type Sessions struct{}

// Find implements scs.Store.
func (s *Sessions) Find(token string) ([]byte, bool, error) { return nil, false, nil }

// Commit implements scs.Store.
func (s *Sessions) Commit(token string, b []byte, expiry time.Time) error { return nil }

// Delete implements scs.Store.
func (s *Sessions) Delete(token string) error { return nil }
