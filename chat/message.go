package chat

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Message is one thing said in a room.
type Message struct {
	Room     string    // gig id
	Seq      uint64    // position in the room, from 1, without holes
	Author   string    // public id of the member; "host" for the creator
	Name     string    // display name at the time
	Host     bool      // the creator
	Text     string    // plain text, 1 to MaxText characters
	ClientID string    // made by the client for each message; a resend has the same
	Time     time.Time // UTC, when the broker took it
}

const (
	maxMarks    = 3  // combining marks in a row
	maxClientID = 40 // bytes
)

// CleanText returns what is kept of a message's text: valid UTF-8 in NFC, one
// line, no bidi controls, at most three combining marks in a row. It returns
// ErrEmpty when nothing is left that one could see, and ErrTooLong.
func CleanText(s string) (string, error) {
	if len(s) > 16*MaxText {
		return "", ErrTooLong
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Bidi_Control, r), isNonCharacter(r):
			return -1
		case unicode.IsControl(r):
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	// Only now: taking characters out can bring together what composes.
	s = oneLine(fewMarks(norm.NFC.String(s)))
	if !Visible(s) {
		return "", ErrEmpty
	}
	if utf8.RuneCountInString(s) > MaxText {
		return "", ErrTooLong
	}
	return s, nil
}

// oneLine collapses every run of white space, line ends among it, to a space.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// fewMarks drops the combining marks beyond maxMarks in a row: piled up they
// reach over the neighbours' messages.
func fewMarks(s string) string {
	marks := 0
	return strings.Map(func(r rune) rune {
		if !unicode.Is(unicode.M, r) {
			marks = 0
			return r
		}
		if marks++; marks > maxMarks {
			return -1
		}
		return r
	}, s)
}

// Visible reports whether a reader sees anything of s, be it one dot. White
// space, fillers, joiners and marks that stand alone are not seen.
func Visible(s string) bool { return strings.IndexFunc(s, visible) >= 0 }

// visible reports whether a reader sees anything of r.
func visible(r rune) bool {
	return !unicode.IsSpace(r) && !invisible(r) && !unicode.Is(unicode.M, r)
}

// invisible reports whether r takes part in text without being seen: format
// characters, fillers, variation selectors, and what Unicode has not assigned
// to anything public.
func invisible(r rune) bool {
	switch r {
	case '\u034F', '\u115F', '\u1160', '\u17B4', '\u17B5', '\u2800', '\u3164', '\uFFA0':
		return true
	}
	return unicode.In(r, unicode.Cf, unicode.Co, unicode.Cs, unicode.Variation_Selector) || isNonCharacter(r)
}

func isNonCharacter(r rune) bool {
	return r&0xFFFE == 0xFFFE || (r >= 0xFDD0 && r <= 0xFDEF)
}

// cleanClientID returns id when a client may have made it, or "". It comes
// back to every member in the page, so only harmless characters may be in it.
func cleanClientID(id string) string {
	if len(id) > maxClientID {
		return ""
	}
	for _, r := range id {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_') {
			return ""
		}
	}
	return id
}
