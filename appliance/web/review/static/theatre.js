// All cameras of a sitting on one clock: who is shown, who is waited for, and what playing, moving and stepping mean.

const PATIENCE_MS = 4000; // so long the others wait for one camera's pictures
const SKIP_AFTER_MS = 1200;
const WORTH_SKIPPING_US = 3e6;
const TICK_MS = 33;
const RIGHT_S = 0.12;

export class Theatre {
  /**
   * @param {{clock: import("./clock.js").MasterClock, decks: Map<string, import("./deck.js").Deck>,
   *   changed: () => void, skipped: (us: number) => void}} parts
   */
  constructor({ clock, decks, changed, skipped }) {
    Object.assign(this, { clock, decks, changed, skipped });
    this.shown = new Set();
    this.main = null;
    this.open = false;
    this.waitingSince = null;
    this.emptySince = null;
    this.wanted = null; // a seek whose first picture is not on screen yet
    this.states = new Map();
    for (const deck of decks.values()) deck.shownHook = (one) => this.picture(one);
    this.timer = setInterval(() => this.tick(), TICK_MS);
  }

  /** Show exactly these cameras; the first one is the main one, whose pictures are stepped through. */
  show(cameras, main) {
    this.shown = new Set(cameras);
    this.main = main ?? cameras[0] ?? null;
    for (const [camera, deck] of this.decks) {
      if (this.shown.has(camera)) deck.wake();
      else if (deck.awake) deck.sleep();
    }
    this.tick();
  }

  /** Move to a wall time. */
  seek(wall, { measured = true } = {}) {
    this.clock.set(wall);
    if (measured) performance.mark("exambox:seek");
    this.wanted = { since: performance.now(), measured };
    this.waitingSince = null;
    for (const camera of this.shown) this.decks.get(camera).seek(this.clock.now());
    this.tick();
  }

  play() {
    if (!this.open && this.clock.now() >= this.clock.end - 50_000) this.seek(this.clock.start);
    this.clock.play();
    this.tick();
  }

  pause() {
    this.clock.pause();
    this.tick();
  }

  toggle() { return this.clock.playing ? this.pause() : this.play(); }

  setRate(rate) {
    this.clock.setRate(rate);
    this.tick();
  }

  /** Show another take of a time that exists twice. */
  choose(later) {
    for (const deck of this.decks.values()) {
      deck.track.choose(later);
      if (deck.awake) { deck.source.empty().catch(() => {}); deck.begin(this.clock.now()); }
    }
  }

  /**
   * Go one picture of the main camera on (1) or back (-1); where it has none, of any other shown camera. It goes from
   * the picture that is seen: near a picture's edge the clock may stand in the one beside it.
   */
  step(direction) {
    this.clock.pause();
    const order = [this.main, ...this.shown].filter((camera) => camera && this.decks.has(camera));
    for (const camera of order) {
      const deck = this.decks.get(camera);
      const wall = this.clock.now();
      const here = deck.line(wall);
      const current = (deck.absence(wall) ? null : deck.standing) ?? deck.pictureAt(here);
      const found = current === null ? null : deck.pictureBeside(current, direction);
      if (found === null || Math.abs(found - here) > 2) continue;
      const after = deck.pictureBeside(found, 1);
      // The middle of a picture's time: rounding then never shows its neighbour.
      const half = after === null || after - found > 0.5 ? 0.005 : (after - found) / 2;
      this.seek(deck.wallOf(found + half), { measured: false });
      return;
    }
    this.seek(this.clock.now() + direction * 40_000, { measured: false });
  }

  tick() {
    const { clock } = this;
    const wall = clock.now();
    const waiting = [];
    let absent = 0;
    for (const camera of this.shown) {
      const deck = this.decks.get(camera);
      const state = deck.steer(wall, clock.rate, clock.running);
      this.states.set(camera, state);
      if (state === "wait") waiting.push(deck);
      if (state === "absent") absent += 1;
    }
    this.hold(waiting);
    this.skipEmpty(wall, absent);
    if (clock.playing && !this.open && wall >= clock.end) this.pause();
    // A picture may have been told of before it was known to be the right one.
    if (this.wanted?.measured) for (const camera of this.shown) this.picture(this.decks.get(camera));
    this.changed();
  }

  hold(waiting) {
    if (!waiting.length) {
      this.waitingSince = null;
      this.clock.hold(false);
      return;
    }
    this.waitingSince ??= performance.now();
    const patient = waiting.length === this.shown.size || performance.now() - this.waitingSince < PATIENCE_MS;
    this.clock.hold(patient);
  }

  get waiting() { return this.waitingSince !== null && performance.now() - this.waitingSince > 350; }

  /** Where no shown camera has pictures, go on to the first that has. */
  skipEmpty(wall, absent) {
    if (!this.clock.playing || !this.shown.size || absent < this.shown.size) { this.emptySince = null; return; }
    this.emptySince ??= performance.now();
    if (performance.now() - this.emptySince < SKIP_AFTER_MS) return;
    const ends = [...this.shown].map((camera) => this.nextPicture(this.decks.get(camera), wall)).filter((end) => end !== null);
    this.emptySince = null;
    if (!ends.length) { if (!this.open) this.pause(); return; }
    const target = Math.min(...ends);
    if (target - wall > WORTH_SKIPPING_US) {
      this.skipped(target - wall);
      this.seek(target, { measured: false });
    }
  }

  nextPicture(deck, wall) {
    const { start_us: start, end_us: end, gaps } = deck.facts();
    if (deck.problem) return null;
    if (wall < start) return start;
    let at = wall;
    for (const [from, to] of gaps) if (at >= from && at < to) at = to;
    return at > wall && at < end ? at + 1000 : null;
  }

  /** Whether a camera shows the picture of the clock's place: however rarely it has one, or nearly so while it runs. */
  right(deck) {
    if (!deck.settled) return false;
    const here = deck.line(this.clock.now());
    if (this.clock.running) return Math.abs(here - deck.shown) < RIGHT_S + 0.2;
    return deck.fits(deck.shown, here) || Math.abs(here - deck.shown) < RIGHT_S;
  }

  /** A camera's picture came on screen. */
  picture(deck) {
    if (!this.wanted?.measured || this.shown.size === 0 || !this.right(deck)) return;
    if (!this.wanted.first) {
      this.wanted.first = true;
      performance.mark("exambox:first-frame");
    }
    const all = [...this.shown].every((camera) => this.states.get(camera) === "absent" || this.right(this.decks.get(camera)));
    if (!all) return;
    this.wanted = null;
    performance.mark("exambox:all-frames");
  }

  /** How far each shown camera's picture is from the clock, in milliseconds (ahead: positive). */
  skew() {
    const found = {};
    for (const camera of this.shown) {
      const deck = this.decks.get(camera);
      if (this.states.get(camera) !== "absent") found[camera] = (deck.video.currentTime - deck.line(this.clock.now())) * 1000;
    }
    return found;
  }

  close() { clearInterval(this.timer); }
}
