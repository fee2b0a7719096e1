// The page of a sitting: all its cameras on one clock. This file puts the parts together.

import { getJson, notice, tell, wireUnlockForms } from "/static/api.js";
import { _ } from "/static/text.js";
import { duration } from "/static/words.js";
import { Bookmarks } from "./bookmarks.js";
import { MasterClock } from "./clock.js";
import { Deck } from "./deck.js";
import { calmly, make } from "./dom.js";
import { Judging } from "./judging.js";
import { fillShortcuts, shortcuts, wireKeys } from "./keys.js";
import { Net } from "./net.js";
import { ExportPanel, showFacts, wireTabs, wireVerify } from "./panels.js";
import { Stage } from "./stage.js";
import { Theatre } from "./theatre.js";
import { Thumbs } from "./thumbs.js";
import { Timeline } from "./timeline.js";
import { linkedTime, linkTo } from "./times.js";
import { Track } from "./track.js";
import { Transport } from "./transport.js";
import { neighbour, View } from "./view.js";
import { ReviewZone } from "./zone.js";

const GROW_MS = 2000;
const CALM_MS = 20_000;
const EDGE_US = 4e6;
const GAP_LEAD_US = 1e6;

const $ = (selector) => document.querySelector(selector);
const root = $("[data-review]");
const { api } = root.dataset;
const playable = root.dataset.playable === "yes";
const marking = playable && $("[data-export]") !== null; // whoever only watches one session marks and exports nothing
const part = { from: Number(root.dataset.from) || null, to: Number(root.dataset.to) || null }; // a session's, of a longer recording
const MARKS = new Set(["bookmark", "markIn", "markOut", "clear", "export"]);
const zone = new ReviewZone();
const state = { overview: null, range: { from: null, to: null }, locked: root.dataset.locked === "yes", marks: [] };
const clock = new MasterClock();
const net = new Net({ connection: (there) => { $("[data-connection]").hidden = there; } });
const parts = {};

const gapsOf = (camera) => state.overview.gaps[camera] ?? [];
const factsOf = (camera) => state.facts.get(camera);

/** A camera of which nothing can be read has no times; it lies at the end, without length. */
function whole(overview) {
  for (const camera of overview.cameras) {
    camera.start_us ??= overview.end_us;
    camera.end_us ??= camera.start_us;
  }
  return overview;
}

function learn(overview) {
  state.overview = whole(overview);
  state.facts = new Map(overview.cameras.map((camera) => [camera.camera, {
    start_us: camera.start_us, end_us: camera.end_us, open: overview.open && ["open", "recording"].includes(camera.state), gaps: overview.gaps[camera.camera] ?? [],
  }]));
  clock.bounds(overview.start_us, overview.end_us);
  if (parts.theatre) parts.theatre.open = overview.open;
  parts.view?.grow(overview.start_us, overview.end_us);
  parts.exports?.show();
  parts.bookmarks?.set(overview.bookmarks ?? []);
  const codecs = new Map([...(parts.decks ?? [])].map(([camera, deck]) => [camera, deck.codecs]));
  showFacts($("[data-facts]"), { overview, codecs, zone, jump });
  $("[data-now]").hidden = !overview.open;
  parts.timeline?.paint();
}

function jump(us) { parts.theatre.seek(us); keepPlace(); parts.view.keep(us); }

const inside = (us) => Math.min(Math.max(us, clock.start), clock.end);

const keepPlace = calmly(1500, () => history.replaceState(null, "", linkTo(clock.now())));

const move = (seconds) => () => jump(clock.now() + seconds * 1e6);

function markList() {
  const gaps = parts.stage.shown.flatMap((camera) => gapsOf(camera).map(([from]) => Math.max(from - GAP_LEAD_US, clock.start)));
  return [...gaps, ...state.marks.map((mark) => mark.at_us)];
}

function toMark(direction) {
  const found = neighbour(markList(), clock.now(), direction);
  if (found === null) notice(direction > 0 ? _("No later gap or bookmark.") : _("No earlier gap or bookmark."));
  else jump(found);
}

function setRange(from, to) {
  if (!marking) return;
  if (from !== null && to !== null && from > to) [from, to] = [to, from];
  Object.assign(state.range, { from, to });
  $("[data-range-clear]").hidden = from === null && to === null;
  parts.exports?.show();
  parts.timeline.paint();
}

function bookmark() {
  if (!parts.bookmarks) return;
  const { from, to } = state.range;
  const marked = from !== null && to !== null;
  parts.bookmarks.open({ at_us: marked ? from : clock.now(), until_us: marked ? to : null, camera: parts.stage.layout === "focus" ? parts.stage.main : null });
}

function fullScreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else $("[data-theatre]").requestFullscreen?.().catch(() => notice(_("This browser has no full screen here.")));
}

const actions = {
  toggle: () => parts.theatre.toggle(),
  slower: () => parts.transport.changeSpeed(-1), faster: () => parts.transport.changeSpeed(1), normal: () => parts.transport.setSpeed(1),
  stepBack: () => parts.theatre.step(-1), stepOn: () => parts.theatre.step(1),
  back1: move(-1), on1: move(1), back10: move(-10), on10: move(10), back60: move(-60), on60: move(60),
  start: () => jump(clock.start),
  end: () => (state.overview.open ? actions.now() : jump(clock.end - 100_000)),
  now: () => { jump(Math.max(clock.start, clock.end - EDGE_US)); parts.transport.setSpeed(1); parts.theatre.play(); },
  next: () => toMark(1), previous: () => toMark(-1),
  jump: () => parts.transport.openJump(),
  bookmark,
  markIn: () => setRange(clock.now(), state.range.to !== null && state.range.to > clock.now() ? state.range.to : null),
  markOut: () => setRange(state.range.from !== null && state.range.from < clock.now() ? state.range.from : null, clock.now()),
  clear: () => setRange(null, null),
  export: () => { if (!parts.exports) return; parts.tab("export"); $("#panel-export").querySelector("input, button")?.focus(); },
  grid: () => parts.stage.setLayout("grid"), focus: () => parts.stage.setLayout("focus"),
  camera: (key) => parts.stage.enlarge(parts.stage.order[Number(key) - 1]),
  zoomIn: () => parts.timeline.zoom(2), zoomOut: () => parts.timeline.zoom(0.5), fit: () => parts.timeline.fit(),
  full: fullScreen,
  help: () => $("[data-keys-dialog]").showModal(),
};

function sheet() {
  const { stage } = parts;
  return {
    lanes: state.overview.cameras.map((camera, n) => ({
      number: n + 1, name: camera.name, start: camera.start_us, end: camera.end_us, gaps: gapsOf(camera.camera),
      shown: !stage.hidden.has(camera.camera), main: camera.camera === stage.main || stage.layout === "grid",
    })),
    bookmarks: state.marks, flags: parts.judging?.flags ?? [], part, range: state.range, place: clock.now(),
    doubled: [...(parts.decks?.values() ?? [])].flatMap((deck) => deck.track.doubled),
  };
}

function placeWords(us) {
  const lost = parts.stage.shown.filter((camera) => gapsOf(camera).some(([from, to]) => us >= from && us < to)).length;
  return lost ? _("{time}, {count} cameras without a recording here", { time: zone.words(us), count: lost }) : zone.words(us);
}

/** Whether a camera recorded at a time, as far as the overview tells. */
function recorded(camera, us) {
  const { start_us: start, end_us: end, open, gaps } = factsOf(camera);
  return us >= start && (us < end || open) && !gaps.some(([from, to]) => us >= from && us < to);
}

function hover(us, x) {
  if (!parts.thumbs) return;
  if (us === null || state.locked) { parts.thumbs.hide(); return; }
  const step = 2 ** Math.max(0, Math.ceil(Math.log2(((parts.view.span / parts.timeline.plot.width) * 6) / 1e6))) * 1e6;
  parts.thumbs.show(us, zone.words(us), step, parts.stage.shown);
  parts.thumbs.moveTo(x, $("[data-timeline]").clientWidth);
}

/** What stands where the clock stands; told at each tick, painted only where it changed. */
function show() {
  const wall = clock.now();
  const { theatre, stage, timeline, transport, view } = parts;
  stage.tell(theatre.decks, theatre.states, wall);
  transport.show({ wall, waiting: theatre.waiting, live: state.overview.open && clock.end - wall < 2 * EDGE_US });
  if (clock.running) { view.keep(wall); keepPlace(); }
  if (state.painted !== wall) { state.painted = wall; timeline.paint(); }
  const twice = theatre.main && theatre.decks.get(theatre.main)?.track.doubled.some(([from, to]) => wall >= from && wall < to);
  $("[data-twice]").hidden = !twice;
  const shown = theatre.main && theatre.decks.get(theatre.main)?.shownWall;
  root.dataset.shownAt = shown === null || shown === undefined ? "" : String(Math.round(shown));
}

function lock() {
  if (state.locked) return;
  state.locked = true;
  clock.pause();
  parts.thumbs?.forget();
  for (const deck of parts.decks.values()) deck.sleep();
  showLock();
}

function showLock() {
  $("[data-locked-card]").hidden = !state.locked;
  for (const option of document.querySelectorAll("[data-needs-key]")) option.disabled = state.locked;
  parts.exports?.show();
}

function unlocked() {
  state.locked = false;
  showLock();
  for (const deck of parts.decks.values()) deck.problem = null;
  parts.theatre.show(parts.stage.cast, parts.stage.main);
  parts.theatre.seek(clock.now());
}

function build() {
  const { cameras } = state.overview;
  const names = new Map(cameras.map((camera) => [camera.camera, camera.name]));
  parts.view = new View(state.overview.start_us, state.overview.end_us);
  parts.stage = new Stage($("[data-stage]"), {
    cameras, zone, sitting: root.dataset.sitting, toggle: () => parts.theatre.toggle(), sound: () => {},
    retry: (camera) => parts.decks.get(camera).retry(),
    changed: () => { if (parts.theatre) arrange(); },
  });
  parts.decks = new Map(cameras.map(({ camera }) => [camera, new Deck({
    video: parts.stage.tiles.get(camera).video, base: `${api}/${encodeURIComponent(camera)}`, track: new Track(), net, origin: state.overview.start_us,
    facts: () => factsOf(camera) ?? { start_us: 0, end_us: 0, open: false, gaps: [] }, clock, changed: () => {}, locked: lock, signedOut: tell,
  })]));
  parts.theatre = new Theatre({ clock, decks: parts.decks, changed: show, skipped: (us) => notice(_("{length} without pictures skipped.", { length: duration(us / 1e6) })) });
  parts.theatre.open = state.overview.open;
  parts.timeline = new Timeline($("[data-timeline-canvas]"), {
    view: parts.view, zone, sheet, hover, setRange, words: placeWords,
    seek: (us) => { parts.theatre.seek(us); keepPlace(); }, open: (mark) => (mark.go ? mark.go() : jump(mark.at_us)),
  });
  parts.transport = new Transport(root, { clock, zone, actions, jump });
  parts.transport.onSpeed = (rate) => parts.theatre.setRate(rate);
  parts.tab = wireTabs($("[data-tabs]"));
  if (playable) parts.thumbs = new Thumbs($("[data-scrub]"), { net, cameras, base: api, recorded });
  if (marking) {
    parts.exports = new ExportPanel({ form: $("[data-export]"), result: $("[data-export-result]"), path: `${api}/exports`, zone, state, names, changed: () => setRange(state.range.from, state.range.to) });
    parts.bookmarks = new Bookmarks({
      list: $("[data-bookmarks]"), count: $("[data-bookmark-count]"), dialog: $("[data-bookmark-dialog]"), base: `${api}/bookmarks`, zone, names, jump,
      changed: () => { state.marks = parts.bookmarks.items; parts.timeline.paint(); },
    });
    parts.bookmarks.changed();
    parts.bookmarks.resume();
  }
  if ($("[data-verify]")) wireVerify($("[data-verify]"), $("[data-verify-result]"), `${api}/checks`, names);
  if (root.dataset.session) parts.judging = new Judging({ root, tab: parts.tab, jump: (us) => jump(inside(us)), changed: () => parts.timeline.paint() });
  const table = shortcuts(cameras.length, { judging: Boolean(parts.judging) }).filter(({ act }) => marking || !MARKS.has(act));
  wireKeys(table, { ...actions, ...parts.judging?.actions });
  fillShortcuts($("[data-keys]"), table);
}

function arrange() {
  parts.theatre.show(state.locked || !playable ? [] : parts.stage.cast, parts.stage.main);
  const { stage } = parts;
  $("[data-hidden-cameras]").replaceChildren(...stage.order.filter((camera) => stage.hidden.has(camera)).map((camera) => {
    const name = state.overview.cameras.find((one) => one.camera === camera)?.name ?? camera;
    const back = make("button", { type: "button", className: "small-button", textContent: _("Show {name}", { name }) });
    back.addEventListener("click", () => stage.setHidden(camera, false));
    return back;
  }));
  for (const button of document.querySelectorAll("[data-layout-choice]")) {
    button.hidden = stage.order.length < 2;
    button.setAttribute("aria-pressed", String(stage.layout === button.dataset.layoutChoice));
  }
  parts.timeline.paint();
}

async function grow() {
  try {
    learn(await getJson(api, { background: true }));
  } catch (problem) {
    if (problem.status === 401) { tell(problem); return; }
  }
  setTimeout(grow, state.overview.open ? GROW_MS : CALM_MS);
}

function begin() {
  const asked = linkedTime(location.hash) ?? (Number(new URLSearchParams(location.search).get("at")) || null);
  if (part.from !== null && part.to > part.from) parts.view.show(part.from - 0.02 * (part.to - part.from), part.to + 0.02 * (part.to - part.from));
  clock.set(asked ?? (part.from === null ? clock.start : inside(part.from)));
  const camera = new URLSearchParams(location.search).get("camera");
  if (camera && parts.stage.order.includes(camera) && parts.stage.order.length > 1) parts.stage.enlarge(camera, "focus");
  arrange();
  if (!playable || state.locked) return;
  parts.theatre.seek(clock.now());
  parts.thumbs.prime(clock.now(), parts.stage.shown);
}

addEventListener("hashchange", ({ newURL }) => {
  // As it was asked for: by now the page may have written its own place over it.
  const asked = linkedTime(new URL(newURL).hash);
  if (asked !== null && Math.abs(asked - clock.now()) > 2000) { parts.theatre.seek(asked); parts.view.keep(asked); }
});
$("[data-later]")?.addEventListener("change", (event) => parts.theatre.choose(event.target.checked));
// Who clicks a tool of the player and then presses Space wants to play, not to press the tool again.
$("[data-theatre]").addEventListener("click", (event) => { if (event.detail) event.target.closest("button")?.blur(); });
for (const dialog of document.querySelectorAll("dialog")) dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
for (const close of document.querySelectorAll("[data-keys-dialog] [data-close]")) close.addEventListener("click", () => $("[data-keys-dialog]").close());
wireUnlockForms(unlocked);

/** The first answer may take a moment where the recording has just begun. */
async function start() {
  for (;;) {
    try {
      const overview = await getJson(api);
      if (overview.cameras.length && overview.start_us !== null) { learn(overview); break; }
      $("[data-opening]").textContent = _("No pictures yet: the first seconds are being sealed.");
    } catch (problem) {
      if (problem.status === 401) { tell(problem); return; }
      $("[data-opening]").textContent = `${problem.message} ${problem.hint ?? ""}`;
      if (problem.status === 404) return;
    }
    await new Promise((done) => setTimeout(done, GROW_MS));
  }
  build();
  learn(state.overview);
  $("[data-opening]").hidden = true;
  root.dataset.ready = "yes";
  showLock();
  begin();
  setTimeout(grow, state.overview.open ? GROW_MS : CALM_MS);
}

start();
