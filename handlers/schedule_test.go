package handlers

import (
	"slices"
	"strings"
	"testing"
	"time"

	"bookmygig/views"
)

var testNow = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func at(t *testing.T, s string) time.Time {
	t.Helper()
	m, err := time.Parse("2006-01-02 15:04", s)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestSchedule(t *testing.T) {
	for _, c := range []struct {
		name, date, from, to, zone string
		start, end                 string // UTC
	}{
		{"plain", "2026-11-28", "20:30", "21:40", "Asia/Kolkata", "2026-11-28 15:00", "2026-11-28 16:10"},
		{"utc", "2026-11-28", "20:30", "21:40", "UTC", "2026-11-28 20:30", "2026-11-28 21:40"},
		{"with seconds", "2026-11-28", "20:30:00", "21:40:00", "UTC", "2026-11-28 20:30", "2026-11-28 21:40"},
		{"past midnight", "2026-11-28", "23:00", "01:00", "Europe/London", "2026-11-28 23:00", "2026-11-29 01:00"},
		{"past the year's end", "2026-12-31", "23:30", "00:30", "Europe/Berlin", "2026-12-31 22:30", "2026-12-31 23:30"},
		{"12 hours", "2026-11-28", "10:00", "22:00", "UTC", "2026-11-28 10:00", "2026-11-28 22:00"},
		{"from midnight", "2026-11-28", "00:00", "01:00", "UTC", "2026-11-28 00:00", "2026-11-28 01:00"},
		{"running already", "2026-11-22", "11:00", "12:30", "UTC", "2026-11-22 11:00", "2026-11-22 12:30"},
		{"an old zone name", "2026-11-28", "20:30", "21:30", "Asia/Calcutta", "2026-11-28 15:00", "2026-11-28 16:00"},
		// Summer time in London begins on 28 March 2027: 01:00 to 02:00 does not exist.
		{"over the spring change", "2027-03-27", "23:30", "02:30", "Europe/London", "2027-03-27 23:30", "2027-03-28 01:30"},
		{"12 hours by the clock, 11 in truth", "2027-03-27", "20:00", "08:00", "Europe/London", "2027-03-27 20:00", "2027-03-28 07:00"},
		// It ends on 31 October 2027: 01:00 to 02:00 comes twice, and the first counts.
		{"twice: the first", "2027-10-31", "01:30", "03:00", "Europe/London", "2027-10-31 00:30", "2027-10-31 03:00"},
		{"an end that comes twice", "2027-10-30", "23:30", "01:30", "Europe/London", "2027-10-30 22:30", "2027-10-31 00:30"},
		{"half an hour of summer time", "2027-04-04", "01:45", "02:30", "Australia/Lord_Howe", "2027-04-03 14:45", "2027-04-03 16:00"},
		{"south", "2027-10-03", "12:00", "13:00", "Australia/Sydney", "2027-10-03 01:00", "2027-10-03 02:00"},
		{"far east of UTC", "2026-11-28", "00:10", "01:10", "Pacific/Kiritimati", "2026-11-27 10:10", "2026-11-27 11:10"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := values{Date: c.date, TimeFrom: c.from, TimeTo: c.to, TimeZone: c.zone}
			start, end, _, errs := schedule(v, testNow)
			if len(errs) > 0 {
				t.Fatalf("refused: %+v", errs)
			}
			if !start.Equal(at(t, c.start)) || !end.Equal(at(t, c.end)) {
				t.Errorf("%v to %v, want %s to %s", start, end, c.start, c.end)
			}
			if start.Location() != time.UTC || end.Location() != time.UTC {
				t.Error("times are not in UTC")
			}
		})
	}
}

func TestScheduleRefuses(t *testing.T) {
	for _, c := range []struct {
		name, date, from, to, zone string
		want                       []string // field: words of its summary
	}{
		{"nothing", "", "", "", "", []string{"time_zone: missing", "date: missing", "time_from: missing", "time_to: missing"}},
		{"look's sentence", "2026-12-06", "20:00", "19:30", "Asia/Beirut", []string{"time_to: From 20:00 to 19:30 is 23 and a half hours; a gig may last 12"}},
		{"12 hours and a minute", "2026-12-06", "10:00", "22:01", "UTC", []string{"time_to: 12 hours and 1 minute;"}},
		{"13 hours", "2026-12-06", "10:00", "23:00", "UTC", []string{"time_to: is 13 hours;"}},
		{"12 hours by the clock, 13 in truth", "2027-10-30", "20:00", "08:00", "Europe/London", []string{"time_to: is 13 hours;"}},
		{"no time at all", "2026-12-06", "20:00", "20:00", "UTC", []string{"time_to: no time at all"}},
		{"skipped start", "2027-03-28", "01:30", "03:00", "Europe/London", []string{"time_from: no 01:30 on that day in Europe/London"}},
		{"skipped end", "2027-03-28", "00:30", "01:30", "Europe/London", []string{"time_to: no 01:30 on that day"}},
		{"past", "2026-11-21", "20:00", "21:00", "UTC", []string{"date: passed"}},
		{"just over", "2026-11-22", "11:00", "12:00", "UTC", []string{"date: passed"}},
		{"three years", "2029-11-28", "20:00", "21:00", "UTC", []string{"date: more than two years"}},
		{"the year 9999", "9999-12-31", "23:00", "01:00", "UTC", []string{"date: more than two years"}},
		{"31 June", "2027-06-31", "20:00", "21:00", "UTC", []string{"date: missing"}},
		{"another order", "28.11.2026", "20:00", "21:00", "UTC", []string{"date: missing"}},
		{"25 o'clock", "2026-11-28", "25:00", "21:00", "UTC", []string{"time_from: missing"}},
		{"24:00", "2026-11-28", "20:00", "24:00", "UTC", []string{"time_to: missing"}},
		{"no such zone", "2026-11-28", "20:00", "21:00", "Europe/Atlantis", []string{"time_zone: missing"}},
		{"the server's zone", "2026-11-28", "20:00", "21:00", "Local", []string{"time_zone: missing"}},
		{"the server's own file", "2026-11-28", "20:00", "21:00", "localtime", []string{"time_zone: missing"}},
		{"a file", "2026-11-28", "20:00", "21:00", "../../etc/passwd", []string{"time_zone: missing"}},
		{"a long name", "2026-11-28", "20:00", "21:00", strings.Repeat("Europe/", 20), []string{"time_zone: missing"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := values{Date: c.date, TimeFrom: c.from, TimeTo: c.to, TimeZone: c.zone}
			_, _, _, errs := schedule(v, testNow)
			if len(errs) != len(c.want) {
				t.Fatalf("got %+v, want %v", errs, c.want)
			}
			for i, e := range errs {
				field, words, _ := strings.Cut(c.want[i], ": ")
				if e.Field != field || !strings.Contains(e.Summary, words) || e.Text == "" {
					t.Errorf("got %+v, want %s", e, c.want[i])
				}
			}
		})
	}
}

func TestSpanOfDays(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ now, when, from, to string }{ // local times
		{"2026-11-26 00:00", "today", "2026-11-26 00:00", "2026-11-27 00:00"},
		{"2026-11-26 23:59", "today", "2026-11-26 00:00", "2026-11-27 00:00"},
		{"2026-11-26 12:00", "weekend", "2026-11-28 00:00", "2026-11-30 00:00"},
		{"2026-11-28 12:00", "weekend", "2026-11-28 00:00", "2026-11-30 00:00"},
		{"2026-11-29 12:00", "weekend", "2026-11-28 00:00", "2026-11-30 00:00"},
		{"2026-11-30 00:00", "weekend", "2026-12-05 00:00", "2026-12-07 00:00"},
		{"2026-11-26 12:00", "week", "2026-11-23 00:00", "2026-11-30 00:00"},
		{"2026-11-29 12:00", "week", "2026-11-23 00:00", "2026-11-30 00:00"},
		{"2026-12-29 12:00", "week", "2026-12-28 00:00", "2027-01-04 00:00"},
		{"2026-11-26 12:00", "month", "2026-11-01 00:00", "2026-12-01 00:00"},
		{"2026-12-31 12:00", "month", "2026-12-01 00:00", "2027-01-01 00:00"},
		// Days of 23 and of 25 hours.
		{"2027-03-28 12:00", "today", "2027-03-28 00:00", "2027-03-29 00:00"},
		{"2027-10-31 12:00", "today", "2027-10-31 00:00", "2027-11-01 00:00"},
	} {
		local := func(s string) time.Time {
			m, err := time.ParseInLocation("2006-01-02 15:04", s, berlin)
			if err != nil {
				t.Fatal(err)
			}
			return m
		}
		from, to := span(c.when, local(c.now))
		if !from.Equal(local(c.from)) || !to.Equal(local(c.to)) {
			t.Errorf("%s at %s: %v to %v, want %s to %s", c.when, c.now, from, to, c.from, c.to)
		}
	}
	for _, when := range []string{"", "never", "TODAY"} {
		if from, to := span(when, testNow); !from.IsZero() || !to.IsZero() {
			t.Errorf("%q: %v to %v, want any day", when, from, to)
		}
	}
}

// Only names that are the same on every machine are zones.
func TestFindZone(t *testing.T) {
	for in, want := range map[string]string{
		"UTC": "UTC", "Etc/UTC": "UTC", "Asia/Beirut": "Asia/Beirut", "Asia/Calcutta": "Asia/Kolkata", "Europe/Kiev": "Europe/Kyiv",
		"": "", "Local": "", "localtime": "", "posixrules": "", "Factory": "", "posix/Europe/Paris": "", "right/Europe/Paris": "",
		"europe/paris": "", "Europe/": "", "Europe": "", "zone.tab": "", "../zoneinfo/UTC": "",
	} {
		l, got, ok := findZone(in)
		if got != want || ok != (want != "") || ok && l.String() != want {
			t.Errorf("%q: %v, %q, %v, want %q", in, l, got, ok, want)
		}
	}
}

func TestZonesOfTheForm(t *testing.T) {
	groups := zoneChoices(testNow)
	byName := map[string]views.Zone{}
	for _, g := range groups {
		for _, z := range g.Zones {
			if !strings.HasPrefix(z.Name, g.Region+"/") || byName[z.Name].Name != "" {
				t.Errorf("%s stands in %s", z.Name, g.Region)
			}
			byName[z.Name] = z
		}
	}
	listed := 0
	for _, n := range zoneNames {
		listed += len(strings.Fields(n.cities))
	}
	if len(byName) != listed || listed < 400 {
		t.Errorf("%d zones of %d can be loaded", len(byName), listed)
	}
	for name, label := range map[string]string{
		"Asia/Beirut": "Beirut (UTC+2)", "Asia/Kolkata": "Kolkata (UTC+5:30)", "Europe/London": "London (UTC)",
		"America/Mexico_City": "Mexico City (UTC-6)", "America/St_Johns": "St Johns (UTC-3:30)",
		"America/Argentina/Buenos_Aires": "Argentina/Buenos Aires (UTC-3)",
	} {
		if got := byName[name].Label; got != label {
			t.Errorf("%s is %q, want %q", name, got, label)
		}
	}
	for old, today := range oldZones {
		if today != "UTC" && byName[today].Old != old {
			t.Errorf("%s, once %s, is not in the list under it", today, old)
		}
	}
	if !slices.IsSortedFunc(groups, func(a, b views.ZoneGroup) int { return strings.Compare(a.Region, b.Region) }) {
		t.Error("the regions are not in order")
	}
}
