package chat

import (
	"errors"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

func TestCleanText(t *testing.T) {
	tests := []struct {
		name, in, want string
		err            error
	}{
		{"plain", "hello", "hello", nil},
		{"HTML is text", `<b onclick="x()">hi</b> & co`, `<b onclick="x()">hi</b> & co`, nil},
		{"trimmed", "  hello \t\n", "hello", nil},
		{"line ends", "one\r\ntwo\n\n\nthree\u2028four", "one two three four", nil},
		{"controls", "a\x00b\x07c\x1b[31md\x7f", "a b c [31md", nil},
		{"bidi override", "user\u202Egnp.exe", "usergnp.exe", nil},
		{"bidi isolates", "\u2066a\u2067b\u2068c\u2069", "abc", nil},
		{"bidi marks", "\u200Ea\u200Fb\u061C", "ab", nil},
		{"Hebrew and Arabic stay", "שלום مرحبا", "שלום مرحبا", nil},
		{"composed when a bidi mark is gone", "U\u200e\u031b", "\u01af", nil},
		{"composed when a non-character is gone", "e\ufdd0\u0301", "\u00e9", nil},
		{"composed", "e\u0301", "\u00e9", nil},
		{"compatibility forms stay", "ﬁ ² ①", "ﬁ ² ①", nil},
		{"three marks stay", "x\u0300\u0301\u0302", "x\u0300\u0301\u0302", nil},
		{"marks piled up", "Z" + strings.Repeat("\u0335", 60) + "algo", "Z\u0335\u0335\u0335algo", nil},
		{"enclosing marks", "a" + strings.Repeat("\u20dd", 9), "a\u20dd\u20dd\u20dd", nil},
		{"family emoji stays whole", "👨\u200d👩\u200d👧", "👨\u200d👩\u200d👧", nil},
		{"flag", "🇮🇳", "🇮🇳", nil},
		{"emoji with a selector", "❤\ufe0f", "❤\ufe0f", nil},
		{"Persian joiner", "می\u200cخواهم", "می\u200cخواهم", nil},
		{"invalid UTF-8", "a\xff\xfeb", "a\ufffdb", nil},
		{"non-characters", "a\ufffe\ufdd0\U0001ffffb", "ab", nil},
		{"one character", ".", ".", nil},
		{"empty", "", "", ErrEmpty},
		{"blank", " \t\n ", "", ErrEmpty},
		{"blank in other ways", "\u00a0\u2003\u3000\u2028", "", ErrEmpty},
		{"nothing to see", "\u200b\u200d\ufeff\u2060\u00ad", "", ErrEmpty},
		{"fillers", "\u3164\u115f\u1160\uffa0\u2800", "", ErrEmpty},
		{"marks alone", "\u0301\u0301", "", ErrEmpty},
		{"bidi alone", "\u202e\u202c", "", ErrEmpty},
		{"as long as may be", strings.Repeat("x", MaxText), strings.Repeat("x", MaxText), nil},
		{"as long in a wide script", strings.Repeat("𝒳", MaxText), strings.Repeat("𝒳", MaxText), nil},
		{"too long", strings.Repeat("x", MaxText+1), "", ErrTooLong},
		{"much too long", strings.Repeat(" ", 100_000), "", ErrTooLong},
		{"long with what is dropped", "x" + strings.Repeat(" ", MaxText+100), "x", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := CleanText(test.in)
			if got != test.want || !errors.Is(err, test.err) {
				t.Errorf("CleanText(%q) = %q, %v; want %q, %v", test.in, got, err, test.want, test.err)
			}
		})
	}
}

func TestCleanClientID(t *testing.T) {
	for in, want := range map[string]string{
		"":                                 "",
		"Abc-123_x":                        "Abc-123_x",
		strings.Repeat("x", maxClientID):   strings.Repeat("x", maxClientID),
		strings.Repeat("x", maxClientID+1): "",
		`"><script>`:                       "",
		"a b":                              "",
		"é":                                "",
		"a\x00":                            "",
	} {
		if got := cleanClientID(in); got != want {
			t.Errorf("cleanClientID(%q) = %q, want %q", in, got, want)
		}
	}
}

// Whatever comes in, what is kept can be shown beside anything.
func FuzzClean(f *testing.F) {
	for _, s := range []string{
		"Bea", "  a\tb ", "user\u202Egnp", "Z\u0335\u0335\u0335\u0335", "ﬁ①", "\u1160\uffa0", "a\xffb", "e\u0301\u0301\u0301\u0301",
		"\u0041\u200b\u030a\u030a", "𝕳ost", "ﷺ", "a\u034f\u0301\u034f\u0301\u0301\u0301",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		if text, err := CleanText(in); err == nil {
			checkClean(t, text, 1, MaxText)
			if again, err := CleanText(text); err != nil || again != text {
				t.Errorf("CleanText(%q) = %q, %v", text, again, err)
			}
		}
		name, err := CleanName(in)
		if err != nil {
			return
		}
		checkClean(t, name, MinName, MaxName)
		if strings.IndexFunc(name, invisible) >= 0 || !norm.NFKC.IsNormalString(name) {
			t.Errorf("the name %q has what cannot be seen, or is not NFKC", name)
		}
		if again, err := CleanName(name); err != nil || again != name {
			t.Errorf("CleanName(%q) = %q, %v", name, again, err)
		}
		if skeleton(name) != skeleton(strings.ToUpper(name)) && skeleton(name) != skeleton(strings.ToLower(name)) {
			t.Errorf("the skeleton of %q depends on the case", name)
		}
	})
}

func checkClean(t *testing.T, s string, least, most int) {
	t.Helper()
	marks := 0
	for _, r := range s {
		if marks++; !unicode.Is(unicode.M, r) {
			marks = 0
		}
		if marks > maxMarks || unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			t.Fatalf("%q: %U", s, r)
		}
	}
	if n := utf8.RuneCountInString(s); !utf8.ValidString(s) || n < least || n > most || strings.TrimSpace(s) != s {
		t.Errorf("%q is not clean", s)
	}
}
