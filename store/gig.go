// Package store keeps what must survive: gigs, sessions and chat history. It
// implements the small interfaces that handlers, chat and media declare, twice:
// one suite of tests holds both to the same behaviour.
//
// The embedded store, of one node, is one bbolt file; an answer is given only
// after the data is on disk.
//
//	a write  Embedded.CreateGig (gigs.go), AppendMessages (messages.go), … →
//	         a queue → the one writer (writer.go), which puts all that waits
//	         into one transaction and answers when that is on disk
//	a read   straight from the file, never behind a write; the listing from an
//	         index in memory (index.go, search.go)
//
// What stands in the file is named in layout.go.
//
// The Redis store is for several nodes.
//
//	a write  Redis.CreateGig (redis_gigs.go) → an intent and a claim
//	         (redis_write.go) → the gig → the index (redis_index.go): each step
//	         one script, and a writer that dies between them harms nobody;
//	         Redis.AppendMessages (redis_messages.go): one script per room
//	a read   the gigs from Redis, together; the listing from the schedule in
//	         this node's memory, after asking Redis what has changed in it
//	         (redis_listing.go, redis_schedule.go, redis_search.go)
//	both     over a bounded pool of connections with deadlines, and again after
//	         failures that time mends (redis_conn.go, redis_command.go)
//
// What stands in Redis is named in redis_keys.go.
package store

import (
	"errors"
	"time"
)

// Errors of every store.
var (
	// ErrNotFound means that there is no such gig.
	ErrNotFound = errors.New("store: not found")
	// ErrInvalid means that the caller passed what no store can keep, such as a
	// gig that ends before it starts. Forms have better messages; this is the
	// net below them.
	ErrInvalid = errors.New("store: invalid")
	// ErrUnavailable means that the data could not be read or written now.
	ErrUnavailable = errors.New("store: unavailable")
)

// Category is the kind of a gig.
type Category string

// The categories, in the order in which pages show them.
const (
	Comedy   Category = "comedy"
	Play     Category = "play"
	Dance    Category = "dance"
	Fitness  Category = "fitness"
	Music    Category = "music"
	Workshop Category = "workshop"
)

// Categories lists all of them in order.
var Categories = []Category{Comedy, Play, Dance, Fitness, Music, Workshop}

// Gig is a listing with its schedule.
type Gig struct {
	ID             string // public, URL-safe
	Owner          string // id of the creator who listed it
	CreatorName    string // as shown
	Title          string
	Description    string
	Category       Category
	PriceCents     int       // US cents; 0: free
	Start, End     time.Time // UTC; End after Start, at most 12 h
	TimeZone       string    // IANA name of the creator's zone
	PaymentPointer string    // https URL, or empty

	KeyHash   [32]byte  // SHA-256 of the stream key
	KeyMadeAt time.Time // when the key was made

	ListedAt    time.Time
	CancelledAt time.Time // zero: not cancelled
	EndedAt     time.Time // zero: the creator has not ended it

	AiredAt time.Time     // when it went live first; zero: never
	AirTime time.Duration // on air in all, up to the last end of stream
	Peak    int           // most viewers at once
}

// LateAllowance is how long after its scheduled end a gig that is not live
// still waits for its creator before it counts as over.
const LateAllowance = 30 * time.Minute

// Over reports whether the gig takes no stream any more at the time: it was
// cancelled or ended by its creator. A gig whose time has passed is not over
// while it is live; see Past.
func (g *Gig) Over() bool { return !g.CancelledAt.IsZero() || !g.EndedAt.IsZero() }

// Past reports whether a gig that is not live belongs to the past.
func (g *Gig) Past(now time.Time) bool { return g.Over() || now.After(g.End.Add(LateAllowance)) }

// Query selects gigs for the listing.
type Query struct {
	Text     string    // words; each must begin some word of title, creator or description
	Category Category  // empty: all
	From, To time.Time // only gigs that overlap [From, To); zero: open
	Now      time.Time // what is past is told by this; zero: the present
	Live     []string  // ids of gigs that are live now; they come first
	Page     int       // from 1
	PerPage  int
}

// Listing is one page of a Query: live gigs in the order of Query.Live, then
// upcoming ones by start, then past ones, newest first. Cancelled gigs are
// past; ones that are Over are never live.
type Listing struct {
	Gigs                 []Gig // of this page, in order
	Live, Upcoming, Past int   // how many match, over all pages
}
