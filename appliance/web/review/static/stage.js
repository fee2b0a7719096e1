// The pictures side by side: a tile a camera, as a grid or one large with the others beside it, hidden and shown, and
// what is said over a picture that is not there.

import { duration } from "/static/words.js";
import { _ } from "/static/text.js";
import { button, icon, make } from "./dom.js";

const KEPT = "exambox:review:layout";

/** The words over a tile without a picture: title, reason, what to do. */
export function veilWords(absence, state, zone) {
  if (!absence) return state === "wait" ? { title: _("Loading…"), reason: "", calm: true } : null;
  switch (absence.kind) {
    case "blink": return null;
    case "hole": return { title: _("No recording here"), reason: "" };
    case "gap": return {
      title: _("No recording {from} – {to}", { from: zone.clock(absence.start), to: zone.clock(absence.end) }),
      reason: `${absence.words} · ${duration((absence.end - absence.start) / 1e6)}`,
    };
    case "before": return { title: _("Not yet recording"), reason: _("This camera begins at {time}.", { time: zone.clock(absence.start) }) };
    case "after": return { title: _("No longer recording"), reason: _("This camera ended at {time}.", { time: zone.clock(absence.end) }) };
    case "locked": return { title: _("Playback is locked"), reason: _("Unlock it to go on from here.") };
    case "refused": return { title: _("These pictures cannot be shown"), reason: absence.words === "decode" ? _("They cannot be decoded. Verify the recording to learn whether they are as they were sealed.") : absence.words };
    case "codec": return {
      title: _("This browser cannot play this camera"),
      reason: _("It records {codec}. Open this page in a browser that plays it (Safari, Edge, or Chrome with hardware support), or export the range and play the file.", { codec: codecName(absence.codecs) }),
    };
    default: return { title: _("The pictures cannot be loaded"), reason: `${absence.message} ${absence.hint}`, retry: true };
  }
}

/** A codec as people know it. */
export function codecName(codecs) {
  if (/^(hvc1|hev1)/.test(codecs)) return "H.265 (HEVC)";
  if (/^avc/.test(codecs)) return "H.264 (AVC)";
  if (/^av01/.test(codecs)) return "AV1";
  if (/^vp0?9/.test(codecs)) return "VP9";
  return codecs || _("an unknown codec");
}

export class Stage {
  /**
   * @param {HTMLElement} place
   * @param {{cameras: {camera: string, name: string, audio: boolean, masked: boolean}[], zone: object, sitting: string,
   *   changed: () => void, toggle: () => void, retry: (camera: string) => void, sound: (camera: string|null) => void}} parts
   */
  constructor(place, { cameras, zone, sitting, changed, toggle, retry, sound }) {
    Object.assign(this, { place, cameras, zone, changed, toggle, retry, sound, key: `${KEPT}:${sitting}` });
    this.layout = cameras.length > 1 ? "grid" : "single";
    this.order = cameras.map(({ camera }) => camera);
    this.hidden = new Set();
    this.main = this.order[0] ?? null;
    this.audible = null;
    this.tiles = new Map();
    this.recall();
    cameras.forEach((camera, n) => this.tiles.set(camera.camera, this.tile(camera, n + 1)));
    place.append(...this.order.map((camera) => this.tiles.get(camera).figure));
    this.arrange();
  }

  recall() {
    try {
      const kept = JSON.parse(sessionStorage.getItem(this.key) ?? "{}");
      if (this.order.length > 1 && ["grid", "focus"].includes(kept.layout)) this.layout = kept.layout;
      if (this.order.includes(kept.main)) this.main = kept.main;
      this.hidden = new Set((kept.hidden ?? []).filter((camera) => this.order.includes(camera)));
      if (this.hidden.size >= this.order.length) this.hidden.clear();
    } catch { /* what was kept is no layout: the usual one is shown */ }
  }

  keep() {
    try {
      sessionStorage.setItem(this.key, JSON.stringify({ layout: this.layout, main: this.main, hidden: [...this.hidden] }));
    } catch { /* a browser that keeps nothing shows the usual layout next time */ }
  }

  tile({ camera, name, audio, masked }, number) {
    const video = make("video", { muted: true, playsInline: true, disablePictureInPicture: true, attributes: { "aria-label": _("Recorded picture of {name}", { name }), preload: "auto" } });
    video.disableRemotePlayback = true;
    const title = make("span", { className: "veil-title" });
    const reason = make("span", { className: "veil-reason" });
    const again = button(_("Try again"), { kind: "small-button", onClick: (event) => { event.stopPropagation(); this.retry(camera); } });
    const veil = make("div", { className: "veil", hidden: true }, title, reason, again);
    const spin = make("span", { className: "tile-wait", hidden: true, attributes: { role: "status", "aria-label": _("Loading…") } });
    const tools = make("span", { className: "tile-tools" });
    const sound = audio ? button(_("Sound of {name}", { name }), { symbol: "mute", title: _("Sound"), kind: "tile-tool", onClick: () => this.hear(this.audible === camera ? null : camera), attributes: { "aria-pressed": "false" } }) : null;
    if (sound) tools.append(sound);
    if (this.cameras.length > 1) {
      tools.append(
        button(_("Make {name} large", { name }), { symbol: "focus", title: _("Large (number key)"), kind: "tile-tool", onClick: () => this.enlarge(camera) }),
        button(_("Hide {name}", { name }), { symbol: "hide", title: _("Hide"), kind: "tile-tool", onClick: () => this.setHidden(camera, true) }),
      );
    }
    const label = make("figcaption", { className: "tile-name" }, this.cameras.length > 1 ? make("kbd", { textContent: String(number) }) : null, make("span", { textContent: name }), masked ? make("span", { className: "tile-mark", textContent: _("masked") }) : null);
    const picture = make("div", { className: "tile-picture" }, video, veil, spin);
    const figure = make("figure", { className: "tile", data: { camera } }, picture, label, tools);
    picture.addEventListener("click", () => this.click(camera));
    picture.addEventListener("dblclick", () => this.enlarge(camera));
    return { figure, video, veil, title, reason, again, spin, sound, kind: undefined };
  }

  /** In the strip a tap makes a camera large; anywhere else it plays and pauses. */
  click(camera) {
    if (this.layout === "focus" && camera !== this.main) this.enlarge(camera, "focus");
    else this.toggle();
  }

  get shown() { return this.order.filter((camera) => !this.hidden.has(camera)); }

  /** Shown cameras, the main one first. */
  get cast() { return [this.main, ...this.shown.filter((camera) => camera !== this.main)].filter((camera) => camera && !this.hidden.has(camera)); }

  enlarge(camera, layout) {
    if (!this.order.includes(camera)) return;
    this.hidden.delete(camera);
    const same = this.main === camera && this.layout === "focus";
    this.main = camera;
    this.layout = this.order.length === 1 ? "single" : layout ?? (same ? "grid" : "focus");
    this.arrange();
  }

  setLayout(layout) {
    if (this.order.length > 1) this.layout = layout;
    this.arrange();
  }

  setHidden(camera, hidden) {
    if (hidden && this.shown.length <= 1) return;
    if (hidden) this.hidden.add(camera);
    else this.hidden.delete(camera);
    if (this.hidden.has(this.main)) this.main = this.shown[0];
    if (hidden && this.audible === camera) this.hear(null);
    this.arrange();
  }

  hear(camera) {
    this.audible = camera;
    for (const [name, tile] of this.tiles) {
      tile.video.muted = name !== camera;
      if (!tile.sound) continue;
      tile.sound.setAttribute("aria-pressed", String(name === camera));
      tile.sound.replaceChildren(icon(name === camera ? "sound" : "mute"));
    }
    this.sound(camera);
  }

  arrange() {
    if (this.hidden.has(this.main) || !this.main) this.main = this.shown[0] ?? null;
    const count = this.shown.length;
    this.place.dataset.layout = count === 1 ? "single" : this.layout;
    this.place.dataset.count = String(Math.min(count, 9));
    for (const [camera, { figure }] of this.tiles) {
      figure.hidden = this.hidden.has(camera);
      figure.dataset.main = camera === this.main ? "yes" : "no";
    }
    this.keep();
    this.changed();
  }

  /** Say on each tile what there is to say. */
  tell(decks, states, wall) {
    for (const camera of this.shown) {
      const tile = this.tiles.get(camera);
      const absence = decks.get(camera).absence(wall);
      const words = veilWords(absence, states.get(camera), this.zone);
      const kind = words ? `${words.title}|${words.reason}` : "";
      if (tile.kind === kind) continue;
      const before = tile.kind;
      tile.kind = kind;
      clearTimeout(tile.timer);
      // A short wait is no news: only a longer one is shown, and lightly.
      tile.timer = setTimeout(() => this.put(tile, words), words?.calm && before !== undefined ? 450 : 0);
    }
  }

  put(tile, words) {
    tile.spin.hidden = !words?.calm;
    tile.veil.hidden = !words || Boolean(words.calm);
    if (!words || words.calm) return;
    tile.title.textContent = words.title;
    tile.reason.textContent = words.reason;
    tile.again.hidden = !words.retry;
  }
}
