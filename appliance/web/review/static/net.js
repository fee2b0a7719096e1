// Asking the box for pictures: a few requests at a time (browsers keep six connections to a host), what is wanted first
// goes first, what is no longer wanted is taken back, and what fails for want of a connection is asked again by itself.

import { ask } from "/static/api.js";

export const SEEK = 0;
export const INDEX = 1;
export const PLAY = 2;
export const THUMBNAIL = 4;
const AT_ONCE = 5;
const THUMBNAILS_AT_ONCE = 2;
const PATIENCE_MS = [400, 800, 1600, 3000];
const PASSING = new Set([0, 429, 502, 503, 504]);

const wait = (ms, signal, hurry) => new Promise((done) => {
  const timer = setTimeout(done, ms);
  signal?.addEventListener("abort", () => { clearTimeout(timer); done(); }, { once: true });
  hurry.add(done);
});

export class Net {
  /**
   * @param {{connection?: (there: boolean) => void, fetcher?: typeof ask}} options
   * `connection` is told when the box stops and begins to answer.
   */
  constructor({ connection = () => {}, fetcher = ask } = {}) {
    this.connection = connection;
    this.fetcher = fetcher;
    this.waiting = [];
    this.active = 0;
    this.thumbnails = 0;
    this.there = true;
    this.order = 0;
    this.hurry = new Set();
    addEventListener("online", () => this.again());
  }

  /** Ask again at once whatever waits for a connection. */
  again() {
    for (const done of this.hurry) done();
    this.hurry.clear();
  }

  /**
   * Get an address; resolves to what `take(response)` makes of the answer.
   * @template T
   * @param {string} path
   * @param {{priority?: number, signal?: AbortSignal, take: (response: Response) => Promise<T>, insist?: boolean, background?: boolean}} options
   * @returns {Promise<T>}
   */
  async get(path, { priority = PLAY, signal, take, insist = true, background = false }) {
    for (let turn = 0; ; turn += 1) {
      await this.turn(priority, signal);
      try {
        const found = await take(await this.fetcher(path, { signal, background }));
        this.note(true);
        return found;
      } catch (problem) {
        const passing = PASSING.has(problem.status) || problem instanceof TypeError;
        if (problem.name === "AbortError" || signal?.aborted) throw problem;
        if (problem.status === 0 || problem instanceof TypeError) this.note(false);
        if (!passing || !insist) throw problem;
      } finally {
        this.over(priority);
      }
      await wait(PATIENCE_MS[Math.min(turn, PATIENCE_MS.length - 1)], signal, this.hurry);
      signal?.throwIfAborted();
    }
  }

  note(there) {
    if (there === this.there) return;
    this.there = there;
    this.connection(there);
    if (there) this.again();
  }

  turn(priority, signal) {
    signal?.throwIfAborted();
    return new Promise((go, refuse) => {
      const entry = { priority, order: this.order++, go };
      signal?.addEventListener("abort", () => {
        const index = this.waiting.indexOf(entry);
        if (index >= 0) { this.waiting.splice(index, 1); refuse(signal.reason); }
      }, { once: true });
      this.waiting.push(entry);
      this.next();
    });
  }

  next() {
    this.waiting.sort((a, b) => a.priority - b.priority || a.order - b.order);
    for (let n = 0; n < this.waiting.length && this.active < AT_ONCE;) {
      const entry = this.waiting[n];
      if (entry.priority >= THUMBNAIL && this.thumbnails >= THUMBNAILS_AT_ONCE) { n += 1; continue; }
      this.waiting.splice(n, 1);
      this.active += 1;
      if (entry.priority >= THUMBNAIL) this.thumbnails += 1;
      entry.go();
    }
  }

  over(priority) {
    this.active -= 1;
    if (priority >= THUMBNAIL) this.thumbnails -= 1;
    this.next();
  }
}
