package store

import (
	"errors"
	"testing"
	"time"
)

// A zone that was known when the gig was listed does not make it impossible to
// change the gig otherwise.
func TestUpdateLeavesAVanishedZone(t *testing.T) {
	start := time.Date(2026, 12, 6, 18, 0, 0, 0, time.UTC)
	before := Gig{ID: "a", Owner: "o", Category: Play, Start: start, End: start.Add(time.Hour), TimeZone: "Europe/Atlantis"}
	after := before
	after.CancelledAt = start
	if err := checkChange(&before, &after); err != nil {
		t.Errorf("cancelling: %v", err)
	}
	after.TimeZone = "Europe/Paris"
	if err := checkChange(&before, &after); err != nil {
		t.Errorf("to a zone that is known: %v", err)
	}
	for _, zone := range []string{"Europe/Lemuria", "", "Local"} {
		after.TimeZone = zone
		if err := checkChange(&before, &after); !errors.Is(err, ErrInvalid) {
			t.Errorf("to %q: %v, want ErrInvalid", zone, err)
		}
	}
	if err := checkNew(&before); !errors.Is(err, ErrInvalid) {
		t.Errorf("a new gig: %v, want ErrInvalid", err)
	}
}
