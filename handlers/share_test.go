package handlers

import (
	"testing"

	"bookmygig/store"
)

// A link to a gig, pasted elsewhere, says which gig it is.
func TestGigPageIsShared(t *testing.T) {
	ts := newTestServer(t)
	g := ts.listGig(t, func(g *store.Gig) { g.Title, g.Description = `"Tea" & <Biscuits>`, "Two\nlines." })
	bare := ts.listGig(t, func(g *store.Gig) { g.Title, g.Description = "Knees", "" })
	for _, c := range []struct{ path, public, kind, title, description, url string }{
		{"/gigs/" + g.ID, "", "website", `"Tea" & <Biscuits>`, "Two lines.", ""},
		{"/gigs/" + g.ID, "https://gigs.example/", "website", `"Tea" & <Biscuits>`, "Two lines.", "https://gigs.example/gigs/" + g.ID},
		{"/gigs/" + bare.ID, "https://gigs.example", "website", "Knees", "", "https://gigs.example/gigs/" + bare.ID},
		{"/", "https://gigs.example", "", "", "", ""},
	} {
		ts.PublicURL = c.public
		p := ts.get(t, c.path)
		for name, want := range map[string]string{"type": c.kind, "title": c.title, "description": c.description, "url": c.url} {
			got := ""
			for _, meta := range p.all(`head meta[property="og:` + name + `"]`) {
				got += attr(meta, "content")
			}
			if got != want {
				t.Errorf("%s with %q: %s is %q, want %q", c.path, c.public, name, got, want)
			}
		}
	}
}
