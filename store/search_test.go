package store

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// FuzzSearchText checks what the search relies on, for any text.
func FuzzSearchText(f *testing.F) {
	for _, s := range []string{
		"", " ", "Café del Mar", "ΟΔΥΣΣΕΥΣ ᾳ ΐ", "Straße ẞ", "İstanbul ıI", "ＦＵＬＬ ﬁ №", "Łódź Ørsted đ",
		"한국어 각", "がぎぐ", "\u0345\u0301", "a\u0300\u0301\u0302", "\xff\xfe", "don't—stop", "🎸🏳️‍🌈", "ǅ ŉ ǰ", "Ꭰꭰ ᏸ", "\u1e9e\u2126\u212a\u212b",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1000 { // the checks below are quadratic
			return
		}
		words := searchWords(text)
		joined := strings.Join(words, " ")
		if !utf8.ValidString(joined) {
			t.Fatalf("%q is not UTF-8", joined)
		}
		if again := strings.Join(searchWords(joined), " "); again != joined {
			t.Fatalf("%q, of its own words %q", joined, again)
		}
		for _, w := range words {
			if w == "" || strings.ContainsAny(w, " \t\n\x00") {
				t.Fatalf("word %q", w)
			}
		}
		// A text is found by itself and by any beginning of any of its words.
		v := vocabulary{byWord: map[string]*posting{}}
		of, fresh := v.add(70, gigWords(&Gig{Title: text}))
		v.insert(fresh)
		finds := func(text string) bool {
			words, nothing := queryWords(text)
			found := v.find(words, 71)
			return !nothing && (found == nil || found.has(70))
		}
		if !finds(text) && len(words) > 0 && utf8.RuneCountInString(text) <= maxQueryRunes {
			t.Fatalf("%q does not match itself", text)
		}
		for _, w := range words {
			if utf8.RuneCountInString(w) > 20 {
				continue
			}
			for i := range w {
				if i > 0 && !finds(w[:i]) {
					t.Fatalf("%q is not found by %q", text, w[:i])
				}
			}
		}
		if words, _ := queryWords(text); len(words) > maxQueryWords {
			t.Fatalf("%d words in a query", len(words))
		}
		if v.remove(70, of); len(v.byWord) != 0 || len(v.sorted) != 0 {
			t.Fatalf("words stay behind: %v", v)
		}
	})
}

// TestSearchEveryCharacter checks each character of Unicode on its own: its
// search form is stable, and the same for its capital and small letter.
func TestSearchEveryCharacter(t *testing.T) {
	form := func(text string) string { return strings.Join(searchWords(text), " ") }
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !unicode.IsGraphic(r) {
			continue
		}
		want := form(string(r))
		if again := form(want); again != want {
			t.Errorf("%U %c: %q becomes %q", r, r, want, again)
		}
		for _, other := range []rune{unicode.ToUpper(r), unicode.ToLower(r), unicode.ToTitle(r)} {
			// U+0345 is a diacritic, though its capital is a letter.
			if got := form(string(other)); got != want && r != '\u0345' {
				t.Errorf("%U %c: %q, but %q as %c", r, r, want, got, other)
			}
		}
	}
}
