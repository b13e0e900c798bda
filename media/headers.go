package media

import "bytes"

// tracks says how the picture and the sound of a stream are coded.
type tracks struct{ video, audio codec }

// headers are the payloads that a player needs before anything else, as the
// publisher sent them; nil where there is none. The slices never change, so
// copies of headers share them.
type headers struct {
	meta      []byte // onMetaData
	video     []byte // sequence header
	videoInfo []byte // Enhanced RTMP metadata of the picture
	audio     []byte // sequence header
}

// of returns the headers without those of tracks that t does not have: a
// player takes any tag of a track as a promise that more follow.
func (h headers) of(t tracks) headers {
	if t.video.name == "" {
		h.video, h.videoInfo = nil, nil
	}
	if t.audio.name == "" {
		h.audio = nil
	}
	return h
}

// each calls f for those that there are, in the order that players expect.
func (h *headers) each(f func(t TagType, body []byte)) {
	for _, p := range [...]struct {
		t    TagType
		body []byte
	}{{TagScript, h.meta}, {TagVideo, h.video}, {TagVideo, h.videoInfo}, {TagAudio, h.audio}} {
		if p.body != nil {
			f(p.t, p.body)
		}
	}
}

// size is the number of bytes that appendTags adds.
func (h *headers) size() int {
	n := 0
	h.each(func(_ TagType, body []byte) { n += len(body) + tagOverhead })
	return n
}

// appendTags appends all of them as tags: the metadata with the timestamp meta,
// the others with ts.
func (h *headers) appendTags(dst []byte, meta, ts uint32) []byte {
	h.each(func(t TagType, body []byte) {
		at := ts
		if t == TagScript {
			at = meta
		}
		dst = appendTag(dst, t, at, body)
	})
	return dst
}

// keep stores a copy of body in *slot; false when it is there already.
func keep(slot *[]byte, body []byte) bool {
	if *slot != nil && bytes.Equal(*slot, body) {
		return false
	}
	*slot = bytes.Clone(body)
	return true
}
