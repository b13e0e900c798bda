// player.js: plays a gig's stream close to live, and heals it.
//
// The library (flv.js, or another with its interface) fetches and decodes; this
// script decides when to connect, keeps the delay near a second, and rebuilds
// the player when the picture stands still or the connection ends.
"use strict";

// startPlayer follows the state of the stage. lib is the library; url the
// stream's; state() returns the present state; changed() is called when paused
// or trouble may have changed. follow() is to be called when the state was
// heard again, whether or not it differs.
function startPlayer({ lib, video, url, state, changed = () => {} }) {
  const MIN_DELAY = 500, MAX_DELAY = 8000; // between rebuilds, in ms
  const STILL = 4000; // without progress for so long, something is done
  const PAUSE_KEPT = 60000; // a pause longer than this gives the connection up
  const TARGET = 1.0, CATCH_UP = 1.8, JUMP = 6; // delay, in seconds
  const viewer = Array.from(crypto.getRandomValues(new Uint8Array(12)), (b) => b.toString(36).padStart(2, "0")).join("");
  const config = {
    enableWorker: false, enableStashBuffer: false, lazyLoad: false, autoCleanupSourceBuffer: true,
    autoCleanupMaxBackwardDuration: 20, autoCleanupMinBackwardDuration: 10,
  };

  let player = null; // the library's
  let open = false; // its connection has neither ended nor failed
  let started = false; // it has shown something
  let userPaused = false;
  let ownPause = false; // the next pause event is of our making
  let trouble = "";
  let delay = MIN_DELAY, timer = 0, pauseTimer = 0, rebuilds = 0;
  let lastTime = 0, lastEnd = 0, progressAt = 0, dataAt = 0, played = 0, nudges = 0, tickAt = 0;

  function setTrouble(what) {
    if (trouble === what) return;
    trouble = what;
    changed();
  }

  function connect() {
    disconnect();
    const now = performance.now();
    started = false;
    lastTime = lastEnd = played = nudges = 0;
    progressAt = dataAt = now;
    const p = lib.createPlayer({ type: "flv", isLive: true, url: new URL(url + "?viewer=" + viewer, location.href).href }, config);
    player = p;
    open = true;
    p.on(lib.Events.ERROR, (type, detail, info) => p === player && failed(detail, info));
    p.on(lib.Events.LOADING_COMPLETE, () => p === player && lost(2 * MIN_DELAY));
    p.attachMediaElement(video);
    p.load();
    play();
  }

  function disconnect() {
    clearTimeout(timer);
    timer = 0;
    open = false;
    if (!player) return;
    const p = player;
    player = null;
    pauseOurselves();
    p.destroy();
  }

  function pauseOurselves() {
    if (video.paused) return;
    ownPause = true;
    video.pause();
  }

  function play() {
    if (userPaused) return;
    video.play().catch((err) => {
      if (err.name !== "NotAllowedError") return; // an interrupted start is tried again
      userPaused = true;
      changed();
    });
  }

  // failed: the show is not on (any more), the codec is beyond the browser, or
  // the connection broke.
  function failed(detail, info) {
    const status = info && info.code;
    const { MEDIA_CODEC_UNSUPPORTED: codec, MEDIA_FORMAT_UNSUPPORTED: format } = lib.ErrorDetails;
    if (detail === codec || detail === format) {
      setTrouble("codec");
      lost(MAX_DELAY);
    } else {
      lost(status >= 400 && status < 500 ? MAX_DELAY : MIN_DELAY);
    }
  }

  // lost gives the connection up and plans the next one. While the stage is
  // not live there is nothing to fetch: follow() connects again when it is.
  function lost(least) {
    open = false;
    if (timer || state() !== "live") return;
    const wait = Math.max(delay, least) * (0.75 + 0.5 * Math.random());
    delay = Math.min(2 * delay, MAX_DELAY);
    timer = setTimeout(() => {
      timer = 0;
      if (state() !== "live") return;
      video.dataset.rebuilds = ++rebuilds;
      connect();
    }, wait);
  }

  // jump seeks inside the buffer only: an unbuffered seek would empty it.
  function jump(to) {
    const b = video.buffered;
    if (!b.length) return;
    const start = b.start(b.length - 1), end = b.end(b.length - 1);
    video.currentTime = Math.min(Math.max(to, start + 0.01), end - 0.01);
  }

  function lag() {
    const b = video.buffered;
    return b.length ? Math.max(0, b.end(b.length - 1) - video.currentTime) : 0;
  }

  function tick() {
    const now = performance.now();
    const slept = now - tickAt > 3000; // a background tab, or the device was asleep
    tickAt = now;
    if (!player || userPaused) return;
    const b = video.buffered, end = b.length ? b.end(b.length - 1) : 0;
    if (end > lastEnd) dataAt = now;
    lastEnd = end;
    const step = video.currentTime - lastTime;
    lastTime = video.currentTime;
    if (step !== 0 || slept || document.hidden) progressAt = now;
    if (step > 0 && step < 1) progressed(step);
    steer(end);
    if (now - progressAt > STILL) stuck(now, end);
  }

  function progressed(step) {
    played += step;
    started = true;
    setTrouble("");
    if (played > 10) {
      delay = MIN_DELAY;
      nudges = 0;
    }
  }

  function steer(end) {
    const behind = lag();
    video.dataset.lag = behind.toFixed(2);
    if (behind > JUMP || (!started && behind > CATCH_UP)) jump(end - TARGET);
    if (behind > CATCH_UP) video.playbackRate = 1.15;
    else if (behind < TARGET) video.playbackRate = 1;
    if (video.paused && open && !document.hidden) play();
  }

  // stuck: nothing has moved for a while, and no event says why.
  function stuck(now, end) {
    if (open && state() !== "live") return; // the grace: the same connection goes on
    progressAt = now;
    if (open && now - dataAt < STILL && nudges < 2) {
      nudges++;
      jump(end - TARGET);
      play();
    } else {
      lost(MIN_DELAY);
    }
  }

  function follow() {
    const s = state();
    if (s !== "live" && s !== "reconnecting") {
      disconnect();
      delay = MIN_DELAY;
      setTrouble("");
      return;
    }
    if (!lib || !lib.isSupported()) {
      setTrouble("unsupported");
      return;
    }
    progressAt = performance.now();
    if (s === "live" && !open && !userPaused) connect();
  }

  function setPaused(paused) {
    userPaused = paused;
    clearTimeout(pauseTimer);
    if (paused) {
      pauseOurselves();
      pauseTimer = setTimeout(disconnect, PAUSE_KEPT);
    } else if (open) {
      progressAt = performance.now();
      jump(lastEndOf(video) - TARGET);
      play();
    } else {
      follow();
    }
    changed();
  }

  video.addEventListener("pause", () => {
    const ours = ownPause;
    ownPause = false;
    if (!ours && player && open && !video.ended && !document.hidden && !userPaused) setPaused(true);
  });
  video.addEventListener("error", () => player && video.error && lost(MIN_DELAY));
  document.addEventListener("visibilitychange", () => {
    progressAt = performance.now();
  });
  if (lib && lib.LoggingControl) lib.LoggingControl.enableAll = false;
  setInterval(tick, 250);
  follow();
  return { follow, setPaused, lag, paused: () => userPaused, trouble: () => trouble };
}

function lastEndOf(video) {
  const b = video.buffered;
  return b.length ? b.end(b.length - 1) : 0;
}
