// gig.js: a gig's page. Starts the player, counts down, says thank you.
"use strict";

(() => {
  const video = document.getElementById("player");
  const screen = document.querySelector(".screen");
  const lamp = () => document.getElementById("stream-state");
  const stage = () => lamp().dataset.state;

  let controls = null;
  const player = startPlayer({ lib: window.flvjs, video, url: video.dataset.src, state: stage, changed: () => controls && reveal() });
  controls = new Controls({ player, video, screen, stage });
  reveal();

  function reveal() {
    const trouble = player.trouble();
    if (trouble) screen.dataset.trouble = trouble;
    else delete screen.dataset.trouble;
    controls.show();
  }

  // The server replaces the lamp over the chat's socket: also with its like,
  // when the page comes back after a break.
  let seen = lamp(), was = stage();
  new MutationObserver(() => {
    if (lamp() === seen && stage() === was) return;
    seen = lamp();
    was = stage();
    player.follow();
    controls.show();
  }).observe(document.querySelector(".playbill"), { subtree: true, childList: true, attributes: true, attributeFilter: ["data-state"] });

  document.addEventListener("restart", (e) => player.stayAway(e.detail));

  // Someone whose browser will not do hears of it before the show.
  const how = document.getElementById("how-to-watch");
  if (how && !(window.flvjs && window.flvjs.isSupported())) {
    how.textContent = "This browser cannot show the picture. Try another one, or a computer.";
  }

  const timer = document.querySelector('[role="timer"]');
  if (timer) countDown(timer, "");
  else overdue();
  for (const forYou of document.querySelectorAll("[data-for-you]")) forYou.hidden = false;

  // The browser says that it has paid the creator. Said once, and nothing
  // depends on it.
  const thanks = document.getElementById("thanks");
  if (thanks) {
    window.addEventListener("monetization", () => {
      thanks.textContent = `Thank you. Your browser has just sent ${thanks.dataset.creator} a little.`;
    }, { once: true });
  }

  // countDown writes what is left each minute until the last hour, then each
  // second. shown is what stands there.
  function countDown(timer, shown) {
    if (!timer.isConnected) return; // the show was on, and has stopped
    const left = Math.floor((Date.parse(timer.dataset.until) - Date.now()) / 1000);
    if (left <= 0) {
      document.getElementById("soon").textContent = "Starts any moment now";
      timer.remove();
      overdue();
      return;
    }
    const { parts, words } = inParts(left), text = parts.flat().join(" ");
    if (text !== shown) {
      timer.replaceChildren(...parts.flatMap(([n, unit]) => [part(n, unit), " "]));
      timer.setAttribute("aria-label", "Starts in " + words);
    }
    setTimeout(() => countDown(timer, text), 1000 - (Date.now() % 1000));
  }

  // overdue says after five minutes that the gig is late.
  function overdue() {
    const late = document.getElementById("late");
    if (!late) return;
    const left = Date.parse(late.querySelector("time").dateTime) + 5 * 60000 - Date.now();
    if (left > 0) {
      setTimeout(overdue, left);
      return;
    }
    late.hidden = false;
    document.getElementById("soon").hidden = true;
  }

  // inParts splits seconds as the server does.
  function inParts(left) {
    const d = Math.floor(left / 86400), h = Math.floor(left / 3600) % 24, m = Math.floor(left / 60) % 60;
    const two = (n) => String(n).padStart(2, "0");
    const plural = (n, unit) => n + " " + unit + (n === 1 ? "" : "s");
    if (d) {
      return { parts: [[d, d === 1 ? "day" : "days"], [two(h), "h"], [two(m), "min"]],
        words: `${plural(d, "day")}, ${plural(h, "hour")} and ${plural(m, "minute")}` };
    }
    if (h) return { parts: [[h, "h"], [two(m), "min"]], words: `${plural(h, "hour")} and ${plural(m, "minute")}` };
    return { parts: [[m, "min"], [two(left % 60), "s"]], words: m ? plural(m, "minute") : "less than a minute" };
  }

  function part(number, unit) {
    const span = document.createElement("span"), small = document.createElement("small");
    small.textContent = unit;
    span.append(String(number), small);
    return span;
  }
})();
