package views

import (
	"fmt"
	"time"
)

// StageModel is what changes on a gig's page while it is open: its parts are
// sent to open pages again whenever they change.
type StageModel struct {
	State    string        // waiting, live, reconnecting, ended or cancelled
	Creator  string        // name
	Title    string        // of the gig
	Category string        // of the gig
	When     TimeModel     // when it starts
	Count    int           // people waiting or watching now; of an ended gig the most at once
	Aired    bool          // it has been on air
	AirTime  time.Duration // of a gig that ended
}

func (m StageModel) lamp() string {
	switch m.State {
	case "live":
		return "Live"
	case "reconnecting":
		return "Reconnecting"
	case "ended":
		return "Ended"
	case "cancelled":
		return "Cancelled"
	}
	if m.Aired {
		return "Off air"
	}
	return "Not yet on"
}

// offAir reports whether the show was on and may go on.
func (m StageModel) offAir() bool { return m.State == "waiting" && m.Aired }

// lit is data-lit of the footlights.
func (m StageModel) lit() string {
	switch m.State {
	case "live":
		return "yes"
	case "reconnecting":
		return "dim"
	}
	return ""
}

// people says what those who are counted do.
func (m StageModel) people() string {
	switch m.State {
	case "live", "reconnecting":
		return "watching"
	case "ended":
		return "came"
	}
	return "waiting"
}

func (m StageModel) endHeading() string {
	if m.Aired {
		return "That was the show. Thank you for coming."
	}
	return "This gig did not go on air"
}

func (m StageModel) endText() string {
	switch {
	case !m.Aired:
		return "Its time has passed. The stage is empty."
	case m.AirTime <= 0:
		return m.Creator + " has left the stage."
	case m.Count > 0:
		return fmt.Sprintf("%s played for %s to a house of %d.", m.Creator, Length(m.AirTime), m.Count)
	}
	return fmt.Sprintf("%s played for %s.", m.Creator, Length(m.AirTime))
}

// Length writes a length of time in whole minutes, in words: "58 minutes",
// "1 hour and 10 minutes".
func Length(d time.Duration) string {
	minutes := int(d.Round(time.Minute) / time.Minute)
	h, m := minutes/60, minutes%60
	switch {
	case minutes < 1:
		return "less than a minute"
	case h == 0:
		return amount(m, "minute")
	case m == 0:
		return amount(h, "hour")
	}
	return amount(h, "hour") + " and " + amount(m, "minute")
}

// amount is a number with its unit: "1 day", "2 days".
func amount(n int, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}

// countdown is one part of the time that is left, as the timer shows it.
type countdown struct{ number, unit string }

// countdownParts splits what is left as gig.js does: days, hours and minutes,
// and in the last hour minutes and seconds.
func countdownParts(left time.Duration) []countdown {
	s := int(left / time.Second)
	days, h, m := s/86400, s/3600%24, s/60%60
	switch {
	case days > 0:
		unit := "days"
		if days == 1 {
			unit = "day"
		}
		return []countdown{{fmt.Sprint(days), unit}, {fmt.Sprintf("%02d", h), "h"}, {fmt.Sprintf("%02d", m), "min"}}
	case h > 0:
		return []countdown{{fmt.Sprint(h), "h"}, {fmt.Sprintf("%02d", m), "min"}}
	}
	return []countdown{{fmt.Sprint(m), "min"}, {fmt.Sprintf("%02d", s%60), "s"}}
}

// countdownName is the timer's name for assistive technology.
func countdownName(left time.Duration) string {
	s := int(left / time.Second)
	days, h, m := s/86400, s/3600%24, s/60%60
	switch {
	case days > 0:
		return "Starts in " + amount(days, "day") + ", " + amount(h, "hour") + " and " + amount(m, "minute")
	case h > 0:
		return "Starts in " + amount(h, "hour") + " and " + amount(m, "minute")
	case m > 0:
		return "Starts in " + amount(m, "minute")
	}
	return "Starts in less than a minute"
}
