package store

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alexedwards/scs/v2"
	bolt "go.etcd.io/bbolt"
	"go.uber.org/goleak"
)

var _ scs.CtxStore = (*Sessions)(nil)

// TestMain also is the child process of the tests that need one to kill or to
// limit; see child_test.go.
func TestMain(m *testing.M) {
	if work := os.Getenv(childEnv); work != "" {
		children[work](os.Getenv(childDirEnv))
		return
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if err := stopShared(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
		os.Exit(code)
	}))
}

func TestEmbedded(t *testing.T) {
	conform(t, func(t *testing.T) place {
		dir := t.TempDir()
		return func() opened {
			e := openEmbedded(t, dir)
			return opened{e, e.Sessions()}
		}
	})
}

// openEmbedded opens a store that is closed at the end of the test.
func openEmbedded(t testing.TB, dir string) *Embedded {
	t.Helper()
	e, err := OpenEmbedded(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

func TestOpenMakesPrivateFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "data")
	openEmbedded(t, dir)
	for path, want := range map[string]os.FileMode{dir: 0o700 | os.ModeDir, filepath.Join(dir, fileName): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
}

func TestOpenTwice(t *testing.T) {
	dir := t.TempDir()
	e := openEmbedded(t, dir)
	second, err := OpenEmbedded(dir)
	if second != nil || !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), fileName+" is in use by another process") {
		t.Fatalf("%v, %v", second, err)
	}
	if err := e.Ready(ctx); err != nil {
		t.Errorf("the first one: %v", err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	openEmbedded(t, dir)
}

func TestOpenRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(t *testing.T, dir, path string)
		says  string
	}{
		"a newer layout": {func(t *testing.T, dir, path string) {
			spoilFile(t, dir, func(tx *bolt.Tx) error { return tx.Bucket(bucketMeta).Put(metaLayout, []byte("2")) })
		}, "use a newer version"},
		"no number as layout": {func(t *testing.T, dir, path string) {
			spoilFile(t, dir, func(tx *bolt.Tx) error { return tx.Bucket(bucketMeta).Put(metaLayout, []byte("x")) })
		}, `its layout is "x"`},
		"a damaged gig": {func(t *testing.T, dir, path string) {
			spoilFile(t, dir, func(tx *bolt.Tx) error { return tx.Bucket(bucketGigs).Put([]byte("a"), []byte("{")) })
		}, "damaged value"},
		"another file": {func(t *testing.T, dir, path string) {
			if err := os.WriteFile(path, bytes.Repeat([]byte("text\n"), 10000), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "invalid database"},
		"a folder in its place": {func(t *testing.T, dir, path string) {
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		}, "is a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, fileName)
			c.spoil(t, dir, path)
			for range 2 { // a refused file is not left locked
				e, err := OpenEmbedded(dir)
				if e != nil || err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), path) {
					t.Fatalf("%v, %v", e, err)
				}
			}
		})
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenEmbedded(file); err == nil {
		t.Error("a file was taken for the folder")
	}
}

// spoilFile changes the file of a store behind its back.
func spoilFile(t *testing.T, dir string, change func(*bolt.Tx) error) {
	t.Helper()
	e, err := OpenEmbedded(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(e.db.Update(change), e.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestFileHoldsNoKey looks for the stream key in every byte on disk.
func TestFileHoldsNoKey(t *testing.T) {
	dir := t.TempDir()
	e := openEmbedded(t, dir)
	key := NewStreamKey()
	g := aGig("a", noon)
	g.KeyHash = HashKey(key)
	mustCreate(t, opened{backend: e}, g)
	if id, err := e.Authorize(ctx, key); id != "a" {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, fileName))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(data, []byte(g.Title)) {
		t.Error("not even the title is there")
	}
	if bytes.Contains(bytes.ToLower(data), bytes.ToLower([]byte(key))) {
		t.Error("the stream key is in the file")
	}
}
