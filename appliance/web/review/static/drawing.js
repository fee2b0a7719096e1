// Painting the timeline; all sizes in CSS pixels.

import { marks as ruler, DAY } from "./times.js";
import { boxes } from "./view.js";

const RULER = 26;
const LANE = 18;
const BETWEEN = 6;
const MARKS = 20;
const STRIP = 8;
const FONT = "12px system-ui, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif";

/** Where everything lies for a number of lanes and a width. */
export function measures(lanes, full) {
  const gutter = full >= 640 ? 120 : 0;
  const lanesTop = RULER + BETWEEN / 2;
  const lanesEnd = lanesTop + lanes * (LANE + BETWEEN);
  const marks = { top: lanesEnd, bottom: lanesEnd + MARKS };
  const strip = { top: marks.bottom + 4, bottom: marks.bottom + 4 + STRIP };
  return { gutter, width: Math.max(1, full - gutter - 12), lanesTop, marks, strip, height: strip.bottom + 6 };
}

export function drawTimeline(context, sheet, full, height) {
  const { palette } = sheet;
  const plot = measures(sheet.lanes.length, full);
  context.clearRect(0, 0, full, height);
  context.font = FONT;
  context.textBaseline = "middle";
  context.save();
  context.translate(plot.gutter, 0);
  context.beginPath();
  context.rect(-6, 0, plot.width + 12, height);
  context.clip();
  drawRuler(context, sheet, plot);
  sheet.lanes.forEach((lane, n) => drawLane(context, sheet, plot, lane, plot.lanesTop + n * (LANE + BETWEEN)));
  drawDoubled(context, sheet, plot);
  drawRange(context, sheet, plot);
  drawPart(context, sheet, plot);
  drawFlags(context, sheet, plot);
  drawBookmarks(context, sheet, plot);
  drawStrip(context, sheet, plot);
  if (sheet.pointer !== null) {
    context.fillStyle = palette.muted;
    context.fillRect(Math.round(sheet.view.x(sheet.pointer, plot.width)), 0, 1, plot.marks.bottom);
  }
  drawPlace(context, sheet, plot);
  context.restore();
  if (plot.gutter) sheet.lanes.forEach((lane, n) => drawName(context, palette, lane, plot, plot.lanesTop + n * (LANE + BETWEEN) + LANE / 2));
}

function drawRuler(context, { view, zone, palette }, { width, marks }) {
  let lastEnd = -Infinity;
  for (const mark of ruler(view.from, view.to, width, zone)) {
    const x = Math.round(view.x(mark.us, width)) + 0.5;
    context.strokeStyle = mark.midnight ? palette["line-strong"] : palette.line;
    context.beginPath();
    context.moveTo(x, RULER - 5);
    context.lineTo(x, marks.top);
    context.stroke();
    const words = rulerWords(mark, zone);
    const half = context.measureText(words).width / 2;
    const left = Math.min(Math.max(x - half, 0), width - 2 * half);
    if (left < lastEnd + 8) continue;
    context.fillStyle = mark.midnight ? palette.text : palette.muted;
    context.textAlign = "left";
    context.fillText(words, left, RULER / 2 - 1);
    lastEnd = left + 2 * half;
  }
}

function rulerWords({ us, midnight, step }, zone) {
  if (midnight || step >= DAY) return zone.day(us);
  const clock = zone.clock(us);
  if (step < 1e6) return `${clock}.${Math.floor((us % 1e6) / 1e5)}`;
  return step < 60e6 ? clock : clock.slice(0, 5);
}

function rounded(context, x, y, wide, high, radius) {
  context.beginPath();
  context.roundRect(x, y, wide, high, Math.min(radius, wide / 2));
  context.fill();
}

function drawLane(context, { view, palette }, { width }, lane, top) {
  context.globalAlpha = lane.shown ? 1 : 0.45;
  for (const { left, right } of boxes([[lane.start, lane.end]], view, width)) {
    context.fillStyle = lane.main ? palette.accent : palette["line-strong"];
    rounded(context, left, top, right - left, LANE, 4);
  }
  for (const { left, right } of boxes(lane.gaps, view, width)) {
    context.fillStyle = palette.surface;
    context.fillRect(left, top, right - left, LANE);
    context.fillStyle = palette["bad-soft"];
    context.fillRect(left, top, right - left, LANE);
    hatch(context, left, top, right - left, palette["bad-lamp"]);
  }
  context.globalAlpha = 1;
}

function hatch(context, left, top, wide, colour) {
  context.save();
  context.beginPath();
  context.rect(left, top, Math.max(wide, 2), LANE);
  context.clip();
  context.strokeStyle = colour;
  context.lineWidth = 1.5;
  context.beginPath();
  for (let x = Math.floor(left / 7) * 7 - LANE; x < left + wide; x += 7) { context.moveTo(x, top + LANE); context.lineTo(x + LANE, top); }
  context.stroke();
  context.lineWidth = 1;
  context.restore();
  context.fillStyle = colour;
  context.fillRect(left, top + LANE - 2, Math.max(wide, 2), 2);
}

function drawName(context, palette, lane, { gutter }, y) {
  context.fillStyle = lane.main ? palette.text : palette.muted;
  context.textAlign = "left";
  let words = `${lane.number}  ${lane.name}`;
  while (words.length > 4 && context.measureText(words).width > gutter - 14) words = `${words.slice(0, -2)}…`;
  context.fillText(words, 2, y);
}

function drawDoubled(context, { view, doubled, palette }, { width, lanesTop, marks }) {
  for (const { left, right } of boxes(doubled, view, width)) {
    context.fillStyle = palette["warn-line"];
    context.globalAlpha = 0.3;
    context.fillRect(left, lanesTop, right - left, marks.top - lanesTop);
    context.globalAlpha = 1;
  }
}

function drawRange(context, { view, range, palette }, { width, marks }) {
  if (range.from === null && range.to === null) return;
  const from = view.x(range.from ?? range.to, width);
  const to = view.x(range.to ?? range.from, width);
  context.fillStyle = palette["warn-line"];
  context.globalAlpha = 0.28;
  context.fillRect(from, RULER - 4, to - from, marks.bottom - RULER + 4);
  context.globalAlpha = 1;
  context.fillStyle = palette.warn;
  for (const [x, side] of [[from, 1], [to, -1]]) {
    context.fillRect(x - 1, RULER - 4, 2, marks.bottom - RULER + 4);
    context.beginPath();
    context.moveTo(x, RULER - 6);
    context.lineTo(x + side * 8, RULER - 6);
    context.lineTo(x, RULER + 4);
    context.fill();
  }
}

/** What lies before and after the part of the recording that is looked at recedes. */
function drawPart(context, { view, part, palette }, { width, lanesTop, marks }) {
  if (!part || part.from === null) return;
  context.fillStyle = palette.surface;
  context.globalAlpha = 0.65;
  const from = Math.min(Math.max(view.x(part.from, width), -6), width + 6);
  const to = Math.min(Math.max(view.x(part.to, width), -6), width + 6);
  context.fillRect(-6, lanesTop, from + 6, marks.top - lanesTop);
  context.fillRect(to, lanesTop, width + 6 - to, marks.top - lanesTop);
  context.globalAlpha = 1;
}

const FLAGS = { open: ["warn", 9], confirmed: ["bad-lamp", 9], both: ["bad-lamp", 5], dismissed: ["line-strong", 3] };

/** Warnings as bars on the line of their group: high while nobody has judged them and where they are confirmed, low where they are dismissed. Incidents as diamonds. */
function drawFlags(context, { view, flags, palette }, { width, marks }) {
  for (const flag of flags) {
    const x = view.x(flag.at_us, width);
    const right = view.x(flag.until_us ?? flag.at_us, width);
    if (right < -20 || x > width + 20) continue;
    if (flag.state === "incident") {
      const middle = marks.top + 9;
      context.fillStyle = palette.text;
      context.beginPath();
      for (const [dx, dy] of [[0, -7], [6, 0], [0, 7], [-6, 0]]) context.lineTo(x + dx, middle + dy);
      context.fill();
      continue;
    }
    const [colour, high] = FLAGS[flag.state];
    context.fillStyle = palette[colour];
    context.fillRect(x, marks.top + 13, Math.max(right - x, 1), 1);
    for (const { left, right: end } of boxes(flag.moments, view, width)) rounded(context, left - 1, marks.top + 14 - high, end - left + 2, high, 2);
    if (flag.chosen) { context.fillStyle = palette.text; context.fillRect(x - 2, marks.top + 16, Math.max(right - x, 0) + 4, 2); }
  }
}

function drawBookmarks(context, { view, bookmarks, palette }, { width, marks }) {
  for (const mark of bookmarks) {
    const x = view.x(mark.at_us, width);
    if (x < -20 || x > width + 20) continue;
    context.fillStyle = palette.warn;
    if (mark.until_us) {
      context.globalAlpha = 0.4;
      context.fillRect(x, marks.top + 11, view.x(mark.until_us, width) - x, 3);
      context.globalAlpha = 1;
    }
    context.beginPath();
    context.moveTo(x - 5, marks.top + 3);
    context.lineTo(x + 5, marks.top + 3);
    context.lineTo(x + 5, marks.top + 15);
    context.lineTo(x, marks.top + 11);
    context.lineTo(x - 5, marks.top + 15);
    context.fill();
  }
}

/** The whole sitting in small, with the window that is shown above. */
function drawStrip(context, { view, palette, place, lanes }, { width, strip }) {
  const whole = view.end - view.start || 1;
  const x = (us) => ((us - view.start) / whole) * width;
  context.fillStyle = palette.sunken;
  rounded(context, 0, strip.top, width, STRIP, 4);
  if (!view.fitted) {
    context.fillStyle = palette["line-strong"];
    const left = Math.max(0, x(view.from));
    rounded(context, left, strip.top, Math.max(6, Math.min(width, x(view.to)) - left), STRIP, 4);
  }
  context.fillStyle = palette["bad-lamp"];
  context.globalAlpha = 1 / Math.max(1, lanes.length);
  for (const lane of lanes) for (const [from, to] of lane.gaps) context.fillRect(x(from), strip.top + 2, Math.max(1, x(to) - x(from)), STRIP - 4);
  context.globalAlpha = 1;
  context.fillStyle = palette.text;
  context.fillRect(x(place) - 1, strip.top - 1, 2, STRIP + 2);
}

function drawPlace(context, { view, place, palette }, { width, marks }) {
  const x = view.x(place, width);
  context.fillStyle = palette.surface;
  context.fillRect(x - 2.5, RULER - 6, 5, marks.bottom - RULER + 6);
  context.fillStyle = palette.text;
  context.fillRect(x - 1.25, RULER - 6, 2.5, marks.bottom - RULER + 6);
  context.beginPath();
  context.moveTo(x - 6, RULER - 12);
  context.lineTo(x + 6, RULER - 12);
  context.lineTo(x + 6, RULER - 6);
  context.lineTo(x, RULER);
  context.lineTo(x - 6, RULER - 6);
  context.fill();
}
