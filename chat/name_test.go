package chat

import (
	"errors"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"
)

func TestCleanName(t *testing.T) {
	const host = "Marta Okafor"
	tests := []struct {
		in, want string // want "": refused
		err      *NameError
	}{
		// Names of people.
		{"Bea", "Bea", nil},
		{"Jo", "Jo", nil},
		{"Dan from row two", "Dan from row two", nil},
		{"Femi A.", "Femi A.", nil},
		{"O’Brien", "O’Brien", nil},
		{"Jean-Luc", "Jean-Luc", nil},
		{"José", "José", nil},
		{"Zoë Ångström", "Zoë Ångström", nil},
		{"Łukasz", "Łukasz", nil},
		{"Nguyễn Thị Ánh", "Nguyễn Thị Ánh", nil},
		{"Иван", "Иван", nil},
		{"Ελένη", "Ελένη", nil},
		{"שרה", "שרה", nil},
		{"فاطمة", "فاطمة", nil},
		{"प्रियंका", "प्रियंका", nil},
		{"தமிழ்", "தமிழ்", nil},
		{"ก้อง", "ก้อง", nil},
		{"김민준", "김민준", nil},
		{"さくら", "さくら", nil},
		{"王伟", "王伟", nil},
		{"42", "42", nil},
		{"user_1", "user_1", nil},
		{"Bea 🎭", "Bea 🎭", nil},
		{"🎭 Bea 🎭", "🎭 Bea 🎭", nil},
		{"<b>Bea</b>", "<b>Bea</b>", nil},
		{"'; DROP TABLE", "'; DROP TABLE", nil},
		{"Martha", "Martha", nil},
		{"Marta", "Marta", nil},
		{"Okafor", "Okafor", nil},
		{"Marta Okafor Fan", "Marta Okafor Fan", nil},
		{"Hostel", "Hostel", nil},
		{"Ghost", "Ghost", nil},
		{"Administrator X", "Administrator X", nil},
		{strings.Repeat("x", MaxName), strings.Repeat("x", MaxName), nil},
		{strings.Repeat("王", MaxName), strings.Repeat("王", MaxName), nil},
		// White space and what cannot be seen.
		{"  Bea  ", "Bea", nil},
		{"Dan \t from\nrow  two", "Dan from row two", nil},
		{"Dan\u00a0\u2003\u3000two", "Dan two", nil},
		{"Be\u200ba", "Bea", nil},
		{"Be\u200d\u200ca", "Bea", nil},
		{"\ufeffBea\u2060", "Bea", nil},
		{"B\u00adea", "Bea", nil},
		{"Be\u034fa", "Bea", nil},
		{"Be\u3164a", "Bea", nil},
		{"Bea\u2800", "Bea", nil},
		{"Be\U000e0041a", "Bea", nil},
		{"Be\ufe0fa", "Bea", nil},
		{"Be\ue000a", "Bea", nil},
		{"Be\ufdd0a", "Bea", nil},
		{"Be\x00\x1b\x7fa", "Bea", nil},
		{"Be\xff\xfea", "Bea", nil},
		// Direction.
		{"\u202eaeB", "aeB", nil},
		{"Bea\u202c\u202d", "Bea", nil},
		{"\u2066Bea\u2069", "Bea", nil},
		{"\u200fBea\u200e\u061c", "Bea", nil},
		// Compatibility forms are the plain letters.
		{"Ｂｅａ", "Bea", nil},
		{"𝕭𝖊𝖆", "Bea", nil},
		{"ⒷⒺⒶ", "BEA", nil},
		{"ﬁona", "fiona", nil},
		{"Be\u0061\u0301", "Beá", nil},
		// Marks.
		{"B\u0300\u0301\u0302ea", "B\u0300\u0301\u0302ea", nil},
		{"Z" + strings.Repeat("\u0335", 20) + "oe", "Z\u0335\u0335\u0335oe", nil},
		{"Be\u0301\u200b\u0301\u200b\u0301\u200b\u0301\u200b\u0301a", "Bé\u0301\u0301\u0301a", nil},
		// Words of one script.
		{"Beа", "", errNameMixed},     // Cyrillic
		{"Βea", "", errNameMixed},     // Greek
		{"Bꓮꓮb", "", errNameMixed},    // Lisu
		{"Bea٤", "", errNameMixed},    // an Arabic digit
		{"Be᧐", "", errNameMixed},     // a New Tai Lue digit
		{"µTorben", "", errNameMixed}, // micro is Greek
		{"Bea Иван", "Bea Иван", nil},
		{"Bea-Мария", "Bea-Мария", nil},
		{"Иван2", "Иван2", nil},
		{"Bea42", "Bea42", nil},
		{"Bea김", "Bea김", nil},
		{"Kさくら", "Kさくら", nil},
		{"DJ王伟", "DJ王伟", nil},
		{"ーBea", "ーBea", nil},
		// Length.
		{"", "", errNameShort},
		{"x", "", errNameShort},
		{"   x   ", "", errNameShort},
		{"\u200b\u200b\u200b", "", errNameShort},
		{"\u3164\u3164", "", errNameShort},
		{"e\u0301", "", errNameShort},
		{strings.Repeat("x", MaxName+1), "", errNameLong},
		{strings.Repeat("王", MaxName+1), "", errNameLong},
		{strings.Repeat("x", 100_000), "", errNameLong},
		{"ﷺﷺ", "", errNameLong}, // one character of many letters
		// Nothing to say.
		{"...", "", errNameNoLetter},
		{"🎭🎭", "", errNameNoLetter},
		{"- -", "", errNameNoLetter},
		{"\u0301\u0301\u0301", "", errNameNoLetter},
		{"¿¡", "", errNameNoLetter},
		// Reserved everywhere.
		{"host", "", errNameReserved},
		{"Host", "", errNameReserved},
		{"HOST", "", errNameReserved},
		{"H0ST", "", errNameReserved},
		{"h o s t", "", errNameReserved},
		{"h.o.s.t", "", errNameReserved},
		{"höst", "", errNameReserved},
		{"Ноѕt", "", errNameReserved}, // Cyrillic
		{"hοst", "", errNameReserved}, // Greek
		{"The host", "", errNameReserved},
		{"the real host", "", errNameReserved},
		{"TheHost", "", errNameReserved},
		{"Host (official)", "", errNameReserved},
		{"creator & host", "", errNameReserved},
		{"The creator", "The creator", nil},
		{"Realname", "Realname", nil},
		{"Theo", "Theo", nil},
		{"Official Fan", "Official Fan", nil},
		{"ｈｏｓｔ", "", errNameReserved},
		{"𝐡𝐨𝐬𝐭", "", errNameReserved},
		{"ho\u200bst", "", errNameReserved},
		{"ho$t", "", errNameReserved},
		{"* Host *", "", errNameReserved},
		{"🎭Host🎭", "", errNameReserved},
		{"BookMyGig", "", errNameReserved},
		{"Book My Gig", "", errNameReserved},
		{"book-my-gig", "", errNameReserved},
		{"B00kMyG1g", "", errNameReserved},
		{"BookMyGlg", "", errNameReserved},
		{"вookмygig", "", errNameReserved},
		{"Moderator", "", errNameReserved},
		{"m0derat0r", "", errNameReserved},
		{"rnoderator", "", errNameReserved},
		{"Admin", "", errNameReserved},
		{"@dmin", "", errNameReserved},
		{"adm1n", "", errNameReserved},
		{"ADMIN.", "", errNameReserved},
		{"аdmin", "", errNameReserved},
		{"ádmín", "", errNameReserved},
		// The host's, in the host's room.
		{"Marta Okafor", "", errNameHost},
		{"marta okafor", "", errNameHost},
		{"MartaOkafor", "", errNameHost},
		{"M. Arta Okafor", "", errNameHost},
		{"Marta  Okafor", "", errNameHost},
		{"Marta Okafor.", "", errNameHost},
		{"Marta 0kaf0r", "", errNameHost},
		{"Marta Økafor", "", errNameHost},
		{"Mártá Ókáfór", "", errNameHost},
		{"Мarta Оkafor", "", errNameMixed},
		{"Μαrτα Οκαfοr", "", errNameMixed},
		{"Rnarta Okafor", "", errNameHost},
		{"Ｍａｒｔａ Okafor", "", errNameHost},
		{"Marta Okafor 🎤", "", errNameHost},
		{"Marta Okafor Host", "", errNameHost},
		{"[H0st] Marta Okafor", "", errNameHost},
		{"Marta Okafor admin", "", errNameHost},
	}
	if len(tests) < 100 {
		t.Errorf("the table has %d rows", len(tests))
	}
	for _, test := range tests {
		got, err := CleanName(test.in)
		if err == nil && looksLikeHost(got, host) {
			got, err = "", errNameHost
		}
		var refused *NameError
		errors.As(err, &refused)
		if got != test.want || refused != test.err {
			t.Errorf("%q (%+q) = %q, %v; want %q, %v", test.in, test.in, got, err, test.want, test.err)
		}
	}
}

func TestLooksLikeHost(t *testing.T) {
	tests := []struct {
		host        string
		alike, free []string
	}{
		{"Noor Vale", []string{
			"Noor Vale", "NOOR VALE", "noorvale", "N00r Va1e",
			// Capitals that look like others than their small letters do.
			"Νoor Vale", "ΝΟΟr Vale", "Νооr Vаlе",
			// Lisu, Canadian, Cherokee, Coptic and other alphabets, in part or whole.
			"ꓠoor Vale", "Noor ꓦale", "Noor Vaꓡe", "Noor ᐯale", "ꓠꓳꓳꓣ ꓦꓮꓡꓰ", "Nooᖇ Vale", "ᑎooᖇ ᐯᗩᒪᗴ", "Noor ᏙᎪᏞᎬ",
			"Ⲛⲟⲟr Vale", "𐌍𐌏𐌏r Vale",
			// Latin letters from afar, digits and symbols.
			"Nᴑᴑr Vale", "N᧐᧐r Vale", "Nဝဝr Vale", "N੦੦r Vale", "Nooꭇ Vale", "Nooꭈ Vale", "Noor ∨ale", "N○○r Vale", "N〇〇r Vale",
			"Nooɾ Vale", "Nꝋꝋr Vale", "Nөөr Vale", "Nㅇㅇr Vale", "Noor Vaʟe", "Noor Va|e", "Noor ѵale", "ɴᴏᴏʀ ᴠᴀʟᴇ",
			// Titles.
			"The Noor Vale", "the real Noor Vale", "Real Noor Vale", "RealNoorVale", "Noor Vale (creator)", "creator Noor Vale",
			"Noor Vale official", "Noor Vale — OFFICIAL", "Official Noor Vale Host", "Noor (real) Vale", "0fficial Noor Vale",
			"creatorNoorVale", "moderator Noor Vale", "тhе Noor Vale",
		}, []string{"Noor", "Vale", "Noor Valery", "Noor Vale Fan", "Noora Vale", "Moor Vale", "Realname", "Creator", "The Vale", "Official Noor"}},
		{"The Real Thing", []string{"The Real Thing", "Real Thing", "thing", "The Thing (official)"}, []string{"Things", "Something", "The Real"}},
		{"Νίκος", []string{"Νίκος", "νίκος", "ΝΙΚΟΣ", "Νικος official"}, []string{"Νίκη", "Κίνος", "Ρίκος"}},
		{"HENRY", []string{"HENRY", "ΗΕΝRΥ", "henry", "Η℮nry", "ΗENRY"}, []string{"Henri", "Nenry"}},
		{"The Official", []string{"The Official"}, []string{"The", "Official", "Bea"}},
	}
	for _, test := range tests {
		for _, name := range test.alike {
			got, err := CleanName(name)
			if err == nil && !looksLikeHost(got, test.host) {
				t.Errorf("%q (%+q) may be had where %q is the host", name, name, test.host)
			}
			// Also without the rule about scripts.
			if !looksLikeHost(name, test.host) && !looksLikeHost(norm.NFKC.String(name), test.host) {
				t.Errorf("%q (%+q) does not look like %q: %q", name, name, test.host, skeletons(name))
			}
		}
		for _, name := range test.free {
			if got, err := CleanName(name); err != nil || looksLikeHost(got, test.host) {
				t.Errorf("%q may not be had where %q is the host: %v", name, test.host, err)
			}
		}
	}
}

// A character that stands under two letters would have either by chance, and
// one that folding changes would never be found.
func TestLookAlikesAreUnambiguous(t *testing.T) {
	for r, to := range lookAlikes {
		if got := letters(string(r)); got != to {
			t.Errorf("%q (%U) becomes %q, want %q", r, r, got, to)
		}
	}
	seen := map[rune]string{}
	for letter, like := range lookAlikeTable {
		for _, r := range like {
			if other, ok := seen[r]; ok {
				t.Errorf("%q (%U) stands under %q and %q", r, r, letter, other)
			}
			seen[r] = letter
		}
	}
	clear(seen)
	for letter, like := range capitalTable {
		for _, r := range like {
			if other, ok := seen[r]; ok || norm.NFKD.String(string(r)) != string(r) {
				t.Errorf("%q (%U) stands under %q and %q, or decomposes", r, r, letter, other)
			}
			seen[r] = letter
		}
	}
}

// People whose names merely share letters are not kept from each other.
func TestSkeletonTellsNamesApart(t *testing.T) {
	names := []string{"Bea", "Ben", "Dan", "Diana", "Jonas K", "Jonas", "Hilde", "Hilda", "Tomasz", "Thomas",
		"Yui", "Yuki", "Иван", "Ирина", "Анна", "Олег", "Ελένη", "Νίκος", "王伟", "王芳", "さくら", "김민준", "김서연",
		"שרה", "דוד", "فاطمة", "محمد", "42", "43", "Sam P", "Sam R"}
	seen := map[string]string{}
	for _, n := range names {
		sk := skeleton(n)
		if sk == "" {
			t.Errorf("%q has no skeleton", n)
		}
		if other, ok := seen[sk]; ok {
			t.Errorf("%q and %q have the skeleton %q", n, other, sk)
		}
		seen[sk] = n
	}
}

func TestHostWithoutLettersReservesNothing(t *testing.T) {
	for _, host := range []string{"", "🎭", "…"} {
		if looksLikeHost("Bea", host) || looksLikeHost("🎭 Bea", host) {
			t.Errorf("Bea looks like %q", host)
		}
	}
}
