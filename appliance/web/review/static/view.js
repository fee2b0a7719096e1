// What of the sitting's time the timeline shows, and where on it a moment lies (pure).

const SECOND = 1e6;
export const NARROWEST = 10 * SECOND;
export const WIDEST = 30 * 86400 * SECOND;

export class View {
  /** @param {number} start of all there is, wall microseconds @param {number} end */
  constructor(start, end) {
    this.start = start;
    this.end = Math.max(end, start + SECOND);
    this.follows = true; // shows everything, also while it grows
    [this.from, this.to] = this.whole();
  }

  whole() {
    const length = Math.max(this.end - this.start, NARROWEST);
    const margin = length * 0.01;
    return [this.start - margin, this.start + length + margin];
  }

  get span() { return this.to - this.from; }

  get fitted() { return this.follows; }

  /** The sitting has grown. */
  grow(start, end) {
    this.start = Math.min(this.start, start);
    this.end = Math.max(this.end, end);
    if (this.follows) [this.from, this.to] = this.whole();
  }

  fit() {
    this.follows = true;
    [this.from, this.to] = this.whole();
  }

  /** Show [from, to], as near as the limits allow. */
  show(from, to) {
    const [first, last] = this.whole();
    const widest = Math.min(last - first, WIDEST);
    const span = Math.min(Math.max(to - from, NARROWEST), widest);
    const middle = (from + to) / 2;
    const begin = Math.min(Math.max(middle - span / 2, first), last - span);
    this.from = begin;
    this.to = begin + span;
    this.follows = span >= last - first - 1;
  }

  /** Zoom by a factor (above 1: closer); the moment under the pointer stays where it is. */
  zoom(factor, anchor) {
    const [first, last] = this.whole();
    const span = Math.min(Math.max(this.span / factor, NARROWEST), Math.min(last - first, WIDEST));
    const share = (anchor - this.from) / this.span;
    const from = anchor - share * span;
    this.show(from, from + span);
  }

  pan(by) { this.show(this.from + by, this.to + by); }

  /** Keep a moment in sight: the page turns when it leaves. */
  keep(moment) {
    if (this.follows || (moment >= this.from && moment <= this.to)) return false;
    const lead = moment > this.to ? 0.1 : 0.5;
    const { span } = this;
    this.show(moment - span * lead, moment + span * (1 - lead));
    return true;
  }

  x(moment, width) { return ((moment - this.from) / this.span) * width; }

  moment(x, width) { return this.from + (x / width) * this.span; }
}

/** The nearest thing worth snapping to within a few pixels, or the moment itself. */
export function snapped(moment, marks, reach) {
  let best = moment;
  let least = reach;
  for (const mark of marks) {
    const away = Math.abs(mark - moment);
    if (away < least) { best = mark; least = away; }
  }
  return best;
}

/** The first mark behind a moment, or the last before it (`direction` -1); null where there is none. */
export function neighbour(marks, moment, direction, leeway = 0.25e6) {
  const sorted = [...marks].sort((a, b) => a - b);
  if (direction > 0) return sorted.find((mark) => mark > moment + leeway) ?? null;
  return sorted.findLast((mark) => mark < moment - leeway) ?? null;
}

/** Pixel stretches of ranges, those nearer than a pixel painted as one: 13 million segments are still a few hundred boxes. */
export function boxes(ranges, view, width) {
  const found = [];
  for (const [from, to, kind] of ranges) {
    if (to < view.from || from > view.to) continue;
    const left = Math.max(-2, view.x(from, width));
    const right = Math.min(width + 2, Math.max(view.x(to, width), left + 1));
    const last = found.at(-1);
    if (last && last.kind === kind && left <= last.right + 0.5) last.right = Math.max(last.right, right);
    else found.push({ left, right, kind });
  }
  return found;
}
