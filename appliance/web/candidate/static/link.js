// Asking the box where the candidate stands, again and again; a box that does not answer is asked on, calmly.

import { ask } from "/static/api.js";

const EVERY_MS = 4000;
const CALM_MS = [1000, 2000, 4000, 8000];
const LOST_AFTER = 2; // failures in a row before anything is said: one lost answer is nothing to be told about

export class Link {
  /**
   * @param {{base: string, formToken: string}} page the page's address and what its forms carry
   * @param {{told: (state: object, sentAt: number) => void, lost: (gone: boolean) => void, refused: (status: number) => void}} heard
   */
  constructor({ base, formToken }, heard) {
    this.base = base;
    this.formToken = formToken;
    this.heard = heard;
    this.failures = 0;
    document.addEventListener("visibilitychange", () => { if (!document.hidden) this.soon(); });
    addEventListener("online", () => this.soon());
  }

  begin() { this.soon(); }

  soon(wait = 0) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.look(), wait);
  }

  async look() {
    const sentAt = performance.now();
    try {
      const response = await ask(`${this.base}state`);
      this.hear(await response.json(), sentAt);
      this.soon(EVERY_MS);
    } catch (problem) {
      this.fail(problem);
    }
  }

  /** Do something: `here`, `begin`, `finish`; the answer is the new state. */
  async act(name, fields = {}) {
    const sentAt = performance.now();
    const response = await ask(`${this.base}${name}`, { method: "POST", body: new URLSearchParams(fields), headers: { "X-Exambox-Form": this.formToken } });
    const state = await response.json();
    this.hear(state, sentAt);
    return state;
  }

  hear(state, sentAt) {
    this.failures = 0;
    this.heard.lost(false);
    this.heard.told(state, sentAt);
  }

  fail(problem) {
    if (problem.status === 403 || problem.status === 404) { this.heard.refused(problem.status); return; }
    this.failures += 1;
    if (this.failures >= LOST_AFTER) this.heard.lost(true);
    this.soon(CALM_MS[Math.min(this.failures - 1, CALM_MS.length - 1)]);
  }
}
