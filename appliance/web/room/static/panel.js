// The bar of the recording and the banners: what the box says of itself.

import { _, _n } from "/static/text.js";
import { Zone, duration, size } from "/static/words.js";

const $ = (selector) => document.querySelector(selector);
const zone = new Zone();

function write(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

export function banner(name, shown) {
  const element = $(`[data-banner="${name}"]`);
  if (element && element.hidden === shown) element.hidden = !shown;
}

function fact(name, text, kind = "", note = "") {
  const element = $(`[data-fact="${name}"]`);
  if (element.dataset.said === `${text}|${note}`) return;
  element.dataset.said = `${text}|${note}`;
  element.replaceChildren(text, ...(note ? [Object.assign(document.createElement("small"), { textContent: note })] : []));
  element.className = kind;
}

// What stands as the asking person where a trial box began to record by itself.
const FIRST_START = "first start";

/** Is it recorded, which sitting, since when, by whom. */
export function showRecording(facts, cameras, { heard, sinceS }) {
  const { wish, capture } = facts;
  const wanted = cameras.filter((camera) => camera.enabled).length;
  const seals = ({ recording, state }) => recording && state !== "lost";
  const sealing = cameras.filter((camera) => seals(facts[`camera.${camera.id}`] ?? {})).length;
  const partly = wish && (!capture?.available || sealing < wanted || !wanted);
  $("[data-lamp]").dataset.on = !heard ? "warn" : wish ? (partly ? "warn" : "yes") : "no";
  let words = wish ? _("Recording") : _("Not recording");
  if (!heard) words = _("Recording: state unknown");
  else if (partly && capture?.available && wanted) words = _("Recording {sealing} of {wanted} cameras", { sealing, wanted });
  else if (partly) words = _("Recording is asked for");
  write($("[data-recording-words]"), words);
  write($("[data-recording-detail]"), wish
    ? _("Sitting {sitting}, for {time}, started by {name}", { sitting: wish.sitting, time: duration(sinceS(wish.since_us)), name: wish.by === FIRST_START ? _("the first start") : wish.by })
    : _("Live pictures are shown; nothing is kept."));
  $("[data-start]").hidden = Boolean(wish);
  $("[data-stop]").hidden = !wish;
}

function fullWords(minutes, nowUs) {
  const days = Math.floor(minutes / (24 * 60));
  if (days >= 2) return _n("enough for 1 day at this rate", "enough for {num} days at this rate", days);
  return _("enough for {time} at this rate, until {clock}", { time: duration(minutes * 60), clock: zone.clock(nowUs + minutes * 60e6).slice(0, 5) });
}

/** Disk, clock, keys, and whether capture answers. */
export function showBox(facts, { heard, nowUs }) {
  const { capture, disk, clock, keyring } = facts;
  banner("touch", !heard);
  banner("capture", heard && !capture.available);
  if (!capture.available) {
    write($("[data-capture-message]"), capture.message ?? "");
    write($("[data-capture-hint]"), capture.hint ?? "");
  }
  const known = heard && capture.available && Number.isFinite(disk.free);
  const full = known && Number.isFinite(disk.minutes_left) ? fullWords(disk.minutes_left, nowUs) : "";
  const level = known ? disk.state ?? "ok" : "ok";
  fact("disk", known ? size(disk.free) : _("unknown"), { warn: "warn", delete: "warn", stop: "bad" }[level] ?? "", full);
  banner("disk", level !== "ok");
  write($("[data-disk-message]"), level === "stop" ? _("The disk is full: recording has stopped.") : _("The disk is getting full."));
  write($("[data-disk-hint]"), level === "delete" ? _("Recordings that may go by rule are being deleted.") : _("Release holds, shorten retention, or use a larger disk."));
  const trusted = heard ? clock.trusted : null;
  fact("clock", trusted === true ? _("trusted") : trusted === false ? _("not trusted") : _("unknown"), trusted === false ? "warn" : "",
    trusted === false ? _("not synchronised") : "");
  const answers = heard && keyring.available;
  const locked = answers && keyring.locked;
  fact("keyring", !heard ? _("unknown") : !answers ? _("not available") : locked ? _("locked") : _("unlocked"), heard && !answers ? "warn" : "");
  $("[data-lock]").hidden = !answers || locked;
  banner("locked", Boolean(locked));
  banner("trial", Boolean(answers && keyring.unlocks_itself && !locked));
}

/** The session's end, when it is near. */
export function showSession(leftS) {
  const near = leftS < 120;
  banner("session", near);
  if (near) write($("[data-session-left]"), duration(leftS));
}

const named = (words, names) => `${words} ${names.join(", ")}`;

/** What is said when nothing is wrong; a camera that is switched off is not passed over. */
function allWell(tiles) {
  const on = tiles.filter((tile) => tile.enabled).length;
  const off = tiles.filter((tile) => !tile.enabled).map((tile) => tile.name);
  const parts = on ? [_n("The camera delivers.", "All {num} cameras deliver.", on)] : [];
  if (off.length) parts.push(named(_("Camera is off") + ":", off));
  return parts.join(" ");
}

/** One line for the whole room, worst news first. */
export function showSummary(tiles, { heard }) {
  const place = $("[data-summary]");
  if (!place) return;
  const lost = tiles.filter((tile) => tile.problem === "yes");
  const perhaps = tiles.filter((tile) => tile.problem === "perhaps");
  const kind = lost.length ? "bad" : perhaps.length || !heard ? "warn" : "good";
  if (place.dataset.kind !== kind) place.dataset.kind = kind;
  if (lost.length) write(place, named(_n("1 camera has a problem:", "{num} cameras have a problem:", lost.length), lost.map((tile) => tile.name)));
  else if (!heard) write(place, _("No news from the box; pictures that move are live."));
  else if (perhaps.length) write(place, named(_n("1 camera is starting:", "{num} cameras are starting:", perhaps.length), perhaps.map((tile) => tile.name)));
  else write(place, allWell(tiles));
}
