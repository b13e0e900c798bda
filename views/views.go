// Package views holds the pages and fragments as templ components, and the
// plain view models that they take. It knows no store and no request.
//
// Where things are: the frame of every page in layout.templ, what several
// pages share in poster.templ, card.templ, icons.templ and time.go, and one
// file for each page.
package views

import (
	"fmt"
	"strconv"

	"github.com/a-h/templ"
)

// current marks the link of the main navigation that leads here.
func current(here, path string) templ.Attributes {
	if here == path {
		return templ.Attributes{"aria-current": "page"}
	}
	return nil
}

// Price is a price in US cents, below a million dollars, as people read it:
// "Free", "$6", "$12.50", "$1,000".
func Price(cents int) string {
	if cents <= 0 {
		return "Free"
	}
	dollars := strconv.Itoa(cents / 100)
	if n := len(dollars) - 3; n > 0 {
		dollars = dollars[:n] + "," + dollars[n:]
	}
	if cents%100 == 0 {
		return "$" + dollars
	}
	return fmt.Sprintf("$%s.%02d", dollars, cents%100)
}

// Count is a number with its noun: "1 person", "4 people".
func Count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// CategoryName is the name of one gig's category: "Play".
func CategoryName(category string) string { return categoryNames[category].one }

// CategoryPlural is the name of a category as a shelf of gigs: "Plays".
func CategoryPlural(category string) string { return categoryNames[category].many }

var categoryNames = map[string]struct{ one, many string }{
	"comedy":   {"Comedy", "Comedy"},
	"play":     {"Play", "Plays"},
	"dance":    {"Dance", "Dance"},
	"fitness":  {"Fitness", "Fitness"},
	"music":    {"Music", "Music"},
	"workshop": {"Workshop", "Workshops"},
}
