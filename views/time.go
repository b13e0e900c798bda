package views

import (
	"fmt"
	"strings"
	"time"
)

// TimeForm says how a time is written.
type TimeForm string

// The forms of a time. app.js writes the same ones in the visitor's zone.
const (
	TimeStart TimeForm = "start" // Sat 28 Nov, 15:00
	TimeSpan  TimeForm = "span"  // Sat 28 Nov, 15:00 to 16:10
	TimeSince TimeForm = "since" // On since 20:00
	TimeDay   TimeForm = "day"   // Thu 26 Nov
	TimeLong  TimeForm = "long"  // Saturday 28 November, 15:00
	TimeClock TimeForm = "clock" // 15:00
)

// TimeModel is a moment, or a span of time, in a gig's creator's zone. The
// server writes it in that zone with its offset from UTC; app.js then writes
// it in the visitor's zone, and the creator's time into the element marked
// data-there that follows.
type TimeModel struct {
	Start time.Time
	End   time.Time // for TimeSpan
	Zone  string    // IANA name of the creator's zone; unknown ones count as UTC
	Form  TimeForm
}

// Place is the city that a zone is named after: "Mexico City".
func Place(zone string) string {
	return strings.ReplaceAll(zone[strings.LastIndexByte(zone, '/')+1:], "_", " ")
}

func (m TimeModel) location() *time.Location {
	if l, err := time.LoadLocation(m.Zone); err == nil {
		return l
	}
	return time.UTC
}

// text is the time in the creator's zone.
func (m TimeModel) text() string {
	l := m.location()
	t := m.Start.In(l)
	offset := " " + UTCOffset(t)
	day := "Mon 2 Jan"
	if y := t.Year(); y != time.Now().In(l).Year() {
		day = "Mon 2 Jan 2006"
	}
	switch m.Form {
	case TimeSpan:
		return t.Format(day+", 15:04") + " to " + m.End.In(l).Format("15:04") + offset
	case TimeSince:
		return "On since " + t.Format("15:04") + offset
	case TimeDay:
		return t.Format(day)
	case TimeLong:
		return t.Format("Monday 2 January, 15:04") + offset
	case TimeClock:
		return t.Format("15:04")
	}
	return t.Format(day+", 15:04") + offset
}

// there is the line beneath while no script has written the visitor's time.
func (m TimeModel) there() string {
	if m.Zone == "" || m.Zone == "UTC" {
		return ""
	}
	return "in " + Place(m.Zone)
}

// machine is a time for a datetime attribute.
func machine(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// UTCOffset writes the time's offset from UTC: "UTC", "UTC+5:30", "UTC-3".
func UTCOffset(t time.Time) string {
	_, seconds := t.Zone()
	if seconds == 0 {
		return "UTC"
	}
	sign := '+'
	if seconds < 0 {
		sign, seconds = '-', -seconds
	}
	if m := seconds % 3600 / 60; m != 0 {
		return fmt.Sprintf("UTC%c%d:%02d", sign, seconds/3600, m)
	}
	return fmt.Sprintf("UTC%c%d", sign, seconds/3600)
}
