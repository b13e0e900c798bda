package store

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func testSessions(t *testing.T, open place) {
	s := open().sessions
	later := time.Now().Add(time.Hour)
	find := func(token string, want []byte, wantFound bool) {
		t.Helper()
		data, found, err := s.Find(token)
		if err != nil || found != wantFound || !bytes.Equal(data, want) {
			t.Fatalf("%q: got %q, %v, %v", token, data, found, err)
		}
	}
	commit := func(token string, data []byte, expiry time.Time) {
		t.Helper()
		if err := s.Commit(token, data, expiry); err != nil {
			t.Fatal(err)
		}
	}
	remove := func(token string) {
		t.Helper()
		if err := s.Delete(token); err != nil {
			t.Fatal(err)
		}
	}

	find("a", nil, false)
	find("", nil, false)
	find(strings.Repeat("x", 1<<20), nil, false)
	remove("a")

	binary := []byte{0, 255, '"', 10, 128}
	commit("a", binary, later)
	commit("ab", []byte("other"), later)
	find("a", binary, true)
	find("b", nil, false)

	commit("a", []byte("new"), later.Add(time.Hour))
	find("a", []byte("new"), true)
	commit("a", nil, later)
	find("a", nil, true)

	commit("a", []byte("old"), time.Now().Add(-time.Second)) // now it has expired
	find("a", nil, false)
	commit("a", []byte("back"), later)
	find("a", []byte("back"), true)

	remove("a")
	remove("a")
	find("a", nil, false)
	find("ab", []byte("other"), true)

	soon := time.Now().Add(200 * time.Millisecond)
	commit("short", []byte("x"), soon)
	for deadline := time.Now().Add(10 * time.Second); ; {
		_, found, err := s.Find("short")
		if err != nil {
			t.Fatal(err)
		}
		if !found {
			if time.Now().Before(soon) {
				t.Error("gone before its time")
			}
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("found long after its time")
		}
		time.Sleep(10 * time.Millisecond)
	}
}
