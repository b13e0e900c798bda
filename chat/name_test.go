package chat

import (
	"errors"
	"strings"
	"testing"
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
		{"Мarta Оkafor", "", errNameHost},
		{"Μαrτα Οκαfοr", "", errNameHost},
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
