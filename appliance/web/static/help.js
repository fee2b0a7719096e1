// The topic of a page beside the page: the help link opens it, so do F1 and ?; Escape closes it and gives the focus back.
// Beside the page on a desk, so that one can read and do; over it where the screen is narrow. Without this script the
// link leads to the help page.

import { _ } from "/static/text.js";

const NARROW = matchMedia("(max-width: 900px)");
const link = () => document.querySelector("a.help-link[data-help]");
let panel = null;
let opener = null;

function button(words, kind, done) {
  const made = Object.assign(document.createElement("button"), { type: "button", className: kind, textContent: words });
  made.addEventListener("click", done);
  return made;
}

function build() {
  const made = Object.assign(document.createElement("dialog"), { className: "help-panel" });
  const head = Object.assign(document.createElement("div"), { className: "help-panel-head" });
  const all = Object.assign(document.createElement("a"), { className: "help-all", textContent: _("All of help") });
  head.append(all, button(_("Close"), "quiet small-button", close));
  const body = Object.assign(document.createElement("div"), { className: "help-panel-body" });
  made.append(head, body);
  made.addEventListener("cancel", (event) => { event.preventDefault(); close(); });
  made.addEventListener("click", (event) => {
    const inner = event.target.closest(".help-panel-body a[data-help]");
    if (!inner) return;
    event.preventDefault();
    open(inner.dataset.help);
  });
  document.body.append(made);
  return { made, all, body };
}

/** A topic's article, parsed as an inert document: nothing of it runs, no markup is made of text here. */
function article(topic) {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    request.open("GET", `/help/${encodeURIComponent(topic)}`);
    request.responseType = "document";
    request.timeout = 8000;
    request.addEventListener("load", () => {
      const found = request.status === 200 ? request.response?.querySelector("article[data-topic]") : null;
      if (found) done(found);
      else failed(new Error(_("This topic cannot be shown here.")));
    });
    for (const kind of ["error", "timeout", "abort"]) request.addEventListener(kind, () => failed(new Error(_("No connection to the box."))));
    request.send();
  });
}

async function open(topic, from = null) {
  panel ??= build();
  if (from) opener = from;
  const { made, all, body } = panel;
  all.href = `/help#${topic}`;
  made.dataset.topic = topic;
  let shown;
  try {
    shown = [...document.importNode(await article(topic), true).childNodes];
  } catch (problem) {
    shown = [Object.assign(document.createElement("p"), { className: "bad", textContent: problem.message })];
  }
  if (made.dataset.topic !== topic) return; // another one was asked for meanwhile
  body.replaceChildren(...shown);
  const title = body.querySelector("h2");
  made.setAttribute("aria-label", title?.textContent ?? _("Help"));
  if (!made.open) {
    if (NARROW.matches) made.showModal();
    else made.show();
    document.body.classList.toggle("with-help", !NARROW.matches);
  }
  body.scrollTop = 0;
  body.tabIndex = -1;
  body.focus();
}

function close() {
  if (!panel?.made.open) return;
  panel.made.close();
  document.body.classList.remove("with-help");
  (opener?.isConnected ? opener : link())?.focus();
  opener = null;
}

document.addEventListener("click", (event) => {
  const asked = event.target.closest("a.help-link[data-help]");
  if (!asked || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  if (panel?.made.open && panel.made.dataset.topic === asked.dataset.help) close();
  else open(asked.dataset.help, asked);
});

const plain = (event) => !(event.ctrlKey || event.metaKey || event.altKey);

// Escape closes help before it means anything to the page below.
addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !plain(event) || !panel?.made.open || document.querySelector("dialog:modal:not(.help-panel), [data-menu][open]")) return;
  event.preventDefault();
  event.stopPropagation();
  close();
}, { capture: true });

// At the window, behind the pages' own keys: a page where ? means something else keeps it; F1 opens help everywhere.
addEventListener("keydown", (event) => {
  if (event.defaultPrevented || !plain(event)) return;
  const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
  if (event.key !== "F1" && (event.key !== "?" || typing)) return;
  const asked = link();
  if (!asked || document.querySelector("dialog:modal:not(.help-panel)")) return;
  event.preventDefault();
  if (panel?.made.open) close();
  else open(asked.dataset.help, document.activeElement === document.body ? asked : document.activeElement);
});
