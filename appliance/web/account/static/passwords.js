// Password fields: show what was typed, and say when Caps Lock is on. Without this script they are plain fields.

import { _ } from "/static/text.js";

for (const input of document.querySelectorAll('main input[type="password"]')) equip(input);

function equip(input) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet small-button show-password";
  button.setAttribute("aria-controls", input.id);
  const shown = (yes) => {
    input.type = yes ? "text" : "password";
    button.textContent = yes ? _("Hide") : _("Show");
    button.setAttribute("aria-pressed", String(yes));
  };
  button.addEventListener("click", () => {
    shown(input.type === "password");
    input.focus();
  });
  // Sent as a password again, so that no browser keeps it among what was typed into fields.
  input.form?.addEventListener("submit", () => shown(false));
  shown(false);
  const frame = document.createElement("div");
  frame.className = "password-frame";
  input.replaceWith(frame);
  frame.append(input, button);
  if (input.autofocus) input.focus();

  const capital = document.createElement("p");
  capital.className = "field-hint capital";
  capital.setAttribute("role", "status");
  frame.after(capital);
  const tell = (event) => {
    const on = event.getModifierState?.("CapsLock") ?? false;
    const words = on ? _("Caps Lock is on.") : "";
    if (capital.textContent !== words) capital.textContent = words;
  };
  input.addEventListener("keydown", tell);
  input.addEventListener("keyup", tell);
  input.addEventListener("blur", () => { capital.textContent = ""; });
}
