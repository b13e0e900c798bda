package views

import (
	"strings"
	"time"

	"github.com/a-h/templ"
)

// GigModel is a gig's page.
type GigModel struct {
	ID          string
	Description string
	Cents       int // price
	Start, End  time.Time
	Zone        string // the creator's, IANA
	Pointer     string // payment pointer, an https URL or empty
	Stage       StageModel
	Now         time.Time
	Peak        int             // most viewers at once so far; 0: not known
	Next        []CardModel     // other gigs, for after the show
	Chat        templ.Component // the chat's column
	Address     string          // full address of the page, or "": not known
	Host        bool            // the visitor is the gig's creator
}

// as is the same time in another form.
func (m TimeModel) as(f TimeForm) TimeModel {
	m.Form = f
	return m
}

func (m GigModel) page() Page {
	title := m.Stage.Title
	switch m.Stage.State {
	case "live":
		title += ", live"
	case "reconnecting":
		title += ", back in a moment"
	case "ended", "cancelled":
		title += ", " + m.Stage.State
	}
	return Page{
		Title:       title,
		Description: m.summary(),
		BodyClass:   "gig-page",
		NoBulbs:     true,
		SkipTo:      "Skip to the stage",
		Pointer:     m.Pointer,
		KeyboardFit: true,
		ShareTitle:  m.Stage.Title,
		ShareURL:    m.Address,
		Scripts:     []string{"vendor/htmx-ext-ws/ws.min.js", "vendor/flv.js/flv.min.js", "player.js", "controls.js", "gig.js", "chat.js"},
	}
}

// summary is what search engines and shared links show.
func (m GigModel) summary() string {
	if m.Stage.State == "cancelled" {
		return "This gig was cancelled."
	}
	text := strings.Join(strings.Fields(m.Description), " ")
	if r := []rune(text); len(r) > 155 {
		text = string(r[:154]) + "…"
	}
	return text
}

func (m GigModel) span() TimeModel {
	return TimeModel{Start: m.Start, End: m.End, Zone: m.Zone, Form: TimeSpan}
}

func (m GigModel) left() time.Duration { return m.Start.Sub(m.Now) }

// lateAfter is how long after its time a gig that has not begun is late, as in
// gig.js.
const lateAfter = 5 * time.Minute

// soon is the line above the countdown, or in its place.
func (m GigModel) soon() string {
	if m.left() > 0 {
		return "Starts in"
	}
	return "Starts any moment now"
}

func (m GigModel) over() bool { return m.Stage.State == "ended" || m.Stage.State == "cancelled" }

// by is the line under the title.
func (m GigModel) by() string {
	if place := Place(m.Zone); place != "" && place != "UTC" {
		return "with " + m.Stage.Creator + ", from " + place
	}
	return "with " + m.Stage.Creator
}

// paragraphs splits the description at its line breaks.
func (m GigModel) paragraphs() []string {
	var ps []string
	for p := range strings.SplitSeq(m.Description, "\n") {
		if p = strings.TrimSpace(p); p != "" {
			ps = append(ps, p)
		}
	}
	return ps
}

func (m GigModel) poster() PosterModel {
	kinds := map[string]string{
		"comedy": "Comedy by", "play": "A play by", "dance": "Dance by",
		"fitness": "Fitness with", "music": "Music by", "workshop": "A workshop by",
	}
	return PosterModel{GigID: m.ID, Category: m.Stage.Category, Title: m.Stage.Title,
		Kind: kinds[m.Stage.Category] + " " + m.Stage.Creator}
}

// pointerText is the payment pointer in its short form.
func (m GigModel) pointerText() string { return "$" + strings.TrimPrefix(m.Pointer, "https://") }

// otherOf is the words of a link to other gigs of a category.
func otherOf(category string) string {
	switch category {
	case "play":
		return "Other plays"
	case "workshop":
		return "Other workshops"
	}
	return "Other " + category
}
