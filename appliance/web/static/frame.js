// What every page does: menus that close, forms that ask first, notices that go.

import { wireDrafts } from "/static/drafts.js";
import "/static/help.js";
import { _ } from "/static/text.js";

function closeMenus(except) {
  for (const menu of document.querySelectorAll("[data-menu][open]")) if (menu !== except) menu.open = false;
}

document.addEventListener("click", (event) => closeMenus(event.target.closest("[data-menu]")));
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const open = document.querySelector("[data-menu][open]");
  if (!open) return;
  open.open = false;
  open.querySelector("summary").focus();
});

// Chosen is applied: without scripts the form's own button does it.
for (const form of document.querySelectorAll("[data-preferences]")) {
  form.querySelector("button").hidden = true;
  form.addEventListener("change", () => form.requestSubmit());
}

/** Ask with a dialog; resolves to whether it was confirmed. */
export function confirmed(question, label = _("Yes"), { danger = true } = {}) {
  const dialog = document.createElement("dialog");
  dialog.className = "ask";
  dialog.setAttribute("aria-label", question);
  const form = document.createElement("form");
  form.method = "dialog";
  const words = Object.assign(document.createElement("p"), { textContent: question });
  const buttons = Object.assign(document.createElement("div"), { className: "ask-buttons" });
  const no = Object.assign(document.createElement("button"), { value: "no", textContent: _("Cancel"), autofocus: true });
  const yes = Object.assign(document.createElement("button"), { value: "yes", textContent: label, className: danger ? "danger" : "primary" });
  buttons.append(no, yes);
  form.append(words, buttons);
  dialog.append(form);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((done) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      done(dialog.returnValue === "yes");
    });
  });
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.dataset.confirm || form.dataset.confirmed) return;
  event.preventDefault();
  const { submitter } = event;
  if (!(await confirmed(form.dataset.confirm, form.dataset.confirmLabel))) return;
  form.dataset.confirmed = "yes";
  form.requestSubmit(submitter ?? undefined);
});

// A form that was sent is not sent twice by a second tap.
document.addEventListener("submit", (event) => {
  if (event.defaultPrevented || event.target.method === "dialog") return;
  setTimeout(() => event.target.querySelectorAll('button[type="submit"]').forEach((button) => { button.disabled = true; button.dataset.sent = ""; }));
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-confirmed]")) delete form.dataset.confirmed;
  for (const button of document.querySelectorAll("button[data-sent]")) { button.disabled = false; delete button.dataset.sent; }
});

for (const notice of document.querySelectorAll("[data-passing]")) setTimeout(() => notice.remove(), 8000);

// On a narrow screen the sections are a row that scrolls: the present one is in sight.
document.querySelector(".side-nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

// Last, so that forms which ask first, or are sent by their own page, are seen as such.
wireDrafts();
