package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"
)

// Tag types of FLV, E.4.1.
const (
	flvAudio  = 8
	flvVideo  = 9
	flvScript = 18
)

// flvTag is what the tests look at of an FLV tag.
type flvTag struct {
	kind   byte
	ts     uint32 // milliseconds
	header bool   // a sequence header, or the end of a sequence
	key    bool   // a keyframe
	sum    uint32 // of the body
}

// readFLV reads tags up to the end, which is an error.
func readFLV(r io.Reader, take func(flvTag) error) error {
	in := bufio.NewReaderSize(r, 32<<10)
	head := make([]byte, 13)
	if _, err := io.ReadFull(in, head); err != nil {
		return err
	}
	if string(head[:4]) != "FLV\x01" {
		return fmt.Errorf("no FLV: % x", head)
	}
	var body []byte
	for {
		if _, err := io.ReadFull(in, head[:11]); err != nil {
			return err
		}
		n := int(binary.BigEndian.Uint32(head) & 0xffffff)
		if cap(body) < n+4 {
			body = make([]byte, 2*n+4)
		}
		body = body[:n+4]
		if _, err := io.ReadFull(in, body); err != nil {
			return err
		}
		t := flvTag{kind: head[0], ts: uint32(head[7])<<24 | binary.BigEndian.Uint32(head[3:])&0xffffff}
		if got := binary.BigEndian.Uint32(body[n:]); got != uint32(n)+11 || n < 2 {
			return fmt.Errorf("PreviousTagSize %d after a tag of %d bytes", got, n)
		}
		t.sum = crc32.ChecksumIEEE(body[:n])
		switch t.kind {
		case flvAudio:
			t.header = body[0]>>4 == 10 && body[1] == 0
		case flvVideo:
			t.header = body[0]&0xf == 7 && body[1] != 1
			t.key = body[0]>>4 == 1 && !t.header
		}
		if err := take(t); err != nil {
			return err
		}
	}
}

// viewer watches a gig over one connection.
type viewer struct {
	t    *testing.T
	stop context.CancelFunc
	done chan struct{}

	mu   sync.Mutex
	tags []flvTag
	err  error // why it ended; nil while it watches
}

// watch starts to watch; the test fails when a timestamp goes back.
func (p *program) watch(t *testing.T, gig string) *viewer {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	v := &viewer{t: t, stop: stop, done: make(chan struct{})}
	go v.run(ctx, p.url()+"/gigs/"+gig+"/live.flv")
	t.Cleanup(v.leave)
	return v
}

func (v *viewer) run(ctx context.Context, url string) {
	defer close(v.done)
	client := &http.Client{Transport: &http.Transport{DisableCompression: true}}
	defer client.CloseIdleConnections()
	err := func() error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		res, err := client.Do(req)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return errors.New(res.Status)
		}
		return readFLV(res.Body, v.take)
	}()
	v.mu.Lock()
	v.err = err
	v.mu.Unlock()
}

func (v *viewer) take(t flvTag) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if n := len(v.tags); n > 0 && t.ts < v.tags[n-1].ts {
		err := fmt.Errorf("the timestamp went back from %d to %d ms", v.tags[n-1].ts, t.ts)
		v.t.Error(err)
		return err
	}
	v.tags = append(v.tags, t)
	return nil
}

// leave ends the viewer and waits for it.
func (v *viewer) leave() {
	v.stop()
	<-v.done
}

// seen returns the tags after the first n.
func (v *viewer) seen(n int) []flvTag {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.tags[min(n, len(v.tags)):]
}

func (v *viewer) count() int { return len(v.seen(0)) }

// until waits until the condition holds for the tags after the first n. The
// viewer must still watch.
func (v *viewer) until(limit time.Duration, what string, n int, ok func([]flvTag) bool) {
	v.t.Helper()
	eventually(v.t, limit, what, func() error {
		v.mu.Lock()
		err := v.err
		v.mu.Unlock()
		if err != nil {
			v.t.Fatalf("waiting until %s: the viewer was cut: %v", what, err)
		}
		if tags := v.seen(n); !ok(tags) {
			return fmt.Errorf("not with %d tags", len(tags))
		}
		return nil
	})
}

// goesOn waits until the viewer has had some more seconds of the show.
func (v *viewer) goesOn(seconds uint32) {
	v.t.Helper()
	n := v.count()
	v.until(30*time.Second, "the show goes on", n, func(tags []flvTag) bool {
		return len(tags) > 0 && tags[len(tags)-1].ts-tags[0].ts >= 1000*seconds
	})
}

// begins checks how a publisher comes in: metadata, sequence headers and then
// a keyframe, no more than a few pictures after what was before.
func begins(tags []flvTag, before uint32) error {
	audio := false
	for _, t := range tags {
		switch {
		case t.ts-before > 200:
			return fmt.Errorf("%d ms without a picture", t.ts-before)
		case t.kind == flvAudio && t.header:
			audio = true
		case t.kind == flvVideo && t.key && audio:
			return nil
		case t.kind != flvScript && !t.header:
			return fmt.Errorf("a tag of type %d came before the headers and the keyframe", t.kind)
		}
	}
	return errors.New("no keyframe")
}

// reels say in which order the tags of a clip go on, by kind and checksum.
type reels map[byte]map[uint32]int

// readReels reads a clip in which no two tags of a kind are the same.
func readReels(t *testing.T, clip string) reels {
	t.Helper()
	f, err := os.Open(clip)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := reels{flvAudio: {}, flvVideo: {}}
	if err := readFLV(f, func(tag flvTag) error {
		if reel := r[tag.kind]; reel != nil && !tag.header {
			if _, twice := reel[tag.sum]; twice {
				return fmt.Errorf("the tag of type %d at %d is there twice", tag.kind, tag.ts)
			}
			reel[tag.sum] = len(reel)
		}
		return nil
	}); !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	return r
}

// whole checks that the tags are the clip's, played round and round, without
// one missing, and returns how many there are.
func (r reels) whole(tags []flvTag) (n int, err error) {
	at := map[byte]int{flvAudio: -1, flvVideo: -1}
	for _, tag := range tags {
		reel := r[tag.kind]
		if reel == nil || tag.header {
			continue
		}
		i, ok := reel[tag.sum]
		if last := at[tag.kind]; !ok || last >= 0 && i != (last+1)%len(reel) {
			return n, fmt.Errorf("type %d at %d ms: tag %d of the clip comes after tag %d of %d (known: %v)", tag.kind, tag.ts, i, last, len(reel), ok)
		}
		at[tag.kind] = i
		n++
	}
	return n, nil
}
