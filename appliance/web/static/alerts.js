// What software found at a place, told at once: above everything else, until somebody has judged it.

import { notice, post, tell } from "/static/api.js";
import { _, _n } from "/static/text.js";
import { Zone } from "/static/words.js";

const zone = new Zone();

/** The alerts of a page. `show(fact)` takes the fact `alerts` of the room's events; `judged()` is called after a judgement. */
export class Alerts {
  constructor(place, judged = () => {}) {
    this.place = place;
    this.judged = judged;
    this.items = new Map();
    this.title = document.title;
    this.open = 0;
  }

  show(fact) {
    if (!fact) return;
    const list = this.place.querySelector("[data-alert-list]");
    const wanted = new Map(fact.items.map((item) => [keyOf(item), item]));
    for (const [key, element] of this.items) {
      if (wanted.has(key)) continue;
      element.remove();
      this.items.delete(key);
    }
    let before = null;
    for (const [key, item] of [...wanted].reverse()) {
      const element = this.items.get(key) ?? this.make(key);
      this.fill(element, item);
      if (element.nextElementSibling !== before || element.parentElement !== list) list.insertBefore(element, before);
      before = element;
    }
    const more = this.place.querySelector("[data-alert-more]");
    const hidden = fact.open - fact.items.length;
    more.hidden = hidden <= 0;
    if (hidden > 0) more.textContent = _n("and {num} more, on the sitting’s page of warnings", "and {num} more, on the sitting’s page of warnings", hidden);
    this.place.hidden = fact.open === 0;
    if (fact.open !== this.open) document.title = fact.open ? `(${fact.open}) ${this.title}` : this.title;
    this.open = fact.open;
  }

  make(key) {
    const element = document.getElementById("alert-template").content.firstElementChild.cloneNode(true);
    element.querySelector("[data-alert-confirm]")?.addEventListener("click", () => this.judge(element, { decision: "confirmed" }));
    element.querySelector("[data-alert-dismiss]")?.addEventListener("submit", (event) => {
      event.preventDefault();
      this.judge(element, { decision: "dismissed", why: event.target.elements.why.value });
    });
    this.items.set(key, element);
    return element;
  }

  fill(element, item) {
    element.dataset.number = item.number;
    write(element.querySelector("[data-alert-title]"), item.title);
    write(element.querySelector("[data-alert-detail]"), item.detail);
    const when = item.times > 1
      ? _n("{from} to {to}, {num} time", "{from} to {to}, {num} times", item.times, { from: zone.clock(item.first_us), to: zone.clock(item.last_us) })
      : zone.clock(item.first_us);
    write(element.querySelector("[data-alert-when]"), when);
    const page = element.querySelector("[data-alert-page]");
    page.hidden = !item.page;
    if (item.page) page.href = item.page;
    this.photos(element.querySelector("[data-photos]"), item);
  }

  photos(place, item) {
    for (const camera of item.photos ?? []) {
      if (place.querySelector(`[data-camera="${CSS.escape(camera)}"]`)) continue;
      const button = Object.assign(document.createElement("button"), { type: "button", className: "alert-photo" });
      button.dataset.camera = camera;
      button.setAttribute("aria-label", _("Picture of the room at that second, larger"));
      const path = this.place.dataset.photo.replace("/0/", `/${item.number}/`).replace("CAMERA", encodeURIComponent(camera));
      const image = Object.assign(document.createElement("img"), { src: path, alt: "" });
      image.addEventListener("error", () => button.remove());
      button.append(image);
      button.addEventListener("click", () => enlarge(path));
      place.append(button);
    }
  }

  async judge(element, fields) {
    const buttons = [...element.querySelectorAll("button")];
    for (const button of buttons) button.disabled = true;
    try {
      const told = await post(this.place.dataset.judge.replace(/0$/, element.dataset.number), fields);
      notice(told.said);
      element.remove();
      // Nothing is left of an empty place until the next word of the room.
      if (!this.place.querySelector("[data-alert]")) this.place.hidden = true;
      this.judged();
    } catch (problem) {
      if (problem.status === 409 || problem.status === 404) notice(problem.message, { hint: problem.hint });
      else tell(problem);
    } finally {
      for (const button of buttons) button.disabled = false;
    }
  }
}

const keyOf = (item) => JSON.stringify([item.sitting, item.kind, item.seat, item.subject.port ?? "", item.subject.hash ?? item.subject.name ?? "", item.subject.verdict ?? ""]);

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function enlarge(path) {
  const dialog = document.getElementById("alert-large");
  dialog.querySelector("img").src = path;
  dialog.showModal();
}
