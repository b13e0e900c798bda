package store

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	bolt "go.etcd.io/bbolt"
)

func TestPurge(t *testing.T) {
	e := openEmbedded(t, t.TempDir())
	s := e.Sessions()
	now := time.Now()
	expire := func(token string, at time.Time) {
		t.Helper()
		if err := s.Commit(token, []byte("data"), at); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.write(ctx, func(c *commit) error { // many at once
		for i := range purgeMost + 10 {
			token := fmt.Sprintf("old%04d", i)
			if err := c.put(c.tx.Bucket(bucketSessions), []byte(token), fmt.Appendf(nil, `{"v":1,"expires":%q}`, now.Add(-time.Hour).Format(time.RFC3339Nano))); err != nil {
				return err
			}
			if err := c.put(c.tx.Bucket(bucketExpiry), expiryKey(token, now.Add(-time.Hour)), nil); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	expire("renewed", now.Add(-time.Minute))
	expire("renewed", now.Add(time.Hour))
	expire("deleted", now.Add(-time.Minute))
	if err := s.Delete("deleted"); err != nil {
		t.Fatal(err)
	}
	expire("good", now.Add(time.Hour))

	left := func(bucket []byte) (n int) {
		t.Helper()
		if err := e.read(ctx, func(tx *bolt.Tx) error { n = tx.Bucket(bucket).Stats().KeyN; return nil }); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for i, want := range []int{purgeMost, 10, 0} {
		if n, err := e.purgeOnce(now); n != want || err != nil {
			t.Errorf("run %d purged %d, %v, want %d", i, n, err, want)
		}
	}
	if a, b := left(bucketSessions), left(bucketExpiry); a != 2 || b != 2 {
		t.Errorf("%d sessions and %d expiries are left", a, b)
	}
	for _, token := range []string{"renewed", "good"} {
		if _, found, err := s.Find(token); !found || err != nil {
			t.Errorf("%s: %v, %v", token, found, err)
		}
	}
}

// TestPurgeSparesRenewed checks that a session that is renewed between being
// found and being purged stays.
func TestPurgeSparesRenewed(t *testing.T) {
	e := openEmbedded(t, t.TempDir())
	s := e.Sessions()
	now := time.Now()
	if err := s.Commit("token", []byte("old"), now.Add(-time.Minute)); err != nil {
		t.Fatal(err)
	}
	release := hold(t, e)
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.Commit("token", []byte("new"), now.Add(time.Hour)); err != nil {
			t.Error(err)
		}
	})
	waitQueued(t, e, 1)
	wg.Go(func() {
		if n, err := e.purgeOnce(now); n != 1 || err != nil {
			t.Errorf("%d looked at, %v", n, err)
		}
	})
	waitQueued(t, e, 2)
	release()
	wg.Wait()
	if data, found, err := s.Find("token"); !found || string(data) != "new" || err != nil {
		t.Errorf("%q %v %v", data, found, err)
	}
}

// TestPurgeRuns checks that the store purges by itself. Time is the bubble's.
func TestPurgeRuns(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		e, err := OpenEmbedded(dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Sessions().Commit("token", nil, time.Now().Add(30*time.Second)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(purgeEvery + time.Second)
		synctest.Wait()
		if err := e.read(ctx, func(tx *bolt.Tx) error {
			if r, err := getSession(tx, "token"); r != nil || err != nil {
				return fmt.Errorf("still there: %v, %v", r, err)
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	})
}
