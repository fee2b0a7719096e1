// The room's keys, in one table that the dialog is made from as well.

import { _ } from "/static/text.js";

/** Every key of the page, in the form of `review/keys.js`. */
export function shortcuts(cameras) {
  const [room, large] = [_("Room"), _("One camera large")];
  const digits = Array.from({ length: Math.min(9, cameras) }, (_one, n) => String(n + 1));
  const rows = [
    ...(cameras ? [[room, "camera", digits, [digits.length > 1 ? `1 – ${digits.length}` : "1"], _("This camera large")]] : []),
    [room, "problem", ["p"], ["P"], _("The first camera with a problem")],
    [room, "record", ["r"], ["R"], _("Start or stop recording; it is asked first")],
    [room, "help", ["?"], ["?"], _("These keys")],
    [large, "next", ["ArrowRight", "n"], ["→", "N"], _("Next camera")],
    [large, "previous", ["ArrowLeft"], ["←"], _("Previous camera")],
    [large, "back", ["Escape", "0"], ["Esc", "0"], _("All cameras")],
    [large, "full", ["f"], ["F"], _("Full screen")],
    [large, "sound", ["m"], ["M"], _("Sound on or off")],
  ];
  return rows.map(([group, act, keys, shown, words]) => ({ group, act, keys, shown, words }));
}
