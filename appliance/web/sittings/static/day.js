// The day's page: the room's clock, times that run, acts without leaving the page, and news of others every two seconds.

import { _ } from "/static/text.js";
import { Zone, duration } from "/static/words.js";
import { getJson, notice, post, tell } from "/static/api.js";
import { askPage, putParts, rememberParts } from "./parts.js";

const PULSE_MS = 2000;
const RENEW_MS = 15_000; // also what only time changes: who is late, whose time is over
const WARN_S = 120;

const day = document.getElementById("day");
const dialog = document.getElementById("acts-dialog");
const zone = new Zone();
let version = day.dataset.version;
let aheadUs = Number(day.dataset.now) - performance.now() * 1000; // the box's clock, counted on by this page's own
let renewedAt = performance.now();
let endsUs = Number(document.querySelector("[data-session-banner]").dataset.ends);
let failed = 0;

const nowUs = () => performance.now() * 1000 + aheadUs;

function write(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

function tick() {
  const now = nowUs();
  write(document.querySelector("[data-clock]"), zone.clock(now));
  for (const left of document.querySelectorAll("[data-left]")) write(left, duration(Math.max(0, (Number(left.dataset.left) - now) / 1e6)));
  for (const since of document.querySelectorAll("[data-since]")) write(since, duration((now - Number(since.dataset.since)) / 1e6));
  const left = (endsUs - now) / 1e6;
  const banner = document.querySelector("[data-session-banner]");
  banner.hidden = left > WARN_S;
  if (!banner.hidden) write(document.querySelector("[data-session-left]"), duration(left));
}

async function renew({ background = true } = {}) {
  const page = await askPage(location.pathname + location.search, { background });
  const fresh = page.getElementById("day");
  if (!fresh) { location.reload(); return; } // signed out: the page says so
  if (putParts(page)) {
    version = fresh.dataset.version;
    renewedAt = performance.now();
  }
  tick();
}

async function pulse() {
  if (!document.hidden) {
    try {
      const asked = performance.now();
      const told = await getJson(day.dataset.pulse, { background: true });
      aheadUs = told.now_us - ((asked + performance.now()) / 2) * 1000;
      endsUs = told.session_ends_us;
      if (told.version !== version || performance.now() - renewedAt > RENEW_MS) await renew();
      failed = 0;
    } catch (problem) {
      if (problem.status === 401) { tell(problem); return; }
      failed += 1;
    }
    document.querySelector("[data-no-box]").hidden = failed < 2;
  }
  setTimeout(pulse, PULSE_MS);
}

/** Send an act without leaving the page; a refusal is told calmly, with what to do. */
async function send(form, submitter) {
  const fields = Object.fromEntries(new FormData(form, submitter));
  const buttons = [...form.querySelectorAll("button")];
  for (const button of buttons) button.disabled = true;
  try {
    const told = await post(form.getAttribute("action"), fields);
    notice(told.said);
    form.closest("details.act-more")?.removeAttribute("open");
    if (dialog.open) dialog.close();
    await renew({ background: false });
  } catch (problem) {
    if (problem.status === 409) notice(problem.message, { hint: problem.hint });
    else tell(problem);
  } finally {
    for (const button of buttons) button.disabled = false;
    delete form.dataset.confirmed;
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-act-form]") || (form.dataset.confirm && !form.dataset.confirmed)) return;
  event.preventDefault();
  event.stopPropagation();
  send(form, event.submitter);
}, true);

/** Show what can be done for a candidate beside the list, at the act that was asked for. */
async function openActs(link) {
  const path = link.getAttribute("href").split("#")[0];
  let page;
  try {
    page = await askPage(path, { background: false });
  } catch {
    location.assign(link.href);
    return;
  }
  const acts = page.getElementById("candidate-acts");
  if (!acts) { location.assign(link.href); return; }
  for (const form of acts.querySelectorAll("form")) { form.dataset.actForm = ""; }
  dialog.querySelector("[data-acts]").replaceChildren(acts);
  dialog.setAttribute("aria-label", acts.querySelector("h2")?.textContent ?? _("Candidate"));
  dialog.showModal();
  const wanted = link.dataset.more && acts.querySelector(`[data-act="${CSS.escape(link.dataset.more)}"]`);
  if (!wanted) return;
  for (const other of acts.querySelectorAll(".act details[open]")) other.open = false;
  const details = wanted.querySelector("details");
  if (details) details.open = true;
  wanted.scrollIntoView({ block: "nearest" });
  wanted.querySelector("input:not([type=hidden]), select, .choices button, button")?.focus();
}

document.addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  const link = event.target.closest("[data-more]");
  if (!link) return;
  event.preventDefault();
  openActs(link);
});

document.querySelector("[data-stay]").addEventListener("click", async () => {
  try {
    await post("/api/session");
    notice(_("You stay signed in."));
  } catch (problem) { tell(problem); }
});

rememberParts();
document.addEventListener("visibilitychange", () => { if (!document.hidden) renew().catch(() => {}); });
setInterval(tick, 250);
tick();
setTimeout(pulse, PULSE_MS);
