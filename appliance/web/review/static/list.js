// The list: times in the room's zone or in UTC, and unlocking.

import { wireUnlockForms } from "/static/api.js";

const toggle = document.querySelector("[data-utc-toggle]");
const times = [...document.querySelectorAll("td time")].map((element) => [element, element.textContent]);

function show() {
  for (const [element, local] of times) element.textContent = toggle.checked ? `${element.dateTime.replace("T", " ").replace(/\.\d+Z$/, "")} UTC` : local;
}

toggle?.addEventListener("change", show);
show();
wireUnlockForms();
