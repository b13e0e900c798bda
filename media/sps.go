package media

// videoFormat is what an H.264 configuration says of the picture.
type videoFormat struct {
	width, height int // pixels; 0: unknown
	deep          bool
}

// audioFormat is what an audio header says of the sound.
type audioFormat struct{ rate, channels int }

// bits reads a bit string; past its end it yields zeros and remembers it.
type bits struct {
	b    []byte
	pos  int
	over bool
}

func (r *bits) read(n int) uint32 {
	var v uint32
	for range n {
		v <<= 1
		if i := r.pos >> 3; i < len(r.b) {
			v |= uint32(r.b[i]>>(7-r.pos&7)) & 1
		} else {
			r.over = true
		}
		r.pos++
	}
	return v
}

func (r *bits) flag() bool { return r.read(1) == 1 }

// ue reads an unsigned exp-Golomb number (ITU-T H.264, 9.1).
func (r *bits) ue() uint32 {
	zeros := 0
	for !r.over && !r.flag() {
		if zeros++; zeros > 31 {
			r.over = true
		}
	}
	if r.over {
		return 0
	}
	return r.read(zeros) + 1<<zeros - 1
}

// se reads a signed exp-Golomb number.
func (r *bits) se() int32 {
	v := r.ue()
	if v&1 == 1 {
		return int32(v>>1) + 1
	}
	return -int32(v >> 1)
}

// parseAVCConfig reads the first sequence parameter set of an
// AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1).
func parseAVCConfig(b []byte) (f videoFormat, ok bool) {
	if len(b) < 8 || b[0] != 1 || b[5]&31 == 0 {
		return f, false
	}
	n := int(b[6])<<8 | int(b[7])
	if n < 4 || len(b) < 8+n {
		return f, false
	}
	return parseSPS(b[8 : 8+n])
}

// parseSPS reads a sequence parameter set (ITU-T H.264, 7.3.2.1.1) as far as
// the picture's size.
func parseSPS(nal []byte) (f videoFormat, ok bool) {
	if len(nal) < 4 || nal[0]&31 != 7 {
		return f, false
	}
	r := &bits{b: unescape(nal[1:])}
	profile := r.read(8)
	r.read(16) // constraints, level
	r.ue()     // id
	chroma := uint32(1)
	if highProfile(profile) {
		chroma = r.ue()
		if chroma == 3 {
			r.flag() // separate colour planes
		}
		luma, chromaDepth := r.ue(), r.ue()
		f.deep = chroma > 1 || luma > 0 || chromaDepth > 0
		r.flag() // transform bypass
		if r.flag() {
			skipScalingLists(r, chroma)
		}
	}
	skipOrder(r)
	r.ue()   // reference frames
	r.flag() // gaps in frame numbers
	width := (uint64(r.ue()) + 1) * 16
	units := uint64(r.ue()) + 1
	fields := uint64(1)
	if !r.flag() { // fields: a map unit is two macroblocks high
		fields = 2
		r.flag()
	}
	height := units * 16 * fields
	r.flag() // direct 8x8 inference
	if r.flag() {
		crop(r, chroma, fields, &width, &height)
	}
	if r.over || width == 0 || height == 0 || width > 1<<16 || height > 1<<16 {
		return videoFormat{}, false
	}
	f.width, f.height = int(width), int(height)
	return f, true
}

// highProfile tells whether the profile's parameter set names the chroma format.
func highProfile(p uint32) bool {
	switch p {
	case 100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135:
		return true
	}
	return false
}

func skipScalingLists(r *bits, chroma uint32) {
	lists := 8
	if chroma == 3 {
		lists = 12
	}
	for i := range lists {
		if !r.flag() {
			continue
		}
		size := 16
		if i >= 6 {
			size = 64
		}
		last, next := int32(8), int32(8)
		for range size {
			if next != 0 {
				next = (last + r.se()) & 255
			}
			if next != 0 {
				last = next
			}
		}
	}
}

// skipOrder skips the frame number's size and the picture order count.
func skipOrder(r *bits) {
	r.ue()
	switch r.ue() {
	case 0:
		r.ue()
	case 1:
		r.flag()
		r.se()
		r.se()
		for range min(r.ue(), 255) {
			r.se()
		}
	}
}

// crop takes the cropping rectangle, counted in chroma samples, off the size.
func crop(r *bits, chroma uint32, fields uint64, width, height *uint64) {
	x, y := uint64(1), fields
	if chroma == 1 || chroma == 2 {
		x = 2
	}
	if chroma == 1 {
		y *= 2
	}
	w := (uint64(r.ue()) + uint64(r.ue())) * x
	h := (uint64(r.ue()) + uint64(r.ue())) * y
	if w >= *width || h >= *height {
		r.over = true
		return
	}
	*width -= w
	*height -= h
}

// unescape removes the emulation prevention bytes of a NAL unit (7.4.1).
func unescape(b []byte) []byte {
	b = b[:min(len(b), 1024)] // no parameter set needs more to tell its size
	out := make([]byte, 0, len(b))
	zeros := 0
	for _, c := range b {
		if zeros >= 2 && c == 3 {
			zeros = 0
			continue
		}
		out = append(out, c)
		if c == 0 {
			zeros++
		} else {
			zeros = 0
		}
	}
	return out
}

// parseAudioConfig reads an AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1).
func parseAudioConfig(b []byte) (f audioFormat, ok bool) {
	r := &bits{b: b[:min(len(b), 64)]}
	kind := audioObject(r)
	f.rate = sampleRate(r)
	channels := r.read(4)
	if kind == 5 || kind == 29 { // spectral band replication names the real rate
		f.rate = sampleRate(r)
	}
	if r.over || f.rate == 0 || kind == 0 {
		return audioFormat{}, false
	}
	f.channels = int([16]uint8{0, 1, 2, 3, 4, 5, 6, 8, 0, 0, 0, 7, 8, 24, 8, 0}[channels])
	return f, true
}

func audioObject(r *bits) uint32 {
	kind := r.read(5)
	if kind == 31 {
		kind = 32 + r.read(6)
	}
	return kind
}

func sampleRate(r *bits) int {
	i := r.read(4)
	if i == 15 {
		return int(r.read(24))
	}
	return [16]int{96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350}[i]
}

// legacyAudioFormat reads rate and channels from the first byte of an audio
// payload, which is true for MP3 and approximate for what else there is.
func legacyAudioFormat(b byte) audioFormat {
	f := audioFormat{rate: [4]int{5512, 11025, 22050, 44100}[b>>2&3], channels: 1 + int(b&1)}
	switch b >> 4 {
	case 14:
		f.rate = 8000
	case 4:
		f.rate, f.channels = 16000, 1
	case 5, 7, 8:
		f.rate, f.channels = 8000, 1
	case 11:
		f.rate, f.channels = 16000, 1
	}
	return f
}
