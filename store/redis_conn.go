package store

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gomodule/redigo/redis"
)

// Settings of the connections.
const (
	dialTimeout  = 2 * time.Second // all of it: TCP, TLS, password, database
	readTimeout  = 2 * time.Second
	writeTimeout = 2 * time.Second

	maxConns     = 64 // further callers wait, until their context ends
	idleTimeout  = time.Minute
	connLifetime = 10 * time.Minute
	checkIdle    = 5 * time.Second // a connection idle for longer is asked first

	backoffFirst = 10 * time.Millisecond // doubled each time
	backoffMost  = 500 * time.Millisecond
)

// server is where Redis is and how to get in. It prints without the password.
type server struct {
	address  string
	tls      bool
	user     string
	password string
	db       int
}

func (s server) String() string { return s.address + "/" + strconv.Itoa(s.db) }

// GoString keeps the password out of %#v.
func (s server) GoString() string { return s.String() }

// parseServer reads a redis:// or rediss:// URL. Its errors do not repeat it.
func parseServer(raw string) (server, error) {
	bad := func(what string) (server, error) {
		return server{}, fmt.Errorf("%w: the address of Redis %s; it is redis://[user:password@]host[:port][/db] or rediss://… for TLS", ErrInvalid, what)
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return bad("is no URL")
	case u.Scheme != "redis" && u.Scheme != "rediss":
		return bad("begins with another scheme")
	case u.Opaque != "" || u.RawQuery != "" || u.Fragment != "":
		return bad("has parts that mean nothing")
	case u.Hostname() == "":
		return bad("names no host")
	}
	s := server{tls: u.Scheme == "rediss"}
	port := u.Port()
	if port == "" {
		port = "6379"
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return bad("has no valid port")
	}
	s.address = net.JoinHostPort(u.Hostname(), port)
	if db := strings.TrimPrefix(u.Path, "/"); db != "" {
		if s.db, err = strconv.Atoi(db); err != nil || s.db < 0 {
			return bad("has no valid database number")
		}
	}
	s.user = u.User.Username()
	s.password, _ = u.User.Password()
	if s.user != "" && s.password == "" {
		return bad("has a user and no password")
	}
	return s, nil
}

// options are those of redigo for one connection.
func (s server) options() []redis.DialOption {
	dial := (&net.Dialer{KeepAlive: time.Minute}).DialContext
	if s.tls {
		dial = (&tls.Dialer{NetDialer: &net.Dialer{KeepAlive: time.Minute}, Config: &tls.Config{MinVersion: tls.VersionTLS12}}).DialContext
	}
	return []redis.DialOption{
		redis.DialContextFunc(dial), // and not redigo's own TLS, which knows no context
		redis.DialReadTimeout(readTimeout), redis.DialWriteTimeout(writeTimeout),
		redis.DialUsername(s.user), redis.DialPassword(s.password), redis.DialDatabase(s.db),
		redis.DialClientName("bookmygig"),
	}
}

func (r *Redis) newPool() *redis.Pool {
	return &redis.Pool{
		DialContext: r.dial, MaxActive: maxConns, MaxIdle: maxConns, Wait: true,
		IdleTimeout: idleTimeout, MaxConnLifetime: connLifetime,
		TestOnBorrowContext: func(ctx context.Context, c redis.Conn, since time.Time) error {
			if err := c.Err(); err != nil || time.Since(since) < checkIdle {
				return err
			}
			_, err := doOn(ctx, c, cmd("PING"))
			return err
		},
	}
}

var errOutdated = errors.New("store: the connection leads to a Redis that takes no writes any more")

// link is a connection that is not used again once its generation is over.
type link struct {
	redis.ConnWithTimeout
	r          *Redis
	generation uint64
}

// Err implements redis.Conn; the pool drops a connection that has one.
func (l *link) Err() error {
	if l.generation != l.r.generation.Load() {
		return errOutdated
	}
	return l.ConnWithTimeout.Err()
}

func (r *Redis) dial(ctx context.Context) (redis.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	generation := r.generation.Load()
	c, err := redis.DialContext(ctx, "tcp", r.server.address, r.server.options()...)
	if err != nil {
		return nil, err
	}
	if err := r.meet(ctx, c); err != nil {
		_ = c.Close()
		return nil, err
	}
	return &link{c.(redis.ConnWithTimeout), r, generation}, nil
}

// errPatience is why a context of patient ended by itself.
var errPatience = errors.New("redis takes too long")

// patient bounds what a call waits for Redis.
func (r *Redis) patient(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, r.patience, errPatience)
}

// with runs use on a connection, and again after a failure that time may mend:
// when again is true, that is use is idempotent, or when nothing of it can
// have happened. The waits between double, and are random so that nodes that
// fail together do not come back together. ctx must have a deadline.
func (r *Redis) with(ctx context.Context, again bool, use func(redis.Conn) error) error {
	var before error
	for wait := backoffFirst; ; wait = min(2*wait, backoffMost) {
		err := r.once(ctx, use)
		if err == nil {
			return nil
		}
		if before != nil && ctx.Err() != nil {
			err = before // it says more than that the time is over
		}
		before = err
		if !mendable(err, again) {
			return failed(ctx, err)
		}
		t := time.NewTimer(rand.N(wait))
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return failed(ctx, err)
		}
	}
}

// once runs use on a connection.
func (r *Redis) once(ctx context.Context, use func(redis.Conn) error) error {
	done, err := r.call()
	if err != nil {
		return err
	}
	defer done()
	generation := r.generation.Load()
	c, err := r.pool.GetContext(ctx)
	if err != nil {
		return &refused{err}
	}
	err = use(c)
	if replied(err, "READONLY") {
		// What was the master is a replica now: the name leads to another
		// server, and every connection there is must be dialled again.
		r.generation.CompareAndSwap(generation, generation+1)
	}
	_ = c.Close() // what it could report, use has reported
	return err
}

// refused marks an error after which nothing can have happened.
type refused struct{ error }

func (e *refused) Unwrap() error { return e.error }

// passing are the refusals of Redis that time may mend.
var passing = []string{"READONLY", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "BUSY"}

// mendable reports whether another try may be made and help.
func mendable(err error, again bool) bool {
	var reply redis.Error
	var stranger *tls.CertificateVerificationError
	if errors.As(err, &stranger) || errors.Is(err, errClosed) || errors.Is(err, errLayout) || errors.As(err, &reply) && !replied(err, passing...) {
		return false
	}
	var r *refused
	return again || errors.As(err, &r)
}

// replied reports whether the error is a reply of Redis that begins with one of
// the words.
func replied(err error, words ...string) bool {
	var reply redis.Error
	if !errors.As(err, &reply) {
		return false
	}
	first, _, _ := strings.Cut(string(reply), " ")
	for _, w := range words {
		if first == w {
			return true
		}
	}
	return false
}

// failed turns an error of a connection into one of the store.
func failed(ctx context.Context, err error) error {
	if errors.Is(err, errClosed) {
		return err
	}
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, errPatience) {
		return fmt.Errorf("store: redis: %w", ctx.Err())
	}
	if replied(err, "OOM") {
		err = fmt.Errorf("redis has reached its maxmemory and takes no writes: %w", err)
	}
	return unavailable(err)
}
