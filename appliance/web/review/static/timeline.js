// The timeline: a ruler in the shown zone, a lane a camera, gaps, bookmarks, the marked range, and where the clock stands.
// It is a slider for the keyboard and for screen readers, and it is zoomed and moved with wheel, fingers and buttons.

import { colours, calmly } from "./dom.js";
import { drawTimeline, measures } from "./drawing.js";
import { snapped } from "./view.js";

const WHEEL = 1.0016;
const GRIP_PX = 9;
const SNAP_PX = 5;
const COLOURS = ["text", "muted", "line", "line-strong", "surface", "sunken", "accent", "accent-soft", "bad", "bad-soft", "bad-lamp", "warn", "warn-line", "good-lamp", "ground"];

export class Timeline {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {{view: import("./view.js").View, zone: object, sheet: () => object, seek: (us: number, last: boolean) => void,
   *   hover: (us: number|null, x: number) => void, setRange: (from: number|null, to: number|null) => void, open: (bookmark: object) => void,
   *   words: (us: number) => string}} parts  `sheet` gives what is drawn: lanes, bookmarks, flags, part, range, place, doubled.
   */
  constructor(canvas, { view, zone, sheet, seek, hover, setRange, open, words }) {
    Object.assign(this, { canvas, view, zone, sheet, seek, hover, setRange, open, words });
    this.pointers = new Map();
    this.drag = null;
    this.pointer = null;
    this.palette = null;
    this.seekCalmly = calmly(70, (us) => this.seek(us, false));
    this.sayCalmly = calmly(400, () => this.say());
    new ResizeObserver(() => this.paint()).observe(canvas);
    for (const query of ["(prefers-color-scheme: dark)"]) matchMedia(query).addEventListener("change", () => { this.palette = null; this.paint(); });
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, (event) => this.up(event));
    canvas.addEventListener("pointerleave", () => { if (!this.pointers.size) this.leave(); });
  }

  get plot() { return measures(this.sheet().lanes.length, this.canvas.clientWidth); }

  /** The wall time under a pointer. */
  moment(event) {
    const { left } = this.canvas.getBoundingClientRect();
    const { gutter, width } = this.plot;
    return this.view.moment(event.clientX - left - gutter, width);
  }

  inside(us) { return Math.min(Math.max(us, this.view.start), this.view.end); }

  paint() {
    this.due ??= requestAnimationFrame(() => {
      this.due = null;
      this.draw();
    });
    this.sayCalmly();
  }

  draw() {
    const { canvas } = this;
    const sheet = this.sheet();
    const { height } = measures(sheet.lanes.length, canvas.clientWidth);
    const scale = Math.min(devicePixelRatio || 1, 3);
    const [wide, high] = [Math.round(canvas.clientWidth * scale), Math.round(height * scale)];
    if (!wide) return;
    if (canvas.height !== high || canvas.width !== wide) {
      canvas.width = wide;
      canvas.height = high;
      canvas.style.height = `${height}px`;
    }
    this.palette ??= colours(...COLOURS);
    const context = canvas.getContext("2d");
    context.setTransform(scale, 0, 0, scale, 0, 0);
    drawTimeline(context, { ...sheet, view: this.view, zone: this.zone, palette: this.palette, pointer: this.pointer }, canvas.clientWidth, height);
  }

  /** What a screen reader is told. */
  say() {
    const { place } = this.sheet();
    const second = (us) => Math.round((us - this.view.start) / 1e6);
    this.canvas.setAttribute("aria-valuemax", second(this.view.end));
    this.canvas.setAttribute("aria-valuenow", second(place));
    this.canvas.setAttribute("aria-valuetext", this.words(place));
  }

  wheel(event) {
    event.preventDefault();
    const step = event.deltaMode ? 30 : 1;
    if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      this.view.pan(((event.deltaX || event.deltaY) * step * this.view.span) / this.plot.width);
    } else {
      this.view.zoom(WHEEL ** (-event.deltaY * step), this.moment(event));
    }
    this.paint();
  }

  zoom(factor) {
    const { place } = this.sheet();
    const anchor = place >= this.view.from && place <= this.view.to ? place : (this.view.from + this.view.to) / 2;
    this.view.zoom(factor, anchor);
    this.paint();
  }

  fit() {
    this.view.fit();
    this.paint();
  }

  down(event) {
    if (event.button > 0) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, event.clientX);
    if (this.pointers.size === 2) { this.beginPinch(); return; }
    if (this.pointers.size > 2) return;
    this.canvas.focus({ preventScroll: true });
    const { top } = this.canvas.getBoundingClientRect();
    const y = event.clientY - top;
    const { marks, strip } = this.plot;
    const us = this.moment(event);
    if (strip && y >= strip.top - 3) this.drag = { kind: "strip" };
    else if (this.grip(us)) this.drag = { kind: "range", edge: this.grip(us) };
    else if (y >= marks.top && y < marks.bottom) this.drag = { kind: this.bookmarkAt(us) ? "bookmark" : "place", bookmark: this.bookmarkAt(us) };
    else this.drag = { kind: "place" };
    this.move(event);
  }

  beginPinch() {
    this.drag = { kind: "pinch", at: this.spread() };
    this.hover(null, 0);
  }

  spread() {
    const [a, b] = [...this.pointers.values()];
    const { left } = this.canvas.getBoundingClientRect();
    return { middle: (a + b) / 2 - left - this.plot.gutter, apart: Math.max(Math.abs(a - b), 20) };
  }

  grip(us) {
    const { range } = this.sheet();
    const reach = (GRIP_PX / this.plot.width) * this.view.span;
    if (range.from !== null && Math.abs(us - range.from) < reach) return "from";
    if (range.to !== null && Math.abs(us - range.to) < reach) return "to";
    return null;
  }

  bookmarkAt(us) {
    const reach = (GRIP_PX / this.plot.width) * this.view.span;
    const { bookmarks, flags } = this.sheet();
    const under = (mark) => us > mark.at_us - reach && us < (mark.go && mark.until_us ? mark.until_us : mark.at_us) + reach;
    return [...bookmarks, ...flags].find(under) ?? null;
  }

  move(event) {
    if (this.pointers.has(event.pointerId)) this.pointers.set(event.pointerId, event.clientX);
    const us = this.inside(this.moment(event));
    const { left } = this.canvas.getBoundingClientRect();
    this.pointer = event.pointerType === "mouse" || this.pointers.size ? us : null;
    if (this.drag?.kind === "pinch" && this.pointers.size >= 2) { this.pinch(); return; }
    if (this.drag?.kind === "place") this.seekCalmly(this.snap(us));
    if (this.drag?.kind === "strip") this.moveStrip(event.clientX - left);
    if (this.drag?.kind === "range") this.dragRange(us);
    this.hover(this.pointer === null || this.drag?.kind === "strip" ? null : us, event.clientX - left);
    this.canvas.style.cursor = !this.drag && this.grip(us) ? "ew-resize" : "";
    this.paint();
  }

  snap(us) {
    const { bookmarks, flags } = this.sheet();
    return snapped(us, [...bookmarks, ...flags].map((mark) => mark.at_us), (SNAP_PX / this.plot.width) * this.view.span);
  }

  pinch() {
    const now = this.spread();
    const { at } = this.drag;
    this.view.zoom(now.apart / at.apart, this.view.moment(at.middle, this.plot.width));
    this.view.pan(((at.middle - now.middle) / this.plot.width) * this.view.span);
    this.drag.at = now;
    this.paint();
  }

  moveStrip(x) {
    const { gutter, width } = this.plot;
    const middle = this.view.start + ((x - gutter) / width) * (this.view.end - this.view.start);
    this.view.show(middle - this.view.span / 2, middle + this.view.span / 2);
  }

  dragRange(us) {
    const { range } = this.sheet();
    const other = this.drag.edge === "from" ? range.to : range.from;
    if (other !== null && (this.drag.edge === "from" ? us > other : us < other)) {
      this.drag.edge = this.drag.edge === "from" ? "to" : "from";
      this.setRange(this.drag.edge === "from" ? us : other, this.drag.edge === "from" ? other : us);
      return;
    }
    this.setRange(this.drag.edge === "from" ? us : range.from, this.drag.edge === "to" ? us : range.to);
  }

  up(event) {
    const { drag } = this;
    const us = this.inside(this.moment(event));
    this.pointers.delete(event.pointerId);
    if (this.pointers.size) { this.drag = this.pointers.size >= 2 ? drag : null; return; }
    this.drag = null;
    if (event.type === "pointerup") {
      if (drag?.kind === "place") this.seek(this.snap(us), true);
      if (drag?.kind === "bookmark") this.open(drag.bookmark);
    }
    if (event.pointerType !== "mouse") this.leave();
    this.paint();
  }

  leave() {
    this.pointer = null;
    this.hover(null, 0);
    this.paint();
  }
}
