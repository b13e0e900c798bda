package handlers

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/invopop/validation"

	"bookmygig/store"
	"bookmygig/views"
)

// Lengths of a gig's texts, in characters.
const (
	maxTitle       = 80
	maxCreator     = 60
	maxDescription = 2000
)

// values are the fields of the form as they were typed.
type values = views.FormValues

// fieldErrors are what is wrong with a form, in the order of its fields.
type fieldErrors []views.FieldError

func (e *fieldErrors) add(field, summary, text string) {
	*e = append(*e, views.FieldError{Field: field, Summary: summary, Text: text})
}

// check adds an error when a rule refuses the value; the rule's message is the
// text beside the field.
func (e *fieldErrors) check(field, summary, value string, rules ...validation.Rule) {
	if err := validation.Validate(value, rules...); err != nil {
		e.add(field, summary, err.Error())
	}
}

func (s *Server) newGig(w http.ResponseWriter, r *http.Request) error {
	_, zoneName := visitorZone(r)
	m := newForm(values{Price: "0", TimeZone: zoneName}, time.Now())
	return s.render(w, r, http.StatusOK, views.FormPage(m))
}

func (s *Server) createGig(w http.ResponseWriter, r *http.Request) error {
	now := time.Now()
	g, m, err := s.parseGigForm(r, nil, now)
	if err != nil {
		return err
	}
	if len(m.Errors) > 0 {
		return s.render(w, r, http.StatusUnprocessableEntity, views.FormPage(m))
	}
	key := store.NewStreamKey()
	g.ID, g.ListedAt = store.NewID(), now.UTC()
	g.KeyHash, g.KeyMadeAt = store.HashKey(key), now.UTC()
	if g.Owner, err = s.ownerOrNew(r.Context()); err != nil {
		return fmt.Errorf("making an owner: %w", err)
	}
	// First, so that no gig is listed whose creator cannot come back to it.
	if err := saveSession(w); err != nil {
		return fmt.Errorf("keeping the owner: %w", err)
	}
	if err := s.Gigs.CreateGig(r.Context(), g); err != nil {
		return fmt.Errorf("listing a gig: %w", err)
	}
	s.keys.put(g.ID, g.Owner, key)
	http.Redirect(w, r, "/studio/gigs/"+g.ID, http.StatusSeeOther)
	return nil
}

// parseGigForm reads the form from a POST. It returns the gig's fields that
// the form decides, and the form as typed with what is wrong in its Errors.
// before is the gig that is edited, nil for a new one.
func (s *Server) parseGigForm(r *http.Request, before *store.Gig, now time.Time) (store.Gig, views.FormModel, error) {
	if err := parseForm(r); err != nil {
		return store.Gig{}, views.FormModel{}, err
	}
	g, m := readGigForm(r.PostForm, before, now)
	return g, m, nil
}

// parseForm reads a form that limitBody bounds.
func parseForm(r *http.Request) error {
	err := r.ParseForm()
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return fmt.Errorf("%w: %w", errTooLarge, err)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errBadRequest, err)
	}
	return nil
}

// readGigForm is parseGigForm without a request.
func readGigForm(f url.Values, before *store.Gig, now time.Time) (store.Gig, views.FormModel) {
	v := values{
		Name: cleanLine(f.Get("name")), Title: cleanLine(f.Get("title")), Description: cleanText(f.Get("description")),
		Category: parseCategory(f.Get("category")), Price: cleanLine(f.Get("price")),
		Date: cleanLine(f.Get("date")), TimeFrom: cleanLine(f.Get("time_from")), TimeTo: cleanLine(f.Get("time_to")),
		TimeZone: cleanLine(f.Get("time_zone")), PaymentPointer: strings.TrimSpace(strings.ToValidUTF8(f.Get("payment_pointer"), "\uFFFD")),
	}
	var g store.Gig
	var errs fieldErrors
	if before != nil {
		g = *before
	}
	errs.showTexts(v)
	g.Title, g.CreatorName, g.Description, g.Category = v.Title, v.Name, v.Description, store.Category(v.Category)

	at := now
	if before != nil && sameSchedule(v, before) {
		// What was listed in time stays valid when its time has passed.
		at = before.ListedAt
	}
	start, end, zoneName, wrong := schedule(v, at)
	errs = append(errs, wrong...)
	g.Start, g.End, g.TimeZone = start, end, zoneName

	var advice string
	if g.PriceCents, advice = parsePrice(v.Price); advice != "" {
		errs.add("price", "The price is not clear", advice)
	}
	if g.PaymentPointer, advice = parsePointer(v.PaymentPointer); advice != "" {
		errs.add("payment_pointer", pointerSummary(advice), advice)
	}
	m := newForm(v, now)
	m.Errors = errs
	return g, m
}

func (e *fieldErrors) showTexts(v values) {
	e.check("title", titleSummary(v.Title), v.Title,
		validation.Required.Error("Give it a title; it goes on the poster."),
		validation.RuneLength(1, maxTitle).Error("At most 80 characters."))
	e.check("name", nameSummary(v.Name), v.Name,
		validation.Required.Error("The name that people know you by."),
		validation.RuneLength(1, maxCreator).Error("At most 60 characters."))
	e.check("category", "The category is missing", v.Category,
		validation.Required.Error("Choose one."))
	e.check("description", "The description is too long", v.Description,
		validation.RuneLength(0, maxDescription).Error("At most 2,000 characters."))
}

func titleSummary(title string) string {
	if title == "" {
		return "The title is missing"
	}
	return "The title is too long for the poster"
}

func nameSummary(name string) string {
	if name == "" {
		return "Your stage name is missing"
	}
	return "Your stage name is too long"
}

func pointerSummary(advice string) string {
	if advice == pointerStart {
		return "The payment pointer should begin with $ or https://"
	}
	return "The payment pointer is not an address that wallets know"
}

// parseCategory reads a category in any case, one or many; "" when unknown.
func parseCategory(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	for _, c := range store.Categories {
		if s == string(c) || s == string(c)+"s" {
			return string(c)
		}
	}
	return ""
}

// formOf is the form filled with a gig, for editing.
func formOf(g store.Gig) views.FormModel {
	m := newForm(valuesOf(&g), time.Now())
	m.Action, m.Back = "/studio/gigs/"+g.ID, "/studio/gigs/"+g.ID
	m.Heading, m.Lead, m.Submit, m.GigID = "Edit this gig", "People with the page open see the changes when they load it again.", "Save the changes", g.ID
	return m
}

func valuesOf(g *store.Gig) values {
	l, _, ok := findZone(g.TimeZone)
	if !ok {
		l = time.UTC
	}
	start, end := g.Start.In(l), g.End.In(l)
	return values{
		Name: g.CreatorName, Title: g.Title, Description: g.Description, Category: string(g.Category),
		Price: formatPrice(g.PriceCents), Date: start.Format("2006-01-02"),
		TimeFrom: start.Format("15:04"), TimeTo: end.Format("15:04"), TimeZone: g.TimeZone,
		PaymentPointer: g.PaymentPointer,
	}
}

// sameSchedule reports whether the form leaves the gig's schedule as it is.
func sameSchedule(v values, g *store.Gig) bool {
	was := valuesOf(g)
	return v.Date == was.Date && v.TimeFrom == was.TimeFrom && v.TimeTo == was.TimeTo && v.TimeZone == was.TimeZone
}

func newForm(v values, now time.Time) views.FormModel {
	categories := make([]string, len(store.Categories))
	for i, c := range store.Categories {
		categories[i] = string(c)
	}
	cents, _ := parsePrice(v.Price)
	return views.FormModel{
		Action: "/gigs", Back: "/", Heading: "List a gig", Submit: "List this gig",
		Lead:   "Two minutes, and it is up. You get your stream key on the next page.",
		Values: v, Cents: cents, Categories: categories, Zones: zoneChoices(now),
	}
}
