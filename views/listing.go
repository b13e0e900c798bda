package views

import "strings"

// ListingModel is the listing: what is live, upcoming and past, under a filter.
type ListingModel struct {
	Title       string // of the document
	Bulbs       string // "yes", "dim" or "": whether anything is live in the house
	Q           string // words that are searched
	Category    string // "": everything
	When        string // "", today, weekend, week or month
	Chips       []Chip
	Live        []CardModel // of this page
	Upcoming    []CardModel
	Past        []CardModel
	LiveAll     int // over all pages
	UpcomingAll int
	PastAll     int
	Page        int
	Pages       int
	PrevHref    string      // "": this is the first page
	NextHref    string      // "": this is the last page
	Empty       *EmptyModel // nil: something was found
}

// Chip is a category to choose. Href holds the whole filter, Only the category
// alone, for htmx, which adds what stands in the fields.
type Chip struct {
	Category, Label, Href, Only string
	Chosen                      bool
}

// EmptyModel is what stands where nothing was found.
type EmptyModel struct {
	Heading, Text string
	Ways          []Way // out of here; the first is the best
	House         bool  // no gig is listed at all
}

// Way is a link out of an empty listing.
type Way struct{ Label, Href string }

func (c Chip) id() string {
	if c.Category == "" {
		return "chip-all"
	}
	return "chip-" + c.Category
}

var whens = []struct{ value, label string }{
	{"", "Any day"},
	{"today", "Today"},
	{"weekend", "This weekend"},
	{"week", "This week"},
	{"month", "This month"},
}

// found says in a sentence what the list holds, to those who do not see it.
func (m ListingModel) found() string {
	if m.Empty != nil {
		return m.Empty.Heading
	}
	var parts []string
	if m.LiveAll > 0 {
		parts = append(parts, Count(m.LiveAll, "gig live now", "gigs live now"))
	}
	if m.UpcomingAll > 0 {
		parts = append(parts, Count(m.UpcomingAll, "upcoming", "upcoming"))
	}
	if m.PastAll > 0 {
		parts = append(parts, Count(m.PastAll, "past", "past"))
	}
	return strings.Join(parts, ", ")
}
