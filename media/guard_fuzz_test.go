package media

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// FuzzGuard gives the guard arbitrary bytes behind a handshake, before and after publish.
func FuzzGuard(f *testing.F) {
	seedGuard(f)
	f.Fuzz(func(t *testing.T, b []byte, live bool) {
		if len(b) > 256<<10 {
			return
		}
		_, _ = through(t, bytes.NewReader(craft(hello, b)), live)
	})
}

// seedGuard adds the beginnings of the recorded sessions and the crafted ones.
func seedGuard(f *testing.F) {
	files, err := filepath.Glob("testdata/sessions/*.bin")
	if err != nil || len(files) == 0 {
		f.Fatal("no recorded sessions")
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b[handshakeSize:min(len(b), handshakeSize+16<<10)], false)
	}
	for _, h := range holes() {
		f.Add(h.in[:min(len(h.in), 64<<10)], false)
		f.Add(h.in[:min(len(h.in), 64<<10)], true)
	}
}
