// The live page: pictures, and the room's state once a second while somebody can see it.

import { getJson, notice, post, tell, wireUnlockForms } from "/static/api.js";
import { bitrate, duration, size } from "/static/words.js";
import { LivePicture } from "./picture.js";

const MOVING_AT_ONCE = 4; // a browser opens six connections to one server; state and buttons need some of them
const POLL_MS = 1000;
const OUT_OF_TOUCH_MS = 4000;
const RELOAD_EVERY_MS = 10_000;

const $ = (selector, root = document) => root.querySelector(selector);
const tiles = new Map();
let status = null;
let heard = performance.now();
let pollTimer = 0;

class Tile {
  constructor(element, index) {
    this.element = element;
    this.stills = index >= MOVING_AT_ONCE;
    this.facts = null;
    this.picture = new LivePicture(element, (state, reason) => { this.seen = { state, reason }; this.show(); });
    this.seen = { state: "starting", reason: "" };
  }

  /** What capture says outweighs what the picture seems to show: a lost camera is never shown as alive. */
  show() {
    let { state, reason } = this.seen;
    let title = state === "starting" ? "Connecting…" : "No picture";
    if (outOfTouch()) { state = "lost"; title = "No connection"; reason = "The box does not answer."; }
    else if (this.facts && this.facts.state !== "live") {
      state = this.facts.state === "starting" ? "starting" : "lost";
      title = { starting: "Camera is starting…", stopped: "Camera is off" }[this.facts.state] ?? "Camera lost";
      reason = this.facts.message || this.facts.reason || "";
    }
    this.element.dataset.state = state;
    $("[data-veil-title]", this.element).textContent = title;
    $("[data-veil-reason]", this.element).textContent = state === "lost" ? withSince(reason, this.facts) : "";
    const badge = $("[data-live-badge]", this.element);
    badge.hidden = state !== "live" && state !== "stills";
    badge.textContent = state === "stills" ? "Still pictures" : "Live";
    badge.title = state === "stills" ? reason : "";
  }

  update(facts) {
    this.facts = facts;
    this.at = performance.now();
    this.show();
    this.tick();
    const parts = facts && facts.state === "live"
      ? [`${facts.width}×${facts.height}`, `${(facts.fps_milli / 1000).toFixed(facts.fps_milli % 1000 ? 1 : 0)} fps`, bitrate(facts.kbit), `${facts.viewers} watching`]
      : [];
    if (facts?.gaps) parts.push(`${facts.gaps} ${facts.gaps === 1 ? "gap" : "gaps"}`);
    if (facts?.restarts) parts.push(`${facts.restarts} ${facts.restarts === 1 ? "restart" : "restarts"}`);
    $("[data-metrics]", this.element).textContent = parts.join(" · ");
  }

  tick() {
    const seal = $(".seal", this.element);
    const words = $("[data-seal-words]", this.element);
    const facts = this.facts;
    if (!facts || outOfTouch()) { seal.dataset.seal = "unknown"; words.textContent = "Sealing unknown"; return; }
    if (!facts.recording) { seal.dataset.seal = "off"; words.textContent = "Not being recorded"; return; }
    if (facts.last_segment_age_ms === null || facts.last_segment_age_ms === undefined) { seal.dataset.seal = "late"; words.textContent = "Nothing sealed yet"; return; }
    const seconds = (facts.last_segment_age_ms + performance.now() - this.at) / 1000;
    seal.dataset.seal = seconds < 5 ? "fresh" : seconds < 12 ? "late" : "stale";
    words.textContent = seconds < 60 ? `Sealed ${seconds.toFixed(1)} s ago` : `Sealed ${duration(seconds)} ago`;
  }
}

function outOfTouch() {
  return performance.now() - heard > OUT_OF_TOUCH_MS;
}

function withSince(reason, facts) {
  if (!facts?.since_us || facts.state === "live" || !status) return reason;
  const seconds = (status.now_us - facts.since_us) / 1e6 + (performance.now() - heard) / 1000;
  return seconds >= 1 ? `${reason ? `${reason}, ` : ""}for ${duration(seconds)}` : reason;
}

function banner(name, shown) {
  const element = $(`[data-banner="${name}"]`);
  if (element && element.hidden === shown) element.hidden = !shown;
}

function fact(name, text, kind = "") {
  const element = $(`[data-fact="${name}"]`);
  element.textContent = text;
  element.className = kind;
}

function showRecording({ wish, capture, now_us: now }) {
  const cameras = capture.cameras ?? [];
  const sealing = cameras.filter((camera) => camera.recording).length;
  const unsealed = wish && (!capture.available || sealing < cameras.length || !cameras.length);
  $("[data-lamp]").dataset.on = wish ? (unsealed ? "warn" : "yes") : "no";
  $("[data-recording-words]").textContent = wish ? (unsealed && capture.available && cameras.length ? `Recording ${sealing} of ${cameras.length} cameras` : unsealed ? "Recording is asked for" : "Recording") : "Not recording";
  $("[data-recording-detail]").textContent = wish
    ? `Sitting ${wish.sitting}, since ${duration((now - wish.since_us) / 1e6)}, started by ${wish.by}`
    : "Live pictures are shown; nothing is kept.";
  $("[data-start]").hidden = Boolean(wish);
  $("[data-stop]").hidden = !wish;
}

function showBox({ capture, keyring }) {
  banner("capture", !capture.available);
  if (!capture.available) {
    $("[data-capture-message]").textContent = capture.message;
    $("[data-capture-hint]").textContent = `${capture.hint} Recordings made so far are safe.`;
  }
  const disk = capture.disk ?? {};
  const free = disk.free_bytes ?? disk.free;
  const level = disk.state ?? "ok";
  const hours = Number.isFinite(disk.minutes_left) ? `, about ${duration(disk.minutes_left * 60)}` : "";
  fact("disk", Number.isFinite(free) ? size(free) + hours : "unknown", { warn: "warn", delete: "warn", stop: "bad" }[level] ?? "");
  banner("disk", level !== "ok" && capture.available);
  if (level !== "ok") {
    $("[data-disk-message]").textContent = level === "stop" ? "The disk is full: recording has stopped." : "The disk is getting full.";
    $("[data-disk-hint]").textContent = level === "delete" ? "Recordings that may go by rule are being deleted." : "Release holds, shorten retention, or use a larger disk.";
  }
  const trusted = capture.clock?.trusted;
  fact("clock", trusted === undefined ? "unknown" : trusted ? "trusted" : "not trusted", trusted === false ? "warn" : "");
  $('[data-fact="clock"]').title = trusted === false ? "This box's clock is not synchronised; recordings say so." : "";
  const locked = keyring.available && keyring.locked;
  fact("keyring", keyring.available ? (locked ? "locked" : "unlocked") : "not available", keyring.available ? "" : "warn");
  $("[data-lock]").hidden = !keyring.available || locked;
  banner("locked", locked);
  banner("trial", Boolean(keyring.available && keyring.unlocks_itself && !locked));
}

function showSession(left) {
  banner("session", left < 120);
  $("[data-session-left]").textContent = duration(left);
}

function show() {
  const known = new Map((status.capture.cameras ?? []).map((camera) => [camera.camera, camera]));
  if (status.capture.available) {
    for (const id of known.keys()) if (!tiles.has(id) && mayReload()) { location.reload(); return; }
  }
  showRecording(status);
  showBox(status);
  showSession(status.session.ends_in_s);
  for (const [id, tile] of tiles) tile.update(known.get(id) ?? null);
}

/** A new camera needs a tile; but however capture and database disagree, the page is not reloaded over and over. */
function mayReload() {
  if (Date.now() - Number(sessionStorage.getItem("reloaded") ?? 0) < RELOAD_EVERY_MS) return false;
  sessionStorage.setItem("reloaded", String(Date.now()));
  return true;
}

async function poll() {
  clearTimeout(pollTimer);
  try {
    status = await getJson("/api/status", { background: true, signal: AbortSignal.timeout(3500) });
    heard = performance.now();
    show();
  } catch (problem) {
    if (problem.status === 401) { tell(problem); return; }
    if (outOfTouch()) {
      $("[data-lamp]").dataset.on = "warn";
      $("[data-recording-words]").textContent = "Recording: state unknown";
      banner("capture", true);
      $("[data-capture-message]").textContent = "No connection to the box.";
      $("[data-capture-hint]").textContent = "It is tried again each second. Recording does not depend on this page.";
    }
  }
  if (!document.hidden) pollTimer = setTimeout(poll, POLL_MS);
}

async function act(button, path, done) {
  button.disabled = true;
  try {
    await post(path);
    notice(done);
  } catch (problem) {
    tell(problem);
  } finally {
    button.disabled = false;
    poll();
  }
}

function wireButtons() {
  const start = $("[data-start]");
  const stop = $("[data-stop]");
  const ask = $("#ask-stop");
  start.addEventListener("click", () => act(start, "/api/recording/start", "Recording has been started."));
  stop.addEventListener("click", () => { ask.returnValue = "no"; ask.showModal(); });
  ask.addEventListener("close", () => { if (ask.returnValue === "yes") act(stop, "/api/recording/stop", "Recording has been stopped."); });
  $("[data-lock]").addEventListener("click", (event) => act(event.currentTarget, "/api/keyring/lock", "Playback is locked."));
  $("[data-stay]").addEventListener("click", (event) => act(event.currentTarget, "/api/session", "You stay signed in."));
  wireUnlockForms(poll);
}

function visible() {
  if (document.hidden) {
    clearTimeout(pollTimer);
    for (const tile of tiles.values()) tile.picture.stop();
  } else {
    heard = performance.now();
    for (const tile of tiles.values()) tile.picture.start({ stills: tile.stills });
    poll();
  }
}

document.querySelectorAll("[data-camera]").forEach((element, index) => tiles.set(element.dataset.camera, new Tile(element, index)));
wireButtons();
document.addEventListener("visibilitychange", visible);
setInterval(() => { for (const tile of tiles.values()) { tile.tick(); tile.show(); } }, 200);
visible();
