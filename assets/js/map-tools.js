/* The map's tools: their buttons, the panel that one of them opens at a time, full screen, and how a tool changes the
   filters of the page around: by its address, as a form would. In a page of someone else there is no such page. */
(function () {
  "use strict";
  const M = window.openward_map;
  const map = M.map, words = M.words, make = M.make;
  const container = map.getContainer();

  const page = window.frameElement && window.frameElement.id === "map" ? window.parent : null;

  /* changes: keys of the address and their values; null takes one away. A page that takes no filters (that of a place)
     gives way to the map's own. */
  function narrow(changes) {
    const url = new URL(page.location.href);
    if (!/^\/map\/?$/.test(url.pathname)) {
      const lang = url.searchParams.get("lang");
      url.pathname = "/map";
      url.search = M.asking();
      if (lang) url.searchParams.set("lang", lang);
    }
    Object.keys(changes).forEach(function (key) {
      if (changes[key] === null) url.searchParams.delete(key); else url.searchParams.set(key, changes[key]);
    });
    url.hash = "";
    page.dispatchEvent(new page.CustomEvent("openward:go", { detail: { url: url.href, focus: null } }));
  }

  /* ---- buttons ---- */

  const bar = M.corner("topleft", "tools leaflet-bar", words.tools);
  const NS = "http://www.w3.org/2000/svg";

  function tool(label, path, act) {
    const svg = document.createElementNS(NS, "svg");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    const line = document.createElementNS(NS, "path");
    line.setAttribute("d", path);
    svg.append(line);
    const button = make("button", { type: "button", "aria-label": label, title: label }, [svg]);
    button.addEventListener("click", act);
    bar.append(button);
    return button;
  }
  function rename(button, label) { button.setAttribute("aria-label", label); button.title = label; }

  /* ---- the panel ---- */

  const panel = make("div", { class: "ow-panel", role: "group" });
  panel.hidden = true;
  container.append(panel);
  window.L.DomEvent.disableClickPropagation(panel);
  window.L.DomEvent.disableScrollPropagation(panel);
  let shut = null; // what the panel's tool does when it is closed
  let opener = null;

  function openPanel(label, nodes, button, close) {
    closePanel();
    panel.setAttribute("aria-label", label);
    panel.replaceChildren.apply(panel, nodes);
    panel.hidden = false;
    container.classList.add("ow-panelled");
    shut = close;
    opener = button;
    opener.setAttribute("aria-expanded", "true");
  }
  function closePanel(back) {
    if (panel.hidden) return;
    const done = shut, button = opener;
    panel.hidden = true;
    panel.replaceChildren();
    container.classList.remove("ow-panelled");
    shut = opener = null;
    button.setAttribute("aria-expanded", "false");
    if (done) done();
    if (back) button.focus();
  }
  panel.addEventListener("keydown", function (event) { if (event.key === "Escape") closePanel(true); });

  function action(label, act, plain) {
    const button = make("button", { type: "button", class: plain ? "ow-plain" : "ow-action" }, [label]);
    button.addEventListener("click", act);
    return button;
  }

  /* ---- full screen ---- */

  function fullScreen() {
    if (!document.fullscreenEnabled) return;
    const SPREAD = "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5";
    const button = tool(words.full, SPREAD, function () {
      if (document.fullscreenElement) document.exitFullscreen();
      else document.documentElement.requestFullscreen().catch(function () { M.say(words.no_full); });
    });
    document.addEventListener("fullscreenchange", function () {
      rename(button, document.fullscreenElement ? words.leave_full : words.full);
      button.setAttribute("aria-pressed", String(Boolean(document.fullscreenElement)));
      setTimeout(function () { map.invalidateSize({ animate: false }); }, 60);
    });
  }

  Object.assign(M, { page: page, narrow: narrow, tool: tool, openPanel: openPanel, closePanel: closePanel, action: action, fullScreen: fullScreen });
})();
