// One camera's moving picture: messages from the box into MediaSource, close to the present, never frozen unseen.

import { _ } from "/static/text.js";
import { AIM_S, Pulse, correction } from "./drift.js";
import { joined } from "./messages.js";

const KEEP_S = 6;
const MAX_WAITING_BYTES = 16 * 1024 * 1024;

export class Player {
  /**
   * @param {HTMLVideoElement} video
   * @param {(state: "starting"|"live"|"lost"|"unplayable", reason: string) => void} changed
   */
  constructor(video, changed) {
    this.video = video;
    this.changed = changed;
    this.waiting = [];
    this.bytes = 0;
  }

  /** A message of this camera. */
  take(kind, payload) {
    if (kind === "J") this.told(JSON.parse(new TextDecoder().decode(payload)));
    else if (kind === "I") this.begin(payload);
    else if (kind === "K" || kind === "F") this.append(payload, kind === "K");
  }

  told(message) {
    if (message.state) {
      this.stop();
      this.changed(message.state === "lost" ? "lost" : "starting", message.reason ?? "");
      return;
    }
    this.type = `video/mp4; codecs="${message.codecs}"`;
    this.playable = Boolean(window.MediaSource?.isTypeSupported(this.type));
    if (!this.playable) {
      this.stop();
      this.changed("unplayable", _("This browser cannot play this camera's video."));
    }
  }

  begin(init) {
    if (!this.playable) return;
    const source = new MediaSource();
    this.stop();
    this.init = init;
    this.source = source;
    this.pulse = new Pulse(performance.now());
    this.waiting = [init];
    this.bytes = init.length;
    this.address = URL.createObjectURL(source);
    this.video.src = this.address;
    source.addEventListener("sourceopen", () => this.opened(source), { once: true });
    this.timer = setInterval(() => this.look(), 200);
  }

  opened(source) {
    if (this.source !== source) return;
    try {
      this.buffer = source.addSourceBuffer(this.type);
    } catch {
      this.fail(_("The picture could not be decoded."));
      return;
    }
    this.buffer.addEventListener("updateend", () => { if (this.source === source) this.feed(); });
    this.feed();
  }

  append(fragment, keyframe) {
    if (!this.source && this.init && keyframe) this.begin(this.init); // after a failure, anew from a keyframe
    if (!this.source) return;
    this.pulse.arrive(performance.now());
    if (this.bytes + fragment.length > MAX_WAITING_BYTES) this.skipping = true;
    if (this.skipping && !keyframe) return;
    if (this.skipping) { this.waiting = this.waiting.slice(0, this.started ? 0 : 1); this.bytes = 0; }
    this.skipping = false;
    this.waiting.push(fragment);
    this.bytes += fragment.length;
    this.feed();
  }

  feed() {
    const { buffer } = this;
    if (!buffer || buffer.updating || this.source?.readyState !== "open") return;
    this.place(buffer);
    if (buffer.updating || !this.waiting.length) return;
    const data = this.waiting.length === 1 ? this.waiting[0] : joined(this.waiting);
    this.waiting = [];
    this.bytes = 0;
    this.started = true;
    try {
      buffer.appendBuffer(data);
    } catch {
      this.fail(_("The picture could not be decoded."));
    }
  }

  /** Go to the present with the first pictures, and let go of old ones. */
  place(buffer) {
    const { buffered } = buffer;
    if (!buffered.length) return;
    const start = buffered.start(0);
    const end = buffered.end(buffered.length - 1);
    if (!this.placed) {
      this.placed = true;
      this.video.currentTime = Math.max(start, end - AIM_S);
      this.play();
    } else if (this.video.currentTime - start > 2 * KEEP_S) {
      buffer.remove(start, this.video.currentTime - KEEP_S);
    }
  }

  look() {
    const now = performance.now();
    if (this.video.error) { this.fail(_("The picture could not be decoded.")); return; }
    this.pulse.look(now, this.video.getVideoPlaybackQuality().totalVideoFrames, this.video.currentTime);
    const state = this.pulse.state(now);
    if (state === "silent") this.changed("lost", _("No pictures arrive."));
    else if (state === "frozen") this.fail(_("The picture does not move."));
    else {
      if (state === "live") this.changed("live", "");
      this.keepUp();
    }
  }

  keepUp() {
    const buffered = this.placed ? this.buffer?.buffered : null;
    if (!buffered?.length) return;
    const end = buffered.end(buffered.length - 1);
    const { seek, rate } = correction(end - this.video.currentTime);
    if (seek) this.video.currentTime = end - AIM_S;
    if (this.video.playbackRate !== rate) this.video.playbackRate = rate;
    if (this.video.paused) this.play();
  }

  play() {
    this.video.play().catch(() => {}); // what it does not play is noticed by its pulse
  }

  /** The pictures that come cannot be shown: say so; the next keyframe starts anew. */
  fail(reason) {
    const { init } = this;
    this.stop();
    this.init = init;
    this.changed("lost", reason);
  }

  stop() {
    this.init = null;
    clearInterval(this.timer);
    if (this.address) URL.revokeObjectURL(this.address);
    this.address = this.source = this.buffer = null;
    this.waiting = [];
    this.bytes = 0;
    this.placed = this.skipping = this.started = false;
  }
}
