// A session's warnings: go from one to the next, confirm, dismiss, conclude, all by keys as well; what is judged is sent at once.

import { notice, post, tell } from "/static/api.js";
import { askPage } from "/static/sittings/parts.js";
import { _ } from "/static/text.js";

const LEAD_US = 2e6; // one sees how it comes to what is warned of

export class Judging {
  /**
   * @param {{root: HTMLElement, tab: (name: string) => void, jump: ((us: number) => void)|null, changed?: () => void}} parts
   * `jump` is null where there are no pictures.
   */
  constructor({ root, tab, jump, changed = () => {} }) {
    Object.assign(this, { root, tab, jump, changed });
    this.key = null; // of the group that is looked at
    this.busy = false;
    this.actions = {
      nextOpen: () => this.toOpen(), nextGroup: () => this.step(1), previousGroup: () => this.step(-1),
      confirm: () => this.confirm(), dismiss: () => this.dismiss(), verdict: () => this.verdict(),
      nextSession: () => document.querySelector("[data-next-session]").click(),
    };
    root.addEventListener("click", (event) => this.clicked(event));
    root.addEventListener("submit", (event) => this.submitted(event));
    root.addEventListener("keydown", (event) => this.leaves(event));
    root.querySelector("[data-verdict]")?.addEventListener("submit", (event) => this.checkVerdict(event));
  }

  get groups() { return [...this.root.querySelectorAll("[data-group]")]; }

  get current() { return this.groups.find((group) => group.dataset.group === this.key) ?? null; }

  /** What the timeline shows: a stretch a group, a moment an incident. */
  get flags() {
    const warnings = this.groups.map((group) => ({
      at_us: Number(group.dataset.at), until_us: Number(group.dataset.until), state: group.dataset.state,
      moments: group.dataset.moments.trim().split(/\s+/).map((moment) => moment.split("-").map(Number)),
      chosen: group.dataset.group === this.key, go: () => this.choose(group),
    }));
    const incidents = [...this.root.querySelectorAll("[data-incident]")].map((one) => ({
      at_us: Number(one.dataset.at), until_us: null, state: "incident", go: () => this.jump?.(Number(one.dataset.at) - LEAD_US),
    }));
    return [...warnings, ...incidents];
  }

  clicked(event) {
    const group = event.target.closest("[data-group-go]")?.closest("[data-group]");
    if (group) { this.choose(group); return; }
    const go = event.target.closest("[data-go]");
    if (go) this.jump?.(Number(go.dataset.go) - LEAD_US);
  }

  choose(group) {
    this.tab("warnings");
    this.mark(group);
    group.querySelector("[data-group-go]").focus({ preventScroll: true });
    group.scrollIntoView({ block: "nearest" });
    this.jump?.(Number(group.dataset.at) - LEAD_US);
    this.changed();
  }

  mark(group) {
    for (const each of this.groups) each.removeAttribute("aria-current");
    group.setAttribute("aria-current", "true");
    this.key = group.dataset.group;
  }

  step(direction) {
    const { groups } = this;
    if (!groups.length) { notice(_("There are no warnings.")); return; }
    const here = groups.findIndex((group) => group.dataset.group === this.key);
    const next = here < 0 ? (direction > 0 ? 0 : groups.length - 1) : Math.min(Math.max(here + direction, 0), groups.length - 1);
    this.choose(groups[next]);
  }

  /** The next one that nobody has judged, the first again after the last; then the verdict. */
  toOpen() {
    const { groups } = this;
    const here = groups.findIndex((group) => group.dataset.group === this.key);
    const next = [...groups.slice(here + 1), ...groups.slice(0, Math.max(here, 0))].find((group) => group.dataset.state === "open");
    if (next) { this.choose(next); return; }
    if (this.current?.dataset.state === "open") { this.choose(this.current); return; }
    notice(groups.length ? _("Every warning is judged. The verdict is next.") : _("There are no warnings."));
    this.verdict();
  }

  /** The group the keys are for. */
  asked() {
    const group = this.current;
    if (!group) notice(_("Choose a warning first: N goes to the next one."));
    return group;
  }

  confirm() {
    const group = this.asked();
    if (!group) return;
    const form = group.querySelector(":scope > .judge-tools > form");
    if (form) form.requestSubmit(form.querySelector("button"));
    else this.unfold(group, "confirmed");
  }

  dismiss() {
    const group = this.asked();
    if (group) this.unfold(group, "dismissed");
  }

  unfold(group, decision) {
    const fold = group.querySelector(`:scope > .judge-tools > details[id^="${decision}-"]`);
    if (!fold) return;
    fold.open = true;
    fold.querySelector("input[name=why]").focus();
  }

  verdict() {
    this.tab("verdict");
    const place = document.querySelector("#verdict-why, #panel-verdict details.verdict-more summary");
    (place ?? document.getElementById("tab-verdict")).focus();
  }

  /** Escape closes what asks for a reason and gives the keys back to the list. */
  leaves(event) {
    if (event.key !== "Escape") return;
    const fold = event.target.closest("details.act-more[open]");
    if (fold) {
      event.preventDefault();
      fold.open = false;
      (fold.closest("[data-group]")?.querySelector("[data-group-go]") ?? fold.querySelector("summary")).focus();
    } else if (event.target.id === "verdict-why") {
      event.target.blur();
    }
  }

  checkVerdict(event) {
    const comment = event.target.elements.why;
    comment.setCustomValidity("");
    if (event.submitter?.value !== "fail" || comment.value.trim()) return;
    event.preventDefault();
    comment.setCustomValidity(_("Write in a few words why it is failed."));
    comment.reportValidity();
    comment.addEventListener("input", () => comment.setCustomValidity(""), { once: true });
  }

  async submitted(event) {
    const form = event.target.closest("[data-judge-form]");
    if (!form) return;
    event.preventDefault();
    if (this.busy) return;
    this.busy = true;
    const group = form.closest("[data-group]");
    this.mark(group);
    const fields = [...new FormData(form, event.submitter)].filter(([name]) => name !== "csrf_token");
    try {
      const told = await post(form.getAttribute("action"), fields);
      form.closest("details.act-more")?.removeAttribute("open");
      notice(told.said);
      await this.renew();
    } catch (problem) {
      tell(problem);
    } finally {
      this.busy = false;
    }
  }

  /** Show what follows: how it is judged now, the score; the player stays where it is, and so does what is being written. */
  async renew() {
    const open = new Set([...this.root.querySelectorAll("details.singles[open]")].map((fold) => fold.id));
    const page = await askPage(location.pathname + location.search);
    for (const part of document.querySelectorAll("[data-part]")) {
      const fresh = page.getElementById(part.id);
      if (!fresh) { location.reload(); return; } // signed out: the page says so
      part.replaceChildren(...fresh.childNodes);
    }
    for (const fold of this.root.querySelectorAll("details.singles")) fold.open = open.has(fold.id);
    const { current } = this;
    if (current) {
      this.mark(current);
      current.querySelector("[data-group-go]").focus({ preventScroll: true });
    }
    this.changed();
  }
}
