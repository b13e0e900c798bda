package store

import (
	"context"
	"time"

	bolt "go.etcd.io/bbolt"

	"bookmygig/media"
)

// lateStart is how long after its scheduled end a gig still takes a stream:
// shows start late and run long, but a key forgotten in an encoder must not
// put a show on air days later.
const lateStart = 12 * time.Hour

// What a creator reads in the encoder.
var (
	refuseUnknown   = &media.Refusal{Text: "This stream key is not known. Copy the newest one from your studio page."}
	refuseCancelled = &media.Refusal{Text: "This gig was cancelled. List a new one to go live again."}
	refuseEnded     = &media.Refusal{Text: "This gig was ended. List a new one to go live again."}
	refuseLate      = &media.Refusal{Text: "The time of this gig has passed. List a new one to go live again."}
)

// Authorize implements media.Authorizer: it resolves a stream key by its hash.
// A key that is unknown or rotated away, or whose gig takes no stream any more,
// is a *media.Refusal.
func (e *Embedded) Authorize(ctx context.Context, key string) (gigID string, err error) {
	if key == "" {
		return "", refuseUnknown
	}
	hash := HashKey(key)
	var g Gig
	err = e.read(ctx, func(tx *bolt.Tx) error {
		id := tx.Bucket(bucketKeys).Get(hash[:])
		if id == nil {
			return refuseUnknown
		}
		g, _, err = getGig(tx, string(id))
		return err
	})
	if err == nil {
		err = admitStream(&g, time.Now())
	}
	if err != nil {
		return "", err
	}
	return g.ID, nil
}

// admitStream decides whether a gig takes a stream now.
func admitStream(g *Gig, now time.Time) error {
	switch {
	case !g.CancelledAt.IsZero():
		return refuseCancelled
	case !g.EndedAt.IsZero():
		return refuseEnded
	case now.After(g.End.Add(lateStart)):
		return refuseLate
	}
	return nil
}
