package chat

import (
	"math/rand/v2"
	"time"
)

// At a restart members come back over a time that grows with their number, so
// that a new process takes them in as calmly as an old one. All are back
// within half a minute.
const (
	leastAway     = time.Second // for the old process to end and the new one to start
	backEachSec   = 500         // members
	leastComeback = 2 * time.Second
	mostComeback  = 20 * time.Second
)

// comeback deals out when each of some members is to come back: each has a
// slot of its own in the time that there is, and a moment by chance within it.
type comeback struct {
	slots []int // in an order by chance: no room is before the others
	next  int
	slot  time.Duration // width
}

// newComeback deals for so many members.
func newComeback(members int) *comeback {
	members = max(members, 1)
	window := min(max(time.Duration(members)*time.Second/backEachSec, leastComeback), mostComeback)
	return &comeback{slots: rand.Perm(members), slot: window / time.Duration(members)}
}

// deal returns in how long the next member is to come back.
func (c *comeback) deal() time.Duration {
	i := c.slots[c.next%len(c.slots)]
	c.next++
	return leastAway + time.Duration(i)*c.slot + rand.N(c.slot)
}
