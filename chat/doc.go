// Package chat is the rooms: one per gig, each apart from every other. It knows
// no HTTP and no store.
//
// The path of a message:
//
//	Member.Say (member.go: name; message.go: text; limits.go: rate) →
//	Broker.Publish (broker.go: assigns seq and appends to the history in one
//	atomic step)
//	  → Hub (hub.go) → Room (room.go: rendered once) → each Member's bounded queue
//	  → Member.Frames, which the caller writes to its socket
//
// Who comes in gets the history and then what is live, without holes or
// doubles (room.go); a room that has missed something reads on from the
// history (catchup.go). Who is here, and what the room is told of comings and
// goings, is in presence.go; what a name may be, in name.go.
package chat
