package views

import (
	"fmt"
	"testing"
	"time"
)

func TestLength(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                               "less than a minute",
		29 * time.Second:                "less than a minute",
		31 * time.Second:                "1 minute",
		58*time.Minute + 29*time.Second: "58 minutes",
		59*time.Minute + 31*time.Second: "1 hour",
		61 * time.Minute:                "1 hour and 1 minute",
		2*time.Hour + 20*time.Minute:    "2 hours and 20 minutes",
	} {
		if got := Length(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}

func TestCountdown(t *testing.T) {
	for _, c := range []struct {
		left        time.Duration
		parts, name string
	}{
		{26*time.Hour + 18*time.Minute + 59*time.Second, "[{1 day} {02 h} {18 min}]", "Starts in 1 day, 2 hours and 18 minutes"},
		{49*time.Hour + time.Minute, "[{2 days} {01 h} {01 min}]", "Starts in 2 days, 1 hour and 1 minute"},
		{3*time.Hour + 7*time.Minute, "[{3 h} {07 min}]", "Starts in 3 hours and 7 minutes"},
		{59*time.Minute + 5*time.Second, "[{59 min} {05 s}]", "Starts in 59 minutes"},
		{5 * time.Second, "[{0 min} {05 s}]", "Starts in less than a minute"},
	} {
		if got := fmt.Sprint(countdownParts(c.left)); got != c.parts {
			t.Errorf("%v is shown as %s, want %s", c.left, got, c.parts)
		}
		if got := countdownName(c.left); got != c.name {
			t.Errorf("%v is named %q, want %q", c.left, got, c.name)
		}
	}
}
