package chat

import (
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
	errNameReserved = &NameError{"That name is kept for the people who run the house. Please choose another."}
	errNameHost     = &NameError{"That is the host’s name. Please choose another, so that nobody mixes you up."}
	errNameTaken    = &NameError{"Somebody here has that name already. Please choose another, or add to it."}
)

// reservedNames are the skeletons of names that nobody may have, and that add
// no difference to the host's name.
var reservedNames = []string{skeleton("host"), skeleton("bookmygig"), skeleton("moderator"), skeleton("admin")}

// CleanName returns what is kept of a display name: NFKC, inner white space
// collapsed, nothing invisible, at most three combining marks in a row. It
// returns a *NameError when the name is not MinName to MaxName characters
// long, has no letter or digit, or is reserved in every room.
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
	sk := skeleton(s)
	for _, r := range reservedNames {
		if sk == r {
			return "", errNameReserved
		}
	}
	return s, nil
}

// looksLikeHost reports whether a name would be taken for the host's: it looks
// the same, perhaps with a title such as "host" before or after.
func looksLikeHost(name, host string) bool {
	h, n := skeleton(host), skeleton(name)
	if h == "" {
		return false
	}
	if n == h {
		return true
	}
	for _, title := range reservedNames {
		if n == title+h || n == h+title {
			return true
		}
	}
	return false
}

// skeleton reduces a name to what the eye takes from it at a glance: case,
// diacritics, spaces and punctuation do not count, and look-alikes from other
// scripts are as the Latin letters that they resemble. Two names with the same
// skeleton would be mixed up. It is never shown.
func skeleton(s string) string {
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
	return pairs.Replace(b.String())
}

// pairs are two letters that stand so close that they look like one.
var pairs = strings.NewReplacer("rn", "m", "vv", "w")

// lookAlikes maps folded characters to the Latin letters that they resemble.
// I, l, 1 and | look the same in many typefaces, and i is the folded I.
var lookAlikes = map[rune]string{
	'0': "o", '1': "l", 'i': "l", '|': "l", '@': "a", '$': "s",
	// Latin letters that do not decompose.
	'ı': "l", 'ł': "l", 'ø': "o", 'đ': "d", 'ð': "d", 'ħ': "h", 'ŧ': "t", 'ƒ': "f", 'ɑ': "a", 'ɡ': "g",
	'ɩ': "l", 'ɪ': "l", 'ʟ': "l", 'ɴ': "n", 'ʀ': "r", 'ʏ': "y", 'ʙ': "b", 'ɢ': "g", 'ʜ': "h", 'ᴀ': "a",
	'ᴄ': "c", 'ᴅ': "d", 'ᴇ': "e", 'ᴊ': "j", 'ᴋ': "k", 'ᴍ': "m", 'ᴏ': "o", 'ᴘ': "p", 'ᴛ': "t", 'ᴜ': "u",
	'ᴠ': "v", 'ᴡ': "w", 'ᴢ': "z", 'ꜱ': "s", 'ǀ': "l", 'æ': "ae", 'œ': "oe",
	// Cyrillic.
	'а': "a", 'в': "b", 'с': "c", 'ԁ': "d", 'е': "e", 'ё': "e", 'ғ': "f", 'ԍ': "g", 'н': "h", 'һ': "h",
	'і': "l", 'ї': "l", 'ӏ': "l", 'ј': "j", 'к': "k", 'қ': "k", 'м': "m", 'п': "n", 'о': "o", 'ө': "o",
	'р': "p", 'ԛ': "q", 'г': "r", 'ѕ': "s", 'т': "t", 'ц': "u", 'ѵ': "v", 'ԝ': "w", 'х': "x", 'у': "y",
	'ү': "y", 'з': "3", 'ь': "b",
	// Greek.
	'α': "a", 'β': "b", 'ϲ': "c", 'ε': "e", 'η': "n", 'ι': "l", 'κ': "k", 'μ': "m", 'ν': "v", 'ο': "o",
	'ρ': "p", 'σ': "o", 'τ': "t", 'υ': "u", 'χ': "x", 'γ': "y", 'ζ': "z", 'ω': "w",
	// Armenian and Cherokee, folded to the case that Unicode folds them to.
	'օ': "o", 'ս': "u", 'հ': "h", 'ո': "n", 'ց': "g", 'Ꭺ': "a", 'Ꭲ': "t", 'Ꮋ': "h", 'Ꮪ': "s", 'Ꮎ': "o",
}
