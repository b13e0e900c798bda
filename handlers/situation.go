package handlers

import (
	"time"

	"bookmygig/media"
	"bookmygig/store"
	"bookmygig/views"
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

// stage returns what changes on the gig's page while it is open.
func (s *Server) stage(g *store.Gig, now time.Time) views.StageModel {
	stage := stageOf(g, s.Relay.State(g.ID), now)
	m := views.StageModel{
		State:    string(stage),
		Creator:  g.CreatorName,
		Title:    g.Title,
		Category: string(g.Category),
		When:     views.TimeModel{Start: g.Start, Zone: g.TimeZone, Form: views.TimeStart},
		Aired:    !g.AiredAt.IsZero(),
		AirTime:  g.AirTime,
	}
	switch stage {
	case StageLive, StageReconnecting:
		m.Count = s.Relay.Viewers(g.ID)
	case StageWaiting:
		m.Count = s.Hub.People(g.ID).Count
	case StageEnded:
		m.Count = g.Peak
	}
	return m
}

// tell renders what open pages of the gig are told: its stage, with the end of
// the chat where that has come, and how many people there are.
func (s *Server) tell(g *store.Gig) told {
	now := time.Now()
	m := s.stage(g, now)
	t := told{stage: fragment(views.StageParts(m)), house: fragment(views.House(m))}
	if !chatOpen(g, Stage(m.State), now) {
		t.stage = append(t.stage, fragment(views.ChatSay(views.SayModel{State: views.SayClosed}))...)
	}
	return t
}

// stageFrame renders the present stage for somebody who has just joined the
// gig's room: a page that was away for a while is right again.
func (s *Server) stageFrame(g store.Gig) []byte {
	t := s.tell(&g)
	return append(t.stage, t.house...)
}
