package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// ErrInUse means that another process has the embedded store open.
var ErrInUse = errors.New("is in use by another process")

// lockWait is how long OpenEmbedded waits for a process that is just leaving.
const lockWait = time.Second

// Embedded is the store of a single node: one bbolt file. Its methods may be
// called at the same time.
type Embedded struct {
	db    *bolt.DB
	index index

	queue   chan *write
	closing chan struct{} // closed: no new writes
	stopped chan struct{} // closed: the writer has answered all it took

	close    sync.Once
	closeErr error
	purger   sync.WaitGroup
}

// OpenEmbedded opens or makes the store in the folder dir, which is made when
// it is missing. When another process has it open the error wraps ErrInUse.
func OpenEmbedded(dir string) (*Embedded, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	path := filepath.Join(dir, fileName)
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: lockWait, FreelistType: bolt.FreelistMapType})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil, fmt.Errorf("store: %s %w", path, ErrInUse)
	}
	if err != nil {
		return nil, fmt.Errorf("store: open %s: %w", path, err)
	}
	e := &Embedded{
		db:      db,
		queue:   make(chan *write, queueLength),
		closing: make(chan struct{}),
		stopped: make(chan struct{}),
	}
	if err := e.load(dir); err != nil {
		return nil, errors.Join(fmt.Errorf("store: open %s: %w", path, err), db.Close())
	}
	go e.runWriter()
	e.purger.Go(e.purgeSessions)
	return e, nil
}

// load makes a new file complete and durable, and fills the index.
func (e *Embedded) load(dir string) error {
	if err := e.db.Update(prepare); err != nil {
		return err
	}
	// The names of a new file and a new folder are on disk only when the
	// folders that hold them are.
	for _, d := range []string{dir, filepath.Dir(filepath.Clean(dir))} {
		if err := syncDir(d); err != nil {
			return err
		}
	}
	return e.db.View(e.index.load)
}

// syncDir writes a folder's entries to disk, where the file system can.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}

// Close finishes the writes that wait, refuses new ones with ErrUnavailable and
// closes the file.
func (e *Embedded) Close() error {
	e.close.Do(func() {
		close(e.closing)
		e.purger.Wait()
		<-e.stopped
		e.closeErr = e.db.Close()
	})
	return e.closeErr
}

// Ready reports whether the store can answer. A store whose disk is full still
// can: it reads.
func (e *Embedded) Ready(ctx context.Context) error {
	return e.read(ctx, func(*bolt.Tx) error { return nil })
}

// read runs fn over one consistent state of the file. It waits for no write.
func (e *Embedded) read(ctx context.Context, fn func(*bolt.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("store: read: %w", err)
	}
	tx, err := e.db.Begin(false)
	if err != nil {
		return unavailable(err)
	}
	// Ending a reading transaction fails only when it has ended already.
	defer func() { _ = tx.Rollback() }()
	return fn(tx)
}
