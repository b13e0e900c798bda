package views

import (
	"strings"
	"testing"
	"time"
)

func TestPrice(t *testing.T) {
	for cents, want := range map[int]string{0: "Free", -5: "Free", 1: "$0.01", 50: "$0.50", 100: "$1", 600: "$6", 1250: "$12.50", 1205: "$12.05", 99999: "$999.99", 100000: "$1,000", 125050: "$1,250.50", 999999: "$9,999.99"} {
		if got := Price(cents); got != want {
			t.Errorf("%d: %q, want %q", cents, got, want)
		}
	}
}

func TestCount(t *testing.T) {
	for n, want := range map[int]string{0: "0 people", 1: "1 person", 2: "2 people"} {
		if got := Count(n, "person", "people"); got != want {
			t.Errorf("%d: %q", n, got)
		}
	}
}

func TestPosterLength(t *testing.T) {
	for title, want := range map[string]string{
		"": "", "Knees": "", "The Understudy": "long", "Salt & Silk": "", "Moonlight": "", "Late & Unprepared": "long", "Bharatanatyam by Candlelight": "tight",
		"Songs for an Empty Chair, Too": "long", "Counterrevolutionaries": "longer", strings.Repeat("ab ", 17): "longer",
		"Ünïcödé Ñ": "", "日本の舞台": "",
	} {
		if got := (PosterModel{Title: title}).length(); got != want {
			t.Errorf("%q: %q, want %q", title, got, want)
		}
	}
}

// A gig's poster never changes, and all inks are used.
func TestPosterVariant(t *testing.T) {
	seen := map[string]int{}
	for i := range 300 {
		id := strings.Repeat("x", i%17) + string(rune('a'+i%26))
		v := PosterModel{GigID: id}.variant()
		if v != (PosterModel{GigID: id, Title: "other"}).variant() {
			t.Fatalf("%s changes its poster", id)
		}
		seen[v]++
	}
	if len(seen) != 3 || seen["a"] == 0 || seen["b"] == 0 || seen["c"] == 0 {
		t.Errorf("variants %v", seen)
	}
	if got := (PosterModel{}).variant(); got != "a" {
		t.Errorf("without an id %q", got)
	}
}

func TestUTCOffset(t *testing.T) {
	for zone, want := range map[string]string{"UTC": "UTC", "Asia/Kolkata": "UTC+5:30", "America/Mexico_City": "UTC-6", "America/St_Johns": "UTC-3:30", "Asia/Kathmandu": "UTC+5:45"} {
		l, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		if got := UTCOffset(time.Date(2026, 11, 28, 15, 0, 0, 0, l)); got != want {
			t.Errorf("%s: %q, want %q", zone, got, want)
		}
	}
}

func TestTimeForms(t *testing.T) {
	start := time.Date(2011, 11, 28, 15, 0, 0, 0, time.UTC)
	m := TimeModel{Start: start, End: start.Add(70 * time.Minute), Zone: "Asia/Kolkata"}
	for form, want := range map[TimeForm]string{
		TimeStart: "Mon 28 Nov 2011, 20:30 UTC+5:30",
		TimeSpan:  "Mon 28 Nov 2011, 20:30 to 21:40 UTC+5:30",
		TimeSince: "On since 20:30 UTC+5:30",
		TimeDay:   "Mon 28 Nov 2011",
		TimeLong:  "Monday 28 November, 20:30 UTC+5:30",
		TimeClock: "20:30",
	} {
		m.Form = form
		if got := m.text(); got != want {
			t.Errorf("%s: %q, want %q", form, got, want)
		}
		var b strings.Builder
		if err := Time(m).Render(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), `datetime="2011-11-28T15:00:00Z"`) || strings.Contains(b.String(), "data-end") != (form == TimeSpan) {
			t.Errorf("%s: %s", form, b.String())
		}
	}
	for zone, want := range map[string]string{"Asia/Kolkata": "in Kolkata", "America/Argentina/Buenos_Aires": "in Buenos Aires", "UTC": "", "": ""} {
		if got := (TimeModel{Zone: zone}).there(); got != want {
			t.Errorf("%s: %q, want %q", zone, got, want)
		}
	}
	if got := (TimeModel{Start: start, Zone: "Mars/Olympus", Form: TimeClock}).text(); got != "15:00" {
		t.Errorf("an unknown zone: %q", got)
	}
}

func TestLampsOfCards(t *testing.T) {
	for _, c := range []struct {
		state   string
		viewers int
		words   string
		hangs   string
	}{
		{"live", 0, "Live", "live"}, {"live", 128, "Live · 128 watching", "live"},
		{"reconnecting", 5, "Back in a moment", "live"}, {"cancelled", 0, "Cancelled", "past"},
		{"upcoming", 0, "", "upcoming"}, {"past", 0, "", "past"},
	} {
		m := CardModel{State: c.state, Viewers: c.viewers}
		if m.lamp() != c.words || m.state() != c.hangs {
			t.Errorf("%s: %q in %q", c.state, m.lamp(), m.state())
		}
	}
}

// Every category that a poster is drawn for has its names, and every sign its drawing.
func TestNamesAndSigns(t *testing.T) {
	for _, c := range []string{"comedy", "play", "dance", "fitness", "music", "workshop"} {
		if CategoryName(c) == "" || CategoryPlural(c) == "" {
			t.Errorf("%s has no name", c)
		}
	}
	for name, path := range icons {
		if !strings.HasPrefix(path, "M") {
			t.Errorf("%s is drawn %q", name, path)
		}
	}
}

func TestErrorPagesSayWhatComesNext(t *testing.T) {
	for _, status := range []int{400, 403, 404, 409, 413, 500, 503, 599} {
		w := wordsFor(status)
		var b strings.Builder
		if err := ErrorPage(status).Render(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
		if w.heading == "" || w.text == "" || !strings.Contains(b.String(), `href="/"`) {
			t.Errorf("%d: %+v", status, w)
		}
	}
}
