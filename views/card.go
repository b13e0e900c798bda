package views

import "fmt"

// CardModel is a gig on the wall.
type CardModel struct {
	ID       string
	Category string
	Title    string
	Creator  string
	Cents    int       // price
	When     TimeModel // its form suits the state
	State    string    // live, reconnecting, upcoming, past or cancelled
	Viewers  int       // while live or reconnecting
	Came     int       // most viewers at once of a past gig; 0: unknown
	Blurb    string    // beginning of the description, shown on wide cards
}

func (m CardModel) poster() PosterModel {
	return PosterModel{GigID: m.ID, Category: m.Category, Title: m.Title, Href: "/gigs/" + m.ID,
		LinkID: "gig-" + m.ID + "-link", Level: 3}
}

// state is the card's data-state: where on the wall it hangs.
func (m CardModel) state() string {
	switch m.State {
	case "reconnecting":
		return "live"
	case "cancelled":
		return "past"
	}
	return m.State
}

// lamp is the words of the card's lamp; empty: it has none.
func (m CardModel) lamp() string {
	switch m.State {
	case "live":
		if m.Viewers > 0 {
			return fmt.Sprintf("Live · %d watching", m.Viewers)
		}
		return "Live"
	case "reconnecting":
		return "Back in a moment"
	case "cancelled":
		return "Cancelled"
	}
	return ""
}
