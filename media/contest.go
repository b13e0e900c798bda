package media

import "time"

// Bounds on takeovers: the newest publisher wins, but two encoders that share
// a key must not throw each other out for ever.
const (
	maxTakeovers   = 3
	takeoverWindow = 10 * time.Second
	firstLockout   = takeoverWindow
	maxLockout     = 5 * time.Minute
	// calmAfter is how long nobody may have tried for the contest to count for
	// one lock-out less.
	calmAfter = time.Minute
	// lostAfter is how long a publisher is silent until it is taken for lost:
	// who takes over from it, as after a broken line, competes with nobody.
	lostAfter = 2 * time.Second
)

// contest decides who stays when several encoders send with one key. After
// maxTakeovers within takeoverWindow the winner is left alone for a while, and
// after each further takeover for twice as long as before: viewers see fewer
// and fewer changes, and whoever is refused reads why.
type contest struct {
	takeovers []time.Time // within takeoverWindow
	lockouts  int         // so far, less those that calm has taken away
	until     time.Time   // the publisher stays until then
	tried     time.Time   // when one came last, let in or not
}

// takeover tells whether a newcomer may take over now from a publisher that
// was last heard of at heard.
func (c *contest) takeover(now, heard time.Time) bool {
	if now.Sub(heard) >= lostAfter {
		return true
	}
	c.calm(now)
	c.tried = now
	if now.Before(c.until) {
		return false
	}
	for len(c.takeovers) > 0 && now.Sub(c.takeovers[0]) > takeoverWindow {
		c.takeovers = c.takeovers[1:]
	}
	c.takeovers = append(c.takeovers, now)
	if c.lockouts > 0 || len(c.takeovers) >= maxTakeovers {
		d := min(firstLockout<<c.lockouts, maxLockout)
		c.until = now.Add(d)
		if d < maxLockout {
			c.lockouts++
		}
	}
	return true
}

// calm forgets a lock-out for each calmAfter in which nobody tried.
func (c *contest) calm(now time.Time) {
	for c.lockouts > 0 && now.Sub(c.tried) >= calmAfter {
		c.lockouts--
		c.tried = c.tried.Add(calmAfter)
	}
}

// on tells whether several encoders have competed lately.
func (c *contest) on(now time.Time) bool {
	return c.lockouts > 0 && now.Sub(c.tried) < calmAfter
}
