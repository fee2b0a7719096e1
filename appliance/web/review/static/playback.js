// The page of one recording: player, timeline, export, verification. Grows while the recording does.

import { getJson, tell, wireUnlockForms } from "/static/api.js";
import { duration, Zone } from "/static/words.js";
import { orderCheck, orderExport } from "./orders.js";
import { Player } from "./player.js";
import { Reel } from "./reel.js";

const GROW_MS = 2000;
const ARROW_S = 10;
const BIG_ARROW_S = 60;

const $ = (selector) => document.querySelector(selector);
const page = $("[data-playback]");
const zone = new Zone(page.dataset.timezone);
const reel = new Reel();
const exportForm = $("[data-export]");
let player = null;
let chosen = false; // the person set the export's times; do not move them any more

function veil(title, reason = "") {
  const element = $("[data-veil]");
  if (!element) return;
  element.hidden = !title;
  $("[data-veil-title]").textContent = title;
  $("[data-veil-reason]").textContent = reason;
}

function span(name, at, until) {
  const made = document.createElement(name);
  const length = reel.length || 1;
  made.style.left = `${(100 * Math.max(0, at)) / length}%`;
  made.style.width = `${(100 * Math.max(0, Math.min(until, length) - Math.max(0, at))) / length}%`;
  return made;
}

function showGaps() {
  const list = $("[data-gap-list]");
  const items = reel.gaps.map((gap) => {
    const item = document.createElement("li");
    const words = `${zone.clock(gap.start)}, ${duration((gap.end - gap.start) / 1e6)}: ${gap.words}`;
    if (!player) { item.textContent = words; return item; }
    const button = Object.assign(document.createElement("button"), { type: "button", className: "quiet small-button", textContent: words });
    button.addEventListener("click", () => jump(gap.at - 2));
    item.append(button);
    return item;
  });
  if (items.length) list.replaceChildren(...items);
  $("[data-gaps]")?.replaceChildren(...reel.gaps.map((gap) => Object.assign(span("span", gap.at, gap.until), { title: gap.words })));
}

function showPlace() {
  if (!player) return;
  const place = Math.min(player.place, reel.length);
  const wall = reel.wallAt(place);
  const slider = $("[data-timeline]");
  $("[data-head]").style.left = `${(100 * place) / (reel.length || 1)}%`;
  slider.setAttribute("aria-valuemax", Math.round(reel.length));
  slider.setAttribute("aria-valuenow", Math.round(place));
  slider.setAttribute("aria-valuetext", reel.segments.length ? zone.words(wall) : "");
  $("[data-clock]").textContent = reel.segments.length ? `${zone.words(wall)}` : "";
  $("[data-clock]").title = `${duration(place)} of ${duration(reel.length)}`;
  $("[data-play]").textContent = player.wantsToPlay ? "Pause" : "Play";
  if (player.wantsToPlay && !reel.open && place >= reel.length - 0.3) player.pause();
}

function showClip() {
  const clip = $("[data-clip]");
  const [from, to] = clipTimes();
  if (!clip || from === null || to === null || !reel.segments.length) return;
  const shown = span("i", reel.placeOf(from), reel.placeOf(to));
  clip.style.left = shown.style.left;
  clip.style.width = shown.style.width;
  clip.hidden = !chosen;
}

function clipTimes() {
  return ["from", "to"].map((name) => zone.fromField(exportForm.elements[name].value, reel.lastEnd ?? 0));
}

function proposeClip() {
  if (chosen || !reel.segments.length) return;
  const end = Math.floor(reel.lastEnd / 1e6) * 1e6;
  exportForm.elements.to.value = zone.toField(end);
  exportForm.elements.from.value = zone.toField(Math.max(reel.origin, end - 60e6));
}

async function grow() {
  const before = reel.segments.length;
  try {
    const query = before ? `?after=${reel.lastEnd}` : "";
    reel.add(await getJson(page.dataset.index + query, { background: true }));
  } catch (problem) {
    if (problem.status === 401) { tell(problem); return; }
    if (!before) veil("The recording cannot be read", `${problem.message} ${problem.hint ?? ""}`);
  }
  proposeClip();
  showGaps();
  showClip();
  showPlace();
  if (!before && reel.segments.length) firstPicture();
  else if (!before) veil("No pictures yet", "The first seconds are being sealed.");
  if (reel.open || page.dataset.running === "yes" || !reel.segments.length) setTimeout(grow, GROW_MS);
}

function firstPicture() {
  if (!player) return;
  const asked = Number(new URLSearchParams(location.search).get("at"));
  veil("");
  player.seek(asked ? reel.placeOf(asked) : 0);
}

function failed(problem) {
  if (problem.status === 401) { tell(problem); return; }
  if (problem.status === 423) { location.reload(); return; }
  player.pause();
  veil("This cannot be played", `${problem.message} ${problem.hint ?? ""}`);
}

function jump(place) {
  veil("");
  player.seek(place);
}

function toggle() {
  if (player.wantsToPlay) player.pause();
  else player.play();
  showPlace();
}

function wirePlayer() {
  player = new Player($(".screen video"), reel, page.dataset.index, { changed: showPlace, failed });
  $("[data-play]").addEventListener("click", toggle);
  $(".screen").addEventListener("click", toggle);
  $("[data-back]").addEventListener("click", () => jump(player.place - ARROW_S));
  $("[data-forward]").addEventListener("click", () => jump(player.place + ARROW_S));
  $("[data-minute-ago]").addEventListener("click", async () => {
    player.wantsToPlay = true;
    await player.seek(reel.placeOf(reel.open ? Date.now() * 1000 - 60e6 : reel.lastEnd - 60e6));
    player.play();
    veil("");
  });
  $("[data-speed]").addEventListener("change", (event) => player.setRate(Number(event.target.value)));
  const line = $("[data-timeline]");
  const placeOf = (event) => {
    const track = $(".timeline-track").getBoundingClientRect();
    return (Math.min(Math.max(0, event.clientX - track.left), track.width) / track.width) * reel.length;
  };
  line.addEventListener("pointerdown", (event) => { line.setPointerCapture(event.pointerId); jump(placeOf(event)); });
  line.addEventListener("pointermove", (event) => { if (line.hasPointerCapture(event.pointerId)) jump(placeOf(event)); });
  $("[data-player]").addEventListener("keydown", (event) => {
    if (event.target.closest("button, select, input")) return;
    const step = event.shiftKey ? BIG_ARROW_S : ARROW_S;
    const moves = { ArrowLeft: () => jump(player.place - step), ArrowRight: () => jump(player.place + step), Home: () => jump(0), End: () => jump(reel.length), " ": toggle, k: toggle };
    if (!moves[event.key]) return;
    event.preventDefault();
    moves[event.key]();
  });
}

exportForm.addEventListener("input", () => { chosen = true; showClip(); });
exportForm.addEventListener("submit", (event) => {
  event.preventDefault();
  const [from, to] = clipTimes();
  orderExport(page.dataset.exports, { from_us: Math.round(from ?? -1), to_us: Math.round(to ?? -1) }, $("[data-export-result]"));
});
for (const button of document.querySelectorAll("[data-take]")) {
  button.hidden = page.dataset.locked === "yes";
  button.addEventListener("click", () => {
    const up = button.dataset.take === "to" ? 1e6 - 1 : 0;
    exportForm.elements[button.dataset.take].value = zone.toField(Math.floor((reel.wallAt(player.place) + up) / 1e6) * 1e6);
    chosen = true;
    showClip();
  });
}
$("[data-verify]").addEventListener("submit", (event) => {
  event.preventDefault();
  orderCheck(page.dataset.checks, event.target.elements.level.value, $("[data-verify-result]"));
});
wireUnlockForms();
if (page.dataset.locked === "no") wirePlayer();
grow();
