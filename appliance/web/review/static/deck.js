// Plays one camera so that it stands where the sitting's clock stands: pictures are fetched from the keyframe before a
// place on, a little ahead of the clock, let go behind it; the video's speed is trimmed until it is in step.

import { correction } from "./clock.js";
import { pictureTimes, pictureTrack } from "./frames.js";
import { INDEX, PLAY, SEEK } from "./net.js";
import { CodecError, DecodeError, PictureSource, typeOf } from "./source.js";

const AHEAD_US = 8e6;
const AHEAD_STANDING_US = 4e6; // who looks for a moment goes on before more could be shown
const WINDOW_US = 60e6;
const FIRST_WINDOW_US = 20e6;
const SMALL_HOLE_US = 500_000;
const OFFSET_LEEWAY_S = 0.03;
const PIPELINE = 3;
const SKIM_FROM_RATE = 4;
const STALL_MS = 700;
const ASK_AGAIN_MS = 900;
const TICK_MS = 60;
const MOST_REFUSALS = 4;
const LAST_S = 0.2; // so long at most, as far as is known, the last picture of what is buffered is shown
const STUCK_MS = 1500;
const UNTOLD_MS = 150; // so long after a seek has ended the browser may take to tell of its picture
const EDGE_S = 0.001; // times of pictures and of places are each rounded, by the browser and by us

const nap = (ms) => new Promise((done) => setTimeout(done, ms));

export class Deck {
  /**
   * @param {{video: HTMLVideoElement, base: string, track: import("./track.js").Track, net: import("./net.js").Net,
   *   origin: number, facts: () => {start_us: number, end_us: number, open: boolean, gaps: [number, number, string][]},
   *   clock: import("./clock.js").MasterClock, changed: () => void, locked: () => void, signedOut: (problem: Error) => void}} parts
   */
  constructor({ video, base, track, net, origin, facts, clock, changed, locked, signedOut }) {
    Object.assign(this, { video, base, track, net, origin, facts, clock, changed, locked, signedOut });
    this.source = new PictureSource(video);
    this.round = 0;
    this.inits = new Map();
    this.pieces = new Map();
    this.pictures = new Map(); // a segment's pictures: when each is shown, in seconds of the line
    this.codecs = new Set(); // of the parts seen so far
    this.refused = []; // stretches that could not be opened, with the reason
    this.problem = null;
    this.awake = false;
    this.skimming = false;
    this.shown = null; // seconds of the line of the picture on screen
    this.landedSince = null;
    this.stuckSince = null;
    this.bound = null; // where a seek goes whose picture is not on screen yet: until then `shown` is the picture before
    this.runEnd = 0; // how far the present run has appended, wall
    this.lateSince = null;
    this.stopping = null;
    video.addEventListener("error", () => video.error && this.awake && this.rebuild());
    this.watchPictures();
  }

  line(wall) { return (wall - this.origin) / 1e6; }

  wallOf(line) { return this.origin + line * 1e6; }

  /** The wall time of the picture on screen, or null. */
  get shownWall() { return this.shown === null ? null : this.wallOf(this.shown); }

  watchPictures() {
    const each = (_now, { mediaTime }) => {
      this.shown = mediaTime;
      if (!this.video.seeking || this.fits(mediaTime, this.bound)) this.bound = null;
      this.shownHook?.(this);
      this.video.requestVideoFrameCallback(each);
    };
    this.video.requestVideoFrameCallback?.(each);
  }

  /** Show the camera (again), from where the clock stands. */
  wake() {
    if (this.awake) return;
    this.awake = true;
    this.problem = null;
    this.seek(this.clock.now());
  }

  /** The camera is not shown: nothing is fetched or kept for it. */
  sleep() {
    this.awake = false;
    this.round += 1;
    this.stopping?.abort();
    this.video.pause();
    this.pieces.clear();
    this.source.empty().catch(() => {});
  }

  /** Try again after a failure. */
  retry() {
    this.problem = null;
    this.refused = [];
    this.track.bad.clear();
    this.track.refresh();
    if (this.awake) this.seek(this.clock.now());
  }

  async rebuild() {
    this.round += 1;
    this.source.close();
    this.shown = this.bound = null;
    const here = this.track.at(this.clock.now());
    this.decodeFailures = (this.decodeFailures ?? 0) + 1;
    if (here && this.decodeFailures > 1) this.refuse(here, "decode");
    await nap(200);
    if (this.awake) this.seek(this.clock.now());
  }

  /** Stand at a wall time: what is buffered is used, all else is fetched from the keyframe before it. */
  seek(wall) {
    if (!this.awake) return;
    if (this.problem?.kind === "failed") this.problem = null;
    const place = this.line(wall);
    const have = this.source.stretch(place);
    if (have) {
      this.place(place);
      if (this.line(this.runEnd) > have[1] + 0.5 || this.line(this.runEnd) < have[1] - 0.5) this.begin(this.wallOf(have[1]) - 1);
      return;
    }
    // Asked for at once: the browser shows the picture as soon as it is there, and keeps the old one until then.
    if (this.source.buffer && !this.absence(wall)) this.place(place);
    this.begin(wall);
  }

  place(seconds) {
    this.lateSince = null;
    if (Math.abs(this.video.currentTime - seconds) > 0.0005) this.move(seconds);
  }

  move(seconds) {
    this.bound = seconds;
    this.landedSince = null;
    this.video.currentTime = seconds;
  }

  /**
   * A busy browser sometimes never tells of the picture of a seek that followed another one closely, or of an older
   * one last. When the seek has ended, its picture is on screen all the same.
   */
  conclude() {
    const { video } = this;
    if (video.seeking || video.readyState < 2) return;
    this.landedSince ??= performance.now();
    if (performance.now() - this.landedSince < UNTOLD_MS) return;
    if (this.bound === null && this.shown !== null && this.fits(this.shown, video.currentTime)) return;
    const picture = this.pictureAt(this.bound ?? video.currentTime);
    if (picture === null || (this.bound === null && picture === this.shown)) return;
    this.shown = picture;
    this.bound = null;
    this.shownHook?.(this);
  }

  /** A browser that has what it needs and still shows nothing is asked once more, again and again. */
  unstick(place) {
    if (this.video.readyState >= 2) { this.stuckSince = null; return; }
    this.stuckSince ??= performance.now();
    if (performance.now() - this.stuckSince < STUCK_MS) return;
    this.stuckSince = null;
    this.move(place);
  }

  /** The place of the picture somebody sees, or will see when the seek under way is done; null if there is none. */
  get standing() {
    return this.bound === null ? this.shown : this.pictureAt(this.bound);
  }

  /** Whether the picture that begins at `picture` is the one of a place, as far as is known. */
  fits(picture, place) {
    if (place === null || picture > place + EDGE_S) return false;
    const next = this.pictureBeside(picture, 1);
    return next === null ? place - picture < LAST_S : next > place - EDGE_S;
  }

  /** Whether what is on screen is what the last seek went to. */
  get settled() {
    return this.shown !== null && (this.bound === null || this.fits(this.shown, this.bound));
  }

  async begin(from) {
    const round = ++this.round;
    this.stopping?.abort();
    this.stopping = new AbortController();
    const { signal } = this.stopping;
    this.pieces.clear();
    this.runEnd = from;
    try {
      await this.source.restart();
      await this.run(round, from, signal);
    } catch (problem) {
      if (round === this.round) this.fail(problem);
    }
  }

  fail(problem) {
    if (problem.name === "AbortError") return;
    if (problem.status === 401) { this.signedOut(problem); return; }
    if (problem.status === 423) { this.problem = { kind: "locked" }; this.locked(); return; }
    if (problem instanceof CodecError) this.problem = { kind: "codec", codecs: problem.codecs };
    else if (problem instanceof DecodeError) { this.rebuild(); return; }
    else this.problem = { kind: "failed", message: problem.message, hint: problem.hint ?? "" };
    this.changed();
  }

  async run(round, from, signal) {
    let last = null;
    let refusals = 0;
    const stale = () => round !== this.round;
    while (!stale()) {
      const next = await this.following(last, from, stale, signal);
      if (!next) return;
      // After a seek nothing is asked beside what is waited for; the rest is asked for when that is there.
      if (last) this.prefetch(next, signal);
      try {
        await this.append(next, stale, signal);
        refusals = 0;
      } catch (problem) {
        if (stale() || ["AbortError", "CodecError"].includes(problem.name) || problem instanceof DecodeError) throw problem;
        if ([401, 423].includes(problem.status) || refusals >= MOST_REFUSALS) throw problem;
        refusals += 1;
        this.refuse(next, problem.message);
      }
      last = next;
      this.runEnd = next.end;
    }
  }

  refuse(segment, words) {
    this.refused.push({ start: segment.start, end: segment.end, words });
    this.track.leaveOut(segment);
    this.changed();
  }

  get ahead() { return this.clock.playing ? AHEAD_US * Math.max(1, Math.min(this.clock.rate, 4)) : AHEAD_STANDING_US; }

  /** Wait for the segment to be appended next: known, and not too far ahead of the clock. */
  async following(last, from, stale, signal) {
    for (let hop = from; !stale();) {
      const begin = Math.max(last ? last.end : hop, hop);
      const now = this.clock.now();
      const next = this.pick(last, hop, now);
      const window = last ? WINDOW_US : FIRST_WINDOW_US;
      const unknown = this.track.missing(begin, next ? next.start : begin + window);
      if (unknown && unknown[0] < now + this.ahead) {
        if (!(await this.learn(unknown[0], Math.max(unknown[0] + window, Math.min(unknown[1], unknown[0] + 4 * window)), signal))) await nap(ASK_AGAIN_MS);
        continue;
      }
      if (next && next.start < now + this.ahead) return next;
      if (!next && !unknown && begin < this.facts().end_us) hop = Math.max(begin + window, this.gapAt(begin)?.[1] ?? 0);
      else await nap(TICK_MS);
      if (hop > now + this.ahead && !next) await nap(TICK_MS);
    }
    return null;
  }

  pick(last, from, now) {
    if (this.skimming) return this.track.nextKey(Math.max(now + 0.4e6 * this.clock.rate, last ? last.end : 0));
    if (!last) return this.track.list[this.track.startFor(from)] ?? null;
    const after = this.track.list[this.track.indexBehind(last)] ?? null;
    return after;
  }

  /** Ask where segments lie; returns whether anything was learned. */
  async learn(from, to, signal) {
    const path = `${this.base}/segments?from_us=${Math.floor(from)}&to_us=${Math.ceil(to)}`;
    const found = await this.net.get(path, { priority: INDEX, signal, background: this.clock.playing, take: (answer) => answer.json() });
    const rows = found.segments;
    const lastEnd = rows.length ? rows.at(-1)[3] : from;
    const { open, end_us: end } = this.facts();
    let until = to;
    if (found.more && rows.length) until = rows.at(-1)[2];
    else if (open) until = Math.min(to, Math.max(lastEnd, end));
    const more = until > from;
    this.track.forget(this.clock.now(), 3600e6);
    if (rows.length || more) this.track.add(rows, from, until);
    return more;
  }

  prefetch(next, signal) {
    if (this.skimming) return;
    let index = this.track.indexBehind(next);
    for (let n = 1; n < PIPELINE; n += 1, index += 1) {
      const segment = this.track.list[index];
      if (segment && segment.start < this.clock.now() + this.ahead) this.piece(segment, signal).catch(() => {});
    }
  }

  piece(segment, signal) {
    const name = `${segment.part}/${segment.seq}`;
    if (!this.pieces.has(name)) {
      const priority = segment.start <= this.clock.now() + 0.1e6 ? SEEK : PLAY;
      this.pieces.set(name, this.net.get(`${this.base}/${name}`, {
        priority, signal,
        background: this.clock.playing,
        take: async (answer) => ({ media: Number(answer.headers.get("X-Exambox-Media-Us")) / 1e6, data: await answer.arrayBuffer() }),
      }));
    }
    return this.pieces.get(name);
  }

  init(part, signal) {
    if (!this.inits.has(part)) {
      const asked = this.net.get(`${this.base}/${part}/init`, {
        priority: SEEK, signal,
        take: async (answer) => {
          const codecs = answer.headers.get("X-Exambox-Codecs") ?? "";
          const data = await answer.arrayBuffer();
          if (codecs) this.codecs.add(codecs);
          return { codecs, type: typeOf(codecs), data, track: pictureTrack(data) };
        },
      });
      asked.catch(() => this.inits.delete(part));
      this.inits.set(part, asked);
      if (this.inits.size > 8) this.inits.delete(this.inits.keys().next().value);
    }
    return this.inits.get(part);
  }

  async append(segment, stale, signal) {
    const name = `${segment.part}/${segment.seq}`;
    const [init, piece] = await Promise.all([this.init(segment.part, signal), this.piece(segment, signal)]);
    if (stale()) return;
    await this.source.init(segment.part, init);
    if (stale()) return;
    const offset = this.line(segment.start) - piece.media;
    const shift = await this.source.add(piece.data, offset, OFFSET_LEEWAY_S, () => this.line(this.clock.now()));
    this.pieces.delete(name);
    if (init.track) this.pictures.set(name, { end: segment.end, times: pictureTimes(piece.data, init.track).map((time) => time + shift) });
    if (this.pictures.size > 80) this.pictures.delete(this.pictures.keys().next().value);
    const wanted = this.line(this.clock.now());
    if (this.source.stretch(wanted) && Math.abs(this.video.currentTime - wanted) > 0.3 && !this.skimming) this.place(wanted);
  }

  /** The stated gap that holds a wall time: [start, end, words], or null. */
  gapAt(wall) { return this.facts().gaps.find(([start, end]) => wall >= start && wall < end) ?? null; }

  /** Why there is no picture of a wall time: `{kind, …}` for the veil, or null where there should be one. */
  absence(wall) {
    const { start_us: start, end_us: end, open } = this.facts();
    if (this.problem) return this.problem;
    if (this.source.stretch(this.line(wall))) return null;
    if (wall < start) return { kind: "before", start };
    if (wall >= end && !open) return { kind: "after", end };
    const refused = this.refused.find((stretch) => wall >= stretch.start && wall < stretch.end);
    if (refused) return { kind: "refused", ...refused };
    const gap = this.gapAt(wall);
    const segment = this.track.at(wall);
    if (gap && !segment) return { kind: "gap", start: gap[0], end: gap[1], words: gap[2] };
    if (!segment && wall < end && !this.track.missing(wall, wall + 1)) {
      const next = this.track.list[this.track.indexAfter(wall)];
      return { kind: next && next.start - wall < SMALL_HOLE_US ? "blink" : "hole" };
    }
    // Pictures that follow a hole without a keyframe cannot be decoded before the next one.
    if (segment && this.runEnd > segment.end + 1e6 && this.track.list[this.track.startFor(wall)]?.end < this.runEnd) return { kind: "blink" };
    return null;
  }

  /**
   * Come into step with the clock.
   * @returns {"ready"|"wait"|"absent"} whether the clock may go on, should wait, or need not wait for this camera
   */
  steer(wall, rate, running) {
    const { video } = this;
    this.skimming = this.skimming && rate >= SKIM_FROM_RATE;
    this.source.tidy(() => this.line(this.clock.now()));
    if (this.absence(wall)) { this.stop(); return "absent"; }
    const place = this.line(wall);
    if (this.skimming) return this.skim(place);
    const have = this.source.stretch(place);
    if (!have) {
      this.stop();
      this.lateSince ??= performance.now();
      if (rate >= SKIM_FROM_RATE && running && performance.now() - this.lateSince > STALL_MS) this.beginSkimming(wall);
      else if (wall > this.runEnd + this.ahead || wall < this.runEnd - this.ahead * 3) this.begin(wall);
      return "wait";
    }
    if (video.seeking) return "wait";
    const now = this.source.stretch(video.currentTime);
    const drift = video.currentTime - place;
    if (!running) {
      this.stop();
      if (Math.abs(drift) > 0.004) this.place(place);
      this.conclude();
      this.unstick(place);
      return video.readyState >= 2 ? this.enough(have, place, rate) : "wait";
    }
    const { jump, rate: trimmed } = correction(drift, rate);
    if (jump || !now || now[0] !== have[0]) this.place(Math.min(place + 0.03 * rate, have[1] - 0.02));
    if (Math.abs(video.playbackRate - trimmed) > 0.004) video.playbackRate = trimmed;
    if (video.paused) video.play().catch(() => {});
    const stalled = video.readyState < 3 && have[1] - place < 0.1;
    this.lateSince = stalled ? this.lateSince ?? performance.now() : null;
    return stalled && this.track.at(wall + 0.2e6) ? "wait" : "ready";
  }

  /** After waiting there must be a little ahead, or the clock would go by fits and starts. */
  enough(have, place, rate) {
    const soon = this.wallOf(have[1]) + 1000;
    return have[1] - place > 0.4 * rate || !this.track.at(soon) || soon >= this.facts().end_us ? "ready" : "wait";
  }

  stop() { if (!this.video.paused) this.video.pause(); }

  beginSkimming(wall) {
    this.skimming = true;
    this.begin(wall);
  }

  /** Too fast for every picture: show keyframes, each when the clock comes to it. */
  skim(place) {
    this.stop();
    const { buffered } = this.video;
    let best = null;
    for (let n = 0; n < buffered.length; n += 1) if (buffered.start(n) <= place) best = Math.min(place, buffered.end(n) - 0.05);
    if (best !== null && !this.video.seeking && Math.abs(this.video.currentTime - best) > 0.2) this.move(best);
    return "ready";
  }

  /** When the picture after (1) or before (-1) a place is shown, in seconds of the line; null if it is not known. */
  pictureBeside(place, direction) {
    let best = null;
    for (const { times } of this.pictures.values()) {
      for (const time of times) {
        if (direction > 0 ? time > place + 0.0005 && (best === null || time < best) : time < place - 0.0005 && (best === null || time > best)) best = time;
      }
    }
    return best;
  }

  /** The place of the picture that is shown at a place: the last one that begins at or before it. */
  pictureAt(place) {
    let best = null;
    for (const { times } of this.pictures.values()) {
      for (const time of times) if (time <= place + 1e-6 && (best === null || time > best)) best = time;
    }
    return best;
  }
}
