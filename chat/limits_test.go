package chat

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestPaceOfAPerson(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := startHub(t, newMemoryLog(), HubOptions{})
		m := join(t, h, "a", named("Bea"), 0)
		sayMany := func(want int) time.Duration {
			t.Helper()
			for i := 0; ; i++ {
				err := m.Say(context.Background(), "x", "")
				var fast *TooFastError
				if errors.As(err, &fast) {
					if i != want {
						t.Errorf("%d messages were taken, want %d", i, want)
					}
					return fast.Wait
				}
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		if wait := sayMany(personBurst); wait != time.Second {
			t.Errorf("one must wait %v", wait)
		}
		time.Sleep(600 * time.Millisecond)
		wait := sayMany(0)
		if wait <= 0 || wait > 400*time.Millisecond {
			t.Errorf("one must wait %v", wait)
		}
		time.Sleep(wait)
		sayMany(1)
		time.Sleep(time.Hour)
		sayMany(personBurst)
		// A second window is the same person.
		other := join(t, h, "a", named("Bea"), 0)
		var fast *TooFastError
		if err := other.Say(context.Background(), "x", ""); !errors.As(err, &fast) {
			t.Errorf("in a second window: %v", err)
		}
		if err := other.SetName("Bea 2"); !errors.As(err, &fast) {
			t.Errorf("a new name: %v", err)
		}
		if got := h.Stats().Refused["too_fast"]; got != 6 {
			t.Errorf("%d refused, want 6", got)
		}
		// Somebody else is not.
		say(t, join(t, h, "a", named("Dan"), 0), "x")
	})
}

func TestPaceOfAnAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAddresses()
		n := 0
		for a.take("192.0.2.1", time.Now()) == 0 {
			n++
		}
		if n != addressBurst {
			t.Errorf("%d at once, want %d", n, addressBurst)
		}
		if wait := a.take("192.0.2.2", time.Now()); wait != 0 {
			t.Errorf("another address waits %v", wait)
		}
		if wait := a.take("", time.Now()); wait != 0 {
			t.Errorf("no address waits %v", wait)
		}
		time.Sleep(time.Second)
		for n = 0; a.take("192.0.2.1", time.Now()) == 0; n++ {
		}
		if n != addressRate {
			t.Errorf("%d a second, want %d", n, addressRate)
		}
	})
}

func TestAddressesAreBoundedAndForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAddresses()
		for i := range addressesKept + 2*addressBurst {
			a.take(fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255), time.Now())
		}
		if n := len(a.byAddr); n != addressesKept {
			t.Errorf("%d are kept, want %d", n, addressesKept)
		}
		if a.take("203.0.113.1", time.Now()) == 0 {
			t.Error("those beyond the bound share no bucket")
		}
		if a.take("10.0.0.1", time.Now()) != 0 {
			t.Error("one that is kept suffers from those that are not")
		}
		time.Sleep(2 * time.Second)
		a.take("10.0.0.1", time.Now())
		time.Sleep(time.Second)
		a.sweep(time.Now())
		if n := len(a.byAddr); n != 1 {
			t.Errorf("%d are kept after the sweep, want 1", n)
		}
		time.Sleep(time.Minute)
		a.sweep(time.Now())
		if n := len(a.byAddr); n != 0 {
			t.Errorf("%d are kept for ever", n)
		}
	})
}

func TestHubSweepsAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := startHub(t, newMemoryLog(), HubOptions{})
		who := named("Bea")
		who.Addr = "192.0.2.1"
		say(t, join(t, h, "a", who, 0), "x")
		time.Sleep(2 * sweepEvery)
		h.addresses.mu.Lock()
		defer h.addresses.mu.Unlock()
		if n := len(h.addresses.byAddr); n != 0 {
			t.Errorf("%d addresses are kept", n)
		}
	})
}

func TestAddressKey(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.1":            "192.0.2.1",
		"::ffff:192.0.2.1":     "192.0.2.1",
		"2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
		"2001:db8:1:2::9":      "2001:db8:1:2::/64",
		"2001:db8:1:3::9":      "2001:db8:1:3::/64",
		"fe80::1%eth0":         "fe80::/64",
		"@":                    "@",
	} {
		if got := addressKey(in); got != want {
			t.Errorf("addressKey(%q) = %q, want %q", in, got, want)
		}
	}
}
