package chat

import (
	"errors"
	"maps"
	"sync"
)

// Stats are the hub's figures for /metrics.
type Stats struct {
	Rooms, Members int
	Messages       uint64            // delivered to this node since the start
	Refused        map[string]uint64 // by reason, since the start
	Cut            uint64            // members cut because their queue was full
}

// Stats returns the hub's figures. The reasons in Refused are name, no_name,
// empty, too_long, too_fast and broker.
func (h *Hub) Stats() Stats {
	s := Stats{Messages: h.messages.Load(), Refused: h.refusals.counts(), Cut: h.cut.Load()}
	for _, r := range h.all() {
		if n := r.size(); n > 0 {
			s.Rooms++
			s.Members += n
		}
	}
	return s
}

// refusals counts what was refused, by reason.
type refusals struct {
	mu sync.Mutex
	by map[string]uint64
}

// count counts err, when it is one, and returns it.
func (c *refusals) count(err error) error {
	if err == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.by == nil {
		c.by = make(map[string]uint64)
	}
	c.by[reason(err)]++
	return err
}

func (c *refusals) counts() map[string]uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.by)
}

func reason(err error) string {
	var name *NameError
	var fast *TooFastError
	switch {
	case errors.As(err, &name):
		return "name"
	case errors.As(err, &fast):
		return "too_fast"
	case errors.Is(err, ErrNoName):
		return "no_name"
	case errors.Is(err, ErrEmpty):
		return "empty"
	case errors.Is(err, ErrTooLong):
		return "too_long"
	}
	return "broker"
}
