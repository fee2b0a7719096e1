// A part of the page that keeps itself fresh: the same page is asked for quietly and its part put in place.

import { ask } from "/static/api.js";

const EVERY_MS = 10_000;
const part = document.querySelector("[data-live]");
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
  timer = setTimeout(renew, EVERY_MS);
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  clearTimeout(timer);
  renew();
});
timer = setTimeout(renew, EVERY_MS);
