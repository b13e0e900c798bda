package views

import (
	"fmt"
	"strings"
	"time"

	"github.com/a-h/templ"
)

// FormModel is the form of a gig, new or edited, as it was typed.
type FormModel struct {
	Action, Back          string // where it is sent; where "Not now" leads
	Heading, Lead, Submit string
	GigID                 string // of the gig that is edited, for its poster
	Values                FormValues
	Cents                 int // the price, as far as it is clear
	Errors                []FieldError
	Categories            []string
	Zones                 []ZoneGroup
}

// FormValues are the fields as they were typed.
type FormValues struct {
	Name, Title, Description, Category, Price string
	Date, TimeFrom, TimeTo, TimeZone          string
	PaymentPointer                            string
}

// FieldError says what is wrong with a field: in the summary on top of the
// form, and beside the field.
type FieldError struct{ Field, Summary, Text string }

// ZoneGroup is a region of the world with its time zones.
type ZoneGroup struct {
	Region string
	Zones  []Zone
}

// Zone is a time zone in the form's list. Old is its former name, which some
// browsers still report.
type Zone struct{ Name, Label, Old string }

// err is the text beside the field, or "".
func (m FormModel) err(field string) string {
	for _, e := range m.Errors {
		if e.Field == field {
			return e.Text
		}
	}
	return ""
}

func (m FormModel) invalid(field string) string {
	if m.err(field) != "" {
		return "true"
	}
	return "false"
}

// described lists the ids of what explains the field: help and error.
func (m FormModel) described(field string, help bool) string {
	var ids []string
	if help {
		ids = append(ids, field+"-help")
	}
	if m.err(field) != "" {
		ids = append(ids, field+"-error")
	}
	return strings.Join(ids, " ")
}

// target is where the summary's link to a field leads.
func (m FormModel) target(field string) string {
	if field == "category" {
		return "#category-" + m.Categories[0]
	}
	return "#" + field
}

// count says how many errors there are: "Two things to put right".
func (m FormModel) count() string {
	words := []string{"", "One thing", "Two things", "Three things", "Four things", "Five things",
		"Six things", "Seven things", "Eight things", "Nine things", "Ten things"}
	if n := len(m.Errors); n < len(words) {
		return words[n] + " to put right"
	}
	return fmt.Sprintf("%d things to put right", len(m.Errors))
}

func (m FormModel) title() string {
	if len(m.Errors) == 0 {
		return m.Heading
	}
	return m.Heading + ", " + strings.ToLower(m.count()[:1]) + m.count()[1:]
}

// listed reports whether the zone stands in the list.
func (m FormModel) listed(zone string) bool {
	for _, g := range m.Zones {
		for _, z := range g.Zones {
			if z.Name == zone {
				return true
			}
		}
	}
	return zone == "UTC" || zone == ""
}

// poster is the preview's.
func (m FormModel) poster() PosterModel {
	p := PosterModel{GigID: m.GigID, Category: m.Values.Category, Title: m.Values.Title}
	if p.Category == "" {
		p.Category = m.Categories[0]
	}
	if p.Title == "" {
		p.Title = "Your title"
	}
	return p
}

// when is the preview's time, in the creator's own zone.
func (m FormModel) when() string {
	t, err := time.Parse("2006-01-02 15:04", m.Values.Date+" "+m.Values.TimeFrom)
	if err != nil {
		return ""
	}
	return t.Format("Mon 2 Jan, 15:04")
}

// here is the entry of the main navigation that the form belongs to.
func (m FormModel) here() string {
	if m.GigID == "" {
		return "/gigs/new"
	}
	return "/studio"
}

// describe is aria-describedby, left out when nothing describes the field.
func (m FormModel) describe(field string, help bool) templ.Attributes {
	ids := m.described(field, help)
	if ids == "" {
		return nil
	}
	return templ.Attributes{"aria-describedby": ids}
}
