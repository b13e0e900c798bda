package media

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestAllowance(t *testing.T) {
	const (
		mega  = 1_000_000
		limit = 20 * mega
		tick  = 40 * time.Millisecond
	)
	steady := func(bits int) func(int) int { return func(int) int { return bits / 8 / 25 } }
	for _, tc := range []struct {
		name       string
		bytes      func(tick int) int // that come each 40 ms
		cut        bool
		from, to   time.Duration // when it is cut,
		says, most int           // for so many bit/s
	}{
		{"at the limit", steady(limit), false, 0, 0, 0, 0},
		{"under it, with large keyframes", func(n int) int {
			if n%250 == 0 {
				return 4 << 20
			}
			return steady(16 * mega)(n)
		}, false, 0, 0, 0, 0},
		{"silent for 15 s, then all that was kept", func(n int) int {
			switch {
			case n < 375:
				return 0
			case n < 400:
				return 6 * mega / 8 * 15 / 25
			}
			return steady(6 * mega)(n)
		}, false, 0, 0, 0, 0},
		{"half as much again", steady(30 * mega), true, 9 * time.Second, 11 * time.Second, 30 * mega, 31 * mega},
		{"a little too much", steady(21 * mega), true, 95 * time.Second, 105 * time.Second, 21 * mega, 21*mega + mega/10},
		{"ten times as much", steady(200 * mega), true, 0, time.Second, 100 * mega, 201 * mega},
		{"a flood", func(int) int { return 100 << 20 }, true, 0, tick, 100 << 23, 100 << 23},
		{"after an hour at the limit", func(n int) int {
			if n < 3600*25 {
				return steady(limit)(n)
			}
			return steady(40 * mega)(n)
		}, true, 3600 * time.Second, 3606 * time.Second, limit, 41 * mega},
		{"after an hour below it", func(n int) int {
			if n < 3600*25 {
				return steady(limit - mega)(n)
			}
			return steady(40 * mega)(n)
		}, true, 3603 * time.Second, 3606 * time.Second, 40 * mega, 41 * mega},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := allowance{limit: limit}
			start := time.Now()
			for n := range 2 * 3600 * 25 {
				after := time.Duration(n) * tick
				over := a.take(start.Add(after), tc.bytes(n))
				if over == 0 {
					continue
				}
				if !tc.cut || after < tc.from || after > tc.to || over < tc.says || over > tc.most {
					t.Errorf("cut after %v for %d bit/s", after, over)
				}
				return
			}
			if tc.cut {
				t.Error("never cut")
			}
		})
	}
}

// However low the limit, one message is never too fast.
func TestAllowanceOfOneMessage(t *testing.T) {
	a := allowance{limit: 1_000_000}
	if over := a.take(time.Now(), maxMessage); over != 0 {
		t.Errorf("the largest message is cut for %d bit/s", over)
	}
	if over := a.take(time.Now(), 64<<10); over == 0 {
		t.Error("one that follows at once is not")
	}
}

// What is over the limit reads as more than it, in the space that FFmpeg has.
func TestTextTooFast(t *testing.T) {
	for over, want := range map[int]string{
		20_000_001: "sends 21 Mbit/s; this server takes 20.", 31_000_000: "sends 31 Mbit/s; this server takes 20.",
		2_000_000_000: "sends 2000 Mbit/s;",
	} {
		if got := textTooFast(over, 20_000_000); !strings.Contains(got, want) || len(got) > 250 {
			t.Errorf("%q lacks %q", got, want)
		}
	}
}

// onAir puts a gig on air.
func onAir(t *testing.T, r *Relay, gig string) *encoder {
	t.Helper()
	return publish(t, r, gig).headers().frames(20)
}

func TestViewerLimits(t *testing.T) {
	r := testRelay(t, RelayOptions{MaxShowViewers: 2, MaxViewers: 3})
	if r.Full("a", "") {
		t.Error("a house without a show is full")
	}
	onAir(t, r, "a")
	onAir(t, r, "b")
	enter := func(gig, id string, want error) *Viewer {
		t.Helper()
		if full := r.Full(gig, id); full != (want != nil) {
			t.Errorf("%s, %q: full is %v", gig, id, full)
		}
		v, err := r.Join(gig, id)
		if !errors.Is(err, want) {
			t.Fatalf("%s, %q: %v, want %v", gig, id, err, want)
		}
		return v
	}
	ada := enter("a", "ada", nil)
	first := enter("a", "", nil)
	enter("a", "bob", ErrLimit)
	enter("a", "", ErrLimit)
	adaAgain := enter("a", "ada", nil) // takes its own place
	ada.Close()                        // long replaced: frees nothing
	enter("a", "bob", ErrLimit)
	eve := enter("b", "eve", nil)
	enter("b", "ada", ErrLimit) // the same name at another show is another viewer
	eve.Close()
	eve.Close()
	dan := enter("b", "dan", nil)
	danAgain := enter("b", "dan", nil)
	if s := r.Stats(); s.Viewers != 3 || s.Refused["viewers-per-show"] != 3 || s.Refused["viewers"] != 1 {
		t.Errorf("%d viewers, refused %v", s.Viewers, s.Refused)
	}
	for _, v := range []*Viewer{first, adaAgain, dan, danAgain} {
		v.Close()
	}
	if s := r.Stats(); s.Viewers != 0 {
		t.Errorf("%d viewers are left", s.Viewers)
	}
}

// However many come and go at once, the limits hold, and at the end every place
// is free.
func TestViewerLimitsHoldInACrowd(t *testing.T) {
	const shows, perShow, all, crowd = 4, 20, 60, 64
	r := testRelay(t, RelayOptions{MaxShowViewers: perShow, MaxViewers: all})
	var inside [shows]atomic.Int64
	var total, entered atomic.Int64
	for i := range shows {
		onAir(t, r, strconv.Itoa(i))
	}
	var wg sync.WaitGroup
	for n := range crowd {
		wg.Go(func() {
			for round := range 200 {
				show, id := (n+round)%shows, ""
				if n%2 == 0 {
					id = "player" + strconv.Itoa(n)
				}
				v, err := r.Join(strconv.Itoa(show), id)
				if err != nil {
					continue
				}
				entered.Add(1)
				if here, sum := inside[show].Add(1), total.Add(1); here > perShow || sum > all {
					t.Errorf("%d at the show, %d in all", here, sum)
				}
				if id != "" { // its player comes again, and takes its own place
					again, err := r.Join(strconv.Itoa(show), id)
					if err != nil {
						t.Errorf("a viewer that replaces itself: %v", err)
					} else {
						v.Close()
						v = again
					}
				}
				inside[show].Add(-1)
				total.Add(-1)
				v.Close()
			}
		})
	}
	wg.Wait()
	s := r.Stats()
	if s.Viewers != 0 || entered.Load() == 0 {
		t.Errorf("%d viewers are left of %d", s.Viewers, entered.Load())
	}
	refused := s.Refused["viewers"] + s.Refused["viewers-per-show"]
	if refused+uint64(entered.Load()) != crowd*200 {
		t.Errorf("%d came in, %v were refused, of %d", entered.Load(), s.Refused, crowd*200)
	}

	// At rest exactly as many come in as there are places.
	var seated atomic.Int64
	for n := range crowd {
		for show := range shows {
			wg.Go(func() {
				if _, err := r.Join(strconv.Itoa(show), "p"+strconv.Itoa(n)); err == nil {
					seated.Add(1)
				}
			})
		}
	}
	wg.Wait()
	if seated.Load() != all || r.Stats().Viewers != all {
		t.Errorf("%d seated, %d counted, want %d", seated.Load(), r.Stats().Viewers, all)
	}
}

func TestPublisherLimit(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := testRelay(t, RelayOptions{MaxPublishers: 2, Grace: 10 * time.Second})
		refused := func(gig string) {
			t.Helper()
			if _, err := r.Publish(gig, PublisherInfo{}); !errors.Is(err, ErrLimit) {
				t.Errorf("%s: %v, want %v", gig, err, ErrLimit)
			}
		}
		a := onAir(t, r, "a")
		b := publish(t, r, "b") // connected is enough
		refused("c")
		onAir(t, r, "a") // a newer publisher of a show that has a place
		if err := a.p.WriteTag(TagVideo, 0, key(1)); !errors.Is(err, ErrTakenOver) {
			t.Errorf("the old one: %v", err)
		}
		refused("c")
		b.p.Close() // had shown nothing: its place is free
		c := onAir(t, r, "c")
		refused("b")

		c.p.Close() // in its grace it keeps its place, and comes back to it
		time.Sleep(9 * time.Second)
		refused("b")
		c = onAir(t, r, "c")
		c.p.Close()
		time.Sleep(10*time.Second + time.Millisecond)
		synctest.Wait()
		wantState(t, r, "c", StateIdle)
		onAir(t, r, "b")
		refused("c")

		r.End("a")
		r.Kick("b")
		onAir(t, r, "c")
		refused("a") // b waits for its publisher
		r.End("b")
		r.End("c")
		onAir(t, r, "a")
		if s := r.Stats(); s.Publishers != 1 || s.Refused["publishers"] != 6 {
			t.Errorf("%d publishers, refused %v", s.Publishers, s.Refused)
		}
	})
}

// However many publish at once, exactly as many get in as may, and when all
// have gone there is room for as many again.
func TestPublisherLimitHoldsInACrowd(t *testing.T) {
	const most = 10
	r := testRelay(t, RelayOptions{MaxPublishers: most})
	for round := range 20 {
		var wg sync.WaitGroup
		var mu sync.Mutex
		var in []*Publisher
		for n := range 64 {
			wg.Go(func() {
				p, err := r.Publish(fmt.Sprint(round, n), PublisherInfo{})
				if err != nil {
					if !errors.Is(err, ErrLimit) {
						t.Error(err)
					}
					return
				}
				mu.Lock()
				in = append(in, p)
				mu.Unlock()
			})
		}
		wg.Wait()
		if len(in) != most || r.Stats().Publishers != most {
			t.Fatalf("%d came in, %d counted, want %d", len(in), r.Stats().Publishers, most)
		}
		for _, p := range in {
			wg.Go(p.Close)
		}
		wg.Wait()
	}
	if s := r.Stats(); s.Publishers != 0 || s.Refused["publishers"] != 20*(64-most) || len(r.streams) != 0 {
		t.Errorf("%d publishers, %d streams, refused %v", s.Publishers, len(r.streams), s.Refused)
	}
}

// A publisher that is cut off for its bitrate leaves its viewers in the grace
// and a word in Health, for a minute.
func TestTooFastIsTold(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := testRelay(t, RelayOptions{MaxBitrate: 7_000_000, Grace: 2 * time.Minute})
		e := onAir(t, r, "g")
		p := join(t, r, "g", "")
		p.drain(t)
		if h, _ := r.Health("g"); h.TooFast != 0 || has(h, WarnTooFast) {
			t.Errorf("before: %+v", h)
		}
		e.p.TooFast(9_000_000)
		e.p.TooFast(1) // it has ended already
		e.p.Close()
		told := func(state State, want bool) {
			t.Helper()
			wantState(t, r, "g", state)
			if h, _ := r.Health("g"); has(h, WarnTooFast) != want || (h.TooFast == 9_000_000) != want || h.MaxBitrate != 7_000_000 {
				t.Errorf("told is not %v: %+v", want, h)
			}
		}
		told(StateReconnecting, true)
		time.Sleep(30 * time.Second)
		e = onAir(t, r, "g") // it dials again by itself
		told(StateLive, true)
		time.Sleep(30 * time.Second)
		told(StateLive, false)
		e.p.Close()
		told(StateReconnecting, false)
		if n := r.Stats().Refused["bitrate"]; n != 1 {
			t.Errorf("counted %d times", n)
		}
		p.drain(t)
	})
}

// A real encoder that sends too much reads why, and its viewers wait for it.
func TestFFmpegIsTooFast(t *testing.T) {
	p := serveIngest(t, keyring{testKey: "gig"}, func(i *Ingest) { i.bitrate = 2_000_000 })
	out, err := run(t, "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "nullsrc=s=320x180:r=25:d=30,geq=random(1)*255:128:128",
		"-c:v", "libx264", "-preset", "ultrafast", "-qp", "1", "-g", "25", "-pix_fmt", "yuv420p",
		"-f", "flv", p.url()+"/"+testKey)
	if err == nil || !strings.Contains(out, "Your encoder sends ") || !strings.Contains(out, "this server takes 2.") {
		t.Errorf("ffmpeg: %v\n%s", err, out)
	}
	wantState(t, p.relay, "gig", StateReconnecting)
	if h, _ := p.relay.Health("gig"); h.TooFast <= 2_000_000 || !has(h, WarnTooFast) {
		t.Errorf("health: %+v", h)
	}
	if log := p.log.String(); !strings.Contains(log, "more than the bitrate limit") || strings.Contains(log, testKey) {
		t.Errorf("log: %s", log)
	}
	t.Logf("ffmpeg: %s", out)
}

// The limit counts what comes and not what is relayed: a flood that nobody
// wants is cut off as well.
func TestFloodOfNoUseIsTooFast(t *testing.T) {
	for name, m := range map[string][]byte{
		"dropped":  whole(6, 15, 0, pattern(60_000)),
		"commands": whole(3, typeCommand, 0, craft(str("closeStream"), number(9), []byte{amfNull}, pattern(60_000))),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := serveIngest(t, keyring{testKey: "gig"}, func(i *Ingest) { i.bitrate = 1_000_000 })
			conn := p.dial(t)
			go func() {
				_, err := conn.Write(opening(testKey))
				for sent := 0; err == nil && sent < 64<<20; sent += len(m) {
					_, err = conn.Write(m)
				}
			}()
			awaitHangUp(t, conn)
			await(t, "its end", func() bool { return strings.Contains(p.log.String(), "publisher ended") })
			if log := p.log.String(); name == "dropped" && !strings.Contains(log, "more than the bitrate limit") {
				t.Errorf("log: %s", log)
			}
		})
	}
}
