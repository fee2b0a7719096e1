// Parts of a page that keep themselves fresh without anything jumping away under a hand: the same page is asked for quietly,
// and each part is put in place unless somebody is in the middle of it.

const BACKGROUND = "X-Exambox-Background";
const RESTS_MS = 1200; // a hand that has just moved over a part is about to tap

const known = new WeakMap(); // what the box last said of each part
let touched = { part: null, at: 0 };

for (const kind of ["pointermove", "pointerdown"]) {
  document.addEventListener(kind, (event) => {
    touched = { part: event.target.closest?.("[data-part]") ?? null, at: performance.now() };
  }, { passive: true });
}

/** The same page as a document: the policy lets no text become markup, but the browser may read a page. */
export function askPage(path, { background = true } = {}) {
  return new Promise((done, fail) => {
    const request = new XMLHttpRequest();
    request.open("GET", path);
    request.responseType = "document";
    request.timeout = 15_000;
    request.setRequestHeader("Accept", "text/html");
    if (background) request.setRequestHeader(BACKGROUND, "1");
    request.onload = () => (request.status === 200 && request.responseXML ? done(request.responseXML) : fail(new Error(String(request.status))));
    request.onerror = () => fail(new Error("0"));
    request.ontimeout = request.onerror;
    request.send();
  });
}

/** Whether somebody types, chooses, selects or is about to tap in a part. */
export function isBusy(part, now = performance.now()) {
  const at = document.activeElement;
  if (part.contains(at) && at.matches("input, select, textarea")) return true;
  if (part.querySelector("details.act-more[open]")) return true;
  if (touched.part === part && now - touched.at < RESTS_MS) return true;
  const selection = getSelection();
  return String(selection).length > 0 && part.contains(selection.anchorNode);
}

const FOCUSABLE = "a[href], button, summary";

/** Where the focus is in a part, as something that is found again in its next form: the row, and the how-manieth in it. */
export function placeOf(part, element) {
  if (!element || !part.contains(element)) return null;
  const row = element.closest("[data-row]");
  const among = [...(row ?? part).querySelectorAll(FOCUSABLE)];
  return { row: row?.dataset.row ?? "", index: among.indexOf(element) };
}

function focusAgain(part, place) {
  const row = place.row ? part.querySelector(`[data-row="${CSS.escape(place.row)}"]`) : part;
  const among = [...(row ?? part).querySelectorAll(FOCUSABLE)];
  among[Math.min(place.index, among.length - 1)]?.focus({ preventScroll: true });
}

/** What a page says in a part, without the form token, which is another each time. */
const saidIn = (part, page) => part.innerHTML.replaceAll(page.querySelector('meta[name="csrf-token"]')?.content || "\0", "");

/** Take what the page shows now as known. */
export function rememberParts() {
  for (const part of document.querySelectorAll("[data-part]")) known.set(part, saidIn(part, document));
}

/** Put the parts of a fresh page in place; returns whether every part is now as the page says. */
export function putParts(page) {
  let all = true;
  for (const part of document.querySelectorAll("[data-part]")) {
    const fresh = page.getElementById(part.id);
    if (!fresh) return false;
    const said = saidIn(fresh, page);
    if (said === known.get(part)) continue;
    if (isBusy(part)) { all = false; continue; }
    const place = placeOf(part, document.activeElement);
    for (const open of part.querySelectorAll("details[open][id]")) {
      const same = fresh.querySelector(`#${CSS.escape(open.id)}`);
      if (same) same.open = true;
    }
    part.replaceChildren(...fresh.childNodes);
    known.set(part, said);
    if (place) focusAgain(part, place);
  }
  return all;
}
