package store

import (
	"context"
	"fmt"
	"time"

	"github.com/alexedwards/scs/redisstore"
	"github.com/gomodule/redigo/redis"
)

// Sessions is the session store, as alexedwards/scs wants it.
func (r *Redis) Sessions() *RedisSessions { return &RedisSessions{r} }

// RedisSessions implements scs.Store and scs.CtxStore with scs's own store for
// Redis. That one knows no context and would wait for a connection for ever:
// each call gives it a pool of one connection that it has already. Tokens are
// kept as they come; the session manager hashes them (HashTokenInStore).
type RedisSessions struct{ r *Redis }

// Find implements scs.Store.
func (s *RedisSessions) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}

// Commit implements scs.Store.
func (s *RedisSessions) Commit(token string, b []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), token, b, expiry)
}

// Delete implements scs.Store.
func (s *RedisSessions) Delete(token string) error { return s.DeleteCtx(context.Background(), token) }

// FindCtx implements scs.CtxStore.
func (s *RedisSessions) FindCtx(ctx context.Context, token string) (b []byte, found bool, err error) {
	err = s.with(ctx, func(store *redisstore.RedisStore) (err error) {
		b, found, err = store.Find(token)
		return err
	})
	return b, found, err
}

// CommitCtx implements scs.CtxStore.
func (s *RedisSessions) CommitCtx(ctx context.Context, token string, b []byte, expiry time.Time) error {
	if !validID(token) {
		return fmt.Errorf("%w: session token", ErrInvalid)
	}
	// Redis counts in whole milliseconds; a session must not end before its time.
	expiry = expiry.Add(time.Millisecond - 1)
	return s.with(ctx, func(store *redisstore.RedisStore) error { return store.Commit(token, b, expiry) })
}

// DeleteCtx implements scs.CtxStore.
func (s *RedisSessions) DeleteCtx(ctx context.Context, token string) error {
	return s.with(ctx, func(store *redisstore.RedisStore) error { return store.Delete(token) })
}

// with runs use, which must be idempotent.
func (s *RedisSessions) with(ctx context.Context, use func(*redisstore.RedisStore) error) error {
	ctx, cancel := s.r.patient(ctx)
	defer cancel()
	return s.r.with(ctx, true, func(c redis.Conn) error {
		one := &redis.Pool{Dial: func() (redis.Conn, error) { return lent{c, ctx}, nil }}
		return use(redisstore.NewWithPrefix(one, keySessionPrefix))
	})
}

// lent is a connection that keeps to the deadline of a context and stays open
// when the pool of one closes it.
type lent struct {
	redis.Conn
	ctx context.Context
}

// Do implements redis.Conn.
func (l lent) Do(name string, args ...any) (any, error) {
	left := readTimeout
	if d, ok := l.ctx.Deadline(); ok {
		left = min(left, max(time.Until(d), time.Millisecond))
	}
	return redis.DoWithTimeout(l.Conn, left, name, args...)
}

// Close implements redis.Conn.
func (l lent) Close() error { return nil }
