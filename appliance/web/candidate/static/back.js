// The way back of a page that says what went wrong.

const button = document.querySelector("[data-back]");
if (button && history.length > 1) {
  button.hidden = false;
  button.addEventListener("click", () => history.back());
}
