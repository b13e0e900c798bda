package chat

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// How fast one may write: a person, and all that come from one address, which
// may be a whole school behind one router.
const (
	personRate    = 1
	personBurst   = 5
	addressRate   = 300
	addressBurst  = 600
	addressesKept = 10_000
)

// addresses limits what comes from each address. The map is bounded: when it
// is full, further addresses share one bucket until sweep has made room.
type addresses struct {
	mu     sync.Mutex
	byAddr map[string]*bucket
	rest   *rate.Limiter
}

type bucket struct {
	*rate.Limiter
	used time.Time
}

func newAddresses() *addresses {
	return &addresses{
		byAddr: make(map[string]*bucket),
		rest:   rate.NewLimiter(addressRate, addressBurst),
	}
}

// take takes one token of the address, or says how long until there is one.
func (a *addresses) take(addr string, now time.Time) (wait time.Duration) {
	if addr == "" {
		return 0
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	key := addressKey(addr)
	b := a.byAddr[key]
	if b == nil {
		if len(a.byAddr) >= addressesKept {
			return take(a.rest, now)
		}
		b = &bucket{Limiter: rate.NewLimiter(addressRate, addressBurst)}
		a.byAddr[key] = b
	}
	b.used = now
	return take(b.Limiter, now)
}

// sweep forgets the addresses whose bucket is full again.
func (a *addresses) sweep(now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for k, b := range a.byAddr {
		if now.Sub(b.used) > addressBurst/addressRate*time.Second {
			delete(a.byAddr, k)
		}
	}
}

// take takes a token, or returns how long until there is one.
func take(l *rate.Limiter, now time.Time) time.Duration {
	r := l.ReserveN(now, 1)
	wait := r.DelayFrom(now)
	if wait > 0 {
		r.CancelAt(now)
	}
	return wait
}

// addressKey is what counts as one address: of IPv6 the network, since a
// subscriber has all addresses in it.
func addressKey(addr string) string {
	ip, err := netip.ParseAddr(addr)
	if err != nil {
		return addr
	}
	ip = ip.Unmap().WithZone("")
	if ip.Is4() {
		return ip.String()
	}
	p, err := ip.Prefix(64)
	if err != nil {
		return addr
	}
	return p.String()
}
