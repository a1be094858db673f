/* The map, shared by its rooms (map-*.js): folium's Leaflet map, words, colours, what is asked for, and layers of tiles. */
(function () {
  "use strict";
  const map = window.map_openward;
  const P = window.protomapsL;
  const root = document.documentElement;
  const config = JSON.parse(document.getElementById("map-config").textContent);
  const words = config.words;
  root.style.setProperty("--city-accent", config.accent);

  const fill = function (text, values) {
    return text.replace(/\{(\w+)\}/g, function (all, key) { return key in values ? values[key] : all; });
  };
  const count = new Intl.NumberFormat(config.language).format;
  const make = function (tag, attributes, children) {
    const node = document.createElement(tag);
    Object.keys(attributes || {}).forEach(function (key) { node.setAttribute(key, attributes[key]); });
    [].concat(children || []).forEach(function (child) {
      if (child !== null && child !== undefined) node.append(child);
    });
    return node;
  };

  /* ---- colours: light and dark ---- */

  const LIGHT = {
    outside: "#e9e6de", land: "#f6f4ef", water: "#c3d7e4", park: "#dbe6d1", street: "#ffffff", casing: "#cfc9bc",
    text: "#4b5763", halo: "#f8f6f1", border: "#5b6670",
    open: "#c2500a", openFill: "#f08a3c", closed: "#0d4f8b", onMark: "#ffffff",
    classes: ["#e3ebf3", "#b9d0e4", "#86aed1", "#4c84b5", "#1d5590"],
    apart: ["#3b2f87", "#a39fce", "#f3f1ee", "#f5b46a", "#b35806"], few: "#d9d6cf", hatch: "#8b9097",
  };
  const DARK = {
    outside: "#0e1419", land: "#18212a", water: "#1d3344", park: "#1c2b22", street: "#36424d", casing: "#18212a",
    text: "#b4bec7", halo: "#10161c", border: "#8b97a2",
    open: "#ffb26b", openFill: "#e98328", closed: "#8cc4f2", onMark: "#0c1319",
    classes: ["#22384b", "#2d567a", "#3f7aab", "#6ba5d3", "#b3d6f1"],
    apart: ["#b9b4f0", "#6d68ae", "#333c45", "#a3642a", "#f6b56c"], few: "#2b343c", hatch: "#74808b",
  };
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const isDark = function () {
    return root.dataset.theme ? root.dataset.theme === "dark" : system.matches;
  };

  const still = window.matchMedia("(prefers-reduced-motion: reduce)");

  /* ---- what is asked for ---- */

  const state = { filters: "", other: null, figure: "requests", layer: Object.keys(config.layers)[0] || "", values: null, whole: null, classes: null, spot: null, month: null };

  /* The filters of what is shown: the page's, or those of a month of it. `other` are those of a map beside this one. */
  const asking = function () {
    if (!state.month) return state.filters;
    const given = new URLSearchParams(state.filters);
    given.set("from", state.month.from);
    given.set("to", state.month.to);
    return given.toString();
  };
  const tiles = function (layer, filtered) {
    const query = filtered ? asking() : "";
    return config.tiles.replace("{layer}", layer) + (query ? "?" + query : "");
  };

  /* ---- layers ---- */

  const PANES = { base: 200, areas: 250, requests: 300, labels: 350, spot: 450 };
  Object.keys(PANES).forEach(function (name) {
    const pane = map.createPane("ow-" + name);
    pane.style.zIndex = PANES[name];
    if (name === "labels" || name === "spot") pane.style.pointerEvents = "none";
  });
  const shown = {};
  const color = function () { return window.openward_map.color; };
  let last = Promise.resolve(); // what was asked for last is painted

  /* A layer of tiles in the place of the one before. `key` is what its look depends on beside the figures of areas: a layer
     of the same key stays, which a change of filters would else fetch, read and paint again. */
  function put(name, key, options) {
    const before = shown[name];
    const look = [key, color().land].join(" ");
    if (before && before.look === look) return;
    const layer = P.leafletLayer(Object.assign(
      { pane: "ow-" + name, attribution: "", maxDataZoom: 16, noWrap: true, lang: config.language }, options));
    layer.look = look;
    shown[name] = layer.addTo(map);
    layer.on("load", loaded);
    if (options.painted) layer.on("load", function () { options.painted(layer); });
    if (name === "requests" || name === "areas") follow(new Promise(function (done) { layer.once("load", done); layer.once("remove", done); }));
    if (!before) return;
    // What was there stays until the new is drawn, so that nothing blinks.
    let gone = false;
    const drop = function () { if (!gone) { gone = true; before.remove(); } };
    layer.once("load", drop);
    setTimeout(drop, 2500);
  }
  /* The same tiles with other figures. A tile that has left the map does not answer. */
  function again(layer) {
    const tiles = Object.keys(layer._tiles).map(function (name) {
      const at = layer._wrapCoords(layer._keyToTileCoords(name));
      return new Promise(function (done) { layer.renderTile(at, layer._tiles[name].el, layer._tileCoordsToKey(at), done); });
    });
    follow(Promise.race([Promise.all(tiles), new Promise(function (done) { setTimeout(done, 2500); })]));
  }
  function follow(painted) {
    last = Promise.all([last, painted]).then(loaded);
  }
  function take(name) { if (shown[name]) { shown[name].remove(); delete shown[name]; } }

  const corner = function (position, name, label) {
    const control = window.L.control({ position: position });
    const box = make("div", { class: "ow-" + name, role: "region", "aria-label": label });
    control.onAdd = function () { return box; };
    control.addTo(map);
    window.L.DomEvent.disableClickPropagation(box);
    window.L.DomEvent.disableScrollPropagation(box);
    return box;
  };
  const status = make("p", { class: "ow-status", role: "status" });
  map.getContainer().appendChild(status);

  /* What came of something that was done stays for a while: the map that loads because of it does not talk it down. */
  const STAYS_MS = 8000;
  let stays = 0;
  function say(text, result) {
    if (stays && (text === "" || text === words.loading)) return;
    clearTimeout(stays);
    stays = result ? setTimeout(function () { stays = 0; if (status.textContent === text) say(""); }, STAYS_MS) : 0;
    status.textContent = text;
  }
  function loaded() { if (status.textContent === words.loading) say(""); }

  window.openward_map = {
    map: map, config: config, words: words, state: state, shown: shown, color: isDark() ? DARK : LIGHT,
    system: system, still: still, fill: fill, count: count, make: make, asking: asking, tiles: tiles,
    painted: function () { return last; }, again: again, put: put, take: take, corner: corner, say: say, loaded: loaded,
    recolour: function () { window.openward_map.color = isDark() ? DARK : LIGHT; },
  };
})();
