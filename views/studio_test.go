package views

import (
	"strings"
	"testing"
	"time"
)

func TestBitrate(t *testing.T) {
	for bits, want := range map[int]string{
		0: "0 kbit/s", 159_600: "160 kbit/s", 999_000: "999 kbit/s", 1_000_000: "1.0 Mbit/s", 2_640_000: "2.6 Mbit/s",
	} {
		if got := Bitrate(bits); got != want {
			t.Errorf("%d is %q, want %q", bits, got, want)
		}
	}
}

func TestSpark(t *testing.T) {
	if got := sparkPoints([]int{1}); got != "" {
		t.Errorf("one value gives %q", got)
	}
	if got := sparkPoints([]int{0, 0}); got != "0.0,76.0 600.0,76.0" {
		t.Errorf("silence gives %q", got)
	}
	points := strings.Fields(sparkPoints([]int{0, 1100, 550}))
	if len(points) != 3 || points[0] != "0.0,76.0" || points[1] != "300.0,6.9" || points[2] != "600.0,41.5" {
		t.Errorf("points: %q", points)
	}
	if got := sparkSpan(make([]int, 60)); got != "5 minutes" {
		t.Errorf("60 values are %q", got)
	}
}

func TestHealthInWords(t *testing.T) {
	join := func(a, b string) string { return a + "|" + b }
	for _, c := range []struct {
		name      string
		got, want string
	}{
		{"no size", (&HealthModel{}).size(), "–"},
		{"size", (&HealthModel{Width: 1280, Height: 720}).size(), "1280 × 720"},
		{"no picture", (&HealthModel{}).frames(), "no picture"},
		{"frames not known", (&HealthModel{VideoCodec: "H.264"}).frames(), "being measured"},
		{"frames", (&HealthModel{VideoCodec: "H.264", FrameRate: 29.97}).frames(), "30 frames a second"},
		{"frames as measured", (&HealthModel{VideoCodec: "H.264", FrameRate: 24.8}).frames(), "25 frames a second"},
		{"film", (&HealthModel{VideoCodec: "H.264", FrameRate: 23.976}).frames(), "24 frames a second"},
		{"neither", (&HealthModel{VideoCodec: "H.264", FrameRate: 24.5}).frames(), "24.5 frames a second"},
		{"fast", (&HealthModel{VideoCodec: "H.264", FrameRate: 59.4}).frames(), "60 frames a second"},
		{"not on yet", join((&HealthModel{}).onAir()), "–|nothing to watch yet"},
		{"odd frames", (&HealthModel{VideoCodec: "H.264", FrameRate: 12.54}).frames(), "12.5 frames a second"},
		{"one break", (&HealthModel{Interruptions: 1}).breaks(), "1 interruption"},
		{"no keyframes yet", join((&HealthModel{}).keyframes()), "–|being measured"},
		{"keyframes", join((&HealthModel{KeyframeInterval: 2 * time.Second}).keyframes()), "2.0 s|people come in fast"},
		{"far keyframes", join((&HealthModel{KeyframeInterval: 8300 * time.Millisecond, Warnings: []string{"long-keyframes"}}).keyframes()), "8.3 s|2 s would be better"},
		{"codecs", join((&HealthModel{VideoCodec: "H.264", AudioCodec: "AAC"}).codecs()), "H.264, AAC|play everywhere"},
		{"bad codec", join((&HealthModel{VideoCodec: "HEVC", Warnings: []string{"video-codec"}}).codecs()), "HEVC|browsers cannot play this"},
		{"no codecs yet", join((&HealthModel{}).codecs()), "–|being measured"},
		{"no sound", join((&HealthModel{}).sound()), "–|no sound"},
		{"sound", join((&HealthModel{AudioCodec: "AAC", SampleRate: 44100, Channels: 2, AudioBitrate: 160_000}).sound()), "44.1 kHz|stereo, 160 kbit/s"},
		{"six channels", join((&HealthModel{AudioCodec: "AAC", SampleRate: 48000, Channels: 6}).sound()), "48 kHz|0 kbit/s"},
		{"clock", clock(11*time.Hour + 2*time.Minute + 3*time.Second), "11:02:03"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %q, want %q", c.name, c.got, c.want)
		}
	}
}

func TestStudioStatusAgrees(t *testing.T) {
	since := time.Date(2026, 11, 27, 20, 0, 0, 0, time.UTC)
	on := &HealthModel{Since: since, OnAir: 41 * time.Minute}
	for _, c := range []struct {
		name string
		m    StudioModel
		want string
	}{
		{"fresh", StudioModel{State: "waiting"}, "Not yet on|"},
		{"connected, nothing to watch", StudioModel{State: "waiting", Health: &HealthModel{}}, "Not yet on|"},
		{"on air", StudioModel{State: "live", Aired: true, Health: on}, "On air|since 20:00, 41 minutes"},
		{"lost", StudioModel{State: "reconnecting", Aired: true, Health: on}, "Off air, seats are kept|after 41 minutes on air"},
		{"lost for long", StudioModel{State: "waiting", Aired: true, AirTime: 5 * time.Minute}, "Off air|5 minutes on air so far"},
		{"connected again", StudioModel{State: "waiting", Aired: true, AirTime: 5 * time.Minute, Health: &HealthModel{}}, "Off air|5 minutes on air so far"},
		{"ended", StudioModel{State: "ended", Aired: true, Over: true, AirTime: 5 * time.Minute}, "Ended|5 minutes on air"},
	} {
		if got := studioLamp(c.m.State, c.m.Aired) + "|" + c.m.since(); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestEndNamesThePeople(t *testing.T) {
	for n, want := range map[int]string{0: "for everybody.", 1: "for the one person watching.", 2: "for 2 people."} {
		if got := (StudioModel{Health: &HealthModel{Viewers: n}}).endText(); !strings.Contains(got, want) {
			t.Errorf("%d: %q", n, got)
		}
	}
}

func TestStudioOverMidnight(t *testing.T) {
	start := time.Date(2026, 11, 27, 22, 30, 0, 0, time.UTC)
	if got := localSpan(start, start.Add(2*time.Hour), "Africa/Lagos"); got != "Fri 27 Nov 2026, 23:30 to 01:30" {
		t.Errorf("%q", got)
	}
	if got := localSpan(start, start.Add(time.Hour), "Nowhere/Land"); got != "Fri 27 Nov 2026, 22:30 to 23:30" {
		t.Errorf("an unknown zone: %q", got)
	}
}

// What a creator who was cut off is told to send is below the limit, with room
// for the sound.
func TestAdviceAfterACut(t *testing.T) {
	for limit, want := range map[int]string{20_000_000: "4000 Kbps", 5_000_000: "4000 Kbps", 1_000_000: "800 Kbps"} {
		h := &HealthModel{TooFast: limit + 40_000, MaxBitrate: limit}
		a := h.advise("too-fast")
		if !strings.Contains(a.text, want+" or less") || strings.Contains(a.heading, " "+megabits(limit)) {
			t.Errorf("%d bit/s: %+v", limit, a)
		}
	}
}
