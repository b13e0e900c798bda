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
	}
	if n := len(k.byGig); n != keysMax {
		t.Fatalf("%d keys wait, want %d", n, keysMax)
	}
	if _, ok := k.take("g0", "anna"); ok {
		t.Error("the oldest key did not give way")
	}
	if _, ok := k.take(fmt.Sprint("g", keysMax+49), "anna"); !ok {
		t.Error("the newest key is missing")
	}
	now = now.Add(2 * keyLife)
	k.put("late", "anna", "key")
	k.put("late2", "anna", "key")
	if n := len(k.byGig); n > keysMax {
		t.Errorf("%d keys wait", n)
	}
}
