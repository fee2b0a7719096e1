// Where everything of a recording lies: segments and gaps by wall time, put on one line that never runs backwards.
//
// Wall time may step when the box's clock is set. Each part has one anchor, so a later part that would begin before
// the end of the one before is moved on; the words on screen always are the box's own wall time.

const STEP_US = 100_000;

export class Reel {
  constructor() {
    this.segments = []; // {part, seq, start, end, key, at, until}: at and until in seconds of the line
    this.gaps = []; // {start, end, words, at, until}
    this.origin = null;
    this.open = false;
    this.shift = 0;
  }

  /** Add what the box told; segments that are here already are passed over. */
  add(index) {
    this.origin ??= index.start_us;
    this.open = index.open;
    for (const [part, seq, start, end, key] of index.segments) {
      const last = this.segments.at(-1);
      if (last && (part < last.part || (part === last.part && seq <= last.seq))) continue;
      if (last && part !== last.part && start + this.shift < last.movedEnd - STEP_US) this.shift = last.movedEnd - start;
      const moved = start + this.shift;
      this.segments.push({
        part, seq, start, end, key,
        movedEnd: end + this.shift,
        at: (moved - this.origin) / 1e6,
        until: (end + this.shift - this.origin) / 1e6,
        keyAt: key === null ? null : (key + this.shift - this.origin) / 1e6,
      });
    }
    this.gaps = index.gaps.map(([start, end, words]) => ({ start, end, words, at: (start - this.origin) / 1e6, until: (end - this.origin) / 1e6 }));
  }

  get length() { return this.segments.length ? this.segments.at(-1).until : 0; }

  get lastEnd() { return this.segments.length ? this.segments.at(-1).end : this.origin; }

  /** The first segment that ends after a place on the line; -1 if there is none. */
  indexAt(place) {
    let low = 0;
    let high = this.segments.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.segments[middle].until > place) high = middle;
      else low = middle + 1;
    }
    return low < this.segments.length ? low : -1;
  }

  /** Where to begin reading so that the picture at `place` can be shown: the last keyframe at or before it. */
  startAt(place) {
    const wanted = this.indexAt(place);
    for (let index = wanted; index >= 0; index -= 1) {
      const segment = this.segments[index];
      if (segment.part !== this.segments[wanted].part) break;
      if (segment.keyAt !== null && segment.keyAt <= Math.max(place, this.segments[wanted].at)) return index;
    }
    return wanted;
  }

  wallAt(place) {
    const index = this.indexAt(place);
    if (index < 0) return this.lastEnd;
    const segment = this.segments[index];
    return segment.start + (place - segment.at) * 1e6;
  }

  placeOf(wall) {
    for (const segment of this.segments) if (wall < segment.end) return Math.max(segment.at, segment.at + (wall - segment.start) / 1e6);
    return this.length;
  }

  gapAt(place) { return this.gaps.find((gap) => place >= gap.at - 0.05 && place < gap.until); }
}
