// Package chat is the rooms: one per gig, each apart from every other. It knows
// no HTTP and no store.
//
// The path of a message:
//
//	Member.Say (member.go: name, length, rate) → Broker.Publish (broker.go:
//	assigns seq and appends to the history in one atomic step)
//	  → Hub (hub.go) → Room (room.go: rendered once) → each Member's bounded queue
//	  → Member.Frames, which the caller writes to its socket
package chat
