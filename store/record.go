package store

import "time"

// gigRecord is a gig as the file keeps it. Its names are the file's and stay
// when Gig changes.
type gigRecord struct {
	Version  int    `json:"v"`
	Revision uint64 `json:"revision"` // counts the writes of this gig, from 1

	ID             string    `json:"id"`
	Owner          string    `json:"owner"`
	CreatorName    string    `json:"creator_name"`
	Title          string    `json:"title"`
	Description    string    `json:"description,omitempty"`
	Category       Category  `json:"category"`
	PriceCents     int       `json:"price_cents,omitempty"`
	Start          time.Time `json:"start"`
	End            time.Time `json:"end"`
	TimeZone       string    `json:"time_zone"`
	PaymentPointer string    `json:"payment_pointer,omitempty"`

	KeyHash   []byte    `json:"key_hash"`
	KeyMadeAt time.Time `json:"key_made_at,omitzero"`

	ListedAt    time.Time `json:"listed_at,omitzero"`
	CancelledAt time.Time `json:"cancelled_at,omitzero"`
	EndedAt     time.Time `json:"ended_at,omitzero"`

	AiredAt   time.Time     `json:"aired_at,omitzero"`
	AirTimeNS time.Duration `json:"air_time_ns,omitempty"`
	Peak      int           `json:"peak,omitempty"`
}

func newGigRecord(g *Gig, revision uint64) *gigRecord {
	return &gigRecord{
		Version:        recordVersion,
		Revision:       revision,
		ID:             g.ID,
		Owner:          g.Owner,
		CreatorName:    g.CreatorName,
		Title:          g.Title,
		Description:    g.Description,
		Category:       g.Category,
		PriceCents:     g.PriceCents,
		Start:          g.Start,
		End:            g.End,
		TimeZone:       g.TimeZone,
		PaymentPointer: g.PaymentPointer,
		KeyHash:        g.KeyHash[:],
		KeyMadeAt:      g.KeyMadeAt,
		ListedAt:       g.ListedAt,
		CancelledAt:    g.CancelledAt,
		EndedAt:        g.EndedAt,
		AiredAt:        g.AiredAt,
		AirTimeNS:      g.AirTime,
		Peak:           g.Peak,
	}
}

func (r *gigRecord) gig() Gig {
	g := Gig{
		ID:             r.ID,
		Owner:          r.Owner,
		CreatorName:    r.CreatorName,
		Title:          r.Title,
		Description:    r.Description,
		Category:       r.Category,
		PriceCents:     r.PriceCents,
		Start:          r.Start,
		End:            r.End,
		TimeZone:       r.TimeZone,
		PaymentPointer: r.PaymentPointer,
		KeyMadeAt:      r.KeyMadeAt,
		ListedAt:       r.ListedAt,
		CancelledAt:    r.CancelledAt,
		EndedAt:        r.EndedAt,
		AiredAt:        r.AiredAt,
		AirTime:        r.AirTimeNS,
		Peak:           r.Peak,
	}
	copy(g.KeyHash[:], r.KeyHash)
	return g
}

// inUTC returns the gig with its times as every store gives them back: in UTC
// and without a reading of the monotonic clock.
func inUTC(g Gig) Gig {
	for _, t := range []*time.Time{
		&g.Start, &g.End, &g.KeyMadeAt, &g.ListedAt, &g.CancelledAt, &g.EndedAt, &g.AiredAt,
	} {
		*t = t.UTC().Round(0)
	}
	return g
}
