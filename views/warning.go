package views

import (
	"fmt"
	"math"
)

// advice is a warning in words: what is, and what to do.
type advice struct{ tone, heading, text string }

const setKeyframes = "In OBS open Settings, then Output, and set Keyframe Interval to 2 s. It takes effect the next time you start streaming."

// advise puts a warning into words. The names are those of media.Warning.
func (h *HealthModel) advise(warning string) advice {
	switch warning {
	case "long-keyframes":
		n := amount(int(math.Round(h.KeyframeInterval.Seconds())), "second")
		return advice{"warn", "Your keyframes are " + n + " apart",
			"Everything plays, but people who come in now look at a blank stage for up to " + n + ". " + setKeyframes}
	case "no-keyframe":
		return advice{"bad", "Your picture has no keyframes",
			"People who come in now see nothing: a browser can only begin at a keyframe. " + setKeyframes}
	case "video-codec":
		return advice{"bad", "Browsers cannot show " + or(h.VideoCodec, "this codec"),
			"In OBS open Settings, then Output, and choose a Video Encoder with H.264 in its name, or x264."}
	case "video-profile":
		return advice{"bad", "Browsers cannot show this kind of H.264",
			"It has finer colour than they can take. In OBS open Settings, then Advanced, and set Color Format to NV12."}
	case "audio-codec":
		return advice{"bad", "Browsers cannot play " + or(h.AudioCodec, "this") + " sound",
			"In OBS open Settings, then Output, and set Audio Encoder to AAC."}
	case "no-audio":
		return advice{"warn", "There is no sound",
			"The picture arrives, but nothing can be heard. In OBS open Settings, then Audio, choose your microphone, and see that its meter moves in the Audio Mixer."}
	case "no-video":
		return advice{"warn", "There is no picture",
			"Only sound arrives. In OBS see that your scene has a source, and in Settings, then Output, that a Video Encoder is chosen."}
	case "high-bitrate":
		return advice{"warn", "You send " + Bitrate(h.VideoBitrate+h.AudioBitrate),
			"Many people cannot receive that much, and their picture will stop. In OBS open Settings, then Output, and set Video Bitrate to 4000 Kbps or less."}
	case "too-fast":
		return advice{"bad", "You were cut off: your encoder sent " + megabits(h.TooFast),
			"This server takes " + megabits(h.MaxBitrate) + " at most. In OBS open Settings, then Output, and set Video Bitrate to " + kbpsBelow(h.MaxBitrate) + " or less."}
	case "many-encoders":
		return advice{"bad", "Several encoders use your stream key",
			"They throw each other off air, and the one that sends now is kept for a while. In OBS press Stop Streaming on every computer but one."}
	case "many-reconnects":
		return advice{"warn", "Your connection keeps dropping",
			fmt.Sprintf("It was lost %s so far. Use a cable in place of wireless, or in OBS open Settings, then Output, and lower the Video Bitrate.", times(h.Interruptions))}
	}
	return advice{"warn", "Something is not right with your stream", "Stop streaming in OBS, and start again."}
}

// megabits is rounded up to a tenth, so that what is over a limit does not read
// like it.
func megabits(bits int) string {
	tenths := (bits + 99_999) / 100_000
	if tenths%10 == 0 {
		return fmt.Sprintf("%d Mbit/s", tenths/10)
	}
	return fmt.Sprintf("%.1f Mbit/s", float64(tenths)/10)
}

// kbpsBelow is a Video Bitrate, in OBS's words, that suits most people's lines
// and leaves room for sound and bursts below a limit in bit/s.
func kbpsBelow(limit int) string { return fmt.Sprintf("%d Kbps", min(4000, limit*8/10_000)) }

func times(n int) string {
	switch n {
	case 1:
		return "once"
	case 2:
		return "twice"
	}
	return fmt.Sprintf("%d times", n)
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
