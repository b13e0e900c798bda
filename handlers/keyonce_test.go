package handlers

import (
	"fmt"
	"testing"
	"time"
)

func TestKeyIsTakenOnceByItsOwner(t *testing.T) {
	var k keyOnce
	k.put("g1", "anna", "secret")
	if key, ok := k.take("g1", "ben"); ok || key != "" {
		t.Fatalf("another owner took %q", key)
	}
	if key, ok := k.take("g2", "anna"); ok {
		t.Fatalf("another gig gave %q", key)
	}
	if key, ok := k.take("g1", "anna"); !ok || key != "secret" {
		t.Fatalf("took %q, %v", key, ok)
	}
	if key, ok := k.take("g1", "anna"); ok {
		t.Fatalf("taken twice: %q", key)
	}
}

func TestKeyIsReplacedAndExpires(t *testing.T) {
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	k := keyOnce{now: func() time.Time { return now }}
	k.put("g1", "anna", "first")
	k.put("g1", "anna", "second")
	now = now.Add(keyLife)
	if key, ok := k.take("g1", "anna"); !ok || key != "second" {
		t.Fatalf("took %q, %v", key, ok)
	}
	k.put("g1", "anna", "third")
	now = now.Add(keyLife + time.Second)
	if key, ok := k.take("g1", "anna"); ok {
		t.Fatalf("an expired key was handed out: %q", key)
	}
}

func TestWaitingKeysAreBounded(t *testing.T) {
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	k := keyOnce{now: func() time.Time { return now }}
	for i := range keysMax + 50 {
		now = now.Add(time.Millisecond)
		k.put(fmt.Sprint("g", i), "anna", "key")
		if i == keysMax/2 {
			k.put("again", "anna", "key")
			k.put("again", "anna", "key") // replaces: takes no second place
		}
	}
	if n := len(k.byGig); n != keysMax {
		t.Fatalf("%d keys wait, want %d", n, keysMax)
	}
	if _, ok := k.take(fmt.Sprint("g", keysMax+49), "anna"); !ok {
		t.Error("the newest key is missing")
	}
	k.put("last", "anna", "key")
	now = now.Add(2 * keyLife)
	k.put("late", "anna", "key")
	if n := len(k.byGig); n != 1 {
		t.Errorf("%d keys wait, want the one that has not expired", n)
	}
}

// A flood of listings is not searched through at each of them.
func TestWaitingKeysAreSweptNowAndThen(t *testing.T) {
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	k := keyOnce{now: func() time.Time { return now }}
	for i := range keysMax + 1 {
		k.put(fmt.Sprint("g", i), "anna", "key")
	}
	if !k.swept.Equal(now) {
		t.Fatalf("swept at %v", k.swept)
	}
	was := now
	now = now.Add(sweepEvery - time.Millisecond)
	k.put("soon", "anna", "key")
	if !k.swept.Equal(was) {
		t.Error("swept again at once")
	}
	now = now.Add(time.Millisecond)
	k.put("then", "anna", "key")
	if !k.swept.Equal(now) {
		t.Error("not swept again")
	}
	if n := len(k.byGig); n != keysMax {
		t.Errorf("%d keys wait, want %d", n, keysMax)
	}
}
