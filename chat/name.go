package chat

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// NameError refuses a display name; Text says why, to the person.
type NameError struct{ Text string }

func (e *NameError) Error() string { return "chat: name refused: " + e.Text }

// The ways in which a name can be refused.
var (
	errNameShort    = &NameError{"A name needs at least 2 characters."}
	errNameLong     = &NameError{"That is a long name. 24 characters is the most that fits here."}
	errNameNoLetter = &NameError{"A name needs a letter or a number, so that people can say it."}
	errNameMixed    = &NameError{"A word of that name mixes letters of two alphabets, and people might misread it. Please keep each word to one."}
	errNameReserved = &NameError{"That name is kept for the people who run the house. Please choose another."}
	errNameHost     = &NameError{"That is the host’s name. Please choose another, so that nobody mixes you up."}
	errNameTaken    = &NameError{"Somebody here has that name already. Please choose another, or add to it."}
)

var (
	// reservedNames are the skeletons of names that nobody may have.
	reservedNames = skeletonsOf("host", "bookmygig", "moderator", "admin")
	// titles are the skeletons of words that add no difference to a name that
	// is kept for somebody.
	titles = append(skeletonsOf("the", "real", "official", "verified", "original", "creator"), reservedNames...)
)

func skeletonsOf(words ...string) []string {
	for i, w := range words {
		words[i] = skeleton(w)
	}
	return words
}

// CleanName returns what is kept of a display name: NFKC, inner white space
// collapsed, nothing invisible, at most three combining marks in a row. It
// returns a *NameError when the name is not MinName to MaxName characters
// long, has no letter or digit, is reserved in every room, or mixes Latin
// letters with those of another script in one word.
func CleanName(s string) (string, error) {
	if len(s) > 64*MaxName {
		return "", errNameLong
	}
	s = norm.NFKC.String(strings.ToValidUTF8(s, ""))
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), invisible(r):
			return -1
		}
		return r
	}, s)
	// Taking characters out can bring together what composes.
	s = oneLine(fewMarks(norm.NFKC.String(s)))
	switch n := utf8.RuneCountInString(s); {
	case n < MinName:
		return "", errNameShort
	case n > MaxName:
		return "", errNameLong
	}
	if strings.IndexFunc(s, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) < 0 {
		return "", errNameNoLetter
	}
	switch {
	case looksLikeOneOf(s, reservedNames):
		return "", errNameReserved
	case mixesScripts(s):
		return "", errNameMixed
	}
	return s, nil
}

// looksLikeHost reports whether a name would be taken for the host's: it looks
// the same, perhaps with titles such as "the real" before, within or after.
func looksLikeHost(name, host string) bool {
	var hosts []string
	for _, h := range append(skeletons(host), skeletons(withoutTitles(host))...) {
		if h != "" {
			hosts = append(hosts, h)
		}
	}
	return looksLikeOneOf(name, hosts)
}

// looksLikeOneOf reports whether a name has one of the skeletons when titles
// do not count, be they words of their own or not.
func looksLikeOneOf(name string, wanted []string) bool {
	for _, s := range []string{name, withoutTitles(name)} {
		for _, n := range []string{letters(s), letters(capitals(s))} {
			if peels(n, wanted) || peels(pairs.Replace(n), wanted) {
				return true
			}
		}
	}
	return false
}

// peels reports whether one of the skeletons is left when titles are taken
// off the ends of n, none or several. Pairs are replaced late: the end of a
// title and what follows may make one, as in "creator Noor".
func peels(n string, wanted []string) bool {
	if slices.Contains(wanted, pairs.Replace(n)) {
		return true
	}
	for _, title := range titles {
		if rest, ok := strings.CutPrefix(n, title); ok && peels(rest, wanted) {
			return true
		}
		if rest, ok := strings.CutSuffix(n, title); ok && peels(rest, wanted) {
			return true
		}
	}
	return false
}

// withoutTitles returns the words of a name that are no titles.
func withoutTitles(name string) string {
	words := strings.FieldsFunc(name, func(r rune) bool { return !inWord(r) && lookAlikes[r] == "" })
	return strings.Join(slices.DeleteFunc(words, func(w string) bool {
		return slices.ContainsFunc(skeletons(w), func(sk string) bool { return slices.Contains(titles, sk) })
	}), " ")
}

func inWord(r rune) bool { return unicode.In(r, unicode.L, unicode.Nd, unicode.M) }

// mixesScripts reports whether a word of the name has Latin letters together
// with letters or digits of another script. Those of East Asia, whose words
// stand beside Latin ones without a space, may be mixed.
func mixesScripts(name string) bool {
	for _, word := range strings.FieldsFunc(name, func(r rune) bool { return !inWord(r) }) {
		latin := strings.ContainsFunc(word, func(r rune) bool { return unicode.Is(unicode.Latin, r) })
		if latin && strings.ContainsFunc(word, foreignToLatin) {
			return true
		}
	}
	return false
}

func foreignToLatin(r rune) bool {
	if unicode.IsDigit(r) {
		return r > '9'
	}
	return unicode.IsLetter(r) && !unicode.In(r, unicode.Latin, unicode.Common, unicode.Inherited,
		unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Bopomofo)
}

// skeletons are the skeleton of a name, and the one that it has when its
// capitals are taken for what they look like: the small Greek nu is like v, the
// capital one like N.
func skeletons(s string) []string { return []string{skeleton(s), skeleton(capitals(s))} }

// capitals replaces the capitals of other scripts that look like Latin ones.
func capitals(s string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(s) {
		if to, ok := capitalLookAlikes[r]; ok {
			b.WriteString(to)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// skeleton reduces a name to what the eye takes from it at a glance: case,
// diacritics, spaces and punctuation do not count, and look-alikes from other
// scripts are as the Latin letters that they resemble. Two names with the same
// skeleton would be mixed up. It is never shown.
func skeleton(s string) string { return pairs.Replace(letters(s)) }

// letters is a skeleton before pairs of letters become one.
func letters(s string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(cases.Fold().String(norm.NFKD.String(s))) {
		if to, ok := lookAlikes[r]; ok {
			b.WriteString(to)
			continue
		}
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// pairs are two letters that stand so close that they look like one.
var pairs = strings.NewReplacer("rn", "m", "vv", "w")
