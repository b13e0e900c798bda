package store

import (
	"context"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

const (
	queueLength = 256 // writes that wait; further callers wait to get in
	maxGroup    = 128 // writes that share one transaction
)

var (
	errClosed  = unavailable(errors.New("the store is closed"))
	errNothing = errors.New("store: nothing to commit")
)

// write is one caller's step in the queue.
type write struct {
	ctx  context.Context
	do   func(*commit) error
	done chan error // of capacity 1: the writer never waits for a caller
}

// write runs do in the next transaction and returns when that is on disk. do
// runs once; all that it changes goes through the commit. An error that it
// returns before its first change is returned and leaves nothing behind. When
// ctx ends first, do may or may not happen, but in full or not at all; do must
// therefore share nothing with its caller that the caller may then change.
func (e *Embedded) write(ctx context.Context, do func(*commit) error) error {
	if ctx.Err() != nil {
		return gaveUp(ctx)
	}
	w := &write{ctx: ctx, do: do, done: make(chan error, 1)}
	select {
	case e.queue <- w:
	case <-ctx.Done():
		return gaveUp(ctx)
	case <-e.closing:
		return errClosed
	}
	select {
	case err := <-w.done:
		return err
	case <-ctx.Done():
		return gaveUp(ctx)
	case <-e.stopped:
	}
	// The writer has left: it answered, or this write came after its last look.
	select {
	case err := <-w.done:
		return err
	default:
		return errClosed
	}
}

func gaveUp(ctx context.Context) error { return fmt.Errorf("store: write: %w", ctx.Err()) }

// runWriter is the only goroutine that writes. While one transaction is being
// synced the next callers gather in the queue and share the next sync: the
// busier, the larger the groups, and a lone write waits for nobody.
func (e *Embedded) runWriter() {
	defer close(e.stopped)
	for {
		select {
		case w := <-e.queue:
			e.commitGroup(e.gather(w))
		case <-e.closing:
			for {
				select {
				case w := <-e.queue:
					e.commitGroup(e.gather(w))
				default:
					return
				}
			}
		}
	}
}

// gather takes what waits already, and never waits itself.
func (e *Embedded) gather(first *write) []*write {
	group := []*write{first}
	for len(group) < maxGroup {
		select {
		case w := <-e.queue:
			group = append(group, w)
		default:
			return group
		}
	}
	return group
}

// commitGroup runs the group in one transaction and answers each write.
func (e *Embedded) commitGroup(group []*write) {
	errs := make([]error, len(group))
	c := &commit{}
	failed := e.db.Update(func(tx *bolt.Tx) error {
		c.tx = tx
		return c.run(group, errs)
	})
	if errors.Is(failed, errNothing) {
		failed = nil
	}
	// Also after a failure: the file may hold the change although the last sync
	// reported an error, and then the listing has to show it as well.
	e.reindex(c.gigs)
	for i, w := range group {
		if failed != nil && errs[i] == nil {
			errs[i] = unavailable(failed)
		}
		w.done <- errs[i]
	}
}

// commit is a transaction that a group of writes shares.
type commit struct {
	tx    *bolt.Tx
	wrote bool     // by the write that runs now
	gigs  []string // ids of gigs that changed
}

// run executes the group. It fails when a write failed half-way, which only a
// fault of the file can cause: then nothing of the group may stay.
func (c *commit) run(group []*write, errs []error) error {
	succeeded := false
	for i, w := range group {
		if w.ctx.Err() != nil {
			errs[i] = gaveUp(w.ctx)
			continue
		}
		c.wrote = false
		errs[i] = w.do(c)
		if errs[i] != nil && c.wrote {
			return errs[i]
		}
		succeeded = succeeded || errs[i] == nil
	}
	if !succeeded {
		return errNothing
	}
	return nil
}

// put sets a key.
func (c *commit) put(b *bolt.Bucket, key, value []byte) error {
	c.wrote = true
	if err := b.Put(key, value); err != nil {
		return unavailable(err)
	}
	return nil
}

// remove deletes a key; one that is missing is no error.
func (c *commit) remove(b *bolt.Bucket, key []byte) error {
	c.wrote = true
	if err := b.Delete(key); err != nil {
		return unavailable(err)
	}
	return nil
}

// inner returns the bucket inside parent, and makes it when it is missing.
func (c *commit) inner(parent []byte, name string) (*bolt.Bucket, error) {
	p := c.tx.Bucket(parent)
	if b := p.Bucket([]byte(name)); b != nil {
		return b, nil
	}
	c.wrote = true
	b, err := p.CreateBucket([]byte(name))
	if err != nil {
		return nil, unavailable(err)
	}
	return b, nil
}
