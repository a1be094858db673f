/* The map: our vector tiles on the Leaflet map that folium made, drawn by protomaps-leaflet; the last of its rooms.
   Filters come in the page's address, later from the page around it; a change of filter changes tiles. */
(function () {
  "use strict";
  const M = window.openward_map;
  const map = M.map, config = M.config, words = M.words, state = M.state;
  const root = document.documentElement;

  function read(query) {
    const given = new URLSearchParams(query);
    state.figure = given.get("figure") || "requests";
    state.layer = given.get("layer") in config.layers ? given.get("layer") : Object.keys(config.layers)[0] || "";
    state.spot = M.spotOf(given.get("at"), given.get("place"));
    const kept = Array.from(given).filter(function (pair) { return pair[1] && config.filters.includes(pair[0]); });
    const filters = new URLSearchParams(kept);
    filters.sort();
    M.divide(given, filters.toString());
  }
  /* The same view may be asked for in two ways: as the address says it, and then as the server does. */
  const view = function () { return [state.figure, state.layer, state.filters, state.other, state.spot && [state.spot.key, state.spot.name]].join(" "); };

  function ask(address, query) {
    return fetch(address + (query ? "?" + query : "")).then(function (answer) {
      if (!answer.ok) throw new Error(String(answer.status));
      return answer.json();
    });
  }

  /* For who measures: the map shows what was asked for last. */
  function seen(turn) {
    M.painted().then(function () {
      if (turn !== asked) return;
      M.loaded();
      window.dispatchEvent(new Event("openward:painted"));
    });
  }

  /* Draws what is asked for; done when its layers are put, M.painted() tells when they are seen. */
  let asked = 0;
  function refresh() {
    if (!state.month) M.say(words.loading);
    const turn = (asked += 1);
    M.closeCard();
    M.drawRequests();
    if (state.figure === "requests" || !state.layer) {
      state.values = null;
      M.drawAreas(); M.drawLabels(); M.drawLegend();
      makeRoom();
      seen(turn);
      return Promise.resolve();
    }
    const quantile = M.FIGURE[state.figure].quantile && !state.month;
    // Beside another map the classes are of both, and part at the value of the first.
    const values = config.values.replace("{layer}", state.layer), other = state.month ? null : state.other;
    const first = M.second && other !== null ? other : M.asking();
    const asks = [ask(values, M.asking()), quantile ? ask(config.response, first) : null, other === null ? null : ask(values, other)];
    return Promise.all(asks)
      .then(function (answers) {
        if (turn !== asked) return;
        const rows = answers[0].rows, others = answers[2] ? answers[2].rows : [];
        state.values = {};
        rows.forEach(function (row) { state.values[row.key] = row; });
        if (state.month && state.whole) state.classes = M.scaled(state.whole, state.month.share);
        else state.classes = state.whole = classesOf(rows.concat(others), M.second && answers[2] ? others : rows, answers[1]);
        M.drawAreas(); M.drawLabels(); M.drawLegend();
        makeRoom();
        seen(turn);
      })
      .catch(function () { M.say(words.failed); });
  }
  /* The classes of rows that part at the value of some of them together. */
  function classesOf(rows, whole, times) {
    const known = rows.filter(function (row) { return row.key !== config.not_stated; })
      .map(M.valueIn).filter(function (value) { return value !== null; });
    return M.classify(known, M.together(whole, times && times.result.quantiles));
  }

  map.on("click", function (event) {
    if (M.isDrawing()) M.drawAt(event.latlng); else if (!M.pick(event.latlng)) M.closeCard();
  });

  /* ---- keyboard ---- */

  const container = map.getContainer();
  container.setAttribute("aria-describedby", "ow-keys");
  container.append(M.make("p", { id: "ow-keys", class: "ow-keys" }, [words.keys]), M.make("div", { class: "ow-cross", "aria-hidden": "true" }));
  // The cross and its help are for who uses keys: Tab into the frame is seen only as the key is let go.
  ["keydown", "keyup"].forEach(function (name) {
    container.addEventListener(name, function () { container.classList.add("ow-keyed"); });
  });
  container.addEventListener("pointerdown", function () { container.classList.remove("ow-keyed"); });
  container.addEventListener("keydown", function (event) {
    if (event.target !== container || M.drawKey(event)) return;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      if (M.pick(map.getCenter())) { const title = M.card.querySelector("h2"); if (title) title.focus(); } else M.say(words.nothing);
    } else if (event.key === "Escape") M.closeCard();
  });

  /* ---- start, and what the page around says later ---- */

  function place(first) {
    M.drawOutline(first);
    M.drawSpot(first);
    M.showGone();
    if (M.page) M.refreshView();
  }
  function repaint() {
    M.recolour();
    M.drawBase(); M.drawRequests(); M.drawAreas(); M.drawLabels(); M.drawLegend();
  }

  window.addEventListener("message", function (event) {
    if (event.origin !== location.origin || !event.data) return;
    if (event.data.type === "openward:theme") {
      if (event.data.theme === "auto") delete root.dataset.theme; else root.dataset.theme = event.data.theme;
      repaint();
    } else if (event.data.type === "openward:query" && event.data.query !== current) {
      const before = view();
      current = event.data.query;
      read(current);
      if (view() === before) { seen(asked); return; }
      M.endTime();
      place(false);
      refresh();
    }
  });
  M.system.addEventListener("change", repaint);
  map.on("moveend", function () { M.say(""); });

  M.refresh = refresh;

  let current = location.search.slice(1);
  map.attributionControl.setPrefix(false);
  if (config.attribution) map.attributionControl.addAttribution(M.make("span", {}, [config.attribution]).innerHTML);
  map.zoomControl._zoomInButton.setAttribute("aria-label", words.zoom_in);
  map.zoomControl._zoomInButton.title = words.zoom_in;
  map.zoomControl._zoomOutButton.setAttribute("aria-label", words.zoom_out);
  map.zoomControl._zoomOutButton.title = words.zoom_out;
  /* The city fills the frame: the next closer zoom does where only a rim of the frame's box would be cut. */
  const box = window.L.latLngBounds([config.bbox[1], config.bbox[0]], [config.bbox[3], config.bbox[2]]);
  let touched = false;
  let settled = false; // once: later changes of the legend leave the map where it is
  M.moved = function (now) { if (now) touched = true; return touched; };
  function fit() {
    map.invalidateSize({ animate: false });
    const zoom = map.getBoundsZoom(box);
    const size = map.getSize();
    const corner = function (at) { return map.project(at, zoom + 1); };
    const wide = Math.abs(corner(box.getNorthEast()).x - corner(box.getSouthWest()).x);
    const high = Math.abs(corner(box.getNorthEast()).y - corner(box.getSouthWest()).y);
    const closer = wide < size.x * 1.2 && high < size.y * 1.2;
    map.setMinZoom(Math.max(zoom - 1, 0));
    map.setView(box.getCenter(), zoom + (closer ? 1 : 0), { animate: false });
    makeRoom();
  }
  /* A legend as wide as the map lies below the city, as far as there is room above it. */
  function makeRoom() {
    const legend = container.querySelector(".ow-legend");
    if (settled || touched || state.spot || state.outlined || !legend) return;
    const size = map.getSize(), cover = legend.getBoundingClientRect();
    if (cover.width < 0.6 * size.x) return;
    const zoom = map.getZoom(), middle = map.project(box.getCenter(), zoom);
    const free = size.y - map.project(box.getSouthWest(), zoom).y + map.project(box.getNorthEast(), zoom).y;
    const up = Math.max(Math.min(cover.height / 2, free / 2), 0);
    settled = legend.textContent !== "";
    map.setView(map.unproject(middle.add([0, up]), zoom), zoom, { animate: false });
  }
  map.setMaxZoom(19);
  fit();
  ["pointerdown", "wheel", "keydown"].forEach(function (name) {
    container.addEventListener(name, function () { touched = true; }, { passive: true });
  });
  window.addEventListener("resize", function () {
    if (touched) return;
    settled = false;
    fit();
    if (state.spot) M.goToSpot(false); else if (state.outlined) M.goToOutline(false);
  });
  read(current);
  M.drawBase();
  place(true);
  refresh();
  if (M.page) { M.drawTools(); M.viewTools(); }
  // The second of two maps is to be looked at: what changes the page, or is of one map alone, is the first one's.
  if (!M.second) { M.timeTools(); M.pictureTools(); M.monthsOff(state.other !== null); }
  M.fullScreen();
  M.showGone();
  M.hello();
})();
