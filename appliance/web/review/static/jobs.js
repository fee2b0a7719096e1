// Work the box does for this person, exports and verifications: ordered, followed with progress, given up, told.

import { getJson, post, tell } from "/static/api.js";
import { _ } from "/static/text.js";
import { size } from "/static/words.js";
import { button, make } from "./dom.js";

const ASK_EVERY_MS = 500;
const LONGEST_PAUSE_MS = 4000;
const UNFINISHED = new Set(["waiting", "running"]);

/** The job was given up by the person. */
export class GivenUp extends Error {}

/**
 * Follow a job to its end with a progress bar; a connection that goes is waited for.
 * @returns {Promise<object>} the finished job
 */
export async function follow(job, place, words) {
  const bar = make("progress", { max: 1, attributes: { "aria-label": words } });
  const percent = make("span", { className: "small", textContent: "" });
  let given = false;
  const cancel = button(_("Cancel"), { kind: "small-button", onClick: async () => {
    given = true;
    cancel.disabled = true;
    await post(`/api/jobs/${job.id}/discard`).catch(() => {});
  } });
  place.replaceChildren(make("div", { className: "outcome", data: { running: "" } }, make("p", {}, words, " ", percent), bar, make("p", { className: "actions" }, cancel)));
  let state = job;
  let pause = ASK_EVERY_MS;
  while (UNFINISHED.has(state.state)) {
    await new Promise((done) => setTimeout(done, pause));
    if (given) throw new GivenUp();
    try {
      state = await getJson(`/api/jobs/${job.id}`, { background: true });
      pause = ASK_EVERY_MS;
    } catch (problem) {
      if (given) throw new GivenUp();
      if (problem.status !== 0 && problem.status !== 503) throw problem;
      percent.textContent = _("No connection to the box. It goes on there.");
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
      continue;
    }
    if (!state.total) continue;
    bar.value = Math.min(1, state.done / state.total);
    percent.textContent = `${Math.floor(bar.value * 100)} %`;
  }
  if (given || state.state === "cancelled") throw new GivenUp();
  if (state.state === "failed") throw Object.assign(new Error(state.problem.message), { hint: state.problem.hint });
  return getJson(`/api/jobs/${job.id}`, { background: true });
}

export function failed(problem, place) {
  if (problem instanceof GivenUp) { place.replaceChildren(make("p", { className: "outcome muted", textContent: _("Given up; nothing is kept.") })); return; }
  if (problem.status === 401) { tell(problem); return; }
  place.replaceChildren(make("div", { className: "outcome callout callout-bad", attributes: { role: "alert" } }, make("strong", { textContent: problem.message }), problem.hint ? make("span", { textContent: problem.hint }) : null));
}

const kinds = () => ({ clip: _("Clip (MP4)"), manifest: _("Manifest"), signature: _("Signature of the manifest"), "device key": _("Public key of this box") });

function fileList(done, names) {
  const links = done.links ?? [];
  const words = kinds();
  const groups = new Map();
  done.result.files.forEach((file, n) => {
    const camera = file.camera ?? "";
    if (!groups.has(camera)) groups.set(camera, []);
    groups.get(camera).push({ ...file, link: links[n] });
  });
  return [...groups].map(([camera, files]) => make("section", { className: "export-camera" },
    camera ? make("h3", { textContent: names.get(camera) ?? camera }) : null,
    make("ul", { className: "files" }, ...files.map((file) => make("li", {}, make("a", { href: file.link, textContent: words[file.kind] ?? file.kind, download: file.name, title: file.name }), ` ${size(file.bytes)}`))),
    ...files.filter((file) => file.sha256).map((file) => make("p", { className: "small" }, _("SHA-256 of the clip"), make("code", { className: "hash", textContent: file.sha256 })))));
}

function howToVerify(files) {
  const clip = files.find((file) => file.kind === "clip");
  const manifest = files.find((file) => file.kind === "manifest");
  const signature = files.find((file) => file.kind === "signature");
  const key = files.find((file) => file.kind === "device key");
  if (!clip || !manifest || !signature || !key) return null;
  const signed = clip.name.replace(/\.mp4$/, ".signed");
  const commands = [
    `sha256sum ${clip.name}`,
    `printf 'exambox/1 export\\n' | cat - ${manifest.name} > ${signed}`,
    `openssl pkeyutl -verify -pubin -inkey ${key.name} -rawin -in ${signed} -sigfile ${signature.name}`,
  ].join("\n");
  return make("details", { className: "verify-how" }, make("summary", { textContent: _("How anyone can verify the clip") }),
    make("p", { className: "small", textContent: _("The sum must be the one in the manifest; openssl must say “Signature Verified Successfully”. Nothing of this box is needed.") }),
    make("pre", {}, make("code", { textContent: commands })));
}

/** Order an export and show what came of it. */
export async function orderExport(path, fields, place, names) {
  try {
    const done = await follow(await post(path, fields), place, _("Making the clips…"));
    const { files } = done.result;
    const gone = button(_("Delete from the box now"), { kind: "quiet small-button", onClick: async () => {
      try { await post(`/api/jobs/${done.id}/discard`); place.replaceChildren(make("p", { className: "outcome muted", textContent: _("The box has deleted its copy.") })); } catch (problem) { tell(problem); }
    } });
    place.replaceChildren(make("div", { className: "outcome", id: "export-done" },
      make("p", { className: "verdict", textContent: _("The export is ready. Keep its {count} files together.", { count: files.length }) }),
      (done.result.left_out ?? []).length ? make("p", { className: "small", textContent: _("Without a recording in this range: {cameras}.", { cameras: done.result.left_out.map((camera) => names.get(camera) ?? camera).join(", ") }) }) : null,
      ...fileList(done, names), howToVerify(files),
      make("p", { className: "small", textContent: _("The box deletes its copy after one hour.") }), gone));
  } catch (problem) {
    failed(problem, place);
  }
}

/** Where a finding is, and what was found. */
function foundWords({ part, seq, message }) {
  const where = [part ? _("Part {part}", { part }) : "", Number.isFinite(seq) ? _("record {record}", { record: seq }) : ""];
  return `${where.filter(Boolean).join(", ")}: ${message}`;
}

function findings(result, names) {
  const reports = result.cameras ?? [result];
  return reports.map((report) => {
    const counts = report.counts ?? {};
    const facts = [
      [counts.parts, _("parts")], [counts.segments, _("segments")], [counts.gaps, _("gaps")], [counts.checkpoints, _("signed checkpoints")],
    ].filter(([count]) => Number.isFinite(count)).map(([count, words]) => `${words}: ${count}`);
    return make("section", { className: "check-camera" },
      report.camera ? make("h3", { textContent: names.get(report.camera) ?? report.camera }) : null,
      make("p", { className: report.ok ? "verdict" : "verdict not", textContent: report.words }),
      make("p", { className: "small", textContent: facts.join(" · ") }),
      (report.findings ?? []).length ? make("ul", { className: "findings" }, ...report.findings.map((item) => make("li", { textContent: foundWords(item) }))) : null);
  });
}

/** Order a verification and show what came of it. */
export async function orderCheck(path, level, place, names) {
  try {
    const { result } = await follow(await post(path, { level }), place, _("Verifying…"));
    place.replaceChildren(make("div", { className: "outcome", id: "verify-done" }, ...findings(result, names)));
  } catch (problem) {
    failed(problem, place);
  }
}
