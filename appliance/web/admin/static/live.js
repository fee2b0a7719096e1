// A part of the page that keeps itself fresh: the same page is asked for quietly and its part put in place.

import { ask } from "/static/api.js";

const part = document.querySelector("[data-live]");
const EVERY_MS = Number(part.dataset.liveEvery || 10_000);
// Work that comes to an end is asked for until it has; everything else for as long as the page is open.
const finite = "liveOn" in part.dataset;
const over = () => "liveEvery" in part.dataset && !part.querySelector("[data-live-more]");
const stale = document.querySelector("[data-stale]");
let timer = 0;

/** Whether somebody is in the middle of something that a change would take away. */
const busy = () => part.contains(document.activeElement) || String(getSelection()).length > 0;

function put(text) {
  const fresh = new DOMParser().parseFromString(text, "text/html").getElementById(part.id);
  if (!fresh) return;
  for (const open of part.querySelectorAll("details[open][id]")) {
    const same = fresh.querySelector(`#${CSS.escape(open.id)}`);
    if (same) same.open = true;
  }
  part.replaceChildren(...fresh.childNodes);
}

async function renew() {
  if (!document.hidden && !busy()) {
    try {
      put(await (await ask(location.pathname, { background: true, headers: { Accept: "text/html" } })).text());
      if (stale) stale.hidden = true;
    } catch (problem) {
      if (problem.status === 401) { location.reload(); return; }
      if (stale) stale.hidden = false;
    }
  }
  if (over()) { if (finite) part.querySelector("a.button")?.focus(); return; }
  timer = setTimeout(renew, EVERY_MS);
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden || over()) return;
  clearTimeout(timer);
  renew();
});
if (!over()) timer = setTimeout(renew, EVERY_MS);
