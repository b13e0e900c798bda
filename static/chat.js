// chat.js: a gig's chat, on top of htmx and its WebSocket extension. Comes back
// with what was missed, keeps what was typed until the server has it, and tells
// how the connection is.
(() => {
  "use strict";

  const chat = document.getElementById("chat");
  if (!chat || !window.htmx) return;
  const byID = (id) => document.getElementById(id);
  const scroll = chat.querySelector(".chat-scroll");
  const log = byID("chat-log");
  const jump = chat.querySelector(".jump");

  const kept = 500; // messages in the page
  const queued = 20; // messages that wait for the server
  const triesMost = 10; // for each of them
  const answerIn = 15000; // ms; without an answer the line is dead
  const comingBack = "The chat is coming back. What you write now is sent then.";
  const noPlace = "The chat is full. You come in by yourself as soon as somebody leaves.";

  // --- The connection ---

  let socket = null; // the present one
  let wrapper = null; // the extension's hold on it
  let again = false; // it was connected before
  let full = false; // the chat had no place for us

  const isOpen = () => socket !== null && socket.readyState === WebSocket.OPEN;

  // A server that restarts names the moment to come back. Without a word it is
  // left to chance, so that a crowd that was cut at once is spread. The
  // extension by itself waits up to 64 seconds; a show is too short for that.
  let back = 0; // the moment, as performance.now() counts
  htmx.config.wsReconnectDelay = (tries) => {
    const wait = back - performance.now();
    return wait > 0 ? wait : 200 + Math.random() * Math.min(1000 * 2 ** tries, 4800);
  };

  // told notes the moment that the server names, for the player as well.
  function told(wait) {
    back = performance.now() + wait;
    document.dispatchEvent(new CustomEvent("restart", { detail: wait }));
  }

  htmx.createWebSocket = (url) => {
    const last = [...log.children].findLast((li) => li.id.startsWith("m-"));
    const query = new URLSearchParams({ after: last ? last.id.slice(2) : "0" });
    if (again) query.set("again", "1");
    socket = new WebSocket(url + "?" + query);
    // Heard before the extension decides when to try again.
    socket.addEventListener("close", (e) => {
      full = e.code === 1013 && e.reason === "the room is full";
      if (full) back = performance.now() + 5000 + 5000 * Math.random();
    });
    // An error is always followed by a close, which is what counts; the
    // extension would do no more than print it.
    Object.defineProperty(socket, "onerror", { value: null, writable: false });
    return socket;
  };

  function link(state, words) {
    const el = byID("link-state");
    if (el.dataset.link === state && el.textContent === words) return;
    el.dataset.link = state;
    el.textContent = words;
    el.hidden = false;
  }

  const sayState = () => byID("chat-say").dataset.say;

  function linked() {
    if (sayState() === "closed") link("closed", "Closed");
    else link("ok", "Connected");
  }

  let soon = 0; // timer of the line that says that the chat is coming back

  chat.addEventListener("htmx:wsConnecting", () => full || link("down", again ? "Reconnecting" : "Connecting"));

  chat.addEventListener("htmx:wsOpen", (e) => {
    wrapper = e.detail.socketWrapper;
    if (!full) comeIn(); // else the first message tells that there is a place
  });

  function comeIn() {
    full = false;
    again = true;
    clearTimeout(soon);
    if ([comingBack, noPlace].includes(slow().textContent)) say("");
    linked();
    outbox = outbox.filter((m) => m.tries < triesMost);
    pump();
  }

  chat.addEventListener("htmx:wsClose", (e) => {
    const { code, target } = e.detail.event;
    if (target !== socket) return; // one that was given up before
    if (code === 1001) { // a proxy that goes away; the extension would stay away
      setTimeout(() => { if (target === socket) wrapper.reconnect(); }, htmx.config.wsReconnectDelay(1));
    } else if (![1006, 1011, 1012, 1013].includes(code)) {
      link("closed", "Closed");
      return;
    }
    link("down", full ? "Full" : "Reconnecting");
    clearTimeout(soon);
    if (full) {
      say(noPlace);
      return;
    }
    soon = setTimeout(() => { if (!isOpen() && sayState() === "chat" && !slow().textContent) say(comingBack); }, 1000);
  });

  window.addEventListener("pageshow", (e) => {
    if (e.persisted && wrapper && !isOpen()) wrapper.reconnect();
  });

  // --- What one writes ---

  // outbox holds what was written until it is seen in the log. The server
  // knows a message that comes twice by its id.
  let outbox = []; // { id, text, socket it was sent on, tries, late }
  let draft = ""; // typed, while the field is away
  let pumping = 0;

  const field = () => byID("text");
  const slow = () => byID("chat-slow");
  const sendButton = () => chat.querySelector("#chat-form button");
  const unsent = () => outbox.find((m) => m.socket !== socket);

  function say(words) {
    slow().textContent = words;
  }

  function newID() {
    const bytes = crypto.getRandomValues(new Uint8Array(9));
    return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_");
  }

  function sentOn(m) {
    m.socket = socket;
    m.tries++;
    const on = socket;
    setTimeout(() => {
      if (outbox.includes(m) && m.socket === on && on === socket && isOpen()) wrapper.reconnect();
    }, answerIn);
  }

  // pump sends what waits, at a pace that the server takes.
  function pump() {
    clearTimeout(pumping);
    const next = unsent();
    if (!next || !isOpen()) return;
    next.late = true;
    sentOn(next);
    socket.send(JSON.stringify({ text: next.text, client_id: next.id }));
    pumping = setTimeout(pump, 1100);
  }

  chat.addEventListener("htmx:wsConfigSend", (e) => {
    e.detail.headers = undefined; // the server has no use for them
    if (e.target.id !== "chat-form") {
      if (isOpen()) return;
      e.preventDefault();
      say(full ? noPlace : "The chat is coming back. Please try again in a moment.");
      return;
    }
    const text = field().value.trim();
    if (text === "" || sendButton().getAttribute("aria-disabled") === "true") {
      e.preventDefault();
      return;
    }
    if (outbox.length >= queued) {
      e.preventDefault();
      say("A lot is waiting to be sent already. Please try again in a moment.");
      return;
    }
    const m = { id: newID(), text, socket: null, tries: 0, late: false };
    const wait = !isOpen() || unsent() !== undefined;
    outbox.push(m);
    if (wait) {
      e.preventDefault();
      field().value = "";
      say(isOpen() ? "" : full ? noPlace : comingBack);
      return;
    }
    e.detail.parameters.client_id = m.id;
    sentOn(m);
    say("");
  });

  chat.addEventListener("htmx:wsAfterSend", (e) => {
    if (e.target.id === "chat-form") field().value = "";
  });

  // refused takes note of the server's line above the field.
  function refused(line) {
    const wait = Number(line.dataset.wait) * 1000;
    const m = outbox.find((m) => m.id === line.dataset.refused);
    if (m && m.late && wait > 0) { // nobody is waiting for it at the keyboard
      m.socket = null;
      line.remove();
      clearTimeout(pumping);
      pumping = setTimeout(pump, wait);
      return;
    }
    if (m) {
      outbox = outbox.filter((other) => other !== m);
      const rest = field() ? field().value : draft;
      draft = rest ? m.text + " " + rest : m.text;
      if (field()) restore();
    }
    if (wait === 0) return;
    const button = sendButton();
    if (button) button.setAttribute("aria-disabled", "true");
    setTimeout(() => {
      line.remove();
      if (button) button.removeAttribute("aria-disabled");
    }, wait);
  }

  function restore() {
    if (draft) field().value = draft;
    draft = "";
  }

  // --- What the server sends ---

  chat.addEventListener("htmx:oobBeforeSwap", (e) => {
    const { target, fragment } = e.detail;
    if (target === log) beforeLog(fragment);
    if (target.id === "chat-say" && !beforeFoot(target, fragment.firstElementChild)) e.preventDefault();
  });

  chat.addEventListener("htmx:wsAfterMessage", () => {
    if (full) comeIn();
    afterLog();
    const line = slow().querySelector("[data-wait]:not([data-seen])");
    if (line) {
      line.dataset.seen = "";
      refused(line);
    }
    const error = byID("name-error");
    if (error) byID("name").setAttribute("aria-invalid", String(error.childElementCount > 0));
    const restart = byID("link-state").querySelector("[data-back]");
    if (restart) told(Number(restart.dataset.back));
    const stage = byID("stream-state");
    if (isOpen()) linked();
    // A show that goes on after its time opens its chat again.
    if (stage && sayState() === "closed" && ["live", "reconnecting"].includes(stage.dataset.state) && !reopened) {
      reopened = true;
      wrapper.reconnect();
    }
  });

  let reopened = false;

  // beforeFoot reports whether the foot is to be replaced: not by its like, for
  // somebody may be typing in it.
  function beforeFoot(old, fresh) {
    if (old.dataset.say === fresh.dataset.say) return false;
    reopened = false;
    if (field()) draft = field().value;
    const focused = old.contains(document.activeElement);
    queueMicrotask(() => {
      if (field()) restore();
      const input = byID("chat-say").querySelector("input:not([type=hidden])");
      if (!focused || !input) return;
      input.focus();
      if (input.id === "name") input.select();
    });
    return true;
  }

  // --- The log ---

  let anchor = null; // what the reader sees first, while scrolled up
  let fresh = 0; // messages below what is seen

  const atEnd = () => Math.abs(scroll.scrollTop) < 40; // it is laid out from its end

  function beforeLog(fragment) {
    let messages = 0;
    for (const li of [...fragment.children]) {
      if (li.dataset.client) outbox = outbox.filter((m) => m.id !== li.dataset.client);
      if (li.id && byID(li.id)) li.remove();
      else if (li.id) messages++;
    }
    if (atEnd()) return;
    fresh += messages;
    const top = scroll.getBoundingClientRect().top;
    const seen = anchor ? null : [...log.children].find((li) => li.getBoundingClientRect().bottom > top);
    if (seen) anchor = { li: seen, top: seen.getBoundingClientRect().top };
  }

  function afterLog() {
    for (let extra = log.childElementCount - kept; extra > 0; extra--) log.firstElementChild.remove();
    if (anchor && anchor.li.isConnected) scroll.scrollTop += anchor.li.getBoundingClientRect().top - anchor.top;
    anchor = null;
    showJump();
  }

  function showJump() {
    if (atEnd()) fresh = 0;
    jump.hidden = fresh === 0;
    const words = fresh === 1 ? "1 new message" : `${fresh} new messages`;
    if (fresh > 0 && jump.textContent !== words) jump.textContent = words;
  }

  scroll.addEventListener("scroll", showJump, { passive: true });

  jump.addEventListener("click", () => {
    scroll.scrollTop = 0;
    scroll.focus({ preventScroll: true });
    showJump();
  });

  if (sayState() === "closed") link("closed", "Closed");
})();
