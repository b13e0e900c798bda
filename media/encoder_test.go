package media

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// encode has ffmpeg make an FLV file and returns its tags.
func encode(t *testing.T, args ...string) []flvTag {
	t.Helper()
	file := filepath.Join(t.TempDir(), "in.flv")
	args = append([]string{"-v", "error", "-nostdin"}, append(args, file)...)
	if out, err := exec.Command("ffmpeg", args...).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v\n%s", err, out)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	f := flvStream{raw: true}
	if err := f.feed([][]byte{b}); err != nil {
		t.Fatal(err)
	}
	return f.Tags
}

func testClip(seconds int, size string, video ...string) []string {
	args := []string{
		"-f", "lavfi", "-t", strconv.Itoa(seconds), "-i", "testsrc2=s=" + size + ":r=25",
		"-f", "lavfi", "-t", strconv.Itoa(seconds), "-i", "sine=r=44100",
		"-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", "-ar", "44100",
	}
	return append(args, video...)
}

// decode has ffmpeg decode what a viewer got; any complaint fails the test. It
// returns the number of pictures.
func decode(t *testing.T, flv []byte) int {
	t.Helper()
	cmd := exec.Command("ffmpeg", "-v", "error", "-nostdin", "-i", "pipe:0",
		"-map", "0:v", "-fps_mode", "passthrough", "-enc_time_base", "1:1000", "-f", "framecrc", "pipe:1")
	cmd.Stdin = bytes.NewReader(flv)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || stderr.Len() > 0 {
		t.Fatalf("ffmpeg: %v\n%s", err, stderr.Bytes())
	}
	n := 0
	for line := range strings.Lines(string(out)) {
		if !strings.HasPrefix(line, "#") {
			n++
		}
	}
	return n
}

// watch collects all bytes that a viewer gets from now on.
func watch(t *testing.T, v *Viewer) <-chan []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	var all []byte
	var f flvStream
	read := func() error {
		bufs, err := v.Next(ctx)
		for _, b := range bufs {
			all = append(all, b...)
		}
		if err != nil {
			return err
		}
		return f.feed(bufs)
	}
	if err := read(); err != nil { // the cursor stands from here on
		t.Fatal(err)
	}
	done := make(chan []byte, 1)
	go func() {
		defer cancel()
		for {
			if err := read(); err != nil {
				if err != io.EOF {
					t.Error(err)
				}
				done <- all
				return
			}
		}
	}()
	return done
}

// What real encoders make arrives whole and decodes without a complaint, over
// a publisher that is lost in mid-GOP and another that takes over with other
// settings.
func TestRealEncoder(t *testing.T) {
	first := encode(t, testClip(4, "320x180", "-g", "50", "-bf", "3")...)
	second := encode(t, testClip(3, "480x270", "-g", "50", "-bf", "3", "-output_ts_offset", "20000")...)
	r := testRelay(t, RelayOptions{})
	e := publish(t, r, "g")
	sent, i := 0, 0
	for i < len(first) && r.State("g") != StateLive {
		e.write(first[i].Type, first[i].TS, first[i].Body)
		i++
	}
	v, err := r.Join("g", "")
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	got := watch(t, v)
	for ; first[i].TS < 3210; i++ { // lost in mid-GOP
		e.write(first[i].Type, first[i].TS, first[i].Body)
	}
	for _, tag := range first[:i] {
		if k := tag.info().kind; tag.Type == TagVideo && (k == kindFrame || k == kindKeyframe) {
			sent++
		}
	}
	h, _ := r.Health("g")
	if h.Width != 320 || h.Height != 180 || h.FrameRate < 24 || h.FrameRate > 26 || h.KeyframeInterval != 2*time.Second {
		t.Errorf("health: %+v", h)
	}
	e.p.Close()
	e = publish(t, r, "g")
	for _, tag := range second {
		e.write(tag.Type, tag.TS, tag.Body)
		if k := tag.info().kind; tag.Type == TagVideo && (k == kindFrame || k == kindKeyframe) {
			sent++
		}
	}
	if h, _ := r.Health("g"); h.Width != 480 || h.Height != 270 || len(h.Warnings) != 0 {
		t.Errorf("health: %+v", h)
	}
	r.End("g")
	if n := decode(t, <-got); n != sent {
		t.Errorf("%d pictures decode, %d were sent", n, sent)
	}
}
