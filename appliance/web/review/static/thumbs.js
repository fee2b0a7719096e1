// Small pictures of every camera at the moment under the pointer: asked for when it rests, taken back when it moves on,
// kept for a while. Painted on canvases, so nothing readable is left in the page's address or the browser's cache of links.

import { _ } from "/static/text.js";
import { make } from "./dom.js";
import { THUMBNAIL } from "./net.js";

const REST_MS = 70;
const PRIME_MS = 1500;
const KEPT = 240;
const WIDTH = 160;

export class Thumbs {
  /**
   * @param {HTMLElement} place the box above the timeline
   * @param {{net: import("./net.js").Net, cameras: {camera: string, name: string}[], base: string,
   *   recorded: (camera: string, us: number) => boolean}} parts `recorded`: whether a camera recorded at a time; where it
   *   did not, an older picture would only mislead
   */
  constructor(place, { net, cameras, base, recorded }) {
    Object.assign(this, { place, net, base, recorded });
    this.kept = new Map();
    this.time = make("p", { className: "scrub-time" });
    this.row = make("div", { className: "scrub-row" });
    place.append(this.row, this.time);
    this.frames = new Map(cameras.map(({ camera, name }) => {
      const canvas = make("canvas", { width: WIDTH, height: 90 });
      const none = make("span", { className: "scrub-none", textContent: _("No recording here") });
      const figure = make("figure", { className: "scrub-thumb" }, canvas, none, make("figcaption", { textContent: name }));
      this.row.append(figure);
      return [camera, { canvas, figure, showing: null }];
    }));
  }

  /** Show the moment; `step` is how far apart moments must be to have pictures of their own. */
  show(us, words, step, cameras) {
    this.time.textContent = words;
    this.place.hidden = false;
    const at = Math.round(us / step) * step;
    for (const [camera, { figure }] of this.frames) figure.hidden = !cameras.includes(camera);
    if (at === this.at) return;
    this.at = at;
    this.stopping?.abort();
    clearTimeout(this.timer);
    const missing = cameras.filter((camera) => {
      if (!this.recorded(camera, at)) this.keep(camera, at, null);
      return !this.paint(camera, at);
    });
    if (!missing.length) return;
    this.timer = setTimeout(() => {
      this.stopping = new AbortController();
      for (const camera of missing) this.fetch(camera, at, this.stopping.signal);
    }, REST_MS);
  }

  /** Ask for one picture before anybody wants one: the box then has what makes them at hand. */
  prime(us, cameras) {
    setTimeout(() => { if (cameras.length && this.place.hidden) this.fetch(cameras[0], Math.round(us), undefined); }, PRIME_MS);
  }

  paint(camera, at) {
    const kept = this.kept.get(`${camera}/${at}`);
    const frame = this.frames.get(camera);
    if (kept === undefined) { frame.figure.dataset.old = "yes"; return false; }
    delete frame.figure.dataset.old;
    const context = frame.canvas.getContext("2d");
    if (kept) {
      frame.canvas.height = Math.round((WIDTH * kept.height) / kept.width);
      context.drawImage(kept, 0, 0, WIDTH, frame.canvas.height);
    } else {
      frame.canvas.height = Math.round((WIDTH * 9) / 16);
      context.clearRect(0, 0, WIDTH, frame.canvas.height);
    }
    frame.figure.dataset.none = kept ? "no" : "yes";
    return true;
  }

  async fetch(camera, at, signal) {
    let picture = null;
    try {
      const path = `${this.base}/${encodeURIComponent(camera)}/thumbnail?at_us=${Math.round(at)}&width=${WIDTH}`;
      const blob = await this.net.get(path, { priority: THUMBNAIL, signal, insist: false, background: true, take: (answer) => answer.blob() });
      picture = await createImageBitmap(blob);
    } catch (problem) {
      if (problem.status !== 404) return; // no picture there is an answer; all else may be better next time
    }
    this.keep(camera, at, picture);
    if (at === this.at) this.paint(camera, at);
  }

  keep(camera, at, picture) {
    this.kept.get(`${camera}/${at}`)?.close();
    this.kept.set(`${camera}/${at}`, picture);
    if (this.kept.size <= KEPT) return;
    const [oldest, bitmap] = this.kept.entries().next().value;
    this.kept.delete(oldest);
    bitmap?.close();
  }

  /** Put the box above a place of the timeline, inside it. */
  moveTo(x, width) {
    const half = this.place.offsetWidth / 2;
    this.place.style.left = `${Math.min(Math.max(x, half), Math.max(half, width - half))}px`;
  }

  hide() {
    this.place.hidden = true;
    this.at = null;
    this.stopping?.abort();
    clearTimeout(this.timer);
  }

  /** Nothing readable is kept when playback is locked. */
  forget() {
    for (const bitmap of this.kept.values()) bitmap?.close();
    this.kept.clear();
    this.hide();
  }
}
