// The pages before and after the exam: they go on by themselves when the box says that something has changed.

import { _ } from "/static/text.js";
import { Link } from "./link.js";

const page = document.querySelector("[data-page]");
const { base, formToken, mark } = page.dataset;
const lost = document.querySelector("[data-link-lost]");
let acting = false;

const again = () => location.replace(base);

const link = new Link({ base, formToken }, {
  told: (state) => {
    if (state.mark !== mark) { again(); return; }
    if (state.due && !acting) admit();
  },
  lost: (gone) => { lost.hidden = !gone; },
  refused: again,
});

/** Let the box do what needs no person; it says no more than where the candidate stands. */
async function admit() {
  acting = true;
  try { await link.act("here"); } catch (problem) { link.fail(problem); } finally { setTimeout(() => { acting = false; }, 2000); }
}

const beginning = document.querySelector("[data-begin]");
if (beginning) beginning.disabled = false; // until now a press would have been lost
beginning?.addEventListener("click", async (event) => {
  const button = event.currentTarget;
  const words = document.querySelector("[data-problem]");
  button.disabled = true;
  words.textContent = "";
  try {
    const state = await link.act("begin"); // what has changed is shown by `told`
    button.disabled = state.mark !== mark;
  } catch (problem) {
    button.disabled = false;
    words.textContent = [problem.message, problem.hint, _("If it stays, raise your hand.")].filter(Boolean).join(" ");
  }
});

// A page kept by the browser and shown anew is asked for anew.
addEventListener("pageshow", (event) => { if (event.persisted) again(); });
link.begin();
