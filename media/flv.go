package media

// Sizes of the FLV format, as in the FLV specification 10.1, annex E.
const (
	tagHeaderSize = 11
	tagOverhead   = tagHeaderSize + 4 // header and PreviousTagSize
	maxTagBody    = 4 << 20           // of one tag that is relayed
	maxHeaderBody = 64 << 10          // of a sequence header or of metadata
)

// flvHeader returns the FLV file header and the first PreviousTagSize. The
// flags must be true to the stream: a player waits for ever for a track that
// is announced and never comes.
func flvHeader(audio, video bool) []byte {
	h := []byte{'F', 'L', 'V', 1, 0, 0, 0, 0, 9, 0, 0, 0, 0}
	if audio {
		h[4] |= 4
	}
	if video {
		h[4] |= 1
	}
	return h
}

// appendTag appends one whole tag with its PreviousTagSize. The timestamp's
// low 24 bits come before its high 8, which the format added later.
func appendTag(dst []byte, t TagType, ts uint32, body []byte) []byte {
	n := len(body)
	dst = append(dst,
		byte(t),
		byte(n>>16), byte(n>>8), byte(n),
		byte(ts>>16), byte(ts>>8), byte(ts), byte(ts>>24),
		0, 0, 0)
	dst = append(dst, body...)
	n += tagHeaderSize
	return append(dst, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
}
