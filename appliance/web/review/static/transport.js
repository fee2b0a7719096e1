// The buttons under the pictures, the clock, and the dialog that goes to a time.

import { _ } from "/static/text.js";
import { typedTime } from "./times.js";
import { icon } from "./dom.js";

export const SPEEDS = [0.5, 1, 2, 4, 8];

export class Transport {
  /** @param {HTMLElement} root of the page's player @param {{clock: object, zone: object, actions: object, jump: (us: number) => void}} parts */
  constructor(root, { clock, zone, actions, jump }) {
    Object.assign(this, { root, clock, zone, actions, jump });
    this.find = (name) => root.querySelector(`[data-${name}]`);
    for (const button of root.querySelectorAll("[data-act]")) button.addEventListener("click", () => actions[button.dataset.act]?.());
    for (const button of root.querySelectorAll("[data-speed]")) button.addEventListener("click", () => this.setSpeed(Number(button.dataset.speed)));
    this.wireJump(document.querySelector("[data-jump-dialog]"));
    this.showSpeed();
  }

  setSpeed(rate) {
    this.onSpeed(rate);
    this.showSpeed();
  }

  /** The next speed up (1) or down (-1). */
  changeSpeed(direction) {
    const index = SPEEDS.indexOf(this.clock.rate);
    this.setSpeed(SPEEDS[Math.min(Math.max(index + direction, 0), SPEEDS.length - 1)]);
  }

  showSpeed() {
    for (const button of this.root.querySelectorAll("[data-speed]")) button.setAttribute("aria-pressed", String(Number(button.dataset.speed) === this.clock.rate));
  }

  /** Show where the clock stands. */
  show({ wall, waiting, live }) {
    const put = (name, words) => {
      const element = this.find(name);
      if (element && element.textContent !== words) element.textContent = words;
    };
    put("clock", this.zone.exact(wall));
    put("date", `${this.zone.day(wall)} · ${this.zone.short(wall)}`);
    const state = waiting ? _("Loading…") : live ? _("Live edge") : "";
    put("state", state);
    const play = this.find("play");
    const playing = this.clock.playing ? "pause" : "play";
    if (play.dataset.shown !== playing) {
      play.dataset.shown = playing;
      play.setAttribute("aria-label", playing === "play" ? _("Play") : _("Pause"));
      play.replaceChildren(icon(playing));
    }
  }

  wireJump(dialog) {
    this.dialog = dialog;
    const form = dialog.querySelector("form");
    const words = dialog.querySelector("[data-jump-words]");
    const read = () => typedTime(form.elements.time.value, this.clock.now(), this.zone);
    form.elements.time.addEventListener("input", () => {
      const found = form.elements.time.value ? read() : { problem: "" };
      words.textContent = found.problem ?? this.zone.words(found.us);
      words.classList.remove("bad");
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const found = read();
      if (found.problem) { words.textContent = found.problem; words.classList.add("bad"); return; }
      if (found.us < this.clock.start || found.us > this.clock.end) {
        words.textContent = _("This sitting was recorded from {from} to {to}.", { from: this.zone.words(this.clock.start), to: this.zone.words(this.clock.end) });
        words.classList.add("bad");
        return;
      }
      dialog.close();
      this.jump(found.us);
    });
    dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());
  }

  openJump() {
    const form = this.dialog.querySelector("form");
    form.elements.time.value = this.zone.clock(this.clock.now());
    this.dialog.querySelector("[data-jump-words]").textContent = this.zone.words(this.clock.now());
    this.dialog.showModal();
    form.elements.time.select();
  }
}
