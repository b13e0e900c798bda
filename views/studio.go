package views

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// StudioListModel is the list of a creator's own gigs.
type StudioListModel struct{ Gigs []StudioEntry }

// StudioEntry is one of them.
type StudioEntry struct {
	ID, Title, State string
	Aired            bool
	Start, End       time.Time
	Zone             string // IANA
}

// StudioModel is the creator's page of one gig.
type StudioModel struct {
	ID, Title  string
	Start, End time.Time
	Zone       string // IANA
	State      string // as StageModel.State
	Over       bool   // ended or cancelled by the creator: nothing can be changed
	Aired      bool
	AirTime    time.Duration
	Peak       int // most viewers at once
	Now        time.Time

	Link    string // of the gig's page, to share
	RTMPURL string
	Key     string // a new stream key, shown this once; or empty
	KeyMade time.Time
	NewKey  bool         // the stream stopped because its key was replaced
	Health  *HealthModel // nil: nothing is coming in
}

// HealthModel is the incoming stream.
type HealthModel struct {
	Since                      time.Time     // zero: viewers can see nothing yet
	OnAir                      time.Duration // up to the loss of the publisher, where it is away
	Interruptions              int
	From                       string // address of the publisher; empty while it is away
	Width, Height              int
	FrameRate                  float64
	VideoCodec, AudioCodec     string
	SampleRate, Channels       int
	VideoBitrate, AudioBitrate int           // bit/s
	Bitrates                   []int         // bit/s, one each 5 s, oldest first
	KeyframeInterval           time.Duration // 0: unknown
	Viewers, Peak              int
	Warnings                   []string // names of media.Warning
	TooFast, MaxBitrate        int      // bit/s that it was cut off for, and that are the most
}

// studioLamp is the state in the creator's words.
func studioLamp(state string, aired bool) string {
	switch state {
	case "live":
		return "On air"
	case "reconnecting":
		return "Off air, seats are kept"
	case "ended":
		return "Ended"
	case "cancelled":
		return "Cancelled"
	}
	if aired {
		return "Off air"
	}
	return "Not yet on"
}

func lit(state string) string { return StageModel{State: state}.lit() }

// localSpan is a gig's time in its creator's zone.
func localSpan(start, end time.Time, zone string) string {
	l := TimeModel{Zone: zone}.location()
	return start.In(l).Format("Mon 2 Jan 2006, 15:04") + " to " + end.In(l).Format("15:04")
}

func (m StudioModel) location() *time.Location { return TimeModel{Zone: m.Zone}.location() }

// since is the line beside the lamp.
func (m StudioModel) since() string {
	switch {
	case m.Health != nil && m.State == "live":
		return "since " + m.Health.Since.In(m.location()).Format("15:04") + ", " + Length(m.Health.OnAir)
	case m.Health != nil && m.State == "reconnecting":
		return "after " + Length(m.Health.OnAir) + " on air"
	case m.AirTime > 0 && !m.Over:
		return Length(m.AirTime) + " on air so far"
	case m.AirTime > 0:
		return Length(m.AirTime) + " on air"
	}
	return ""
}

// keyAge says when the key that is not shown any more was made.
func (m StudioModel) keyAge() string {
	return m.KeyMade.In(m.location()).Format("Mon 2 Jan, 15:04")
}

// healthURL tells the server what the page shows.
func (m StudioModel) healthURL() string { return "/studio/gigs/" + m.ID + "/health?stage=" + m.State }

func (m StudioModel) canEnd() bool { return !m.Over && (m.Aired || m.Health != nil) }

func (m StudioModel) endText() string {
	who := "everybody"
	switch {
	case m.Health != nil && m.Health.Viewers == 1:
		who = "the one person watching"
	case m.Health != nil && m.Health.Viewers > 1:
		who = fmt.Sprintf("%d people", m.Health.Viewers)
	}
	return "Closes the stream for " + who + ". You cannot go live on this gig again."
}

// onStage reports whether people are seated before a show.
func (m StudioModel) onStage() bool { return m.State == "live" || m.State == "reconnecting" }

func (m StudioModel) keyText() string {
	if m.onStage() {
		return "The old one stops at once, and so does the stream. Everybody keeps their seat for 60 seconds: put the new key into OBS and start streaming again within them."
	}
	return "The old one stops at once, and so does anyone streaming with it."
}

func (m StudioModel) cancelText() string {
	if m.canEnd() {
		return "Takes it off the stage and tells everybody that it will not take place. To finish a show that was played, end it instead. This cannot be taken back."
	}
	return "Tells everybody that it will not take place. This cannot be taken back."
}

// stopText says how the show goes on after the publisher was lost.
func (m StudioModel) stopText() string {
	if m.NewKey {
		return "Everybody keeps their seat for about a minute. Put the new key into OBS within a minute, then press Start Streaming."
	}
	return "Everybody keeps their seat for about a minute, and the picture goes on as soon as you are back. OBS comes back by itself; if it does not, press Start Streaming."
}

// healthHeading looks back when nothing more can come in.
func (m StudioModel) healthHeading() string {
	if m.Over {
		return "How it went"
	}
	return "Stream health"
}

// onAir is how long the show has been on, "–" before it is.
func (h *HealthModel) onAir() (figure, text string) {
	if h.Since.IsZero() {
		return "–", "nothing to watch yet"
	}
	return clock(h.OnAir), h.breaks()
}

// clock is a length of time as the desk shows it.
func clock(d time.Duration) string {
	s := int(d / time.Second)
	return fmt.Sprintf("%02d:%02d:%02d", s/3600, s/60%60, s%60)
}

func (h *HealthModel) breaks() string {
	if h.Interruptions == 0 {
		return "no interruptions"
	}
	return amount(h.Interruptions, "interruption")
}

func (h *HealthModel) size() string {
	if h.Width == 0 || h.Height == 0 {
		return "–"
	}
	return fmt.Sprintf("%d × %d", h.Width, h.Height)
}

func (h *HealthModel) frames() string {
	switch {
	case h.VideoCodec == "":
		return "no picture"
	case h.FrameRate == 0:
		return "being measured"
	}
	rate := math.Round(h.FrameRate*10) / 10
	for _, usual := range []float64{24, 25, 30, 50, 60} {
		if math.Abs(h.FrameRate-usual) <= usual*.015 { // measured over few frames
			rate = usual
		}
	}
	return strconv.FormatFloat(rate, 'f', -1, 64) + " frames a second"
}

func (h *HealthModel) keyframes() (figure, text string) {
	switch {
	case h.KeyframeInterval == 0:
		return "–", "being measured"
	case h.warned("long-keyframes"):
		return seconds(h.KeyframeInterval), "2 s would be better"
	}
	return seconds(h.KeyframeInterval), "people come in fast"
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

func (h *HealthModel) codecs() (figure, text string) {
	var names []string
	for _, c := range []string{h.VideoCodec, h.AudioCodec} {
		if c != "" {
			names = append(names, c)
		}
	}
	switch {
	case len(names) == 0:
		return "–", "being measured"
	case h.warned("video-codec") || h.warned("video-profile") || h.warned("audio-codec"):
		return strings.Join(names, ", "), "browsers cannot play this"
	}
	return strings.Join(names, ", "), "play everywhere"
}

func (h *HealthModel) sound() (figure, text string) {
	if h.AudioCodec == "" {
		return "–", "no sound"
	}
	figure = h.AudioCodec
	if h.SampleRate > 0 {
		figure = strconv.FormatFloat(float64(h.SampleRate)/1000, 'f', -1, 64) + " kHz"
	}
	channels := map[int]string{1: "mono, ", 2: "stereo, "}[h.Channels]
	return figure, channels + Bitrate(h.AudioBitrate)
}

func (h *HealthModel) warned(name string) bool {
	for _, w := range h.Warnings {
		if w == name {
			return true
		}
	}
	return false
}

// Bitrate writes bits a second: "160 kbit/s", "2.6 Mbit/s".
func Bitrate(bits int) string {
	if bits < 1_000_000 {
		return fmt.Sprintf("%d kbit/s", (bits+500)/1000)
	}
	return fmt.Sprintf("%.1f Mbit/s", float64(bits)/1e6)
}
