// The check of the log goes on in the box; this looks how far it is and shows the verdict when it is there.

import { getJson, tell } from "/static/api.js";

const place = document.querySelector("[data-log-check]");
const ASK_EVERY_MS = 400;

async function follow() {
  const bar = place.querySelector("progress");
  const percent = place.querySelector("[data-percent]");
  for (;;) {
    await new Promise((done) => { setTimeout(done, ASK_EVERY_MS); });
    try {
      const state = await getJson(place.dataset.logCheck, { background: true });
      if (state.state !== "waiting" && state.state !== "running") { location.reload(); return; }
      if (state.total) {
        bar.max = state.total;
        bar.value = state.done;
        percent.textContent = `${Math.floor((state.done * 100) / state.total)} %`;
      }
    } catch (problem) {
      if (problem.status && problem.status !== 503) { tell(problem); return; }
    }
  }
}

if (place) follow();
