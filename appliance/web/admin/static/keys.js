// A private key file is stopped before it leaves the browser; the wait after wrong passphrases counts down.

import { _ } from "/static/text.js";

const LARGEST = 16 * 1024;
const form = document.querySelector("[data-key-file]");

async function problemOf(file) {
  if (file.size > LARGEST) return _("This file is too large for a public key.");
  const text = await file.text();
  if (text.includes('"private"') || text.includes("PRIVATE KEY")) return _("This is a private key file. It was not sent. Choose the one that ends in .public.json.");
  return "";
}

if (form) {
  const input = form.elements.file;
  const words = form.querySelector("[data-key-file-problem]");
  const button = form.querySelector('button[type="submit"]');
  button.disabled = input.files.length === 0;
  input.addEventListener("change", async () => {
    button.disabled = true;
    words.textContent = "";
    const [file] = input.files;
    if (!file) return;
    const problem = await problemOf(file);
    words.textContent = problem;
    if (problem) input.value = "";
    button.disabled = Boolean(problem);
  });
}

const waiting = document.querySelector("[data-wait]");
if (waiting) {
  const button = waiting.querySelector("button");
  const left = waiting.querySelector("[data-left]");
  const until = performance.now() + Number(waiting.dataset.wait) * 1000;
  const count = () => {
    const seconds = Math.ceil((until - performance.now()) / 1000);
    button.disabled = seconds > 0;
    left.textContent = seconds > 0 ? _("Wait {seconds} s.", { seconds }) : "";
    if (seconds > 0) setTimeout(count, 250);
  };
  count();
}
