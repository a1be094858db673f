/* Runs before the page is painted: the reader's choice of colours, and that scripts are there. */
(function () {
  "use strict";
  const root = document.documentElement;
  root.classList.add("js");
  try {
    const chosen = localStorage.getItem("openward-theme");
    if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
  } catch (error) {
    /* Storage is closed to us: the system's choice holds. */
  }
})();
