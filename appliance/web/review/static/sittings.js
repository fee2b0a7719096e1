// The list: / goes to the search, arrows go from sitting to sitting, Enter opens; a click anywhere in a line does too.

import { wireUnlockForms } from "/static/api.js";

const links = [...document.querySelectorAll(".sittings .open-link")];
const search = document.getElementById("q");
const filters = document.querySelector("[data-filters]");

function go(step) {
  const here = links.indexOf(document.activeElement);
  const next = links[Math.min(Math.max(here < 0 ? (step > 0 ? 0 : links.length - 1) : here + step, 0), links.length - 1)];
  next?.focus();
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.closest("input, textarea, select, .menu");
  if (event.key === "/" && !typing) { event.preventDefault(); search?.focus(); search?.select(); return; }
  if (event.target === search && event.key === "ArrowDown") { event.preventDefault(); go(1); return; }
  if (event.target === search && event.key === "Escape" && search.value) { search.value = ""; return; }
  if (typing) return;
  const step = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  go(step);
});

for (const row of document.querySelectorAll(".sittings tbody tr")) {
  row.addEventListener("click", (event) => {
    if (event.target.closest("a, button") || String(getSelection())) return;
    row.querySelector(".open-link").click();
  });
}

// A chosen filter is applied at once; empty ones stay out of the address.
filters?.addEventListener("change", (event) => { if (event.target !== search) filters.requestSubmit(); });
filters?.addEventListener("submit", () => {
  for (const field of filters.elements) if (field.name && !field.value) field.disabled = true;
});
addEventListener("pageshow", () => { for (const field of filters?.elements ?? []) field.disabled = false; });
wireUnlockForms();
