// The page around the exam: bar, time, handshake, the end. The exam's frame is made once and never taken away.

import { _ } from "/static/text.js";
import { clockFace, Countdown, newNotes } from "./countdown.js";
import { Handshake } from "./handshake.js";
import { Link } from "./link.js";

const OFFER_MS = 20_000;
const TOLD_MS = 60_000;
const LOW_US = 5 * 60e6;
const AGAIN_MS = 2000;

const $ = (selector) => document.querySelector(selector);
const bar = $("[data-page]");
const frame = $("[data-frame]");
const countdown = new Countdown();
const known = new Set();
let first = true;
let beside = null; // the exam page in a window of its own
let leaving = false;
let atEnd = false;

countdown.learn(bar.dataset.leftUs === "" ? null : Number(bar.dataset.leftUs), bar.dataset.moving === "yes");

function paint() {
  const left = countdown.leftUs();
  $("[data-left]").textContent = left === null ? "-:--" : clockFace(left);
  bar.classList.toggle("bar-low", left !== null && left < LOW_US);
  bar.classList.toggle("bar-still", countdown.moving);
  $(".bar-time").classList.toggle("bar-none", left === null);
  $("[data-ask-left]").textContent = left === null || left === 0 ? "" : _("You still have {time}.", { time: clockFace(left) });
  if (left === 0 && !atEnd) { atEnd = true; tell([_("Your time is over. Hand in your answers on the exam page now.")]); link.soon(); }
  if (left) atEnd = false;
}

/** Say something beside the exam, for a minute; it is never laid over it. */
function tell(sentences) {
  for (const sentence of sentences) {
    const line = Object.assign(document.createElement("p"), { textContent: sentence });
    const close = Object.assign(document.createElement("button"), { type: "button", className: "plain", textContent: _("Understood") });
    close.addEventListener("click", () => line.remove());
    line.append(" ", close);
    $("[data-told]").append(line);
    setTimeout(() => line.remove(), TOLD_MS);
  }
}

/** Lay a sheet over the exam; the exam stays loaded below it, out of reach. */
function cover(sheet, on) {
  if (sheet.hidden !== on) return;
  sheet.hidden = !on;
  const covered = [...document.querySelectorAll(".cover")].some((one) => !one.hidden);
  if (frame) frame.inert = covered;
  bar.classList.toggle("bar-covered", covered);
  if (on) sheet.focus({ preventScroll: true });
}

function show(state, sentAt) {
  if (state.step !== "exam") { over(state); return; }
  cover($("[data-over]"), false);
  $("[data-finish]").disabled = false;
  countdown.learn(state.left_us, state.moving, (sentAt + performance.now()) / 2);
  $("[data-state]").textContent = state.state;
  $("[data-until]").textContent = state.until ? _("until {time}", { time: state.until }) : "";
  $("[data-cover-heading]").textContent = state.heading;
  $("[data-cover-text]").textContent = state.text;
  cover($("[data-cover]"), Boolean(state.cover));
  const fresh = newNotes(state.notes, known, state.moving);
  if (!first || performance.now() > OFFER_MS) tell(fresh.map((note) => _("{what} You have until {time}.", { what: note.words, time: state.until })));
  first = false;
  paint();
}

/** It is over, here or by somebody else; the way back is offered. */
function over(state) {
  const back = $("[data-return]");
  back.hidden = !state.return_url;
  if (state.return_url) back.href = state.return_url;
  $("[data-finish]").disabled = true;
  countdown.learn(null, false);
  $("[data-state]").textContent = _("Finished");
  $("[data-told]").replaceChildren();
  $("[data-until]").textContent = "";
  if ($("[data-ask]").open) $("[data-ask]").close();
  cover($("[data-cover]"), false);
  cover($("[data-over]"), true);
  paint();
  if (leaving && state.return_url) location.assign(state.return_url);
}

const link = new Link({ base: bar.dataset.base, formToken: bar.dataset.formToken }, {
  told: show,
  lost: (gone) => { $("[data-link-lost]").hidden = !gone; },
  refused: () => cover($("[data-taken]"), true),
});

// The exam page: loaded once, greeted each time it has loaded.
if (frame) {
  const greeting = new Handshake((word, origin) => frame.contentWindow?.postMessage(word, origin), bar.dataset.ready, bar.dataset.origin);
  frame.addEventListener("load", () => greeting.begin());
  frame.src = bar.dataset.address;
  setTimeout(() => { if (!sessionStorage.getItem(`shows:${bar.dataset.base}`)) $("[data-offer]").hidden = false; }, OFFER_MS);
  $("[data-reload]").addEventListener("click", () => { frame.src = bar.dataset.address; $("[data-trouble]").open = false; });
} else {
  $("[data-reload]").hidden = true;
}

$("[data-offer-close]").addEventListener("click", () => {
  sessionStorage.setItem(`shows:${bar.dataset.base}`, "yes");
  $("[data-offer]").hidden = true;
});

for (const button of document.querySelectorAll("[data-window]")) {
  button.addEventListener("click", () => {
    beside = open(bar.dataset.address || $("[data-trouble] a").href, "exam");
    $("[data-offer]").hidden = true;
    $("[data-trouble]").open = false;
    if (!beside) { tell([_("The browser did not open a window. Choose “Open it in this window” under “Help”.")]); return; }
    if (bar.dataset.origin) new Handshake((word, origin) => beside.postMessage(word, origin), bar.dataset.ready, bar.dataset.origin).begin();
  });
}

/** A frame of ours that the exam page has led to the box: it asks for the end, or to be begun again. */
addEventListener("message", (event) => {
  if (event.origin !== location.origin || !frame || event.source !== frame.contentWindow) return;
  if (event.data?.exambox === "finish") end(String(event.data.target ?? ""));
  else if (event.data?.exambox === "start") restart();
});

const RESTARTS = 3;

/** The exam page missed the greeting and went back to the start: it is opened again, a few times. */
function restart() {
  const key = `restarts:${bar.dataset.base}`;
  const times = Number(sessionStorage.getItem(key) ?? 0) + 1;
  sessionStorage.setItem(key, String(times));
  if (times <= RESTARTS) { frame.src = bar.dataset.address; return; }
  $("[data-offer]").hidden = false;
}

// The end: a second question, then as often as it takes.
const ask = $("[data-ask]");
$("[data-finish]").addEventListener("click", () => { $("[data-ask-problem]").textContent = ""; ask.showModal(); });
$("[data-stay]").addEventListener("click", () => ask.close());
$("[data-sure]").addEventListener("click", () => end());

async function end(target = "") {
  const sure = $("[data-sure]");
  leaving = true;
  sure.disabled = true;
  try {
    await link.act("finish", { sure: "yes", redirectUrl: target });
    ask.close();
  } catch (problem) {
    if (!problem.status) {
      if (!ask.open) ask.showModal();
      $("[data-ask-problem]").textContent = _("The room's box does not answer. It is tried again by itself; stay on this page.");
      setTimeout(() => end(target), AGAIN_MS);
      return;
    }
    leaving = false;
    $("[data-ask-problem]").textContent = [problem.message, problem.hint, _("If it stays, raise your hand.")].filter(Boolean).join(" ");
  }
  sure.disabled = false;
}

setInterval(paint, 250);
paint();
link.begin();
