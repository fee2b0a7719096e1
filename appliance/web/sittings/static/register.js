// The register's button for paper.

document.querySelector("[data-print]")?.addEventListener("click", () => print());
