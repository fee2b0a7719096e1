// Plays a reel through MediaSource: segments are fetched opened, a few seconds ahead, and let go behind.

import { ask } from "/static/api.js";

const AHEAD_S = 20;
const KEEP_BEHIND_S = 30;
const HOLE_S = 0.35;

export class Player {
  /**
   * @param {HTMLVideoElement} video
   * @param {import("./reel.js").Reel} reel
   * @param {string} base address under which parts lie
   * @param {{changed: () => void, failed: (problem: Error) => void}} tell
   */
  constructor(video, reel, base, tell) {
    this.video = video;
    this.reel = reel;
    this.base = base;
    this.tell = tell;
    this.round = 0;
    this.inits = new Map();
    for (const name of ["timeupdate", "play", "pause", "waiting", "playing", "seeked"]) video.addEventListener(name, () => tell.changed());
    video.addEventListener("error", () => video.error && tell.failed(new Error("The picture could not be decoded.")));
    setInterval(() => this.skipHole(), 200);
  }

  get place() { return this.wanted ?? this.video.currentTime; }

  /** Show the picture at a place on the line; what is buffered is used, all else begins anew. */
  async seek(place) {
    const target = Math.min(Math.max(0, place), Math.max(0, this.reel.length - 0.1));
    const segment = this.reel.segments[this.reel.indexAt(target)];
    const inside = segment ? Math.max(target, segment.at + 0.01) : target;
    if (this.source && this.has(inside)) {
      this.video.currentTime = inside;
      return;
    }
    await this.begin(inside);
  }

  has(place) {
    const { buffered } = this.video;
    for (let n = 0; n < buffered.length; n += 1) if (place >= buffered.start(n) - 0.01 && place < buffered.end(n) - 0.05) return true;
    return false;
  }

  async begin(place) {
    const round = ++this.round;
    const first = this.reel.startAt(place);
    if (first < 0) return;
    this.wanted = place;
    this.next = first;
    this.part = null;
    try {
      const init = await this.init(this.reel.segments[first].part);
      if (round !== this.round) return;
      await this.open(init);
      while (round === this.round && !this.has(place) && this.next < this.reel.segments.length) await this.load(round);
      if (round !== this.round) return;
      this.video.currentTime = this.startOf(place);
      this.wanted = null;
      if (this.wantsToPlay) this.play(); // also where it was asked for meanwhile
      this.fill(round);
    } catch (problem) {
      if (round === this.round) this.tell.failed(problem);
    }
  }

  /** A keyframe may come a little after the place asked for. */
  startOf(place) {
    if (this.has(place)) return place;
    const { buffered } = this.video;
    for (let n = 0; n < buffered.length; n += 1) if (buffered.start(n) >= place) return buffered.start(n) + 0.01;
    return place;
  }

  async init(part) {
    if (!this.inits.has(part)) {
      const response = await ask(`${this.base}/${part}/init`);
      this.inits.set(part, { type: `video/mp4; codecs="${response.headers.get("X-Exambox-Codecs")}"`, data: await response.arrayBuffer() });
    }
    return this.inits.get(part);
  }

  async open(init) {
    if (!window.MediaSource?.isTypeSupported(init.type)) throw new Error("This browser cannot play the recording's codec. Export a clip and play that instead.");
    if (this.address) URL.revokeObjectURL(this.address);
    this.source = new MediaSource();
    this.address = URL.createObjectURL(this.source);
    this.video.src = this.address;
    this.video.playbackRate = this.rate ?? 1;
    await new Promise((done) => this.source.addEventListener("sourceopen", done, { once: true }));
    this.buffer = this.source.addSourceBuffer(init.type);
    this.type = init.type;
  }

  /** Fetch and append the next segment. Its place on the line is given by an offset, set anew where time jumps. */
  async load(round) {
    const segment = this.reel.segments[this.next];
    if (this.part !== segment.part) {
      const init = await this.init(segment.part);
      if (round !== this.round) return;
      if (init.type !== this.type) this.buffer.changeType(init.type);
      this.type = init.type;
      await this.append(init.data);
      this.part = segment.part;
      this.offset = null;
    }
    const response = await ask(`${this.base}/${segment.part}/${segment.seq}`);
    const data = await response.arrayBuffer();
    if (round !== this.round) return;
    const offset = segment.at - Number(response.headers.get("X-Exambox-Media-Us")) / 1e6;
    if (this.offset === null || this.offset === undefined || Math.abs(offset - this.offset) > 0.1) {
      this.offset = offset;
      this.buffer.timestampOffset = offset;
    }
    await this.append(data);
    if (round === this.round) this.next += 1;
  }

  append(data) {
    const { buffer } = this;
    return new Promise((done, failed) => {
      buffer.addEventListener("updateend", done, { once: true });
      buffer.addEventListener("error", () => failed(new Error("The picture could not be decoded.")), { once: true });
      buffer.appendBuffer(data);
    });
  }

  async fill(round) {
    while (round === this.round) {
      const segment = this.reel.segments[this.next];
      if (!segment || segment.at > this.video.currentTime + AHEAD_S) {
        await new Promise((done) => setTimeout(done, 250));
        continue;
      }
      try {
        await this.letGo();
        await this.load(round);
      } catch (problem) {
        if (round !== this.round) return;
        this.tell.failed(problem);
        return;
      }
    }
  }

  letGo() {
    const until = this.video.currentTime - KEEP_BEHIND_S;
    if (!this.video.buffered.length || this.video.buffered.start(0) > until - KEEP_BEHIND_S) return null;
    return new Promise((done) => {
      this.buffer.addEventListener("updateend", done, { once: true });
      this.buffer.remove(0, until);
    });
  }

  /** Go on behind a gap: the recording has no pictures there, and nobody wants to wait through it. */
  skipHole() {
    const { video } = this;
    if (this.wanted !== null && this.wanted !== undefined) return;
    if (!this.wantsToPlay || video.seeking || this.has(video.currentTime)) return;
    for (let n = 0; n < video.buffered.length; n += 1) {
      const start = video.buffered.start(n);
      if (start > video.currentTime - 0.05 && start - video.currentTime > 0 && video.buffered.end(n) > start + 0.05) {
        if (start - video.currentTime > HOLE_S) this.skipped = start - video.currentTime;
        video.currentTime = start + 0.01;
        return;
      }
    }
  }

  play() {
    this.wantsToPlay = true;
    return this.video.play().catch(() => {});
  }

  pause() {
    this.wantsToPlay = false;
    this.video.pause();
  }

  setRate(rate) {
    this.rate = rate;
    this.video.playbackRate = rate;
  }
}
