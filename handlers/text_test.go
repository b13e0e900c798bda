package handlers

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCleanLine(t *testing.T) {
	for in, want := range map[string]string{
		"":                                 "",
		"  Knees,\tAgain \n":               "Knees, Again",
		"e\u0301":                          "é",
		"a\u202eb\u2066c\u200bd\ufeff":     "abcd",
		"\u200fשלום\u200e":                 "שלום",
		"می\u200cخواهم":                    "می\u200cخواهم",
		"👩\u200d🎤":                         "👩\u200d🎤",
		"a\x00b\x1bc\x7f":                  "a b c",
		"a\vb\u0085c\u2029d":               "a b c d",
		"U\x10\u031b":                      "U \u031b",
		"U\u200b\u031b":                    "\u01af",
		"\u2800":                           "",
		"\u3164":                           "",
		"\ufe0f":                           "",
		"\u200d":                           "",
		"\u0301":                           "",
		"♥":                                "♥",
		"bad\xff\xfe":                      "bad\uFFFD",
		"z\u0334\u0335\u0336\u0337\u0338!": "z\u0334\u0335\u0336!",
		"\u00a0\u2003\u3000":               "",
		"\U000e0041\U000e007f":             "",
		"<b>&amp;</b>":                     "<b>&amp;</b>",
	} {
		if got := cleanLine(in); got != want || cleanLine(got) != got {
			t.Errorf("%q: %q and then %q, want %q", in, got, cleanLine(got), want)
		}
	}
}

func TestCleanText(t *testing.T) {
	for in, want := range map[string]string{
		"":                       "",
		"\n\n \r\n":              "",
		"one\r\ntwo\rthree":      "one\ntwo\nthree",
		"one  \n\n\n\n\ntwo\n\n": "one\n\ntwo",
		"  indented\n  list":     "indented\n  list",
		"a\u2028b\u2029c":        "a b c",
		"a\vb\u0085c\td\fe\x00f": "a b c d e f",
		"\u2800\n\n\u3164":       "",
		"\u202edrawkcab":         "drawkcab",
	} {
		if got := cleanText(in); got != want || cleanText(got) != got {
			t.Errorf("%q: %q and then %q, want %q", in, got, cleanText(got), want)
		}
	}
}

func TestBlurb(t *testing.T) {
	if got := blurb("Short.\nTwo lines."); got != "Short. Two lines." {
		t.Errorf("%q", got)
	}
	long := blurb(strings.Repeat("words, and ", 40))
	if n := utf8.RuneCountInString(long); n > maxBlurb+1 || !strings.HasSuffix(long, "…") || strings.HasSuffix(long, " …") || strings.HasSuffix(long, ",…") {
		t.Errorf("%d characters: %q", n, long)
	}
	if one := blurb(strings.Repeat("ü", 300)); utf8.RuneCountInString(one) != maxBlurb+1 {
		t.Errorf("%q", one)
	}
}
