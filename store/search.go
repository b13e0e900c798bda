package store

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Bounds of a query's text; what is beyond them is not looked at.
const (
	maxQueryRunes = 100
	maxQueryWords = 8
)

// searchWords returns the words of a text as the search compares them:
// compatibility forms, case and diacritics are gone ("Ｃafé" is "cafe"), and
// what is neither letter nor digit separates words.
func searchWords(text string) []string {
	text = strings.Map(bare, norm.NFKD.String(text))
	text = strings.ReplaceAll(text, "ß", "ss")
	return strings.FieldsFunc(text, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsMark(r)
	})
}

// bare returns a character of decomposed text without case, and drops it when
// it is a diacritic. By way of the capital, so that all small forms of a letter
// become one ("ς" and "σ", "ı" and "i"). Not cases.Fold, which swaps the two
// cases of Cherokee instead of making them one.
func bare(r rune) rune {
	switch {
	case unicode.Is(unicode.Mn, r):
		return -1
	case r == 'ø' || r == 'Ø': // letters that do not decompose, but are typed without their stroke
		return 'o'
	case r == 'ł' || r == 'Ł':
		return 'l'
	case r == 'đ' || r == 'Đ':
		return 'd'
	}
	return unicode.ToLower(unicode.ToUpper(r))
}

// searchText returns what the index keeps of a gig for the search: each of its
// words once, each after a space.
func searchText(g *Gig) string {
	words := searchWords(g.Title + " " + g.CreatorName + " " + g.Description)
	slices.Sort(words)
	words = slices.Compact(words)
	if len(words) == 0 {
		return ""
	}
	return " " + strings.Join(words, " ")
}

// terms is a query's text, ready to be looked for.
type terms struct {
	spaced []string // the words, each after a space
	none   bool     // there is text but no word in it: nothing matches
}

func newTerms(text string) terms {
	n := 0
	for i := range text {
		if n == maxQueryRunes {
			text = text[:i]
			break
		}
		n++
	}
	words := searchWords(text)
	words = words[:min(len(words), maxQueryWords)]
	t := terms{none: len(words) == 0 && strings.TrimSpace(text) != ""}
	for _, w := range words {
		t.spaced = append(t.spaced, " "+w)
	}
	return t
}

// match reports whether each of the words begins some word of the text, which
// searchText made.
func (t terms) match(text string) bool {
	for _, w := range t.spaced {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return !t.none
}
