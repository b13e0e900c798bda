package handlers

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"bookmygig/chat"
)

// maxMarks is how many combining marks may follow one another: more pile up
// over their neighbours.
const maxMarks = 3

// cleanLine makes typed text fit for one line of a page: canonical Unicode
// (NFC), single spaces, nothing invisible that turns or hides other text.
// Text of which nothing can be seen is "".
func cleanLine(s string) string {
	return seen(strings.Join(strings.Fields(cleanRunes(s)), " "))
}

// cleanText does the same for text of several lines: at most one empty line
// between two others, none at the ends.
func cleanText(s string) string {
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	lines := strings.Split(cleanRunes(s), "\n")
	kept := lines[:0]
	for _, l := range lines {
		l = strings.TrimRightFunc(l, unicode.IsSpace)
		if l == "" && (len(kept) == 0 || kept[len(kept)-1] == "") {
			continue
		}
		kept = append(kept, l)
	}
	return seen(strings.TrimSpace(strings.Join(kept, "\n")))
}

func seen(s string) string {
	if !chat.Visible(s) {
		return ""
	}
	return s
}

func cleanRunes(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp):
			return ' '
		case turnsText(r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	// Only now, since what was between two characters may have kept them apart.
	s = norm.NFC.String(s)
	marks := 0
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Me, r) {
			if marks++; marks > maxMarks {
				return -1
			}
			return r
		}
		marks = 0
		return r
	}, s)
}

// turnsText reports the invisible characters that reorder or hide text. The
// joiners stay: Persian and many emoji need them.
func turnsText(r rune) bool {
	switch {
	case r >= '\u202a' && r <= '\u202e', r >= '\u2060' && r <= '\u206f', r >= '\ufff9' && r <= '\ufffb',
		r >= 0xe0000 && r <= 0xe007f:
		return true
	}
	return r == '\u200b' || r == '\u200e' || r == '\u200f' || r == '\u061c' || r == '\ufeff' || r == '\u00ad'
}
