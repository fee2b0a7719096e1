// The help page: typing narrows the topics at once; without this script the box answers the search itself.

import { _, _n } from "/static/text.js";

const search = document.querySelector("[data-help-search]");
const field = search.elements.q;
const topics = [...document.querySelectorAll("[data-help-topics] [data-topic]")];
const entries = new Map([...document.querySelectorAll("[data-help-contents] [data-topic]")].map((entry) => [entry.dataset.topic, entry]));
const said = new Map(topics.map((topic) => [topic, topic.textContent.toLocaleLowerCase().replace(/\s+/g, " ")]));

function narrow() {
  const words = field.value.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  let found = 0;
  for (const topic of topics) {
    const fits = words.every((word) => said.get(topic).includes(word));
    topic.hidden = entries.get(topic.dataset.topic).hidden = !fits;
    found += fits;
  }
  document.querySelector("[data-help-none]").hidden = found > 0;
  document.querySelector("[data-help-found]").textContent = words.length ? _n("One topic", "{num} topics", found) : _("All topics");
}

/** An address that names a topic shows it, whatever was searched for before. */
function arrive() {
  const topic = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!topic) return;
  if (topic.closest("[hidden]")) { field.value = ""; narrow(); }
  topic.focus({ preventScroll: true });
  topic.scrollIntoView();
}

// A topic that was left out by the box is not on this page: then the box searches again.
if (!new URLSearchParams(location.search).get("q")) {
  search.querySelector("button").hidden = true;
  field.addEventListener("input", narrow);
  search.addEventListener("submit", (event) => { event.preventDefault(); field.blur(); });
}
document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/" && !event.target.closest("input, textarea, select, .menu")) { event.preventDefault(); field.focus(); field.select(); }
  if (event.key === "Escape" && event.target === field && field.value) { event.preventDefault(); field.value = ""; narrow(); }
});
const print = document.querySelector("[data-print]");
print.hidden = false;
print.addEventListener("click", () => globalThis.print());
addEventListener("hashchange", arrive);
arrive();
