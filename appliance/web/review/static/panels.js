// The side panel: tabs, the range and its export, verification, and what there is to know about the recording.

import { _, _n } from "/static/text.js";
import { duration, size } from "/static/words.js";
import { codecName } from "./stage.js";
import { make } from "./dom.js";
import { orderCheck, orderExport } from "./jobs.js";

const MOST_EXPORT_US = 12 * 3600e6;
const GAPS_SHOWN = 300;

/** Tabs as ARIA knows them: one shown, arrow keys move, all shown on paper. */
export function wireTabs(list) {
  const tabs = [...list.querySelectorAll("[role=tab]")];
  const choose = (tab, focus = false) => {
    for (const each of tabs) {
      const chosen = each === tab;
      each.setAttribute("aria-selected", String(chosen));
      each.tabIndex = chosen ? 0 : -1;
      document.getElementById(each.getAttribute("aria-controls")).dataset.shown = chosen ? "yes" : "no";
    }
    if (focus) tab.focus();
  };
  for (const tab of tabs) tab.addEventListener("click", () => choose(tab));
  list.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    choose(tabs[(tabs.indexOf(document.activeElement) + step + tabs.length) % tabs.length], true);
  });
  return (name) => choose(tabs.find((tab) => tab.dataset.tab === name) ?? tabs[0]);
}

/** How many bytes a range of some cameras is, from what their whole recordings take. */
export function estimate(cameras, from, to) {
  return cameras.reduce((sum, camera) => {
    const whole = Math.max(1, camera.end_us - camera.start_us);
    const inside = Math.max(0, Math.min(to, camera.end_us) - Math.max(from, camera.start_us));
    return sum + (camera.bytes * inside) / whole;
  }, 0);
}

/** The marked range and its export. */
export class ExportPanel {
  /** @param {{form: HTMLFormElement, result: HTMLElement, path: string, zone: object, state: object, names: Map<string, string>, changed: () => void}} parts */
  constructor({ form, result, path, zone, state, names, changed }) {
    Object.assign(this, { form, result, path, zone, state, names, changed });
    this.chosen = false; // the person set the range; the page proposes nothing any more
    form.addEventListener("input", (event) => this.typed(event));
    form.addEventListener("submit", (event) => { event.preventDefault(); this.order(); });
  }

  get range() { return this.state.range; }

  cameras() {
    const wanted = [...this.form.querySelectorAll("[name=cameras]:checked")].map((box) => box.value);
    return this.state.overview.cameras.filter(({ camera }) => wanted.includes(camera));
  }

  /** The stretch an export would take: the marked one, or what the page proposes. */
  stretch() {
    const { overview } = this.state;
    const from = this.range.from ?? (this.range.to !== null ? overview.start_us : Math.max(overview.start_us, overview.end_us - 60e6));
    return [from, this.range.to ?? overview.end_us];
  }

  typed(event) {
    const { name, value } = event.target;
    if (name === "from" || name === "to") {
      const us = this.zone.fromField(value, this.range[name] ?? this.state.overview.end_us);
      this.range[name] = us;
      if (name === "from" && this.range.to === null) [, this.range.to] = this.stretch();
      this.changed();
    }
    this.words();
  }

  /** Show the range as it stands; a field somebody types in is left alone. */
  show() {
    const [from, to] = this.stretch();
    for (const [name, us] of [["from", Math.floor(from / 1e6) * 1e6], ["to", Math.ceil(to / 1e6) * 1e6]]) {
      const field = this.form.elements[name];
      if (document.activeElement !== field) field.value = this.zone.toField(us);
    }
    this.words();
  }

  words() {
    const [from, to] = this.stretch();
    const place = this.form.querySelector("[data-export-words]");
    const cameras = this.cameras();
    const submit = this.form.querySelector("[type=submit]");
    const problem = !cameras.length ? _("Choose at least one camera.") : to <= from ? _("The end must be later than the beginning.") : to - from > MOST_EXPORT_US ? _("At most 12 hours go into one clip.") : "";
    place.textContent = problem || _("{length}, about {size}", { length: duration((to - from) / 1e6), size: size(estimate(cameras, from, to)) });
    place.classList.toggle("bad", Boolean(problem));
    submit.disabled = Boolean(problem) || this.state.locked || this.running;
  }

  async order() {
    const [from, to] = this.stretch();
    const fields = [["from_us", Math.floor(from)], ["to_us", Math.ceil(to)], ...this.cameras().map(({ camera }) => ["cameras", camera])];
    this.running = true;
    this.words();
    await orderExport(this.path, fields, this.result, this.names);
    this.running = false;
    this.words();
  }
}

/** Verification of every camera of the sitting. */
export function wireVerify(form, result, path, names) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const submit = form.querySelector("[type=submit]");
    submit.disabled = true;
    await orderCheck(path, form.elements.level.value, result, names);
    submit.disabled = false;
  });
}

const stateWords = () => ({ recording: _("Recording now"), sealed: _("Sealed"), open: _("Open"), closed: _("Sealed"), recovered: _("Recovered"), interrupted: _("Interrupted"), damaged: _("Damaged") });

/** What is known of each camera, and its gaps to jump to. */
export function showFacts(place, { overview, codecs, zone, jump }) {
  const words = stateWords();
  place.replaceChildren(...overview.cameras.map((camera) => {
    const gaps = overview.gaps[camera.camera] ?? [];
    const lost = gaps.reduce((sum, [from, to]) => sum + to - from, 0);
    const facts = [
      [_("Time"), `${zone.words(camera.start_us)} – ${zone.clock(camera.end_us)}`],
      [_("Length"), duration((camera.end_us - camera.start_us) / 1e6)],
      [_("Size"), size(camera.bytes)],
      ...(codecs.get(camera.camera)?.size ? [[_("Picture"), [...codecs.get(camera.camera)].map((codec) => codecName(codec)).join(", ")]] : []),
      [_("Gaps"), gaps.length ? _("{count}, together {length}", { count: gaps.length, length: duration(lost / 1e6) }) : _("none")],
    ];
    const tags = [camera.masked ? _("masked") : "", camera.audio ? _("with sound") : ""].filter(Boolean);
    return make("section", { className: "facts-camera" },
      make("h3", {}, camera.name, " ", make("span", { className: `state state-${camera.state}`, textContent: words[camera.state] ?? camera.state }), ...tags.map((tag) => make("span", { className: "tag", textContent: tag }))),
      make("dl", { className: "facts-list" }, ...facts.flatMap(([name, value]) => [make("dt", { textContent: name }), make("dd", { textContent: value })])),
      camera.damaged ? make("p", { className: "bad", textContent: _n("One part cannot be read. Verify the recording to learn why.", "{num} parts cannot be read. Verify the recording to learn why.", camera.damaged) }) : null,
      camera.deleted ? make("p", { className: "small", textContent: camera.deleted }) : null,
      gaps.length ? make("ul", { className: "gap-list" }, ...gaps.slice(0, GAPS_SHOWN).map((gap) => gapLine(gap, zone, jump))) : null,
      gaps.length > GAPS_SHOWN ? make("p", { className: "small", textContent: _n("and one more", "and {num} more", gaps.length - GAPS_SHOWN) }) : null);
  }));
}

function gapLine([from, to, words], zone, jump) {
  const go = make("button", { type: "button", className: "quiet small-button" }, make("strong", { textContent: `${zone.clock(from)} – ${zone.clock(to)}` }), ` ${duration((to - from) / 1e6)}, ${words}`);
  go.addEventListener("click", () => jump(from - 1e6));
  return make("li", {}, go, make("span", { className: "paper", textContent: go.textContent }));
}
