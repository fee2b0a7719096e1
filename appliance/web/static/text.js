// Texts in the reader's language: English in the code, other languages from a module the page names.

const source = document.documentElement.dataset.words;
const words = source ? (await import(source)).default : {};

const filled = (text, values) => (values ? text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole)) : text);

/** The text in the reader's language; `{name}` is filled from `values`. */
export function _(text, values) {
  const found = words[text];
  return filled(Array.isArray(found) ? found[0] : found || text, values);
}

/** The plural form that fits `count`, which is also the value `{num}`. */
export function _n(one, many, count, values) {
  const found = words[one];
  const index = count === 1 ? 0 : 1;
  return filled(Array.isArray(found) ? found[index] : index ? many : one, { num: count, ...values });
}
