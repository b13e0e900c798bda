package store

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	bolt "go.etcd.io/bbolt"
)

const (
	purgeEvery = time.Minute
	purgeMost  = 500             // sessions in one run, so that others wait little
	purgeWait  = 5 * time.Second // for one run
)

// Sessions is the session store, as alexedwards/scs wants it.
func (e *Embedded) Sessions() *Sessions { return &Sessions{e} }

// Sessions implements scs.Store and scs.CtxStore. Tokens are kept as they
// come; the session manager hashes them (HashTokenInStore).
type Sessions struct{ e *Embedded }

// sessionRecord is a session as the file keeps it.
type sessionRecord struct {
	Version int       `json:"v"`
	Expires time.Time `json:"expires"`
	Data    []byte    `json:"data"`
}

// Find implements scs.Store.
func (s *Sessions) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}

// Commit implements scs.Store.
func (s *Sessions) Commit(token string, b []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), token, b, expiry)
}

// Delete implements scs.Store.
func (s *Sessions) Delete(token string) error { return s.DeleteCtx(context.Background(), token) }

// FindCtx implements scs.CtxStore.
func (s *Sessions) FindCtx(ctx context.Context, token string) (b []byte, found bool, err error) {
	err = s.e.read(ctx, func(tx *bolt.Tx) error {
		r, err := getSession(tx, token)
		if err != nil || r == nil || !time.Now().Before(r.Expires) {
			return err
		}
		b, found = r.Data, true
		return nil
	})
	return b, found, err
}

// CommitCtx implements scs.CtxStore.
func (s *Sessions) CommitCtx(ctx context.Context, token string, b []byte, expiry time.Time) error {
	if !validID(token) {
		return fmt.Errorf("%w: session token", ErrInvalid)
	}
	r := sessionRecord{Version: recordVersion, Expires: expiry.UTC().Round(0), Data: b}
	value, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return s.e.write(ctx, func(c *commit) error {
		if err := c.dropSession(token); err != nil {
			return err
		}
		if err := c.put(c.tx.Bucket(bucketExpiry), expiryKey(token, r.Expires), nil); err != nil {
			return err
		}
		return c.put(c.tx.Bucket(bucketSessions), []byte(token), value)
	})
}

// DeleteCtx implements scs.CtxStore.
func (s *Sessions) DeleteCtx(ctx context.Context, token string) error {
	return s.e.write(ctx, func(c *commit) error { return c.dropSession(token) })
}

// dropSession removes a session if it is there.
func (c *commit) dropSession(token string) error {
	r, err := getSession(c.tx, token)
	if err != nil || r == nil {
		return err
	}
	if err := c.remove(c.tx.Bucket(bucketExpiry), expiryKey(token, r.Expires)); err != nil {
		return err
	}
	return c.remove(c.tx.Bucket(bucketSessions), []byte(token))
}

// getSession returns the session, or nil.
func getSession(tx *bolt.Tx, token string) (*sessionRecord, error) {
	value := tx.Bucket(bucketSessions).Get([]byte(token))
	if value == nil {
		return nil, nil
	}
	r := &sessionRecord{}
	return r, decode(value, r)
}

func expiryKey(token string, expires time.Time) []byte { return append(keyTime(expires), token...) }

// purgeSessions removes expired sessions until the store closes.
func (e *Embedded) purgeSessions() {
	t := time.NewTicker(purgeEvery)
	defer t.Stop()
	for {
		select {
		case <-e.closing:
			return
		case now := <-t.C:
			if _, err := e.purgeOnce(now); err != nil {
				slog.Warn("expired sessions not purged", "err", err)
			}
		}
	}
}

// purgeOnce removes up to purgeMost sessions that expired before now, and
// returns how many it found.
func (e *Embedded) purgeOnce(now time.Time) (int, error) {
	ctx, cancel := context.WithTimeout(context.Background(), purgeWait)
	defer cancel()
	tokens, err := e.expired(ctx, now)
	if err != nil || len(tokens) == 0 {
		return 0, err
	}
	return len(tokens), e.write(ctx, func(c *commit) error {
		for _, token := range tokens {
			// A session may have been renewed since it was found.
			r, err := getSession(c.tx, token)
			if err != nil || r == nil || now.Before(r.Expires) {
				continue
			}
			if err := c.dropSession(token); err != nil {
				return err
			}
		}
		return nil
	})
}

// expired returns the tokens of up to purgeMost sessions that have expired.
func (e *Embedded) expired(ctx context.Context, now time.Time) (tokens []string, err error) {
	err = e.read(ctx, func(tx *bolt.Tx) error {
		limit := keyTime(now)
		c := tx.Bucket(bucketExpiry).Cursor()
		for key, _ := c.First(); key != nil && len(tokens) < purgeMost && bytes.Compare(key[:len(limit)], limit) < 0; key, _ = c.Next() {
			tokens = append(tokens, string(key[len(limit):]))
		}
		return nil
	})
	return tokens, err
}
