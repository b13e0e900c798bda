package views

import (
	"hash/fnv"
	"strings"
	"unicode/utf8"
)

// PosterModel is a gig's poster: drawn from the category, lettered with the
// title, inked by the gig's id.
type PosterModel struct {
	GigID    string // decides the variant; empty: the plain one
	Category string
	Title    string
	Kind     string // the line on top; empty: the name of the category
	Href     string // where the title leads; empty: nowhere
	LinkID   string // id of that link
	Level    int    // of the heading, 2 or 3; 0: no heading
}

func (m PosterModel) kind() string {
	if m.Kind != "" {
		return m.Kind
	}
	return CategoryName(m.Category)
}

// variant picks the inks from the id, so that a gig's poster never changes.
func (m PosterModel) variant() string {
	if m.GigID == "" {
		return "a"
	}
	h := fnv.New32a()
	h.Write([]byte(m.GigID))
	return string("abc"[h.Sum32()%3])
}

// length says how far the lettering must shrink, so that the longest word
// still fits the poster's width.
func (m PosterModel) length() string {
	n, longest := utf8.RuneCountInString(m.Title), 0
	for _, w := range strings.Fields(m.Title) {
		longest = max(longest, utf8.RuneCountInString(w))
	}
	switch {
	case n > 48 || longest > 13:
		return "longer"
	case longest > 11:
		return "tight"
	case n > 24 || longest > 9:
		return "long"
	}
	return ""
}
