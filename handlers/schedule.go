package handlers

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Limits of a schedule.
const (
	maxShow  = 12 * time.Hour
	maxAhead = 2 * 366 * 24 * time.Hour
)

var errNoSuchTime = errors.New("handlers: the clocks skip this time")

// localTime returns the moment at which clocks in l show the day and time. A
// time that they show twice, as when summer time ends, is the first; one that
// they skip is errNoSuchTime.
func localTime(day time.Time, hour, minute int, l *time.Location) (time.Time, error) {
	wall := time.Date(day.Year(), day.Month(), day.Day(), hour, minute, 0, 0, time.UTC)
	var found time.Time
	for _, around := range []time.Duration{-26 * time.Hour, 26 * time.Hour} {
		_, offset := wall.Add(around).In(l).Zone()
		t := wall.Add(-time.Duration(offset) * time.Second)
		if _, at := t.In(l).Zone(); at == offset && (found.IsZero() || t.Before(found)) {
			found = t
		}
	}
	if found.IsZero() {
		return found, errNoSuchTime
	}
	return found, nil
}

// parseClock reads a time of day as browsers send it: "20:00" or "20:00:00".
func parseClock(s string) (hour, minute int, err error) {
	t, err := time.Parse("15:04", s)
	if err != nil {
		t, err = time.Parse("15:04:05", s)
	}
	return t.Hour(), t.Minute(), err
}

// parseDay reads a date as browsers send it.
func parseDay(s string) (time.Time, error) { return time.Parse("2006-01-02", s) }

// schedule reads the fields of a schedule. It returns the gig's start and end,
// or what is wrong, by field.
func schedule(v values, now time.Time) (start, end time.Time, zoneName string, errs fieldErrors) {
	l, zoneName, ok := findZone(v.TimeZone)
	if !ok {
		errs.add("time_zone", "Your time zone is missing", "Choose it from the list.")
	}
	day, err := parseDay(v.Date)
	if err != nil {
		errs.add("date", "The date is missing", "Choose a day.")
	}
	fromHour, fromMinute, err := parseClock(v.TimeFrom)
	if err != nil {
		errs.add("time_from", "The start is missing", "A time of day, for example 20:00.")
	}
	toHour, toMinute, err := parseClock(v.TimeTo)
	if err != nil {
		errs.add("time_to", "The end is missing", "A time of day, for example 21:30.")
	}
	if len(errs) > 0 {
		return
	}
	if start, err = localTime(day, fromHour, fromMinute, l); err != nil {
		errs.skipped("time_from", v.TimeFrom, zoneName)
	}
	if toHour*60+toMinute < fromHour*60+fromMinute {
		day = day.AddDate(0, 0, 1)
	}
	if end, err = localTime(day, toHour, toMinute, l); err != nil {
		errs.skipped("time_to", v.TimeTo, zoneName)
	}
	if len(errs) == 0 {
		checkSpan(v, start, end, &errs)
	}
	if len(errs) == 0 {
		checkDay(start, end, now, &errs)
	}
	return start.UTC(), end.UTC(), zoneName, errs
}

func (e *fieldErrors) skipped(field, clock, zone string) {
	e.add(field, fmt.Sprintf("There is no %s on that day in %s", clock, zone),
		"The clocks go forward over it. Choose a time an hour earlier or later.")
}

func checkSpan(v values, start, end time.Time, errs *fieldErrors) {
	long := end.Sub(start)
	switch {
	case long <= 0:
		errs.add("time_to", fmt.Sprintf("From %s to %s is no time at all", v.TimeFrom, v.TimeTo), "Choose a time after the start.")
	case long > maxShow:
		errs.add("time_to", fmt.Sprintf("From %s to %s is %s; a gig may last 12", v.TimeFrom, v.TimeTo, hoursInWords(long)),
			"At most 12 hours after the start.")
	}
}

func checkDay(start, end, now time.Time, errs *fieldErrors) {
	switch {
	case !end.After(now):
		errs.add("date", "That time has passed already", "Choose a time that is still to come.")
	case start.Sub(now) > maxAhead:
		errs.add("date", "That is more than two years from now", "At most two years ahead.")
	}
}

// hoursInWords writes a length of time: "23 and a half hours".
func hoursInWords(d time.Duration) string {
	h, m := int(d.Hours()), int(d.Minutes())%60
	switch m {
	case 0:
		return fmt.Sprintf("%d hours", h)
	case 30:
		return fmt.Sprintf("%d and a half hours", h)
	}
	s := fmt.Sprintf("%d hours and %d minutes", h, m)
	if m == 1 {
		s = strings.TrimSuffix(s, "s")
	}
	return s
}

// span returns the days that a filter of the listing means, in the visitor's
// zone; unknown names mean any day.
func span(when string, now time.Time) (from, to time.Time) {
	y, m, d := now.Date()
	day := func(offset int) time.Time { return time.Date(y, m, d+offset, 0, 0, 0, 0, now.Location()) }
	monday := -(int(now.Weekday()) + 6) % 7
	switch when {
	case "today":
		return day(0), day(1)
	case "weekend":
		return day(monday + 5), day(monday + 7)
	case "week":
		return day(monday), day(monday + 7)
	case "month":
		return time.Date(y, m, 1, 0, 0, 0, 0, now.Location()), time.Date(y, m+1, 1, 0, 0, 0, 0, now.Location())
	}
	return time.Time{}, time.Time{}
}
