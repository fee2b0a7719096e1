// A session's review without pictures: its warnings and its verdict, by the same keys.

import { Judging } from "./judging.js";
import { fillShortcuts, judgingShortcuts, wireKeys } from "./keys.js";
import { wireTabs } from "./panels.js";

const dialog = document.querySelector("[data-keys-dialog]");
const tab = wireTabs(document.querySelector("[data-tabs]"));
const judging = new Judging({ root: document.querySelector("[data-session]"), tab, jump: null });
const table = judgingShortcuts();
wireKeys(table, { ...judging.actions, help: () => dialog.showModal() });
fillShortcuts(document.querySelector("[data-keys]"), table);
dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());
