// What somebody has typed into a form is not lost when the session ends, or the page is left, before it was sent. It is kept
// in this tab alone (sessionStorage), for the person who typed it, and offered when they open the form again. Secrets and files
// are never kept; what was sent, put aside or signed out from is forgotten.

import { _ } from "/static/text.js";

const PREFIX = "exambox:draft:";
const SENT = "exambox:sent";
const OWNER = "exambox:draft-owner";
const NEVER = new Set(["password", "file", "hidden", "submit", "button", "reset", "image"]);
/** Text that may hold a password, as addresses such as rtsp://user:password@camera do. */
const SECRET = /:\S*@/;

const person = document.documentElement.dataset.person ?? "";

/** A browser that keeps nothing is no fault: drafts are then simply not there. */
function storage(work, otherwise = null) {
  try { return work(sessionStorage); } catch { return otherwise; }
}

function forgetAll() {
  storage((kept) => {
    for (const key of Object.keys(kept)) if (key.startsWith(PREFIX)) kept.removeItem(key);
    kept.removeItem(SENT);
  });
}

function read(key) {
  return storage((kept) => JSON.parse(kept.getItem(key) ?? "null"));
}

function write(key, value) {
  storage((kept) => (value === null ? kept.removeItem(key) : kept.setItem(key, JSON.stringify(value))));
}

const named = (name) => `${PREFIX}${location.pathname}|${name}`;

/** Keep what is typed into something that is no form of the page itself, such as a dialog. */
export function keepDraft(name, value) { if (person) write(named(name), value); }

export function keptDraft(name) { return person ? read(named(name)) : null; }

export function dropDraft(name) { write(named(name), null); }

function isKept(form) {
  return Boolean(person) && form.getAttribute("method")?.toLowerCase() === "post" && !form.matches("[data-preferences], [data-no-draft]");
}

function keyOf(form) {
  const action = form.getAttribute("action") ?? "";
  const same = [...document.forms].filter((one) => (one.getAttribute("action") ?? "") === action);
  return `${PREFIX}${location.pathname}${location.search}|${action}|${same.indexOf(form)}`;
}

const chosen = (field) => ["checkbox", "radio"].includes(field.type);

function fieldsOf(form) {
  return [...form.elements].filter((field) => field.name && field.type && !NEVER.has(field.type) && !field.matches("[autocomplete=one-time-code], [data-no-draft]"));
}

function isDefault(field) {
  if (chosen(field)) return field.checked === field.defaultChecked;
  if (field.tagName === "SELECT") {
    const usual = [...field.options].find((option) => option.defaultSelected) ?? field.options[0];
    return field.value === (usual?.value ?? "");
  }
  return field.value === field.defaultValue;
}

/** A page that shows a form again, with what is wrong, came with what was typed. */
const shownAgain = () => document.querySelector("main .field-bad, main .callout-bad") !== null;

/** What was typed into a form: rows of name, value and whether it is chosen. */
export function typedInto(form) {
  const all = shownAgain();
  return fieldsOf(form)
    .filter((field) => (all || !isDefault(field)) && !SECRET.test(field.value))
    .map((field) => [field.name, field.value, chosen(field) ? field.checked : null]);
}

function fieldFor(form, [name, value, on]) {
  return fieldsOf(form).find((field) => field.name === name && (on === null ? !chosen(field) : chosen(field) && field.value === value));
}

const differs = (field, [, value, on]) => (on === null ? field.value !== value : field.checked !== on);

/** Put kept rows back into a form, as if they were typed. */
export function putBack(form, rows) {
  for (const row of rows) {
    const field = fieldFor(form, row);
    if (!field || !differs(field, row)) continue;
    if (row[2] === null) field.value = row[1];
    else field.checked = row[2];
    for (const kind of ["input", "change"]) field.dispatchEvent(new Event(kind, { bubbles: true }));
  }
}

function keep(form) {
  const rows = typedInto(form);
  write(keyOf(form), rows.length ? rows : null);
}

function button(words, kind, onClick) {
  const made = Object.assign(document.createElement("button"), { type: "button", className: kind, textContent: words });
  made.addEventListener("click", onClick);
  return made;
}

function callout(words, ...others) {
  const box = Object.assign(document.createElement("div"), { className: "callout callout-info" });
  box.dataset.draft = "";
  box.setAttribute("role", "status");
  box.append(Object.assign(document.createElement("strong"), { textContent: words }), ...others);
  return box;
}

function offer(form) {
  const key = keyOf(form);
  const rows = read(key);
  if (!Array.isArray(rows) || !rows.some((row) => { const field = fieldFor(form, row); return field && differs(field, row); })) return;
  const done = () => { box.remove(); (fieldFor(form, rows[0]) ?? form.elements[0])?.focus(); };
  const choice = Object.assign(document.createElement("span"), { className: "row-actions" });
  choice.append(
    button(_("Put it back"), "primary small-button", () => { putBack(form, rows); done(); }),
    button(_("Discard it"), "small-button", () => { write(key, null); done(); }),
  );
  const box = callout(_("What you typed here before was not sent."), choice);
  form.before(box);
}

/** A page that answered what was sent: it was taken, or it is shown again on the form itself, or it was refused as a whole. */
function settle() {
  const sent = read(SENT);
  write(SENT, null);
  if (!sent) return;
  const refused = document.querySelector("[data-error-page]");
  if (person && !refused) { write(sent.key, null); return; }
  if (!refused || read(sent.key) === null) return;
  const back = Object.assign(document.createElement("a"), { className: "button small-button", href: sent.page, textContent: _("Back to the form") });
  refused.querySelector(".actions").before(callout(_("What you typed is kept in this tab, but for passwords."), back));
}

export function wireDrafts() {
  const owner = storage((kept) => kept.getItem(OWNER));
  if (person && owner !== person) {
    if (owner !== null) forgetAll();
    storage((kept) => kept.setItem(OWNER, person));
  }
  settle();
  for (const form of document.forms) if (isKept(form)) offer(form);
  document.addEventListener("input", ({ target }) => { if (target.form && isKept(target.form)) keep(target.form); });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || !isKept(form)) return;
    if (form.action.endsWith("/sign-out")) { forgetAll(); return; }
    keep(form);
    write(SENT, { key: keyOf(form), page: location.pathname + location.search });
  });
}
