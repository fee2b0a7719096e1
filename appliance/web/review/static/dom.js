// Making elements: text only ever as text.

const SVG = "http://www.w3.org/2000/svg";

/** An element with properties, attributes (`attributes`), data (`data`) and children; null children are left out. */
export function make(name, { attributes = {}, data = {}, ...properties } = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  for (const [key, value] of Object.entries(attributes)) if (value !== null) made.setAttribute(key, value);
  Object.assign(made.dataset, data);
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

/** One of the review page's own icons. */
export function icon(name) {
  const made = document.createElementNS(SVG, "svg");
  made.setAttribute("class", "icon");
  made.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `/static/review/icons.svg#${name}`);
  made.append(use);
  return made;
}

/** A button with words, told to screen readers and shown as a hint. */
export function button(words, { kind = "", symbol = "", title = "", onClick, ...rest } = {}) {
  const made = make("button", { type: "button", className: kind, ...rest }, symbol ? icon(symbol) : null, symbol && title ? null : words);
  if (symbol && title) made.setAttribute("aria-label", words);
  if (title) made.title = title;
  if (onClick) made.addEventListener("click", onClick);
  return made;
}

/** The colours of the page's tokens as the canvas needs them. */
export function colours(...names) {
  const probe = document.createElement("span");
  probe.hidden = true;
  document.body.append(probe);
  const found = Object.fromEntries(names.map((name) => {
    probe.style.color = `var(--${name})`;
    return [name, getComputedStyle(probe).color];
  }));
  probe.remove();
  return found;
}

/** Ask the function at most once in `ms`, the last call always. */
export function calmly(ms, work) {
  let timer = null;
  let last = 0;
  let values = [];
  return (...given) => {
    values = given;
    const left = last + ms - performance.now();
    if (timer) return;
    if (left <= 0) { last = performance.now(); work(...values); return; }
    timer = setTimeout(() => { timer = null; last = performance.now(); work(...values); }, left);
  };
}
