// Package media takes live shows in over RTMP and hands them to viewers as FLV
// tags. It knows no HTTP handler and no store.
//
// The path of a tag:
//
//	net.Conn → guard (guard.go: parses, bounds, rewrites the chunk stream)
//	  → go-rtmp → session (session.go: publish, key check, audio, video, metadata)
//	  → Publisher.WriteTag (publisher.go: what it is, codec.go; whether it is
//	      relayed, drops.go; when, timeline.go: one timeline per gig)
//	  → join (join.go: where viewers can start, where a new publisher comes in)
//	  → ring (ring.go: one byte-bounded log of tags, shared by all viewers)
//	  → wake-up (wake.go: at once for a few viewers, joined for a crowd)
//	  → Viewer.Next (viewer.go: a cursor into the ring; the caller writes the bytes)
//
// Around it: relay.go holds the streams, stream.go one stream's publisher,
// grace and viewers, health.go measures what comes in, observe.go tells others
// of changes. One mutex per stream guards all that belongs to it, and nothing
// that can wait is done under it.
package media
