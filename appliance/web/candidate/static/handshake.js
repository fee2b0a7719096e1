// The handshake with the LMS's page: a word, posted to it alone, each time it has loaded, until it has surely listened.

const EVERY_MS = 1000;
const TIMES = 16; // at once, then each second for 15 s: test pages listen late and give up after 3 to 15 s

export class Handshake {
  /**
   * @param {(word: string, origin: string) => void} post posts to the exam page's window
   * @param {string} word what it waits for
   * @param {string} origin whose window alone may hear it
   */
  constructor(post, word, origin, every = EVERY_MS) {
    this.post = post;
    this.word = word;
    this.origin = origin;
    this.every = every;
  }

  /** Begin anew: the exam page has just loaded. */
  begin() {
    this.stop();
    this.left = TIMES;
    this.say();
  }

  say() {
    this.post(this.word, this.origin);
    this.left -= 1;
    if (this.left > 0) this.timer = setTimeout(() => this.say(), this.every);
  }

  stop() { clearTimeout(this.timer); }
}
