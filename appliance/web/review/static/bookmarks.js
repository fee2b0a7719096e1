// Bookmarks: moments and ranges with a note, by whom and when; made, jumped to, edited, deleted, and deleted ones brought back.

import { getJson, post, tell } from "/static/api.js";
import { dropDraft, keepDraft, keptDraft } from "/static/drafts.js";
import { _, _n } from "/static/text.js";
import { duration } from "/static/words.js";
import { button, make } from "./dom.js";

export const MOST_NOTE = 2000;
const DRAFT = "bookmark";

/** A notice with a way back; it goes by itself. */
export function undoNotice(words, undo) {
  const box = make("div", { className: "callout callout-info", data: { undo: "" } }, make("strong", { textContent: words }));
  box.append(button(_("Undo"), { kind: "small-button", onClick: () => { box.remove(); undo(); } }));
  document.getElementById("notices").append(box);
  setTimeout(() => box.remove(), 12000);
}

export class Bookmarks {
  /**
   * @param {{list: HTMLElement, count: HTMLElement, dialog: HTMLDialogElement, base: string, zone: object, names: Map<string, string>,
   *   jump: (us: number) => void, changed: () => void}} parts
   */
  constructor({ list, count, dialog, base, zone, names, jump, changed }) {
    Object.assign(this, { list, count, dialog, base, zone, names, jump, changed });
    this.items = [];
    dialog.querySelector("form").addEventListener("submit", (event) => this.save(event));
    dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());
    // A session may end while somebody writes: the note comes back with the person.
    dialog.addEventListener("input", () => this.keep());
    dialog.addEventListener("close", () => dropDraft(DRAFT));
    dialog.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) dialog.querySelector("form").requestSubmit();
    });
  }

  /** What the box told: every bookmark of the sitting. */
  set(items) {
    const before = JSON.stringify(this.items);
    this.items = [...items].sort((a, b) => a.at_us - b.at_us || a.id - b.id);
    if (JSON.stringify(this.items) !== before || !this.items.length) this.render();
    this.changed();
  }

  async refresh() {
    const found = await getJson(this.base, { background: true });
    this.set(found.bookmarks);
  }

  where(item) {
    const camera = item.camera ? this.names.get(item.camera) ?? item.camera : "";
    const time = item.until_us ? `${this.zone.clock(item.at_us)} – ${this.zone.clock(item.until_us)} (${duration((item.until_us - item.at_us) / 1e6)})` : this.zone.clock(item.at_us);
    return camera ? `${time} · ${camera}` : time;
  }

  render() {
    this.count.textContent = this.items.length ? String(this.items.length) : "";
    if (!this.items.length) {
      this.list.replaceChildren(make("li", { className: "muted", textContent: _("None yet. Press M, or the button with the flag, to mark the moment you see.") }));
      return;
    }
    this.list.replaceChildren(...this.items.map((item) => this.line(item)));
  }

  line(item) {
    const note = item.note || _("No note");
    const go = make("button", { type: "button", className: "mark-go" }, make("strong", { textContent: this.where(item) }), make("span", { className: "mark-note", textContent: note }));
    go.addEventListener("click", () => this.jump(item.at_us));
    const edited = item.edited_us ? [_("edited")] : [];
    const by = make("small", { textContent: item.made_by ? [`${item.made_by}, ${this.zone.words(item.made_us)}`, ...edited].join(" · ") : "" });
    const tools = make("span", { className: "mark-tools" });
    if (item.editable) {
      tools.append(
        button(_("Edit"), { kind: "quiet small-button", onClick: () => this.open(item) }),
        button(_("Delete"), { kind: "quiet small-button", onClick: () => this.remove(item) }),
      );
    }
    return make("li", { className: "mark", data: { bookmark: item.id } }, go, make("p", { className: "paper", textContent: `${this.where(item)}: ${note}` }), make("div", { className: "mark-foot" }, by, tools));
  }

  /** Ask for the note of a new bookmark (`at_us`, `until_us`, `camera`), or edit one that is there. */
  open(item) {
    const form = this.dialog.querySelector("form");
    this.editing = item;
    form.elements.note.value = item.note ?? "";
    form.elements.camera.value = item.camera ?? "";
    this.dialog.querySelector("[data-dialog-title]").textContent = item.id ? _("Edit the bookmark") : item.until_us ? _("Bookmark this range") : _("Bookmark this moment");
    this.dialog.querySelector("[data-dialog-time]").textContent = item.until_us ? `${this.zone.words(item.at_us)} – ${this.zone.clock(item.until_us)}` : this.zone.words(item.at_us);
    this.dialog.querySelector("[data-problem]").textContent = "";
    this.dialog.showModal();
    form.elements.note.focus();
  }

  keep() {
    const { note, camera } = this.dialog.querySelector("form").elements;
    const { id, at_us, until_us } = this.editing;
    keepDraft(DRAFT, { id, at_us, until_us, note: note.value, camera: camera.value });
  }

  /** Open the dialog with what was being written when the page was left. */
  resume() {
    const kept = keptDraft(DRAFT);
    if (!kept) return;
    this.open(kept);
    this.keep();
  }

  async save(event) {
    event.preventDefault();
    const form = event.target;
    const item = this.editing;
    const fields = { at_us: Math.round(item.at_us), note: form.elements.note.value.trim().slice(0, MOST_NOTE) };
    if (item.until_us) fields.until_us = Math.round(item.until_us);
    if (form.elements.camera.value) fields.camera = form.elements.camera.value;
    const submit = form.querySelector("[type=submit]");
    submit.disabled = true;
    try {
      await post(item.id ? `${this.base}/${item.id}` : this.base, fields);
      this.dialog.close();
      await this.refresh();
    } catch (problem) {
      if (problem.status === 401) tell(problem);
      this.dialog.querySelector("[data-problem]").textContent = `${problem.message} ${problem.hint ?? ""}`;
    } finally {
      submit.disabled = false;
    }
  }

  async remove(item) {
    try {
      await post(`${this.base}/${item.id}/remove`);
      await this.refresh();
    } catch (problem) { tell(problem); return; }
    undoNotice(_("The bookmark is deleted."), async () => {
      try {
        await post(`${this.base}/${item.id}/restore`);
        await this.refresh();
      } catch (problem) { tell(problem); }
    });
    this.list.querySelector("button")?.focus();
  }

  words() { return _n("One bookmark", "{num} bookmarks", this.items.length); }
}
