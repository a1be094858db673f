/* What the head tells programs of the page (its feed, how it is embedded) follows the page as it changes without a new load:
   the page carries it as data (portal/head_links.py). */
(function () {
  "use strict";
  let told = null;

  function follow() {
    const page = document.querySelector("#site > .site");
    if (!page) return;
    const now = page.dataset.head || "[]";
    if (now === told) return;
    told = now;
    document.head.querySelectorAll('link[rel="alternate"]').forEach(function (link) { link.remove(); });
    JSON.parse(now).forEach(function (link) {
      const node = document.createElement("link");
      Object.keys(link).forEach(function (name) { node.setAttribute(name, link[name]); });
      document.head.append(node);
    });
  }

  window.addEventListener("openward:shown", follow);
})();
