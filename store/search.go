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
	// Broken bytes would keep the character behind them from being decomposed.
	text = strings.ToValidUTF8(text, " ")
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

// gigWords returns the words under which a gig is found, each once, in order.
func gigWords(g *Gig) []string {
	words := searchWords(g.Title + " " + g.CreatorName + " " + g.Description)
	slices.Sort(words)
	return slices.Compact(words)
}

// queryWords returns the words of a query's text; each must begin some word of
// a gig. A text that has no word, though it is not blank, matches nothing.
func queryWords(text string) (words []string, nothing bool) {
	n := 0
	for i := range text {
		if n == maxQueryRunes {
			text = text[:i]
			break
		}
		n++
	}
	words = searchWords(text)
	nothing = len(words) == 0 && strings.TrimSpace(text) != ""
	return words[:min(len(words), maxQueryWords)], nothing
}
