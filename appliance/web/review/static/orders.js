// Export and verification: order, progress, outcome.

import { getJson, post, tell } from "/static/api.js";
import { size } from "/static/words.js";

const FILE_WORDS = { clip: "Clip (MP4)", manifest: "Manifest", signature: "Signature of the manifest", "device key": "Public key of this box" };
const ASK_EVERY_MS = 500;

function element(name, options = {}, ...children) {
  const made = Object.assign(document.createElement(name), options);
  made.append(...children);
  return made;
}

async function follow(job, place, words) {
  const bar = element("progress", { max: 1 });
  bar.setAttribute("aria-label", words);
  place.replaceChildren(element("div", { className: "outcome" }, element("p", { textContent: words }), bar));
  let state = job;
  while (state.state === "waiting" || state.state === "running") {
    await new Promise((done) => setTimeout(done, ASK_EVERY_MS));
    state = await getJson(`/api/jobs/${job.id}`, { background: true });
    if (state.total) bar.value = Math.min(1, state.done / state.total);
  }
  if (state.state === "failed") throw Object.assign(new Error(state.problem.message), { hint: state.problem.hint });
  return getJson(`/api/jobs/${job.id}`);
}

function failed(problem, place) {
  if (problem.status === 401) { tell(problem); return; }
  place.replaceChildren(element("div", { className: "outcome callout callout-bad" }, element("strong", { textContent: problem.message }), problem.hint ? element("span", { textContent: problem.hint }) : ""));
}

export async function orderExport(path, fields, place) {
  try {
    const done = await follow(await post(path, fields), place, "Making the clip…");
    const files = done.result.files.map((file, n) => element("li", {}, element("a", { href: done.links[n], textContent: FILE_WORDS[file.kind] ?? file.kind, download: file.name, title: file.name }), ` ${size(file.bytes)}`));
    const discard = element("button", { type: "button", className: "quiet small-button", textContent: "Delete from the box now" });
    discard.addEventListener("click", async () => {
      try { await post(`/api/jobs/${done.id}/discard`); place.replaceChildren(); } catch (problem) { tell(problem); }
    });
    place.replaceChildren(element("div", { className: "outcome", id: "export-done" },
      element("p", { className: "verdict", textContent: `The clip is ready. Keep its ${done.result.files.length} files together.` }),
      element("ul", { className: "files" }, ...files),
      ...done.result.files.filter((file) => file.sha256).map((file) => element("p", { className: "small" }, "SHA-256 of the clip", element("code", { className: "hash", textContent: file.sha256 }))),
      element("p", { className: "small", textContent: "The box deletes its copy after one hour." }), discard));
  } catch (problem) {
    failed(problem, place);
  }
}

export async function orderCheck(path, level, place) {
  try {
    const { result } = await follow(await post(path, { level }), place, "Verifying…");
    const counts = result.counts;
    const facts = [[counts.parts, "parts"], [counts.segments, "segments"], [counts.gaps, "gaps"], [counts.checkpoints, "signed checkpoints"]]
      .filter(([count]) => Number.isFinite(count)).map(([count, words]) => `${count} ${count === 1 ? words.slice(0, -1) : words}`);
    place.replaceChildren(element("div", { className: "outcome", id: "verify-done" },
      element("p", { className: result.ok ? "verdict" : "verdict not", textContent: result.words }),
      element("p", { className: "small", textContent: facts.join(", ") }),
      element("ul", { className: "gaps" }, ...result.findings.map((item) => element("li", { textContent: `Part ${item.part}${item.seq === null ? "" : `, record ${item.seq}`}: ${item.message}` })))));
  } catch (problem) {
    failed(problem, place);
  }
}
