// The one clock of a sitting's page: a wall time that runs at a speed, is paused, held while pictures load, and moved.
// Pure but for the injected stopwatch, so that tests need no waiting.

/** Wall times are microseconds (fractions are kept); the stopwatch counts milliseconds and never runs backwards. */
export class MasterClock {
  /** @param {() => number} stopwatch */
  constructor(stopwatch = () => performance.now()) {
    this.stopwatch = stopwatch;
    this.base = 0;
    this.since = stopwatch();
    this.rate = 1;
    this.playing = false; // the person wants it to run
    this.held = false; // pictures are being waited for
    this.start = -Infinity;
    this.end = Infinity;
  }

  /** Whether the clock moves now. */
  get running() { return this.playing && !this.held; }

  /** The wall time now; never before the start or behind the end. */
  now() {
    const gone = this.running ? (this.stopwatch() - this.since) * 1000 * this.rate : 0;
    return this.inside(this.base + gone);
  }

  inside(wall) { return Math.min(Math.max(wall, this.start), this.end); }

  /** Begin to count anew from where the clock stands, before anything about its running changes. */
  settle() {
    this.base = this.now();
    this.since = this.stopwatch();
  }

  set(wall) {
    this.base = this.inside(wall);
    this.since = this.stopwatch();
  }

  /** The wall times between which it may stand. */
  bounds(start, end) {
    this.settle();
    this.start = start;
    this.end = Math.max(start, end);
    this.base = this.inside(this.base);
  }

  play() { this.settle(); this.playing = true; }

  pause() { this.settle(); this.playing = false; }

  hold(wanted) {
    if (wanted === this.held) return;
    this.settle();
    this.held = wanted;
  }

  setRate(rate) { this.settle(); this.rate = rate; }
}

const TRIM_S = 0.015; // nearer than this no rate is changed: it is less than half a frame
const JUMP_S = 0.6; // farther than this a seek is quicker than running after the clock
const CATCH_UP_S = 0.5; // a drift is made good within this time
const MOST = 0.5;

/**
 * What a video that is `drift` seconds ahead of the clock (behind: negative) should do at a speed of the clock.
 * @returns {{jump: boolean, rate: number}}
 */
export function correction(drift, rate) {
  const far = Math.abs(drift);
  if (far > JUMP_S * Math.max(1, rate)) return { jump: true, rate };
  if (far <= TRIM_S) return { jump: false, rate };
  const share = Math.max(-MOST, Math.min(MOST, drift / CATCH_UP_S / Math.max(1, rate)));
  return { jump: false, rate: rate * (1 - share) };
}
