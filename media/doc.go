// Package media takes live shows in over RTMP and hands them to viewers as FLV
// tags. It knows no HTTP handler and no store.
//
// The path of a tag:
//
//	net.Conn → guard (guard.go: parses, bounds, rewrites the chunk stream)
//	  → go-rtmp → session (session.go: publish, key check, audio, video, metadata)
//	  → Publisher.WriteTag (stream.go: one timeline per gig)
//	  → ring (ring.go: one byte-bounded log of tags, shared by all viewers)
//	  → Viewer.Next (viewer.go: a cursor into the ring; the caller writes the bytes)
package media
