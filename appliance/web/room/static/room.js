// The room's page: all cameras or one of them large, the state of the box, recording and lock.

import { Alerts } from "/static/alerts.js";
import { notice, post, tell, wireUnlockForms } from "/static/api.js";
import { fillShortcuts, wireKeys } from "/static/review/keys.js";
import { _ } from "/static/text.js";
import { RoomEvents } from "./events.js";
import { shortcuts } from "./keys.js";
import { showBox, showRecording, showSession, showSummary } from "./panel.js";
import { LiveStream } from "./stream.js";
import { Tile } from "./tile.js";
import { order } from "./verdict.js";

const OUT_OF_TOUCH_MS = 4500;
const RELOAD_EVERY_MS = 10_000;
const STAYS_FIRST_MS = 3000;

const $ = (selector, root = document) => root.querySelector(selector);
const room = $("[data-room]");
const place = $("[data-cameras]");
const tiles = new Map([...document.querySelectorAll("[data-camera]")].map((element) => [element.dataset.camera, new Tile(element)]));
const byName = [...tiles.keys()];
const box = { facts: null, nowUs: 0, at: 0, sessionEndsUs: Infinity };
let large = room.dataset.large;
let calmSince = new Map();

const events = new RoomEvents(room.dataset.events, {
  news: (facts) => { box.facts = facts; heardNews(); },
  beat: (data) => { box.nowUs = data.now_us; box.at = performance.now(); box.sessionEndsUs = data.session_ends_us; },
  ended: () => tell({ status: 401 }),
});
const stream = room.dataset.pictures ? new LiveStream(room.dataset.pictures, {
  begun: () => { for (const id of shown()) tiles.get(id).stills.stop(); },
  message: (id, kind, payload) => { if (shown().includes(id)) tiles.get(id).player.take(kind, payload); },
  cut: (reason, problem) => {
    if (problem?.status === 401) { tell(problem); return; }
    for (const id of shown()) {
      tiles.get(id).cut(reason);
      if (problem?.status === 503) tiles.get(id).showStills(reason);
    }
  },
}) : null;

const alerts = new Alerts($("[data-alerts]"), () => events.hurry());

const nowUs = () => box.nowUs + (performance.now() - box.at) * 1000;
const shown = () => (large ? [large] : byName);
const context = () => ({ heard: box.facts !== null && events.silence < OUT_OF_TOUCH_MS, nowUs: nowUs(), sinceS: (us) => (nowUs() - us) / 1e6 });

function heardNews() {
  alerts.show(box.facts.alerts);
  const cameras = box.facts.cameras ?? [];
  if (cameras.some(({ id, name }) => tiles.get(id)?.name !== name) || cameras.length !== tiles.size) mayReload();
  for (const tile of tiles.values()) {
    tile.facts = box.facts[`camera.${tile.id}`] ?? null;
    tile.enabled = cameras.find(({ id }) => id === tile.id)?.enabled ?? true;
  }
  show();
}

/** Cameras that came, went or were named anew need other tiles; but the page is never reloaded over and over. */
function mayReload() {
  if (Date.now() - Number(sessionStorage.getItem("reloaded") ?? 0) < RELOAD_EVERY_MS) return;
  sessionStorage.setItem("reloaded", String(Date.now()));
  if (large && !box.facts.cameras.some(({ id }) => id === large)) location.assign(room.dataset.all);
  else location.reload();
}

function show() {
  const now = context();
  for (const tile of tiles.values()) if (!large || tile.id === large) tile.show(now);
  if (!box.facts) return;
  for (const tile of tiles.values()) if (large && tile.id !== large) showUnseen(tile, now);
  showRecording(box.facts, box.facts.cameras ?? [], now);
  showBox(box.facts, now);
  showSession((box.sessionEndsUs - nowUs()) / 1e6);
  showSummary([...tiles.values()], now);
  if (large) showStrip();
  else sort();
}

/** A camera that is not on the screen: what the box says of it is all there is. */
function showUnseen(tile, now) {
  const state = tile.facts?.state ?? "lost";
  tile.picture = { state: state === "lost" ? "lost" : state === "starting" ? "starting" : "live", reason: "" };
  tile.since = performance.now();
  tile.show(now);
}

/** Problems first; a camera that is well again goes back to its place after a moment. */
function sort() {
  const at = performance.now();
  const ranked = byName.map((id) => {
    if (tiles.get(id).problem === "yes") calmSince.set(id, at + STAYS_FIRST_MS);
    return { id, problem: (calmSince.get(id) ?? 0) > at ? "yes" : "no" };
  });
  const wanted = order(ranked);
  const focused = document.activeElement;
  for (const [index, id] of wanted.entries()) {
    const { element } = tiles.get(id);
    if (place.children[index] !== element) place.insertBefore(element, place.children[index]);
  }
  if (focused !== document.activeElement && place.contains(focused)) focused.focus({ preventScroll: true });
}

function showStrip() {
  const strip = $("[data-strip]");
  if (strip.children.length !== tiles.size) {
    strip.replaceChildren(...byName.map((id) => {
      const link = Object.assign(document.createElement("a"), { href: tiles.get(id).element.dataset.page, textContent: tiles.get(id).name });
      link.dataset.to = id;
      return link;
    }));
  }
  for (const link of strip.children) {
    const tile = tiles.get(link.dataset.to);
    Object.assign(link.dataset, { state: tile.state ?? "starting", problem: tile.problem });
    link.title = tile.reason ?? "";
    if (tile.id === large) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}

/** Show one camera large, or all of them (""). */
function enlarge(id, { remember = true } = {}) {
  if (id === large) return;
  const before = large;
  large = id;
  if (remember) history.pushState({ large: id }, "", id ? tiles.get(id).element.dataset.page : room.dataset.all);
  arrange(before);
  if (stream && !document.hidden) stream.show(shown());
  show();
  const focus = id ? $("[data-act=back]") : $("[data-open]", tiles.get(before)?.element ?? document);
  focus?.focus({ preventScroll: true });
}

/** Put the tiles as they are now to be seen; `before` is the camera that was large, "" for all of them. */
function arrange(before) {
  room.dataset.large = large;
  for (const tile of tiles.values()) {
    const isLarge = tile.id === large;
    tile.element.classList.toggle("is-large", isLarge);
    $("[data-open]", tile.element).href = isLarge ? room.dataset.all : tile.element.dataset.page;
    if (large && !isLarge) tile.stop();
    // What was not on the screen has no picture yet, whatever the box says of the camera.
    else if ((before && tile.id !== before) || tile.picture.state !== "live") tile.see("starting", "");
    tile.video.muted = true;
  }
  $("[data-large-bar]").hidden = !large;
  $("[data-strip]").hidden = !large;
  if (!large) { if (document.fullscreenElement) document.exitFullscreen(); return; }
  $("[data-large-name]").textContent = tiles.get(large).name;
  const sound = $("[data-act=sound]");
  sound.hidden = !tiles.get(large).facts?.audio;
  showSound(sound);
}

function showSound(button) {
  const { muted } = tiles.get(large).video;
  button.setAttribute("aria-pressed", String(!muted));
  const use = $("use", button);
  use.setAttribute("href", use.getAttribute("href").replace(/#.*/, muted ? "#muted" : "#sound"));
}

const beside = (step) => byName[(byName.indexOf(large) + step + byName.length) % byName.length];

const actions = {
  camera: (key) => { const id = byName[Number(key) - 1]; if (id) enlarge(id); },
  problem: () => { const found = byName.find((id) => tiles.get(id).problem === "yes"); if (found) enlarge(found); },
  record: () => $(box.facts?.wish ? "[data-stop]" : "[data-start]").requestSubmit(),
  help: () => $("#keys").showModal(),
  next: () => { if (large) enlarge(beside(1)); },
  previous: () => { if (large) enlarge(beside(-1)); },
  back: () => { if (large) enlarge(""); },
  full: () => {
    if (document.fullscreenElement) document.exitFullscreen();
    else if (large) room.requestFullscreen?.().catch(() => {});
  },
  sound: () => {
    if (!large || !tiles.get(large).facts?.audio) return;
    tiles.get(large).video.muted = !tiles.get(large).video.muted;
    showSound($("[data-act=sound]"));
  },
};

async function act(form, done, fields) {
  const button = $("button", form);
  button.disabled = true;
  try {
    await post(form.getAttribute("action"), fields);
    notice(done);
  } catch (problem) {
    tell(problem);
  } finally {
    button.disabled = false;
    events.hurry();
  }
}

function wireForms() {
  const ask = $("#ask-stop");
  const by = (form, what) => form.addEventListener("submit", (event) => { event.preventDefault(); what(); });
  by($("[data-start]"), () => act($("[data-start]"), _("Recording has been started.")));
  const why = $("#stop-why");
  by($("[data-stop]"), () => {
    const of = box.facts?.wish?.of ?? "";
    $("[data-of-sitting]", ask).hidden = !of;
    $("[data-of-sitting-words]", ask).textContent = of ? _("The sitting “{name}” is not over: say why its recording ends. The exam itself goes on.", { name: of }) : "";
    why.required = Boolean(of);
    why.value = "";
    ask.returnValue = "no";
    ask.showModal();
  });
  // The reason is asked for only by the one button that needs it.
  $("[value=no]", ask).formNoValidate = true;
  ask.addEventListener("close", () => { if (ask.returnValue === "yes") act($("[data-stop]"), _("Recording has been stopped."), { why: why.value }); });
  by($("[data-lock]"), () => act($("[data-lock]"), _("Playback is locked.")));
  $("[data-stay]").addEventListener("click", () => post("/api/session").then(() => { notice(_("You stay signed in.")); return events.hurry(); }).catch(tell));
  wireUnlockForms(() => events.hurry());
}

function wireClicks() {
  document.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    const target = event.target.closest("[data-open], [data-to], [data-act]");
    if (!target) return;
    event.preventDefault();
    if (target.dataset.to) enlarge(target.dataset.to);
    else if (target.dataset.act) actions[target.dataset.act]?.();
    else enlarge(large ? "" : target.closest("[data-camera]").dataset.camera);
  });
  addEventListener("popstate", () => {
    const id = byName.find((one) => tiles.get(one).element.dataset.page === location.pathname) ?? "";
    enlarge(id, { remember: false });
  });
  document.addEventListener("fullscreenchange", () => $("[data-act=full]")?.setAttribute("aria-pressed", String(Boolean(document.fullscreenElement))));
}

/** A page that nobody sees asks nothing of the box. */
function visible() {
  if (document.hidden) {
    events.stop();
    stream?.close();
    for (const tile of tiles.values()) tile.stop();
  } else {
    events.start();
    stream?.show(shown());
  }
}

const table = shortcuts(tiles.size);
fillShortcuts($("[data-key-list]"), table);
wireKeys(table, actions);
wireForms();
wireClicks();
if (large) arrange(large);
document.addEventListener("visibilitychange", visible);
addEventListener("pagehide", () => { events.stop(); stream?.close(); });
addEventListener("pageshow", (event) => { if (event.persisted) visible(); });
setInterval(show, 200);
visible();
