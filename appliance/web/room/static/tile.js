// One camera's tile: its picture, and what is said of it.

import { _ } from "/static/text.js";
import { Player } from "./player.js";
import { Stills } from "./stills.js";
import { metrics, problem, sealed, verdict } from "./verdict.js";

const START_MS = 4500;
const $ = (selector, root) => root.querySelector(selector);

/** Write only what differs: a page that stands still costs nothing, and screen readers are not told twice. */
function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export class Tile {
  /** @param {HTMLElement} element */
  constructor(element) {
    this.element = element;
    this.id = element.dataset.camera;
    this.name = element.dataset.name;
    this.video = $("video", element);
    this.facts = null;
    this.enabled = true;
    this.picture = { state: "starting", reason: "" };
    this.since = performance.now();
    this.problem = "no";
    this.player = new Player(this.video, (state, reason) => this.played(state, reason));
    this.stills = new Stills($(":scope .picture > img", element), element.dataset.snapshot, (state) => this.see(state, state === "lost" ? _("No pictures arrive.") : this.stillReason));
    this.stillReason = "";
  }

  see(state, reason) {
    if (state !== this.picture.state) this.since = performance.now();
    this.picture = { state, reason };
  }

  played(state, reason) {
    if (state === "unplayable") { this.showStills(reason); return; }
    if (state === "live" && this.stills.running) this.stills.stop();
    this.see(state, reason);
  }

  /** Still pictures, where moving ones are not possible. */
  showStills(reason) {
    this.stillReason = reason;
    this.player.stop();
    this.stills.start();
  }

  /** The connection that brings the pictures is cut. */
  cut(reason) {
    this.player.stop();
    if (!this.stills.running) this.see("lost", reason);
  }

  stop() {
    this.player.stop();
    this.stills.stop();
    this.see("starting", "");
  }

  /** Say how it is; called several times a second. */
  show(context) {
    if (this.picture.state === "starting" && this.facts?.state !== "starting" && performance.now() - this.since > START_MS) this.see("lost", _("No pictures arrive."));
    const now = verdict(this.picture, this.facts, { ...context, enabled: this.enabled });
    const seal = sealed(this.facts, { ...context, enabled: this.enabled });
    const { dataset } = this.element;
    this.state = now.state;
    this.problem = this.enabled ? problem(now, seal, context.heard ? this.facts : null) : "no";
    this.reason = now.reason;
    if (dataset.state !== now.state) dataset.state = now.state;
    if (dataset.problem !== this.problem) dataset.problem = this.problem;
    write($("[data-veil-title]", this.element), now.title);
    write($("[data-veil-reason]", this.element), now.state === "lost" ? now.reason : "");
    const badge = $("[data-live-badge]", this.element);
    badge.hidden = now.state !== "live" && now.state !== "stills";
    write(badge, now.state === "stills" ? _("Still pictures") : _("Live"));
    badge.title = now.state === "stills" ? now.reason : "";
    $(".seal", this.element).dataset.seal = seal[0];
    write($("[data-seal-words]", this.element), seal[1]);
    write($("[data-metrics]", this.element), metrics(context.heard ? this.facts : null));
    const alarm = $("[data-alarm]", this.element);
    alarm.hidden = !(context.heard && this.facts?.alarm);
    write(alarm, this.facts?.alarm ? _("Nothing is sealed: {reason}", { reason: this.facts.alarm }) : "");
  }
}
