package media

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// Everything at once: publishers that come, take over, are kicked and go,
// viewers that come, replace themselves and go, and those who ask for figures.
// Every connection of every viewer is a proper stream up to its end.
func TestEverythingAtOnce(t *testing.T) {
	r := testRelay(t, RelayOptions{Grace: 20 * time.Millisecond, RingBytes: 128 << 10})
	r.Observe(&record{told: map[string][]State{}})
	ctx, stop := context.WithTimeout(context.Background(), 2*time.Second)
	defer stop()
	var wg sync.WaitGroup
	gig := func(rnd *rand.Rand) string { return fmt.Sprint("g", rnd.IntN(3)) }
	for i := range 4 {
		wg.Go(func() { chaosPublisher(ctx, r, gig, rand.New(rand.NewPCG(1, uint64(i)))) })
	}
	for i := range 30 {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(2, uint64(i)))
			for ctx.Err() == nil {
				err := chaosViewer(ctx, r, gig(rnd), fmt.Sprint("v", i/2), rnd)
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Go(func() {
		rnd := rand.New(rand.NewPCG(3, 0))
		for ctx.Err() == nil {
			g := gig(rnd)
			r.Health(g)
			r.Live()
			r.Stats()
			r.State(g)
			r.Viewers(g)
			switch rnd.IntN(20) {
			case 0:
				r.Kick(g)
			case 1:
				r.End(g)
			}
			time.Sleep(time.Millisecond)
		}
	})
	wg.Wait()
	if s := r.Stats(); s.Viewers != 0 || s.BytesOut == 0 {
		t.Errorf("afterwards: %+v", s)
	}
	for i := range 3 {
		r.End(fmt.Sprint("g", i))
	}
	if s := r.Stats(); s.Publishers != 0 || len(r.Live()) != 0 {
		t.Errorf("after all ended: %+v", s)
	}
}

func chaosPublisher(ctx context.Context, r *Relay, gig func(*rand.Rand) string, rnd *rand.Rand) {
	for ctx.Err() == nil {
		p, err := r.Publish(gig(rnd), PublisherInfo{Kick: func() {}})
		if err != nil {
			time.Sleep(time.Millisecond)
			continue
		}
		ts := rnd.Uint32()
		err = errors.Join(p.WriteTag(TagScript, 0, meta), p.WriteTag(TagVideo, 0, avcHeader), p.WriteTag(TagAudio, 0, aacHeader))
		for n := 0; err == nil && n < 200; n++ {
			body := inter(rnd.IntN(2000))
			if n%20 == 5 {
				body = key(3000)
			}
			err = errors.Join(p.WriteTag(TagVideo, ts, body), p.WriteTag(TagAudio, ts+10, sound(50)))
			ts += 40
			time.Sleep(100 * time.Microsecond)
		}
		p.Close()
	}
}

func chaosViewer(ctx context.Context, r *Relay, gig, id string, rnd *rand.Rand) error {
	v, err := r.Join(gig, id)
	if err != nil {
		time.Sleep(time.Millisecond)
		return nil
	}
	defer v.Close()
	var f flvStream
	for range rnd.IntN(300) {
		bufs, err := v.Next(ctx)
		if errors.Is(err, io.EOF) || errors.Is(err, ErrReplaced) || errors.Is(err, context.DeadlineExceeded) {
			return nil
		}
		if err == nil {
			err = f.feed(bufs)
		}
		if err != nil {
			return err
		}
		if rnd.IntN(50) == 0 {
			time.Sleep(20 * time.Millisecond)
		}
	}
	return nil
}
