// One MediaSource and its buffer: operations one after the other, rebuilt when the browser gives up on it.

const UNSUPPORTED = "unsupported";
const KEEP_BEHIND_S = 15;
const KEEP_AHEAD_S = 120;
const TIGHT_S = 2;

/** The browser cannot play what the camera recorded; `codecs` are as the recording names them (RFC 6381). */
export class CodecError extends Error {
  constructor(codecs) {
    super(UNSUPPORTED);
    this.name = "CodecError";
    this.codecs = codecs;
  }
}

/** What was appended could not be decoded. */
export class DecodeError extends Error {}

export const typeOf = (codecs) => `video/mp4; codecs="${codecs}"`;

export class PictureSource {
  /** @param {HTMLVideoElement} video */
  constructor(video) {
    this.video = video;
    this.chain = Promise.resolve();
    this.buffer = null;
    this.type = null;
    this.part = null; // whose initialisation segment was appended last
    this.offset = null;
  }

  /** Do one thing to the buffer after everything before it. */
  enqueue(work) {
    const done = this.chain.then(work);
    this.chain = done.catch(() => {});
    return done;
  }

  async open() {
    this.close();
    this.media = new MediaSource();
    this.address = URL.createObjectURL(this.media);
    const opened = new Promise((done) => this.media.addEventListener("sourceopen", done, { once: true }));
    this.video.src = this.address;
    await opened;
  }

  close() {
    if (!this.address) return;
    this.video.removeAttribute("src");
    this.video.load();
    URL.revokeObjectURL(this.address);
    this.address = this.media = this.buffer = this.type = this.part = this.offset = null;
  }

  /** Make ready for a part's pictures. */
  init(part, { type, codecs, data }) {
    return this.enqueue(async () => {
      if (this.part === part && this.buffer) return;
      if (!globalThis.MediaSource?.isTypeSupported(type)) throw new CodecError(codecs);
      if (!this.media || this.media.readyState === "closed") await this.open();
      if (!this.buffer) this.buffer = this.media.addSourceBuffer(type);
      else if (this.type !== type) this.buffer.changeType(type);
      this.type = type;
      await this.append(data);
      this.part = part;
      this.offset = null;
    });
  }

  /**
   * Add fragments so that they lie `offset` seconds later than their own time; `place()` is where they are wanted.
   * @returns {Promise<number>} the offset they really have: within the leeway it stays as it was
   */
  add(data, offset, leeway, place) {
    return this.enqueue(async () => {
      if (!this.buffer) throw new DecodeError();
      if (this.offset === null || Math.abs(offset - this.offset) > leeway) {
        this.buffer.timestampOffset = offset;
        this.offset = offset;
      }
      const taken = this.offset;
      try {
        await this.append(data);
      } catch (problem) {
        if (problem.name !== "QuotaExceededError") throw problem;
        await this.letGo(place(), TIGHT_S, TIGHT_S * 5);
        await this.append(data);
      }
      return taken;
    });
  }

  /** Begin anew somewhere else: what was half read is forgotten, and the next offset is taken as it is. */
  restart() {
    return this.enqueue(() => {
      if (this.media?.readyState === "open" && this.buffer && !this.buffer.updating) this.buffer.abort();
      this.offset = null;
    });
  }

  append(data) { return this.updated(() => this.buffer.appendBuffer(data)); }

  updated(work) {
    const { buffer } = this;
    return new Promise((done, failed) => {
      const over = () => {
        buffer.removeEventListener("updateend", good);
        buffer.removeEventListener("error", bad);
      };
      const good = () => { over(); done(); };
      const bad = () => { over(); failed(new DecodeError()); };
      buffer.addEventListener("updateend", good);
      buffer.addEventListener("error", bad);
      try {
        work();
      } catch (problem) {
        over();
        failed(this.video.error || problem.name === "InvalidStateError" ? new DecodeError() : problem);
      }
    });
  }

  /** Let go of what lies far from a place, now and then. */
  tidy(place) {
    const { buffered } = this.video;
    if (!this.buffer || !buffered.length || this.tidying) return;
    const behind = buffered.start(0) < place() - 2 * KEEP_BEHIND_S;
    const ahead = buffered.end(buffered.length - 1) > place() + KEEP_AHEAD_S;
    if (!behind && !ahead) return;
    this.tidying = this.enqueue(() => this.letGo(place(), KEEP_BEHIND_S, KEEP_AHEAD_S)).catch(() => {}).finally(() => { this.tidying = null; });
  }

  async letGo(place, behind, ahead) {
    const { video } = this;
    const first = place - behind;
    if (video.buffered.length && video.buffered.start(0) < first) await this.updated(() => this.buffer.remove(0, first));
    const { buffered } = video;
    const last = place + ahead;
    if (buffered.length && buffered.end(buffered.length - 1) > last) await this.updated(() => this.buffer.remove(last, Infinity));
  }

  /** Let go of everything: the camera is not shown. */
  empty() {
    return this.enqueue(() => (this.buffer && this.media.readyState === "open" ? this.updated(() => this.buffer.remove(0, Infinity)) : null));
  }

  /** The buffered stretch that holds a place, [from, to] in seconds, or null. */
  stretch(place) {
    const { buffered } = this.video;
    for (let n = 0; n < buffered.length; n += 1) {
      if (place >= buffered.start(n) - 0.02 && place < buffered.end(n) - 0.005) return [buffered.start(n), buffered.end(n)];
    }
    return null;
  }
}
