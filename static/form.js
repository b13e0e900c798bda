// The form of a gig: the visitor's time zone as the first choice, a poster that
// follows what is typed, and one sending only.
(() => {
  "use strict";

  const form = document.getElementById("gig-form");
  if (!form) return;
  const field = (name) => form.elements[name];

  // A new form starts in the browser's zone; one that comes back as typed keeps its own.
  function presetZone() {
    const select = field("time_zone");
    if (select.value !== "UTC" || form.querySelector(".form-errors") || form.dataset.gig) return;
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    if (!zone || zone === "UTC" || zone === "Etc/UTC") return;
    const name = CSS.escape(zone);
    const option = select.querySelector(`[value="${name}"], [data-old="${name}"]`) || select.appendChild(new Option(zone, zone));
    option.selected = true;
  }

  function posterLength(title) {
    const count = [...title].length;
    const longest = Math.max(0, ...title.split(/\s+/).map((w) => [...w].length));
    if (count > 48 || longest > 13) return "longer";
    if (longest > 11) return "tight";
    return count > 24 || longest > 9 ? "long" : "";
  }

  function price(typed) {
    const n = Number(typed.trim().replace(/^\$/, "").replace(/^(\d+),(\d\d?)$/, "$1.$2").replace(/^(\d{1,3}),(\d{3})(?!\d)/, "$1$2"));
    if (!Number.isFinite(n) || n < 0) return "";
    if (n === 0) return "Free";
    return "$" + n.toLocaleString("en-US", { minimumFractionDigits: Number.isInteger(n) ? 0 : 2, maximumFractionDigits: 2 });
  }

  // The day is the creator's own: what is typed is shown, in no zone.
  function when() {
    const at = new Date(`${field("date").value}T${field("time_from").value}Z`);
    if (isNaN(at)) return "";
    const p = Object.fromEntries(new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", weekday: "short", day: "numeric", month: "short" })
      .formatToParts(at).map((x) => [x.type, x.value]));
    return `${p.weekday} ${p.day} ${p.month}, ${field("time_from").value.slice(0, 5)}`;
  }

  function preview() {
    const box = document.getElementById("preview");
    const poster = box.querySelector(".poster");
    const title = field("title").value.trim() || "Your title";
    const chosen = form.querySelector("[name=category]:checked");
    if (chosen) {
      poster.dataset.category = chosen.value;
      box.querySelector(".poster-kind").textContent = chosen.closest("label").querySelector(".kind-name").textContent;
    }
    box.querySelector(".poster-title").textContent = title;
    const length = posterLength(title);
    if (length) poster.dataset.length = length;
    else delete poster.dataset.length;
    box.querySelector(".who").textContent = field("name").value.trim();
    box.querySelector(".price").textContent = price(field("price").value);
    box.querySelector(".when").textContent = when();
  }

  presetZone();
  preview();
  form.addEventListener("input", preview);

  // A second press while the first is on its way would list the gig twice.
  form.addEventListener("submit", (event) => {
    const button = form.querySelector(".button.primary");
    if (button.getAttribute("aria-disabled") === "true") event.preventDefault();
    button.setAttribute("aria-disabled", "true");
  });
  window.addEventListener("pageshow", () => form.querySelector(".button.primary").removeAttribute("aria-disabled"));
})();
