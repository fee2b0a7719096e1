// Commands for the console are copied by a button beside them.

import { _ } from "/static/text.js";

for (const box of document.querySelectorAll("[data-copy]")) {
  const button = box.querySelector("[data-copy-button]");
  if (!navigator.clipboard) continue; // only pages by HTTPS or on this machine may
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(box.querySelector("code").textContent);
    button.textContent = _("Copied");
    setTimeout(() => { button.textContent = _("Copy"); }, 2000);
  });
}
