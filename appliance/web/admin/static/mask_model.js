// Masked areas as data: polygons of [x, y] in 0..1, what is selected, undo and redo. Knows nothing of the page.

export const MAX_AREAS = 32;
export const MAX_CORNERS = 64;
const MIN_CORNERS = 3;
const DECIMALS = 4;
const ROWS = 400;

const bounded = (value) => Math.min(1, Math.max(0, Number(value.toFixed(DECIMALS))));
const copied = (areas) => areas.map((area) => area.map(([x, y]) => [x, y]));

export class Masks {
  constructor(text, changed) {
    this.areas = parsed(text) ?? [];
    this.area = -1;
    this.corner = -1;
    this.past = [];
    this.future = [];
    this.changed = changed;
  }

  get selected() { return this.areas[this.area] ?? null; }

  /** Remember how it is, before something changes it. */
  mark() {
    this.past.push(copied(this.areas));
    if (this.past.length > 200) this.past.shift();
    this.future = [];
  }

  select(area, corner = -1) {
    this.area = area;
    this.corner = corner;
    this.changed();
  }

  add(corners) {
    if (this.areas.length >= MAX_AREAS || corners.length < MIN_CORNERS) return false;
    this.mark();
    this.areas.push(corners.map(([x, y]) => [bounded(x), bounded(y)]));
    this.select(this.areas.length - 1, 0);
    return true;
  }

  addRectangle([x1, y1], [x2, y2]) {
    const [left, right] = [Math.min(x1, x2), Math.max(x1, x2)];
    const [top, bottom] = [Math.min(y1, y2), Math.max(y1, y2)];
    return this.add([[left, top], [right, top], [right, bottom], [left, bottom]]);
  }

  /** Put a corner half way to the next one; it becomes the selected one. */
  addCorner(area = this.area, after = Math.max(0, this.corner)) {
    const corners = this.areas[area];
    if (!corners || corners.length >= MAX_CORNERS) return false;
    this.mark();
    const [a, b] = [corners[after], corners[(after + 1) % corners.length]];
    corners.splice(after + 1, 0, [bounded((a[0] + b[0]) / 2), bounded((a[1] + b[1]) / 2)]);
    this.select(area, after + 1);
    return true;
  }

  removeCorner() {
    const corners = this.selected;
    if (!corners || this.corner < 0) return false;
    if (corners.length <= MIN_CORNERS) return this.removeArea();
    this.mark();
    corners.splice(this.corner, 1);
    this.select(this.area, Math.min(this.corner, corners.length - 1));
    return true;
  }

  removeArea() {
    if (!this.selected) return false;
    this.mark();
    this.areas.splice(this.area, 1);
    const next = Math.min(this.area, this.areas.length - 1);
    this.select(next, next < 0 ? -1 : 0);
    return true;
  }

  /** Move one corner to a place; the caller has marked. */
  place(area, corner, [x, y]) {
    this.areas[area][corner] = [bounded(x), bounded(y)];
    this.changed();
  }

  /** Move the selected corner, or the whole area, by a step that keeps it in the picture. */
  nudge(dx, dy, whole = false) {
    const corners = this.selected;
    if (!corners) return;
    this.mark();
    if (whole || this.corner < 0) this.shift(this.area, copied([corners])[0], dx, dy);
    else this.place(this.area, this.corner, [corners[this.corner][0] + dx, corners[this.corner][1] + dy]);
  }

  /** Put an area where `origin` is, moved by a step; it is stopped at the edges and keeps its shape. */
  shift(area, origin, dx, dy) {
    const across = origin.map(([x]) => x);
    const down = origin.map(([, y]) => y);
    const stepX = Math.min(1 - Math.max(...across), Math.max(-Math.min(...across), dx));
    const stepY = Math.min(1 - Math.max(...down), Math.max(-Math.min(...down), dy));
    this.areas[area] = origin.map(([x, y]) => [bounded(x + stepX), bounded(y + stepY)]);
    this.changed();
  }

  replace(text) {
    const areas = parsed(text);
    if (!areas) return false;
    this.mark();
    this.areas = areas;
    this.select(Math.min(this.area, areas.length - 1), -1);
    return true;
  }

  undo() { return this.#travel(this.past, this.future); }

  redo() { return this.#travel(this.future, this.past); }

  #travel(from, to) {
    if (!from.length) return false;
    to.push(copied(this.areas));
    this.areas = from.pop();
    if (this.area >= this.areas.length) this.area = this.areas.length - 1;
    if (this.corner >= (this.selected?.length ?? 0)) this.corner = -1;
    this.changed();
    return true;
  }

  get text() { return this.areas.map((area) => area.map(([x, y]) => `${x},${y}`).join(" ")).join("\n"); }

  /** The share of the picture under at least one area, as appliance/cameras/masks.py counts it. */
  get share() {
    let covered = 0;
    for (let row = 0; row < ROWS; row += 1) covered += coveredOfRow(this.areas, (row + 0.5) / ROWS);
    return covered / ROWS;
  }
}

function coveredOfRow(areas, y) {
  const spans = areas.flatMap((area) => spansOf(area, y)).sort((a, b) => a[0] - b[0]);
  let covered = 0;
  let reached = 0;
  for (const [left, right] of spans) {
    covered += Math.max(0, right - Math.max(left, reached));
    reached = Math.max(reached, right);
  }
  return covered;
}

function spansOf(area, y) {
  const cuts = [];
  for (const [index, [x1, y1]] of area.entries()) {
    const [x2, y2] = area[(index + 1) % area.length];
    if ((y1 <= y) !== (y2 <= y)) cuts.push(x1 + ((y - y1) * (x2 - x1)) / (y2 - y1));
  }
  cuts.sort((a, b) => a - b);
  const spans = [];
  for (let at = 0; at + 1 < cuts.length; at += 2) spans.push([cuts[at], cuts[at + 1]]);
  return spans;
}

/** The areas a text means, or null where it means none. */
export function parsed(text) {
  const areas = text.split("\n").map((line) => line.trim()).filter(Boolean)
    .map((line) => line.split(/\s+/).map((corner) => corner.split(",").map((number) => (number.trim() === "" ? NaN : Number(number)))));
  const good = areas.length <= MAX_AREAS && areas.every((area) => area.length >= MIN_CORNERS && area.length <= MAX_CORNERS
    && area.every((corner) => corner.length === 2 && corner.every((number) => number >= 0 && number <= 1)));
  return good ? areas : null;
}
