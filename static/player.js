// player.js: plays a gig's stream close to live, and heals it.
//
// The library (flv.js, or another with its interface) fetches and decodes; this
// script decides when to connect, keeps the delay near a second, and rebuilds
// the player when the picture stands still or the connection ends.
"use strict";

const PLAYER = {
  config: {
    enableWorker: false, enableStashBuffer: false, lazyLoad: false, autoCleanupSourceBuffer: true,
    autoCleanupMaxBackwardDuration: 20, autoCleanupMinBackwardDuration: 10,
  },
  leastDelay: 200, // before a rebuild, in ms, and by chance up to so much more:
  minDelay: 1000, // at first; it doubles
  maxDelay: 4800, // back within 5 s of the server
  still: 4000, // ms without progress before something is done
  pauseKept: 60000, // ms of pause before the connection is given up
  target: 1.0, // delay behind live to aim at, in seconds
  catchUp: 1.8, // from here on, play a little faster
  jump: 6, // from here on, skip
};

// bufferEnd is where the buffered stream ends, in seconds.
function bufferEnd(video) {
  const b = video.buffered;
  return b.length ? b.end(b.length - 1) : 0;
}

class StreamPlayer {
  #lib; #video; #url; #state; #changed;
  #player = null; // the library's
  #open = false; // its connection has neither ended nor failed
  #started = false; // it has shown something
  #userPaused = false;
  #ownPause = false; // the next pause event is of our making
  #trouble = "";
  #delay = PLAYER.minDelay;
  #back = 0; // not before this moment, as performance.now() counts
  #timer = 0; #pauseTimer = 0; #rebuilds = 0;
  #lastTime = 0; #lastEnd = 0; #progressAt = 0; #dataAt = 0; #tickAt = 0; #played = 0; #nudges = 0;

  constructor({ lib, video, url, state, changed }) {
    this.#lib = lib;
    this.#video = video;
    this.#state = state;
    this.#changed = changed;
    const viewer = Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
    this.#url = new URL(url + "?viewer=" + viewer, location.href).href;
    if (lib && lib.LoggingControl) lib.LoggingControl.enableAll = false;
    video.addEventListener("pause", () => this.#onPause());
    video.addEventListener("error", () => this.#player && video.error && this.#lost(PLAYER.minDelay));
    document.addEventListener("visibilitychange", () => (this.#progressAt = performance.now()));
    setInterval(() => this.#tick(), 250);
    this.follow();
  }

  paused() { return this.#userPaused; }
  trouble() { return this.#trouble; }
  lag() { return Math.max(0, bufferEnd(this.#video) - this.#video.currentTime); }

  // follow is called when the state was heard, whether or not it differs.
  follow() {
    const s = this.#state();
    if (s !== "live" && s !== "reconnecting") {
      this.#disconnect();
      this.#delay = PLAYER.minDelay;
      this.#setTrouble("");
    } else if (!this.#lib || !this.#lib.isSupported()) {
      this.#setTrouble("unsupported");
    } else {
      this.#progressAt = performance.now();
      if (s !== "live" || this.#open || this.#userPaused) return;
      if (this.#away() > 0) this.#lost(0);
      else this.#connect();
    }
  }

  // stayAway is called when the server is about to restart, which ends the
  // stream: it is not to be asked for it before ms have passed.
  stayAway(ms) {
    this.#back = performance.now() + ms;
    if (!this.#timer) return; // the stream goes on until it ends
    this.#plan(0);
  }

  #away() { return this.#back - performance.now(); }

  setPaused(paused) {
    this.#userPaused = paused;
    clearTimeout(this.#pauseTimer);
    if (paused) {
      this.#pauseOurselves();
      this.#pauseTimer = setTimeout(() => this.#disconnect(), PLAYER.pauseKept);
    } else if (this.#open) {
      this.#progressAt = performance.now();
      this.#jump(bufferEnd(this.#video) - PLAYER.target);
      this.#play();
    } else {
      this.follow();
    }
    this.#changed();
  }

  #setTrouble(what) {
    if (this.#trouble === what) return;
    this.#trouble = what;
    this.#changed();
  }

  #connect() {
    this.#disconnect();
    this.#started = false;
    this.#lastTime = this.#lastEnd = this.#played = this.#nudges = 0;
    this.#progressAt = this.#dataAt = performance.now();
    const p = this.#lib.createPlayer({ type: "flv", isLive: true, url: this.#url }, PLAYER.config);
    this.#player = p;
    this.#open = true;
    p.on(this.#lib.Events.ERROR, (type, detail, info) => p === this.#player && this.#failed(detail, info));
    p.on(this.#lib.Events.LOADING_COMPLETE, () => p === this.#player && this.#lost(2 * PLAYER.minDelay));
    p.attachMediaElement(this.#video);
    p.load();
    this.#play();
  }

  #disconnect() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#open = false;
    if (!this.#player) return;
    const p = this.#player;
    this.#player = null;
    this.#pauseOurselves();
    p.destroy();
  }

  // The library pauses the video too; none of that is the visitor's wish.
  #pauseOurselves() {
    if (this.#video.paused) return;
    this.#ownPause = true;
    this.#video.pause();
  }

  #onPause() {
    const ours = this.#ownPause;
    this.#ownPause = false;
    if (!ours && this.#player && this.#open && !this.#video.ended && !document.hidden && !this.#userPaused) this.setPaused(true);
  }

  #play() {
    if (this.#userPaused) return;
    this.#video.play().catch((err) => {
      if (err.name !== "NotAllowedError") return; // an interrupted start is tried again
      this.#userPaused = true;
      this.#changed();
    });
  }

  // The show is not on (any more), the codec is beyond the browser, or the
  // connection broke.
  #failed(detail, info) {
    const { MEDIA_CODEC_UNSUPPORTED: codec, MEDIA_FORMAT_UNSUPPORTED: format } = this.#lib.ErrorDetails;
    const status = info && info.code;
    if (status === 503) {
      this.#queue();
    } else if (detail === codec || detail === format) {
      this.#setTrouble("codec");
      this.#lost(PLAYER.maxDelay);
    } else {
      this.#lost(status >= 400 && status < 500 ? PLAYER.maxDelay : PLAYER.minDelay);
    }
  }

  // queue is called when the server would not let us in. It asks why; while the
  // house is full it asks again and again, each time after what the server says
  // and by chance up to twice as long, and goes in when there is a seat.
  async #queue() {
    this.#disconnect();
    const answer = await fetch(this.#url, { method: "HEAD", cache: "no-store", signal: AbortSignal.timeout(PLAYER.maxDelay) }).catch(() => null);
    if (this.#open || this.#timer || this.#userPaused || this.#state() !== "live") return;
    if (!answer || answer.headers.get("X-House") !== "full") {
      this.#setTrouble("");
      if (answer && answer.ok) this.#connect();
      else this.#lost(PLAYER.maxDelay);
      return;
    }
    this.#setTrouble("full");
    const wait = 1000 * (Number(answer.headers.get("Retry-After")) || 5);
    this.#timer = setTimeout(() => {
      this.#timer = 0;
      if (!this.#userPaused && this.#state() === "live") this.#queue();
    }, wait * (1 + Math.random()));
  }

  // lost gives the connection up and plans the next one. While the stage is
  // not live there is nothing to fetch, and nobody looks at a paused one:
  // follow() connects again when that changes.
  #lost(least) {
    this.#open = false;
    if (this.#timer || this.#userPaused || this.#state() !== "live") return;
    this.#plan(Math.max(this.#delay, least));
    this.#delay = Math.min(2 * this.#delay, PLAYER.maxDelay);
  }

  // plan connects at the moment that the server named, or else after a wait by
  // chance: a crowd that was cut at once does not come back at once.
  #plan(most) {
    let wait = this.#away();
    if (wait > 0) this.#setTrouble("restart");
    else wait = PLAYER.leastDelay + Math.random() * most;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = 0;
      if (this.#userPaused || this.#state() !== "live") return;
      this.#video.dataset.rebuilds = ++this.#rebuilds;
      this.#connect();
    }, wait);
  }

  // jump seeks inside the buffer only: an unbuffered seek would empty it.
  #jump(to) {
    const b = this.#video.buffered;
    if (!b.length) return;
    this.#video.currentTime = Math.min(Math.max(to, b.start(b.length - 1) + 0.01), b.end(b.length - 1) - 0.01);
  }

  #tick() {
    const now = performance.now(), video = this.#video;
    const slept = now - this.#tickAt > 3000; // a background tab, or the device was asleep
    this.#tickAt = now;
    if (!this.#player || this.#userPaused) return;
    const end = bufferEnd(video), step = video.currentTime - this.#lastTime;
    if (end > this.#lastEnd) this.#dataAt = now;
    this.#lastEnd = end;
    this.#lastTime = video.currentTime;
    if (step !== 0 || slept || document.hidden) this.#progressAt = now;
    if (step > 0 && step < 1) this.#progressed(step);
    this.#steer(end);
    if (now - this.#progressAt > PLAYER.still) this.#stuck(now, end);
  }

  #progressed(step) {
    this.#played += step;
    this.#started = true;
    // A connection that has ended is played out. One may bring sound alone.
    if (this.#open) this.#setTrouble(this.#video.videoWidth ? "" : "dark");
    if (this.#played < 10) return;
    this.#delay = PLAYER.minDelay;
    this.#nudges = 0;
  }

  #steer(end) {
    const video = this.#video, behind = this.lag();
    video.dataset.lag = behind.toFixed(2);
    if (behind > PLAYER.jump || (!this.#started && behind > PLAYER.catchUp)) this.#jump(end - PLAYER.target);
    if (behind > PLAYER.catchUp) video.playbackRate = 1.15;
    else if (behind < PLAYER.target) video.playbackRate = 1;
    if (video.paused && this.#open && !document.hidden) this.#play();
  }

  // Nothing has moved for a while, and no event says why.
  #stuck(now, end) {
    if (this.#open && this.#state() !== "live") return; // the grace: the same connection goes on
    this.#progressAt = now;
    // Connected, and not a byte of picture: there is no keyframe to start at.
    if (this.#open && !this.#started && end === 0) this.#setTrouble("late");
    if (this.#open && now - this.#dataAt < PLAYER.still && this.#nudges < 2) {
      this.#nudges++;
      this.#jump(end - PLAYER.target);
      this.#play();
    } else {
      this.#lost(PLAYER.minDelay);
    }
  }
}

// startPlayer plays url in video and follows the state of the stage. lib is
// the library; state() returns the present state; changed() is called when
// paused() or trouble() may have changed.
function startPlayer({ lib, video, url, state, changed = () => {} }) {
  return new StreamPlayer({ lib, video, url, state, changed });
}
