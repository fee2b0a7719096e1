// Recovery codes: copy or print them; both buttons need this script and are hidden without it.

import { _ } from "/static/text.js";

const codes = [...document.querySelectorAll("[data-codes] code")].map((code) => code.textContent);
const said = document.querySelector("[data-copied]");
const copy = document.querySelector("[data-copy-codes]");
const print = document.querySelector("[data-print]");

// Browsers offer the clipboard over HTTPS and on this machine only.
copy.hidden = !navigator.clipboard;
copy.addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText(codes.join("\n"));
    said.textContent = _("Copied.");
  } catch {
    said.textContent = _("The browser did not allow it. Print them instead.");
  }
});
print.hidden = false;
print.addEventListener("click", () => window.print());
