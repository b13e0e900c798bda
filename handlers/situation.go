package handlers

import (
	"time"

	"bookmygig/media"
	"bookmygig/store"
)

// Stage is what the gig's page shows; its value stands in
// #stream-state[data-state].
type Stage string

// The stages of a gig's page.
const (
	StageWaiting      Stage = "waiting"
	StageLive         Stage = "live"
	StageReconnecting Stage = "reconnecting"
	StageEnded        Stage = "ended"
	StageCancelled    Stage = "cancelled"
)

// chatAfterEnd is how long a chat stays open after the show.
const chatAfterEnd = 30 * time.Minute

// stageOf decides the stage from what is stored and what is on air.
func stageOf(g *store.Gig, on media.State, now time.Time) Stage {
	switch {
	case !g.CancelledAt.IsZero():
		return StageCancelled
	case !g.EndedAt.IsZero():
		return StageEnded
	case on == media.StateLive:
		return StageLive
	case on == media.StateReconnecting:
		return StageReconnecting
	case g.Past(now):
		return StageEnded
	}
	return StageWaiting
}

// chatClosesAt returns when the gig's chat closes; zero: not decided yet.
// A cancelled gig's chat is closed at once, an ended one's chatAfterEnd later.
func chatClosesAt(g *store.Gig, stage Stage) time.Time {
	switch {
	case stage == StageCancelled:
		return g.CancelledAt
	case !g.EndedAt.IsZero():
		return g.EndedAt.Add(chatAfterEnd)
	case stage == StageEnded:
		return g.End.Add(store.LateAllowance + chatAfterEnd)
	}
	return time.Time{}
}
