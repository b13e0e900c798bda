// What every page needs: times in the visitor's time zone, and a cookie that
// tells the server that zone, so that "today" means the visitor's day.
(() => {
  "use strict";

  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
  const hour12 = Intl.DateTimeFormat(undefined, { hour: "numeric" }).resolvedOptions().hour12;
  const formats = new Map();

  // part returns what Intl says of a moment in a zone, piece by piece.
  function part(date, timeZone, options) {
    const key = timeZone + JSON.stringify(options);
    let format = formats.get(key);
    if (!format) {
      format = new Intl.DateTimeFormat("en-GB", { timeZone, ...options });
      formats.set(key, format);
    }
    return Object.fromEntries(format.formatToParts(date).map((p) => [p.type, p.value]));
  }

  function clock(date, timeZone) {
    const p = part(date, timeZone, { hour: hour12 ? "numeric" : "2-digit", minute: "2-digit", hour12 });
    return hour12 ? `${p.hour}:${p.minute} ${p.dayPeriod}` : `${p.hour === "24" ? "00" : p.hour}:${p.minute}`;
  }

  function day(date, timeZone, width = "short") {
    const p = part(date, timeZone, { weekday: width, day: "numeric", month: width, year: "numeric" });
    const year = part(new Date(), timeZone, { year: "numeric" }).year;
    return `${p.weekday} ${p.day} ${p.month}` + (p.year === year ? "" : ` ${p.year}`);
  }

  const write = {
    start: (from, to, z) => `${day(from, z)}, ${clock(from, z)}`,
    span: (from, to, z) => `${day(from, z)}, ${clock(from, z)} to ${clock(to, z)}`,
    since: (from, to, z) => `On since ${clock(from, z)}`,
    day: (from, to, z) => day(from, z),
    long: (from, to, z) => `${day(from, z, "long")}, ${clock(from, z)}`,
    clock: (from, to, z) => clock(from, z),
  };

  const place = (z) => z.slice(z.lastIndexOf("/") + 1).replaceAll("_", " ");

  // there is the creator's time, for the line beneath the visitor's; "" where both read alike.
  function there(date, theirs) {
    const same = day(date, zone) === day(date, theirs);
    if (same && clock(date, zone) === clock(date, theirs)) return "";
    return (same ? "" : `${day(date, theirs)}, `) + `${clock(date, theirs)} in ${place(theirs)}`;
  }

  function localTime(el) {
    const from = new Date(el.dateTime);
    const to = new Date(el.dataset.end || el.dateTime);
    if (isNaN(from) || isNaN(to)) return;
    el.textContent = (write[el.dataset.form] || write.start)(from, to, zone);
    el.dataset.local = "";
    const line = el.nextElementSibling || el.parentElement.nextElementSibling;
    if (!line || !line.hasAttribute("data-there")) return;
    try {
      line.textContent = there(from, el.dataset.zone || "UTC");
    } catch {
      // This browser does not know the creator's zone: the visitor's time says it all.
      line.textContent = "";
    }
    line.hidden = !line.textContent;
  }

  // localTimes writes each time below root, and root itself, in the visitor's zone.
  window.localTimes = (root) => {
    const fresh = "time[data-form]:not([data-local])";
    if (root.matches && root.matches(fresh)) localTime(root);
    root.querySelectorAll(fresh).forEach(localTime);
  };

  if (!document.cookie.split("; ").includes("time_zone=" + zone)) {
    const secure = location.protocol === "https:" ? "; secure" : "";
    document.cookie = `time_zone=${zone}; path=/; max-age=31536000; samesite=lax${secure}`;
  }

  window.localTimes(document);
  const whose = document.getElementById("whose-time");
  if (whose) whose.textContent = "Times are shown in your time zone.";
  for (const event of ["htmx:afterSwap", "htmx:oobAfterSwap", "htmx:historyRestore"]) {
    document.addEventListener(event, () => window.localTimes(document));
  }
})();
