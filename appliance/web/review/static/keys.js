// Keys for everything: what each does, in one table that the shortcuts dialog is made from as well.

import { _ } from "/static/text.js";
import { make } from "./dom.js";

/** @typedef {{keys: string[], shown: string[], words: string, group: string, act: string}} Shortcut */

/** The name of a key press as the table writes it: `Shift+ArrowLeft`, `m`, `?`. */
export function pressed({ key, shiftKey, altKey, ctrlKey, metaKey }) {
  if (ctrlKey || metaKey) return "";
  const plain = key === " " ? "Space" : key.length === 1 ? key.toLowerCase() : key;
  const named = key.length > 1 || key === " ";
  return `${altKey ? "Alt+" : ""}${shiftKey && (named || /[a-z]/.test(plain)) ? "Shift+" : ""}${plain}`;
}

const told = (rows) => rows.map(([group, act, keys, shown, words]) => ({ group, act, keys, shown, words }));

/** The keys of a session's review. @returns {Shortcut[]} */
export function judgingShortcuts() {
  const judge = _("Judge");
  const rows = [
    [judge, "nextOpen", ["n"], ["N"], _("Next warning that nobody has judged")],
    [judge, "nextGroup", ["Alt+ArrowDown"], ["Alt ↓"], _("Next warning")],
    [judge, "previousGroup", ["Alt+ArrowUp", "p"], ["Alt ↑", "P"], _("Previous warning")],
    [judge, "confirm", ["c"], ["C"], _("Confirm the warning")],
    [judge, "dismiss", ["d"], ["D"], _("Dismiss the warning, with a reason")],
    [judge, "verdict", ["v"], ["V"], _("To the verdict")],
    [judge, "nextSession", ["u"], ["U"], _("Next session of the queue")],
    [_("Look"), "help", ["?"], ["?"], _("These keys")],
  ];
  return told(rows);
}

/** Every shortcut of the player; beside a session's warnings `n` and `p` are theirs. @returns {Shortcut[]} */
export function shortcuts(cameras, { judging = false } = {}) {
  const [play, move, mark, look] = [_("Play"), _("Move"), _("Mark and export"), _("Look")];
  const rows = [
    [play, "toggle", ["Space", "k"], [_("Space"), "K"], _("Play or pause")],
    [play, "slower", ["["], ["["], _("Slower")],
    [play, "faster", ["]"], ["]"], _("Faster")],
    [play, "normal", ["\\"], ["\\"], _("Normal speed")],
    [play, "stepBack", [","], [","], _("One picture back")],
    [play, "stepOn", ["."], ["."], _("One picture on")],
    [move, "back10", ["ArrowLeft", "j"], ["←", "J"], _("10 seconds back")],
    [move, "on10", ["ArrowRight", "l"], ["→", "L"], _("10 seconds on")],
    [move, "back1", ["Alt+ArrowLeft"], ["Alt ←"], _("1 second back")],
    [move, "on1", ["Alt+ArrowRight"], ["Alt →"], _("1 second on")],
    [move, "back60", ["Shift+ArrowLeft"], [_("Shift") + " ←"], _("1 minute back")],
    [move, "on60", ["Shift+ArrowRight"], [_("Shift") + " →"], _("1 minute on")],
    [move, "start", ["Home"], [_("Home")], _("To the beginning")],
    [move, "end", ["End"], [_("End")], _("To the end, or to now")],
    [move, "next", ["n"], ["N"], _("Next gap or bookmark")],
    [move, "previous", ["p"], ["P"], _("Previous gap or bookmark")],
    [move, "jump", ["g"], ["G"], _("Go to a time")],
    [mark, "bookmark", ["m"], ["M"], _("Bookmark this moment or the marked range")],
    [mark, "markIn", ["i"], ["I"], _("The range begins here")],
    [mark, "markOut", ["o"], ["O"], _("The range ends here")],
    [mark, "clear", ["x"], ["X"], _("Forget the range")],
    [mark, "export", ["e"], ["E"], _("Export the range")],
    [look, "grid", ["0"], ["0"], _("All cameras alike")],
    ...(cameras > 1 ? [[look, "camera", Array.from({ length: Math.min(9, cameras) }, (_one, n) => String(n + 1)), [`1 – ${Math.min(9, cameras)}`], _("One camera large")]] : []),
    [look, "zoomIn", ["+", "="], ["+"], _("Timeline closer")],
    [look, "zoomOut", ["-"], ["-"], _("Timeline farther")],
    [look, "fit", ["z"], ["Z"], _("Whole timeline")],
    [look, "full", ["f"], ["F"], _("Full screen")],
    [look, "help", ["?"], ["?"], _("These keys")],
  ];
  if (!judging) return told(rows);
  const shift = _("Shift");
  const apart = new Map([["next", ["Shift+n"]], ["previous", ["Shift+p"]]]);
  const moved = told(rows).map((row) => (apart.has(row.act) ? { ...row, keys: apart.get(row.act), shown: row.shown.map((key) => `${shift} ${key}`) } : row));
  return [...judgingShortcuts().filter(({ act }) => act !== "help"), ...moved];
}

/** Do what a pressed key stands for, unless the person types or a dialog is open. */
export function wireKeys(table, actions) {
  const byKey = new Map(table.flatMap((row) => row.keys.map((key) => [key, row.act])));
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || document.querySelector("dialog:modal")) return;
    const { target } = event;
    if (target.closest?.("input, textarea, select, [contenteditable], .menu, .help-panel")) return;
    const name = pressed(event);
    if (name === "Space" && target.closest?.("button, a, summary")) return;
    if (name.includes("Arrow") && target.closest?.("[role=tablist]")) return;
    const act = byKey.get(name);
    if (!act || !actions[act]) return;
    event.preventDefault();
    actions[act](event.key);
  });
}

/** Fill the dialog that lists the keys. */
export function fillShortcuts(place, table) {
  const groups = [...new Set(table.map((row) => row.group))];
  place.replaceChildren(...groups.map((group) => make("section", {},
    make("h3", { textContent: group }),
    make("dl", { className: "keys" }, ...table.filter((row) => row.group === group).map((row) => make("div", {},
      make("dt", {}, ...row.shown.map((key) => make("kbd", { textContent: key }))), make("dd", { textContent: row.words })))))));
}
