/* The map in a page of someone else: what its cards link to opens beside the article and not in its place. */
(function () {
  "use strict";
  document.addEventListener("click", function (event) {
    const link = event.target.closest && event.target.closest("a[target='_top']");
    if (!link) return;
    link.target = "_blank";
    link.rel = "noopener";
  }, true);
})();
