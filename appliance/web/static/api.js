// Talking to the box: JSON in, JSON out, problems as errors with the words a person is told.

import { _ } from "/static/text.js";

const token = document.querySelector('meta[name="csrf-token"]')?.content ?? "";

export class BoxError extends Error {
  constructor(status, problem) {
    super(problem.detail || _("The box did not answer."));
    this.status = status;
    this.code = problem.code || "";
    this.hint = problem.hint || "";
  }
}

/** Fetch and return the response; a refusal becomes a BoxError, a box that is not there one with status 0. */
export async function ask(path, { background = false, ...options } = {}) {
  const headers = { Accept: "application/json", ...options.headers };
  if (background) headers["X-Exambox-Background"] = "1";
  if (options.method === "POST") headers["X-CSRFToken"] = token;
  let response;
  try {
    response = await fetch(path, { ...options, headers, credentials: "same-origin", redirect: "error" });
  } catch (problem) {
    if (problem.name === "AbortError") throw problem;
    throw new BoxError(0, { detail: _("No connection to the box."), hint: _("It is tried again by itself.") });
  }
  if (!response.ok) throw new BoxError(response.status, await response.json().catch(() => ({})));
  return response;
}

export async function getJson(path, options) {
  return (await ask(path, options)).json();
}

export async function post(path, fields = {}) {
  return (await ask(path, { method: "POST", body: new URLSearchParams(fields) })).json();
}

/** A message at the edge of the page; it goes by itself unless it is bad news. */
export function notice(text, { hint = "", bad = false } = {}) {
  const box = document.createElement("div");
  box.className = bad ? "callout callout-bad" : "callout callout-info";
  const strong = document.createElement("strong");
  strong.textContent = text;
  const close = document.createElement("button");
  close.className = "quiet small-button";
  close.type = "button";
  close.textContent = _("Close");
  close.addEventListener("click", () => box.remove());
  box.append(strong, hint ? Object.assign(document.createElement("span"), { textContent: hint }) : "", close);
  document.getElementById("notices").append(box);
  setTimeout(() => box.remove(), bad ? 20000 : 6000);
}

export function tell(problem) {
  if (problem.status === 401) {
    location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
    return;
  }
  notice(problem.message, { hint: problem.hint, bad: true });
}

/** Unlock forms look the same on each page; when one succeeds the page is shown anew. */
export function wireUnlockForms(done = () => location.reload()) {
  for (const form of document.querySelectorAll("[data-unlock]")) {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const button = form.querySelector("button");
      const words = form.querySelector("[data-unlock-problem]");
      button.disabled = true;
      words.textContent = "";
      try {
        await post("/api/keyring/unlock", { passphrase: form.elements.passphrase?.value ?? "" });
        form.reset();
        done();
      } catch (problem) {
        words.textContent = `${problem.message} ${problem.hint ?? ""}`;
        if (problem.status === 401) tell(problem);
      } finally {
        button.disabled = false;
      }
    });
  }
}
