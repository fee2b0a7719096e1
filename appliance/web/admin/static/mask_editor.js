// The mask editor: areas drawn on the picture by mouse, finger or keyboard. The form's text is what is saved.

import { _ } from "/static/text.js";
import { MAX_AREAS, MAX_CORNERS, Masks } from "./mask_model.js";

const SCALE = 10_000; // the drawing's own units
const STEP = 0.005;
const BIG_STEP = 0.025;
const FINE_STEP = 0.001;
const RECTANGLE_FROM = 0.01;
const CLOSE_TO = 0.025;
const SVG = "http://www.w3.org/2000/svg";

const root = document.querySelector("[data-mask-editor]");
const $ = (selector) => root.querySelector(selector);
const stage = $("[data-stage]");
const drawing = $("[data-drawing]");
const handles = $("[data-handles]");
const field = $("#masks");
const form = $("[data-mask-form]");
const hint = $("[data-hint]");
const saved = field.value.trim();

const masks = new Masks(field.value, () => show());
let begun = null; // corners of an area that is being drawn
let rubber = null; // a rectangle that is being pulled open
let leaving = false;

const numbers = new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 1 });
const percent = (share) => `${numbers.format(share * 100)} %`;
const pointsOf = (corners) => corners.map(([x, y]) => `${Math.round(x * SCALE)},${Math.round(y * SCALE)}`).join(" ");

/** Where a pointer is on the picture, 0..1. */
function at(event) {
  const box = stage.getBoundingClientRect();
  return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
}

function shape(name, className, corners) {
  const element = document.createElementNS(SVG, name);
  element.setAttribute("class", className);
  element.setAttribute("points", pointsOf(corners));
  return element;
}

function show({ text = true } = {}) {
  drawing.replaceChildren(...masks.areas.map((area, index) => {
    const element = shape("polygon", index === masks.area ? "mask-area mask-chosen" : "mask-area", area);
    element.dataset.area = String(index);
    return element;
  }));
  if (rubber) drawing.append(shape("polygon", "mask-area mask-chosen", rubber));
  if (begun) drawing.append(shape("polyline", "mask-begun", begun));
  showHandles();
  if (text) field.value = masks.text;
  field.setCustomValidity("");
  $("[data-share]").textContent = percent(masks.share);
  enable();
}

/** Corners as buttons, kept as they are while they are used, so that focus and captured pointers survive. */
function showHandles() {
  const wanted = begun
    ? begun.map((corner, index) => ({ corner, kind: "begun", area: -1, index }))
    : masks.areas.flatMap((area, number) => area.map((corner, index) => ({ corner, kind: "corner", area: number, index })));
  const middle = !begun && masks.selected && masks.selected.length < MAX_CORNERS
    ? masks.selected.map((corner, index, all) => {
      const next = all[(index + 1) % all.length];
      return { corner: [(corner[0] + next[0]) / 2, (corner[1] + next[1]) / 2], kind: "middle", area: masks.area, index };
    }) : [];
  const all = [...wanted, ...middle];
  while (handles.children.length > all.length) handles.lastChild.remove();
  while (handles.children.length < all.length) handles.append(Object.assign(document.createElement("button"), { type: "button" }));
  all.forEach(({ corner, kind, area, index }, place) => {
    const handle = handles.children[place];
    handle.className = `mask-handle mask-${kind}`;
    handle.dataset.kind = kind;
    handle.dataset.area = String(area);
    handle.dataset.corner = String(index);
    handle.tabIndex = kind === "corner" ? 0 : -1;
    handle.toggleAttribute("aria-hidden", kind !== "corner");
    handle.setAttribute("aria-pressed", String(area === masks.area && index === masks.corner && kind === "corner"));
    handle.setAttribute("aria-label", kind === "corner"
      ? _("Area {area}, corner {corner}: {x} across, {y} down", { area: area + 1, corner: index + 1, x: percent(corner[0]), y: percent(corner[1]) })
      : "");
    handle.style.left = `${corner[0] * 100}%`;
    handle.style.top = `${corner[1] * 100}%`;
  });
}

/** Put focus on the selected corner; where there is none, on the button that begins an area. */
function focusCorner() {
  const corner = handles.querySelector(`[data-kind="corner"][data-area="${masks.area}"][data-corner="${Math.max(0, masks.corner)}"]`);
  (corner ?? root.querySelector('[data-act="area"]')).focus({ preventScroll: true });
}

function travel(step) {
  const onCorner = handles.contains(document.activeElement);
  step();
  if (onCorner || document.activeElement === document.body) focusCorner();
}

function enable() {
  const can = {
    area: masks.areas.length < MAX_AREAS,
    corner: Boolean(masks.selected) && masks.selected.length < MAX_CORNERS && !begun,
    "remove-corner": masks.corner >= 0 && !begun,
    "remove-area": Boolean(masks.selected) && !begun,
    undo: masks.past.length > 0,
    redo: masks.future.length > 0,
  };
  for (const button of root.querySelectorAll("[data-act]")) button.disabled = !can[button.dataset.act];
  root.querySelector('[data-act="area"]').setAttribute("aria-pressed", String(Boolean(begun)));
  const words = begun
    ? _("Tap the corners of the area one after the other. Enter or a tap on the first corner closes it; Escape gives up. Enter at once makes a rectangle.")
    : masks.areas.length
      ? _("Drag corners or whole areas. Keyboard: Tab to a corner, arrows move it (Shift far, Alt fine, with M the whole area), A adds a corner, Delete removes it.")
      : _("Pull a rectangle open on the picture, or choose “New area” and tap its corners.");
  if (hint.textContent !== words) hint.textContent = words;
}

function begin() { begun = []; masks.select(-1); stage.dataset.drawing = "yes"; root.querySelector('[data-act="area"]').focus({ preventScroll: true }); show(); }

function finish(keep) {
  const corners = begun;
  begun = null;
  delete stage.dataset.drawing;
  if (keep && corners.length >= 3) masks.add(corners);
  else if (keep) masks.addRectangle([0.4, 0.4], [0.6, 0.6]);
  show();
  if (keep) focusCorner();
}

const acts = {
  area: () => (begun ? finish(false) : begin()),
  corner: () => { masks.addCorner(); focusCorner(); },
  "remove-corner": () => { masks.removeCorner(); focusCorner(); },
  "remove-area": () => { masks.removeArea(); focusCorner(); },
  undo: () => travel(() => masks.undo()),
  redo: () => travel(() => masks.redo()),
};
for (const button of root.querySelectorAll("[data-act]")) button.addEventListener("click", () => acts[button.dataset.act]());
$("[data-preview]").addEventListener("change", (event) => { stage.dataset.preview = event.target.checked ? "yes" : "no"; });

// -- pointers: one gesture at a time, captured by the stage --------------------------------------------------------------

function follow(event, move, end) {
  stage.setPointerCapture(event.pointerId);
  const moved = (one) => { if (one.pointerId === event.pointerId) move(at(one)); };
  const ended = (one) => {
    if (one.pointerId !== event.pointerId) return;
    stage.removeEventListener("pointermove", moved);
    stage.removeEventListener("pointerup", ended);
    stage.removeEventListener("pointercancel", ended);
    end(at(one), one.type === "pointercancel");
  };
  stage.addEventListener("pointermove", moved);
  stage.addEventListener("pointerup", ended);
  stage.addEventListener("pointercancel", ended);
}

function dragCorner(event, area, corner) {
  const [x, y] = masks.areas[area][corner];
  const [fromX, fromY] = at(event);
  masks.select(area, corner);
  focusCorner();
  let marked = false;
  follow(event, ([nowX, nowY]) => {
    if (!marked) { masks.mark(); marked = true; }
    masks.place(area, corner, [x + nowX - fromX, y + nowY - fromY]);
  }, () => {});
}

function dragArea(event, area) {
  const origin = masks.areas[area].map(([x, y]) => [x, y]);
  const [fromX, fromY] = at(event);
  masks.select(area, 0);
  focusCorner();
  let marked = false;
  follow(event, ([x, y]) => {
    if (!marked) { masks.mark(); marked = true; }
    masks.shift(area, origin, x - fromX, y - fromY);
  }, () => {});
}

function drawCorner(point) {
  const [first] = begun;
  if (begun.length >= 3 && Math.hypot(first[0] - point[0], first[1] - point[1]) < CLOSE_TO) { finish(true); return; }
  begun.push(point.map((value) => Math.min(1, Math.max(0, value))));
  if (begun.length >= MAX_CORNERS) finish(true); else show();
}

function pullRectangle(event) {
  const from = at(event);
  follow(event, (to) => {
    const big = Math.abs(to[0] - from[0]) > RECTANGLE_FROM && Math.abs(to[1] - from[1]) > RECTANGLE_FROM;
    rubber = big ? [from, [to[0], from[1]], to, [from[0], to[1]]].map((corner) => corner.map((value) => Math.min(1, Math.max(0, value)))) : null;
    show();
  }, (_to, cancelled) => {
    const pulled = rubber;
    rubber = null;
    if (pulled && !cancelled) { masks.addRectangle(pulled[0], pulled[2]); focusCorner(); } else masks.select(-1);
  });
}

stage.addEventListener("pointerdown", (event) => {
  if (event.button !== 0 || stage.dataset.preview === "yes") return;
  event.preventDefault();
  if (begun) { drawCorner(at(event)); return; }
  const { kind, area, corner } = event.target.dataset;
  if (kind === "corner") dragCorner(event, Number(area), Number(corner));
  else if (kind === "middle") { masks.addCorner(Number(area), Number(corner)); dragCorner(event, Number(area), Number(corner) + 1); }
  else if (area !== undefined) dragArea(event, Number(area));
  else pullRectangle(event);
});

// -- keyboard ------------------------------------------------------------------------------------------------------------

let wholeArea = false;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

handles.addEventListener("focusin", (event) => {
  const { kind, area, corner } = event.target.dataset;
  if (kind === "corner" && (masks.area !== Number(area) || masks.corner !== Number(corner))) masks.select(Number(area), Number(corner));
});

root.addEventListener("keydown", (event) => {
  if (event.target.closest("textarea, input[type=text]")) return;
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") { event.preventDefault(); acts[event.shiftKey ? "redo" : "undo"](); return; }
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "y") { event.preventDefault(); acts.redo(); return; }
  if (event.ctrlKey || event.metaKey) return;
  if (begun && event.key === "Enter") { event.preventDefault(); finish(true); return; }
  if (begun && event.key === "Escape") { event.preventDefault(); finish(false); return; }
  if (event.key.toLowerCase() === "n" && !begun) { event.preventDefault(); begin(); return; }
  if (!event.target.closest("[data-handles]")) return;
  const arrow = ARROWS[event.key];
  if (arrow) {
    event.preventDefault();
    const step = event.shiftKey ? BIG_STEP : event.altKey ? FINE_STEP : STEP;
    masks.nudge(arrow[0] * step, arrow[1] * step, wholeArea);
  } else if (event.key.toLowerCase() === "m") wholeArea = true;
  else if (event.key.toLowerCase() === "a") { event.preventDefault(); acts.corner(); }
  else if (event.key === "Delete" || event.key === "Backspace") { event.preventDefault(); acts[event.shiftKey ? "remove-area" : "remove-corner"](); }
});
addEventListener("keyup", (event) => { if (event.key.toLowerCase() === "m") wholeArea = false; });
addEventListener("blur", () => { wholeArea = false; });

// -- the text ------------------------------------------------------------------------------------------------------------

field.addEventListener("input", () => {
  if (masks.replace(field.value)) { show({ text: false }); return; }
  field.setCustomValidity(_("This is no list of areas: three or more corners a line, each as x,y between 0 and 1."));
});
field.addEventListener("change", () => field.reportValidity());
form.addEventListener("submit", (event) => {
  if (begun) finish(begun.length >= 3);
  if (!field.checkValidity()) { event.preventDefault(); $("[data-coordinates]").open = true; field.reportValidity(); return; }
  leaving = true;
});
addEventListener("beforeunload", (event) => { if (!leaving && field.value.trim() !== saved) event.preventDefault(); });

// -- the picture ---------------------------------------------------------------------------------------------------------

// A camera that has just taken up its masks starts anew, and has no picture for some seconds.
const picture = $("img[data-picture]");
const PICTURE_AGAIN_MS = 1000;
function awaitPicture() {
  picture.dataset.waits = "yes";
  const next = new Image();
  next.addEventListener("load", () => { picture.src = next.src; delete picture.dataset.waits; });
  next.addEventListener("error", () => setTimeout(awaitPicture, PICTURE_AGAIN_MS));
  next.src = `${picture.getAttribute("src").split("?")[0]}?${Date.now()}`;
}
if (picture && root.dataset.uncovered === "no") {
  if (picture.complete && !picture.naturalWidth) awaitPicture();
  else picture.addEventListener("error", awaitPicture, { once: true });
}

$("[data-tools]").hidden = false;
$("[data-coordinates]").open = false;
stage.dataset.ready = "yes";
show({ text: false });
