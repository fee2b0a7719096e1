// The cameras' pages: states kept up to date, and words while a camera is being tried.

import { _ } from "/static/text.js";
import { getJson } from "/static/api.js";

const EVERY_MS = 3000;
const PICTURE_EVERY_MS = 2000;

const list = document.querySelector("[data-camera-states]");

function show(element, facts) {
  const tag = element.querySelector("[data-state-words] .tag");
  tag.textContent = facts.words;
  tag.className = facts.kind ? `tag tag-${facts.kind}` : "tag";
  element.querySelector("[data-state-recording]").hidden = !facts.recording;
  element.querySelector("[data-state-why]").textContent = facts.why;
}

async function renew() {
  if (!document.hidden) {
    try {
      const told = await getJson(list.dataset.cameraStates, { background: true });
      const known = new Map(told.cameras.map((facts) => [facts.camera, facts]));
      for (const element of list.querySelectorAll("[data-state-of]")) {
        const facts = known.get(element.dataset.stateOf);
        if (facts) show(element, facts);
      }
    } catch (problem) {
      if (problem.status === 401) { location.reload(); return; }
    }
  }
  setTimeout(renew, EVERY_MS);
}
if (list) setTimeout(renew, EVERY_MS);

for (const form of document.querySelectorAll("form[data-tries]")) {
  const words = form.querySelector("[data-trying]") ?? document.querySelector("[data-trying]");
  form.addEventListener("submit", () => { if (words) words.hidden = false; });
  addEventListener("pageshow", () => {
    if (words) words.hidden = true;
    for (const button of form.querySelectorAll("button")) button.disabled = false;
  });
}

// Switching sound in a running recording is asked about first; everything else on that form costs nothing.
const settings = document.querySelector("[data-sound-was]");
settings?.addEventListener("submit", () => {
  const changed = (settings.elements.audio.checked ? "yes" : "no") !== settings.dataset.soundWas;
  if (changed && settings.dataset.recording === "yes") {
    settings.dataset.confirm = _("Switch sound now? The running recording goes on in a new part, with a gap of some seconds.");
    settings.dataset.confirmLabel = _("Save");
  } else {
    delete settings.dataset.confirm;
  }
});

const picture = document.querySelector("img[data-refreshed]");
if (picture) {
  const source = picture.src;
  setInterval(() => {
    if (document.hidden) return;
    const next = new Image();
    next.addEventListener("load", () => { picture.src = next.src; });
    next.src = `${source}?${Date.now()}`;
  }, PICTURE_EVERY_MS);
}
