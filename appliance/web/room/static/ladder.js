// How long to wait before the next try: at once at first, then ever longer, and not all browsers in the same moment.

const STEPS_MS = [250, 500, 1000, 2000, 3000, 5000];

export class Ladder {
  constructor(random = Math.random) {
    this.random = random;
    this.tries = 0;
  }

  /** It worked: the next wait is short again. */
  reset() { this.tries = 0; }

  next() {
    const step = STEPS_MS[Math.min(this.tries, STEPS_MS.length - 1)];
    this.tries += 1;
    return Math.round(step * (0.8 + 0.4 * this.random()));
  }
}
