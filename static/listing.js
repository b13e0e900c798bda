// Keeps the listing fresh: what is live, and how many watch. It asks for the
// list every few seconds while the tab is seen, changes the lamps in place, and
// puts in a new list only when cards come, go or move.
(() => {
  "use strict";

  const every = 10_000;
  let asked = Date.now();
  let busy = false;

  const cards = (root) => [...root.querySelectorAll(".card")];

  // plan is what a list shows, but for its numbers: which cards hang where.
  const plan = (results) => [
    ...cards(results).map((c) => `${c.id} ${c.dataset.state}`),
    ...[...results.querySelectorAll(".heading, .pager, .empty h2")].map((e) => e.textContent.trim()),
  ].join("\n");

  function copyLamps(from, to) {
    for (const card of cards(from)) {
      const fresh = card.querySelector(".lamp");
      const shown = to.querySelector(`#${CSS.escape(card.id)} .lamp`);
      if (!fresh || !shown) continue;
      if (shown.textContent !== fresh.textContent) shown.textContent = fresh.textContent;
      if (shown.dataset.state !== fresh.dataset.state) shown.dataset.state = fresh.dataset.state;
    }
  }

  function copyBulbs(doc) {
    const fresh = doc.getElementById("bulbs");
    const shown = document.getElementById("bulbs");
    if (!fresh || !shown || fresh.dataset.lit === shown.dataset.lit) return;
    if (fresh.dataset.lit) shown.dataset.lit = fresh.dataset.lit;
    else delete shown.dataset.lit;
  }

  // replace puts the new list in. The card that was first in sight stays where
  // it is on the screen, and what had the focus keeps it.
  function replace(shown, fresh) {
    const focused = shown.contains(document.activeElement) ? document.activeElement.id : "";
    const mark = cards(shown).find((c) => c.getBoundingClientRect().bottom > 0);
    const top = mark && mark.getBoundingClientRect().top;
    window.localTimes(fresh);
    shown.replaceWith(fresh);
    window.htmx.process(fresh);
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
    const now = mark && document.getElementById(mark.id);
    if (now && window.scrollY > 0) window.scrollBy({ top: now.getBoundingClientRect().top - top, behavior: "instant" });
  }

  async function refresh() {
    if (busy || document.visibilityState !== "visible") return;
    const shown = document.getElementById("results");
    if (!shown) return;
    busy = true;
    asked = Date.now();
    const address = location.pathname + location.search;
    try {
      const response = await fetch(address, { headers: { "HX-Request": "true" } });
      if (!response.ok) return;
      const doc = new DOMParser().parseFromString(await response.text(), "text/html");
      const fresh = doc.getElementById("results");
      // The visitor may have asked for another list meanwhile.
      const moved = address !== location.pathname + location.search || document.querySelector(".htmx-request");
      if (!fresh || moved || !shown.isConnected) return;
      copyBulbs(doc);
      if (plan(fresh) === plan(shown)) copyLamps(fresh, shown);
      else replace(shown, document.adoptNode(fresh));
    } catch {
      // The house cannot be reached: the list stays as it is until it can.
    } finally {
      busy = false;
    }
  }

  setInterval(refresh, every);
  document.addEventListener("visibilitychange", () => {
    if (Date.now() - asked >= every) refresh();
  });

  // After turning the page, reading starts at the top of the list.
  document.addEventListener("htmx:afterSettle", (event) => {
    const from = event.detail.requestConfig?.elt;
    if (from && from.closest(".pager, nav") && from.rel) {
      document.getElementById("results")?.focus({ preventScroll: true });
    }
  });

  // The chosen chip is in sight, also where the row of chips is wider than the screen.
  const chosen = document.querySelector(".chip[aria-current]");
  const row = chosen && chosen.closest(".chips");
  if (row) row.scrollLeft = chosen.offsetLeft - row.offsetLeft - (row.clientWidth - chosen.offsetWidth) / 2;
})();
