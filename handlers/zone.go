package handlers

import (
	"net/http"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // zones must work on machines without a database of their own

	"bookmygig/views"
)

// zoneCookie is the visitor's time zone, set by app.js.
const zoneCookie = "time_zone"

// oldZones maps names that browsers still report to today's.
var oldZones = map[string]string{
	"Africa/Asmera":         "Africa/Asmara",
	"America/Buenos_Aires":  "America/Argentina/Buenos_Aires",
	"America/Catamarca":     "America/Argentina/Catamarca",
	"America/Coral_Harbour": "America/Atikokan",
	"America/Cordoba":       "America/Argentina/Cordoba",
	"America/Godthab":       "America/Nuuk",
	"America/Indianapolis":  "America/Indiana/Indianapolis",
	"America/Jujuy":         "America/Argentina/Jujuy",
	"America/Louisville":    "America/Kentucky/Louisville",
	"America/Mendoza":       "America/Argentina/Mendoza",
	"Asia/Calcutta":         "Asia/Kolkata",
	"Asia/Dacca":            "Asia/Dhaka",
	"Asia/Katmandu":         "Asia/Kathmandu",
	"Asia/Rangoon":          "Asia/Yangon",
	"Asia/Saigon":           "Asia/Ho_Chi_Minh",
	"Atlantic/Faeroe":       "Atlantic/Faroe",
	"Etc/UTC":               "UTC",
	"Europe/Kiev":           "Europe/Kyiv",
	"Pacific/Enderbury":     "Pacific/Kanton",
	"Pacific/Ponape":        "Pacific/Pohnpei",
	"Pacific/Truk":          "Pacific/Chuuk",
}

// knownZones are the names that a gig's zone or a visitor's can have. What
// else a system's database holds (posixrules, right/UTC) depends on the system.
var knownZones = sync.OnceValue(func() map[string]bool {
	known := map[string]bool{"UTC": true}
	for _, n := range zoneNames {
		for city := range strings.FieldsSeq(n.cities) {
			known[n.region+"/"+city] = true
		}
	}
	return known
})

// findZone returns the zone of an IANA name and its name of today.
func findZone(name string) (*time.Location, string, bool) {
	if now, ok := oldZones[name]; ok {
		name = now
	}
	if !knownZones()[name] {
		return nil, "", false
	}
	l, err := time.LoadLocation(name)
	if err != nil {
		return nil, "", false
	}
	return l, name, true
}

// visitorZone is the zone that the visitor's browser reported, or UTC.
func visitorZone(r *http.Request) (*time.Location, string) {
	if c, err := r.Cookie(zoneCookie); err == nil {
		if l, name, ok := findZone(c.Value); ok {
			return l, name
		}
	}
	return time.UTC, "UTC"
}

type zone struct {
	name string
	loc  *time.Location
}

type zoneRegion struct {
	name  string
	zones []zone
}

// allZones loads the zones that the form offers, once.
var allZones = sync.OnceValue(func() []zoneRegion {
	var regions []zoneRegion
	for _, n := range zoneNames {
		r := zoneRegion{name: n.region}
		for city := range strings.FieldsSeq(n.cities) {
			if l, name, ok := findZone(n.region + "/" + city); ok {
				r.zones = append(r.zones, zone{name, l})
			}
		}
		regions = append(regions, r)
	}
	return regions
})

// zoneChoices are the zones for the form's list with their offsets at now.
func zoneChoices(now time.Time) []views.ZoneGroup {
	old := map[string]string{}
	for o, n := range oldZones {
		old[n] = o
	}
	groups := make([]views.ZoneGroup, 0, len(zoneNames))
	for _, r := range allZones() {
		g := views.ZoneGroup{Region: r.name, Zones: make([]views.Zone, 0, len(r.zones))}
		for _, z := range r.zones {
			city := strings.ReplaceAll(strings.TrimPrefix(z.name, r.name+"/"), "_", " ")
			g.Zones = append(g.Zones, views.Zone{Name: z.name, Old: old[z.name],
				Label: city + " (" + views.UTCOffset(now.In(z.loc)) + ")"})
		}
		groups = append(groups, g)
	}
	return groups
}
