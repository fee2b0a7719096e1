// Where one camera's segments lie in wall time, as far as the box was asked. Windows are added as they are needed;
// what is known is remembered, so nothing is asked twice.
//
// When the box's clock is set back, a later part begins before an earlier one ends: that wall time exists twice.
// The track then has two takes; the person chooses which one is shown, and none is ever left out for good.

const LEEWAY_US = 1_000_000; // parts may overlap this much without the time being called doubled
const HOLE_US = 150_000;

/** @typedef {{part: number, seq: number, start: number, end: number, key: number|null}} Segment */

/** Join [from, to] into ranges that are sorted and do not touch. */
export function joined(ranges, from, to) {
  if (!(to > from)) return ranges;
  const apart = ranges.filter(([a, b]) => b < from || a > to);
  const touching = ranges.filter(([a, b]) => b >= from && a <= to);
  const start = Math.min(from, ...touching.map(([a]) => a));
  const end = Math.max(to, ...touching.map(([, b]) => b));
  return [...apart, [start, end]].sort(([a], [b]) => a - b);
}

/** The first stretch of [from, to] that the ranges leave open, or null. */
export function openStretch(ranges, from, to) {
  let at = from;
  for (const [a, b] of ranges) {
    if (b <= at) continue;
    if (a > at) return [at, Math.min(a, to)];
    at = b;
    if (at >= to) return null;
  }
  return at < to ? [at, to] : null;
}

/** The segments shown of one take, in the order of wall time. `later` prefers what was recorded later. */
export function takeOf(segments, later) {
  const byPart = [...segments].sort((a, b) => a.part - b.part || a.seq - b.seq);
  const kept = [];
  if (later) {
    let floor = Infinity;
    let part = null;
    let lowest = Infinity;
    for (const segment of byPart.reverse()) {
      if (segment.part !== part) { floor = lowest; part = segment.part; }
      if (segment.end > floor + LEEWAY_US) continue;
      kept.push(segment);
      lowest = Math.min(lowest, segment.start);
    }
  } else {
    let reached = -Infinity;
    let part = null;
    let highest = -Infinity;
    for (const segment of byPart) {
      if (segment.part !== part) { reached = highest; part = segment.part; }
      if (segment.start < reached - LEEWAY_US) continue;
      kept.push(segment);
      highest = Math.max(highest, segment.end);
    }
  }
  return kept.sort((a, b) => a.start - b.start || a.part - b.part || a.seq - b.seq);
}

/** The stretches of wall time that exist twice. */
export function doubled(segments) {
  const parts = new Map();
  for (const { part, start, end } of segments) {
    const known = parts.get(part) ?? [start, end];
    parts.set(part, [Math.min(known[0], start), Math.max(known[1], end)]);
  }
  const rows = [...parts].sort(([a], [b]) => a - b).map(([, range]) => range);
  let found = [];
  let reached = -Infinity;
  for (const [start, end] of rows) {
    if (start < reached - LEEWAY_US) found = joined(found, start, Math.min(end, reached));
    reached = Math.max(reached, end);
  }
  return found;
}

export class Track {
  constructor() {
    /** @type {Map<string, Segment>} */
    this.segments = new Map();
    this.known = [];
    this.later = false;
    this.bad = new Set();
    this.refresh();
  }

  /** Add an answer of the box to a question about [from, to]: rows of [part, seq, start, end, key or null]. */
  add(rows, from, to) {
    for (const [part, seq, start, end, key] of rows) this.segments.set(`${part}/${seq}`, { part, seq, start, end, key });
    this.known = joined(this.known, from, to);
    this.refresh();
  }

  refresh() {
    const all = [...this.segments.values()];
    this.doubled = doubled(all);
    this.list = takeOf(all, this.later).filter((segment) => !this.bad.has(`${segment.part}/${segment.seq}`));
  }

  /** Show the later take of a time that exists twice, or the earlier one. */
  choose(later) {
    this.later = later;
    this.refresh();
  }

  /** Leave a segment out that cannot be had or shown. */
  leaveOut(segment) {
    this.bad.add(`${segment.part}/${segment.seq}`);
    this.refresh();
  }

  /** Forget what lies far from a time, so that hours of watching take no more memory than minutes. */
  forget(wall, within) {
    const from = wall - within;
    const to = wall + within;
    if (this.segments.size < 4000) return;
    for (const [name, { start, end }] of this.segments) if (end < from || start > to) this.segments.delete(name);
    this.known = this.known.map(([a, b]) => [Math.max(a, from), Math.min(b, to)]).filter(([a, b]) => b > a);
    this.refresh();
  }

  missing(from, to) { return openStretch(this.known, from, to); }

  /** Index of the first shown segment that ends after a wall time; the list's length if there is none. */
  indexAfter(wall) {
    let low = 0;
    let high = this.list.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.list[middle].end > wall) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** The segment that holds a wall time, or null in a hole. */
  at(wall) {
    const segment = this.list[this.indexAfter(wall)];
    return segment && segment.start <= wall ? segment : null;
  }

  /** Where to begin to read so that the picture of a wall time (or the next one behind a hole) can be shown; -1: nowhere. */
  startFor(wall) {
    const wanted = this.indexAfter(wall);
    const aim = this.list[wanted];
    if (!aim) return -1;
    const moment = Math.max(wall, aim.start);
    for (let index = wanted; index >= 0; index -= 1) {
      const segment = this.list[index];
      if (segment.part !== aim.part) break;
      if (index < wanted && this.list[index + 1].start - segment.end > HOLE_US) break;
      if (segment.key !== null && segment.key <= moment + 1) return index;
    }
    return wanted;
  }

  /** The place in the list of a segment that was in it, or of the next one. */
  indexBehind(segment) {
    const index = this.indexAfter(segment.end - 1);
    for (let n = index; n < this.list.length && n < index + 3; n += 1) {
      if (this.list[n].part === segment.part && this.list[n].seq === segment.seq) return n + 1;
    }
    return this.indexAfter(segment.end);
  }

  /** The first segment with a keyframe at or behind a wall time: what skimming shows next. */
  nextKey(wall) {
    for (let index = this.indexAfter(wall); index < this.list.length; index += 1) {
      if (this.list[index].key !== null && this.list[index].key >= wall) return this.list[index];
    }
    return null;
  }
}
