package store

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"bookmygig/chat"
)

// Bounds of what a store keeps, far above what the forms and the chat allow.
const (
	maxShow     = 12 * time.Hour
	maxID       = 100      // bytes of an id, an author, a token
	maxClientID = 200      // bytes
	maxName     = 400      // bytes of a name in the chat
	maxGigBytes = 64 << 10 // of a gig in all
)

// checkNew checks a gig that is to be kept for the first time.
func checkNew(g *Gig) error {
	if err := checkZone(g.TimeZone); err != nil {
		return err
	}
	return check(g)
}

// check is the net below the forms: it refuses a gig that would break what
// readers rely on.
func check(g *Gig) error {
	length := g.End.Sub(g.Start)
	switch {
	case !validID(g.ID):
		return fmt.Errorf("%w: gig id %q", ErrInvalid, g.ID)
	case !validID(g.Owner):
		return fmt.Errorf("%w: owner %q", ErrInvalid, g.Owner)
	case !slices.Contains(Categories, g.Category):
		return fmt.Errorf("%w: category %q", ErrInvalid, g.Category)
	case g.PriceCents < 0:
		return fmt.Errorf("%w: price %d", ErrInvalid, g.PriceCents)
	case g.Start.IsZero() || length <= 0 || length > maxShow:
		return fmt.Errorf("%w: from %v to %v", ErrInvalid, g.Start, g.End)
	case g.PaymentPointer != "" && !strings.HasPrefix(g.PaymentPointer, "https://"):
		return fmt.Errorf("%w: payment pointer %q", ErrInvalid, g.PaymentPointer)
	case !utf8.ValidString(g.Title + g.CreatorName + g.Description):
		return fmt.Errorf("%w: text that is not UTF-8", ErrInvalid)
	}
	return nil
}

func checkZone(name string) error {
	// LoadLocation takes these two for UTC and for the server's own zone.
	if name == "" || name == "Local" {
		return fmt.Errorf("%w: time zone %q", ErrInvalid, name)
	}
	if _, err := time.LoadLocation(name); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return nil
}

// checkChange checks an update.
func checkChange(before, after *Gig) error {
	if after.ID != before.ID || after.Owner != before.Owner || !after.ListedAt.Equal(before.ListedAt) {
		return fmt.Errorf("%w: id, owner and time of listing of gig %s cannot change", ErrInvalid, before.ID)
	}
	// A zone that has vanished from the database keeps nobody from cancelling.
	if after.TimeZone != before.TimeZone {
		if err := checkZone(after.TimeZone); err != nil {
			return err
		}
	}
	return check(after)
}

// checkMessage refuses a message that cannot be kept under its keys.
func checkMessage(m *chat.Message) error {
	switch {
	case !validID(m.Room):
		return fmt.Errorf("%w: room %q", ErrInvalid, m.Room)
	case !validID(m.Author):
		return fmt.Errorf("%w: author %q", ErrInvalid, m.Author)
	case len(m.ClientID) > maxClientID:
		return fmt.Errorf("%w: client id of %d bytes", ErrInvalid, len(m.ClientID))
	case len(m.Text) > chat.MaxText*utf8.UTFMax || len(m.Name) > maxName:
		return fmt.Errorf("%w: message of %d bytes", ErrInvalid, len(m.Text)+len(m.Name))
	case !utf8.ValidString(m.Text) || !utf8.ValidString(m.Name) || !utf8.ValidString(m.ClientID):
		return fmt.Errorf("%w: message that is not UTF-8", ErrInvalid)
	}
	return nil
}

// validID reports whether s can be a part of a key.
func validID(s string) bool {
	return s != "" && len(s) <= maxID && !strings.ContainsRune(s, 0) && utf8.ValidString(s)
}
