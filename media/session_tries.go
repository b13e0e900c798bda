package media

import (
	"net/netip"
	"sync"
	"time"
)

// How many stream keys an address may get wrong: some at once, then one at
// each interval. A key has 130 random bits, so this is about load and not about
// luck; it is wide enough that an encoder that keeps trying an old key does not
// lock its owner out, who comes with the new one from the same address.
const (
	tryBurst     = 100
	tryInterval  = 100 * time.Millisecond
	maxTryGroups = 4096 // addresses remembered
)

// tries is the back-off of the addresses that send wrong stream keys.
type tries struct {
	mu    sync.Mutex
	spent map[netip.Addr]spending
}

// spending is how many tries an address has used up, as of a time; they come
// back at one for each tryInterval.
type spending struct {
	used float64
	at   time.Time
}

// left returns how much of s is still used up at now.
func (s spending) left(now time.Time) float64 {
	return max(0, s.used-float64(now.Sub(s.at))/float64(tryInterval))
}

// take uses up one try of addr; false means that it has none. A try that the
// right key came with is given back.
func (t *tries) take(addr netip.Addr, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	used := t.spent[addr].left(now)
	if used+1 > tryBurst {
		return false
	}
	if t.spent == nil {
		t.spent = make(map[netip.Addr]spending)
	}
	if len(t.spent) >= maxTryGroups {
		t.sweep(now)
	}
	t.spent[addr] = spending{used + 1, now}
	return true
}

// giveBack returns a try to addr.
func (t *tries) giveBack(addr netip.Addr) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s, ok := t.spent[addr]
	if !ok {
		return
	}
	if s.used--; s.used <= 0 {
		delete(t.spent, addr)
		return
	}
	t.spent[addr] = s
}

// sweep forgets the addresses that have all their tries, and arbitrary others
// until half are gone, so that it is not called each time.
func (t *tries) sweep(now time.Time) {
	for addr, s := range t.spent {
		if s.left(now) == 0 {
			delete(t.spent, addr)
		}
	}
	for addr := range t.spent {
		if len(t.spent) <= maxTryGroups/2 {
			return
		}
		delete(t.spent, addr)
	}
}
