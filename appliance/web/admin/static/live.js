// A part of the page that keeps itself fresh: the same page is asked for quietly and its part put in place.

const BACKGROUND = "X-Exambox-Background";
const part = document.querySelector("[data-live]");
const stale = document.querySelector("[data-stale]");
const everyMs = Number(part.dataset.liveEvery || 10_000);
// Work that comes to an end is asked for until it has; everything else for as long as the page is open.
const finite = "liveOn" in part.dataset;
const over = () => "liveEvery" in part.dataset && !part.querySelector("[data-live-more]");
let timer = 0;

/** Whether somebody is in the middle of something that a change would take away. */
const busy = () => part.contains(document.activeElement) || String(getSelection()).length > 0;

/** The same page as a document without scripts: the policy lets no text become markup, but the browser may read a page. */
function freshPage() {
  return new Promise((done, fail) => {
    const request = new XMLHttpRequest();
    request.open("GET", location.pathname + location.search);
    request.responseType = "document";
    request.timeout = 15_000;
    request.setRequestHeader("Accept", "text/html");
    request.setRequestHeader(BACKGROUND, "1");
    request.onload = () => (request.status === 200 && request.responseXML ? done(request.responseXML) : fail(new Error(String(request.status))));
    request.onerror = request.ontimeout = () => fail(new Error("0"));
    request.send();
  });
}

function put(page) {
  const fresh = page.getElementById(part.id);
  if (!fresh) {
    location.reload(); // signed out, or the thing is gone: the page says which
    return;
  }
  for (const open of part.querySelectorAll("details[open][id]")) {
    const same = fresh.querySelector(`#${CSS.escape(open.id)}`);
    if (same) same.open = true;
  }
  part.replaceChildren(...fresh.childNodes);
}

async function renew() {
  if (!document.hidden && !busy()) {
    try {
      put(await freshPage());
      if (stale) stale.hidden = true;
    } catch {
      if (stale) stale.hidden = false;
    }
  }
  if (over()) {
    if (finite) part.querySelector("a.button")?.focus();
    return;
  }
  timer = setTimeout(renew, everyMs);
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden || over()) return;
  clearTimeout(timer);
  renew();
});
if (!over()) timer = setTimeout(renew, everyMs);
