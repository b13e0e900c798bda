// controls.js: the buttons under the picture and their keys.
"use strict";

class Controls {
  #player; #video; #screen; #stage;
  #pause; #unmute; #mute; #full; #volume; #behind;
  #heard = false; // the sound was on once: its large button has done its work
  #idle = 0;

  // player is what startPlayer returned; screen the box that goes full screen;
  // stage() returns the present state.
  constructor({ player, video, screen, stage }) {
    const button = (name) => screen.querySelector(`[data-do="${name}"]`);
    this.#player = player;
    this.#video = video;
    this.#screen = screen;
    this.#stage = stage;
    [this.#pause, this.#unmute, this.#mute, this.#full] = ["pause", "unmute", "mute", "fullscreen"].map(button);
    this.#volume = screen.querySelector(".volume");
    this.#behind = screen.querySelector(".edge-of-live");
    this.#listen();
    if (!document.fullscreenEnabled) this.#full.hidden = true;
    setInterval(() => this.#showLag(), 500);
    this.show();
  }

  #listen() {
    const video = this.#video, screen = this.#screen;
    this.#pause.addEventListener("click", () => this.#act("pause"));
    this.#unmute.addEventListener("click", () => this.#setMuted(false));
    this.#mute.addEventListener("click", () => this.#act("mute"));
    this.#full.addEventListener("click", () => this.#act("fullscreen"));
    this.#volume.addEventListener("input", () => this.#setVolume(this.#volume.value / 100));
    video.addEventListener("dblclick", () => this.#act("fullscreen"));
    video.addEventListener("volumechange", () => this.show());
    document.addEventListener("fullscreenchange", () => this.show());
    document.addEventListener("keydown", (e) => this.#onKey(e));
    for (const type of ["pointermove", "pointerdown", "keydown", "focusin"]) screen.addEventListener(type, () => this.#wake());
  }

  // show writes the present state on the buttons.
  show() {
    const video = this.#video, paused = this.#player.paused(), whole = Boolean(document.fullscreenElement);
    const silent = video.muted || video.volume === 0;
    this.#heard = this.#heard || !video.muted;
    Controls.#sign(this.#pause, !paused, paused ? "Play" : "Pause");
    Controls.#sign(this.#mute, !silent, silent ? "Turn sound on" : "Mute");
    Controls.#sign(this.#full, !whole, whole ? "Leave full screen" : "Full screen");
    const hadFocus = document.activeElement === this.#unmute;
    this.#unmute.hidden = this.#heard;
    this.#mute.hidden = this.#volume.hidden = !this.#heard;
    if (this.#heard && hadFocus) this.#mute.focus();
    this.#volume.value = video.muted ? 0 : Math.round(video.volume * 100);
    this.#showLag();
  }

  static #sign(button, on, label) {
    button.querySelector("[data-when-on]").hidden = !on;
    button.querySelector("[data-when-off]").hidden = on;
    if (button.getAttribute("aria-label") !== label) button.setAttribute("aria-label", label);
  }

  #showLag() {
    let text = "";
    if (this.#player.paused()) text = "Paused";
    else if (this.#stage() === "live" && this.#video.readyState > 1) text = this.#player.lag().toFixed(1) + " s behind";
    if (this.#behind.textContent !== text) this.#behind.textContent = text;
  }

  #setMuted(muted) {
    this.#video.muted = muted;
    if (!muted && this.#video.volume === 0) this.#video.volume = 0.5;
  }

  #setVolume(v) {
    this.#video.volume = Math.min(1, Math.max(0, v));
    this.#video.muted = this.#video.volume === 0;
  }

  #act(name) {
    const video = this.#video, loud = video.muted ? 0 : video.volume;
    switch (name) {
      case "pause": this.#player.setPaused(!this.#player.paused()); break;
      case "mute": this.#setMuted(!video.muted); break;
      case "louder": this.#setVolume(loud + 0.1); break;
      case "softer": this.#setVolume(loud - 0.1); break;
      case "fullscreen":
        if (document.fullscreenElement) document.exitFullscreen();
        else if (this.#screen.requestFullscreen) this.#screen.requestFullscreen().catch(() => {}); // refused: nothing changes
    }
  }

  static #keys = { " ": "pause", k: "pause", m: "mute", f: "fullscreen", ArrowUp: "louder", ArrowDown: "softer" };

  // Keys count while the focus is on the stage or nowhere: never while someone
  // types, reads the chat or uses a link. A focused button keeps its space bar
  // and the slider its arrows; elsewhere arrows scroll.
  #onKey(e) {
    const on = document.activeElement, arrow = e.key.startsWith("Arrow"), inside = this.#screen.contains(on);
    if ((on && on !== document.body && !inside) || this.#stage() !== "live") return;
    if (e.ctrlKey || e.metaKey || e.altKey || e.defaultPrevented || (e.repeat && !arrow)) return;
    if ((e.key === " " && on.matches("button")) || (arrow && (on === this.#volume || !inside))) return;
    const name = Controls.#keys[e.key.length === 1 ? e.key.toLowerCase() : e.key];
    if (!name) return;
    e.preventDefault();
    this.#act(name);
  }

  // Over the full screen the controls leave when the pointer rests.
  #wake() {
    clearTimeout(this.#idle);
    delete this.#screen.dataset.idle;
    this.#idle = setTimeout(() => (this.#screen.dataset.idle = "yes"), 3000);
  }
}
