package main

import (
	"context"
	_ "embed" // for the clip
	"fmt"
	"time"

	"bookmygig/media"
	"bookmygig/store"
)

// demoClip is what demo-clip.sh makes.
//
//go:embed demo.flv
var demoClip []byte

const (
	demoOwner  = "demo" // no browser's session can have it: those are longer
	demoLength = 6 * time.Hour
	demoRetry  = 2 * time.Second
)

// demo lists the sample gig and streams the clip to it, in a loop and through
// the real RTMP port, until ctx ends.
func (n *node) demo(ctx context.Context) error {
	g, key, err := listDemo(ctx, n.data, time.Now().UTC())
	if err != nil {
		return fmt.Errorf("-demo: %w", err)
	}
	n.log.Info("the demo show begins", "open", n.address()+"/gigs/"+g.ID)
	for {
		err := media.Push(ctx, "rtmp://"+reachable(n.ports.rtmp)+"/live", key, demoClip, true)
		if ctx.Err() != nil {
			return nil
		}
		n.log.Warn("the demo show was interrupted", "err", err, "again_in", demoRetry)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(demoRetry):
		}
		// The gig's time may have passed, after which it takes no stream.
		if _, fresh, err := listDemo(ctx, n.data, time.Now().UTC()); err == nil {
			key = fresh
		} else {
			n.log.Warn("the demo gig cannot be listed again", "err", err)
		}
	}
}

// listDemo lists the sample gig from now on, or moves the one that this data
// folder has to now. Its key is a new one each time, since nobody kept the last.
func listDemo(ctx context.Context, data *store.Embedded, now time.Time) (store.Gig, string, error) {
	key := store.NewStreamKey()
	onNow := func(g *store.Gig) error {
		g.Start = now.Truncate(time.Minute)
		g.End = g.Start.Add(demoLength)
		g.KeyHash, g.KeyMadeAt = store.HashKey(key), now
		return nil
	}
	had, err := data.GigsByOwner(ctx, demoOwner, 1)
	if err != nil {
		return store.Gig{}, "", err
	}
	if len(had) > 0 {
		g, err := data.UpdateGig(ctx, had[0].ID, onNow)
		return g, key, err
	}
	g := store.Gig{
		ID:          store.NewID(),
		Owner:       demoOwner,
		CreatorName: "BookMyGig",
		Title:       "A small stage, always on",
		Description: "Three lamps, a bell and a held chord, round and round. It comes in over RTMP like any other show: " +
			"open it in two windows and talk to yourself in the chat.",
		Category: store.Music,
		TimeZone: "UTC",
		ListedAt: now,
	}
	if err := onNow(&g); err != nil {
		return store.Gig{}, "", err
	}
	return g, key, data.CreateGig(ctx, g)
}
