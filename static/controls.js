// controls.js: the buttons under the picture and their keys.
"use strict";

// startControls wires the controls. player is what startPlayer returned;
// screen is the box that goes full screen. It returns a function that shows
// the present state, to be called when the player has changed.
function startControls({ player, video, screen, stage }) {
  const button = (name) => screen.querySelector(`[data-do="${name}"]`);
  const pause = button("pause"), unmute = button("unmute"), mute = button("mute"), full = button("fullscreen");
  const volume = screen.querySelector(".volume"), behind = screen.querySelector(".edge-of-live");
  const live = () => stage() === "live";

  function sign(b, on, label) {
    b.querySelector("[data-when-on]").hidden = !on;
    b.querySelector("[data-when-off]").hidden = on;
    if (b.getAttribute("aria-label") !== label) b.setAttribute("aria-label", label);
  }

  let heard = false; // the sound was on once: its large button has done its work
  function show() {
    heard = heard || !video.muted;
    const silent = video.muted || video.volume === 0;
    sign(pause, !player.paused(), player.paused() ? "Play" : "Pause");
    sign(mute, !silent, silent ? "Turn sound on" : "Mute");
    sign(full, !document.fullscreenElement, document.fullscreenElement ? "Leave full screen" : "Full screen");
    const hadFocus = document.activeElement === unmute;
    unmute.hidden = heard;
    mute.hidden = volume.hidden = !heard;
    if (heard && hadFocus) mute.focus();
    volume.value = video.muted ? 0 : Math.round(video.volume * 100);
    showLag();
  }

  function showLag() {
    const text = player.paused() ? "Paused" : live() && video.readyState > 1 ? player.lag().toFixed(1) + " s behind" : "";
    if (behind.textContent !== text) behind.textContent = text;
  }

  function setMuted(muted) {
    video.muted = muted;
    if (!muted && video.volume === 0) video.volume = 0.5;
  }

  function setVolume(v) {
    video.volume = Math.min(1, Math.max(0, v));
    video.muted = video.volume === 0;
  }

  function toggleFull() {
    if (document.fullscreenElement) document.exitFullscreen();
    else if (screen.requestFullscreen) screen.requestFullscreen().catch(() => {});
  }

  const acts = {
    pause: () => player.setPaused(!player.paused()),
    mute: () => setMuted(!video.muted),
    fullscreen: toggleFull,
    louder: () => setVolume((video.muted ? 0 : video.volume) + 0.1),
    softer: () => setVolume((video.muted ? 0 : video.volume) - 0.1),
  };
  const keys = { " ": "pause", k: "pause", m: "mute", f: "fullscreen", ArrowUp: "louder", ArrowDown: "softer" };

  pause.addEventListener("click", acts.pause);
  unmute.addEventListener("click", () => setMuted(false));
  mute.addEventListener("click", acts.mute);
  full.addEventListener("click", acts.fullscreen);
  video.addEventListener("dblclick", acts.fullscreen);
  volume.addEventListener("input", () => setVolume(volume.value / 100));
  video.addEventListener("volumechange", show);
  document.addEventListener("fullscreenchange", show);
  if (!document.fullscreenEnabled) full.hidden = true;

  // Keys count while the focus is on the stage or nowhere: never while someone
  // types, reads the chat or uses a link. A focused button keeps its space bar
  // and the slider its arrows.
  document.addEventListener("keydown", (e) => {
    const on = document.activeElement;
    const here = !on || on === document.body || screen.contains(on);
    if (!here || !live() || e.ctrlKey || e.metaKey || e.altKey || e.defaultPrevented) return;
    if ((e.key === " " && on && on.matches("button")) || (on === volume && e.key.startsWith("Arrow"))) return;
    const name = keys[e.key.length === 1 ? e.key.toLowerCase() : e.key];
    const scrolls = e.key.startsWith("Arrow");
    if (!name || (e.repeat && !scrolls) || (scrolls && !screen.contains(on))) return;
    e.preventDefault();
    acts[name]();
  });

  // Over the full screen the controls leave when the pointer rests.
  let idle = 0;
  const wake = () => {
    clearTimeout(idle);
    delete screen.dataset.idle;
    idle = setTimeout(() => (screen.dataset.idle = "yes"), 3000);
  };
  for (const type of ["pointermove", "pointerdown", "keydown", "focusin"]) screen.addEventListener(type, wake);

  setInterval(showLag, 500);
  show();
  return show;
}
