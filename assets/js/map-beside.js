/* Two maps beside one another: which half of the address is whose, and what both tell each other: where they look, and the
   scale of their circles. Only a frame of our own page has another one beside it. */
(function () {
  "use strict";
  const M = window.openward_map;
  const map = M.map, state = M.state;
  const KEYS = ["service", "group", "department", "status", "outcome", "channel", "on_time", "age"]; // portal/beside.py
  const IDS = ["map", "map-2"];

  const mine = window.frameElement ? IDS.indexOf(window.frameElement.id) : -1;
  const second = mine === 1;

  // Its parts have names of their own, for readers that jump between the parts of the whole page.
  if (second) [map.getContainer()].concat(Array.from(document.querySelectorAll("[role='region'][aria-label]"))).forEach(function (node) {
    node.setAttribute("aria-label", node.getAttribute("aria-label") + ": " + M.words.second);
  });

  function twin() {
    const frame = mine < 0 ? null : window.parent.document.getElementById(IDS[1 - mine]);
    return frame && frame.contentWindow;
  }
  function tell(type, told) {
    const other = state.other === null ? null : twin();
    if (other) other.postMessage(Object.assign({ type: type }, told), location.origin);
  }

  /* The other selection: the first with what the keys `beside_…` name in its place, both dates as one. Null where it is the
     first itself. */
  function besideOf(given, filters) {
    const other = new URLSearchParams(filters);
    const named = function (key) { return given.getAll("beside_" + key).filter(Boolean); };
    const replace = function (key, values) {
      other.delete(key);
      values.forEach(function (value) { other.append(key, value); });
    };
    KEYS.forEach(function (key) { if (named(key).length) replace(key, named(key)); });
    if (named("from").length || named("to").length) ["from", "to"].forEach(function (key) { replace(key, named(key).slice(0, 1)); });
    other.sort();
    return other.toString() === filters ? null : other.toString();
  }

  /* What this map shows, and what the other one does. */
  function divide(given, filters) {
    const other = mine < 0 ? null : besideOf(given, filters);
    state.filters = second && other !== null ? other : filters;
    state.other = second && other !== null ? filters : other;
    if (M.monthsOff) M.monthsOff(state.other !== null);
  }

  /* ---- both look at the same place ---- */

  let following = false;

  function look() {
    const zoom = map.getZoom(), at = map.getCenter();
    if (following || (second && !M.moved())) return; // where both start from is the first one's to say
    if (zoom !== Math.round(zoom)) return; // between two zooms, under two fingers, only one can be drawn
    tell("openward:view", { lat: at.lat, lng: at.lng, zoom: zoom, moved: M.moved() });
  }
  function follow(told) {
    const at = [told.lat, told.lng], zoom = told.zoom;
    if (![told.lat, told.lng, zoom].every(Number.isFinite)) return;
    if (told.moved) M.moved(true);
    if (zoom === map.getZoom() && map.project(at).distanceTo(map.project(map.getCenter())) < 1) return;
    following = true; // what is only followed is not told on
    map.stop();
    map.setView(at, zoom, { animate: false });
    following = false;
  }
  map.on("move", look);

  /* ---- circles of one scale ---- */

  let scale = { zoom: -1, peak: 0 }; // the other map's
  let said = ""; // what the other one was told last: it is told nothing twice, or both would answer each other for ever

  /* The peak of both, of this map's own. */
  function peakOf(own) {
    const zoom = map.getZoom();
    const now = zoom + " " + own;
    if (now !== said) tell("openward:scale", { zoom: zoom, peak: own });
    said = now;
    return state.other !== null && scale.zoom === zoom ? Math.max(own, scale.peak) : own;
  }

  window.addEventListener("message", function (event) {
    if (event.origin !== location.origin || !event.data || state.other === null || event.source !== twin()) return;
    if (event.data.type === "openward:view") follow(event.data);
    else if (event.data.type === "openward:scale") {
      scale = { zoom: Number(event.data.zoom), peak: Number(event.data.peak) || 0 };
      M.rescale();
    } else if (event.data.type === "openward:hello") {
      said = "";
      look();
      M.rescale();
    }
  });

  Object.assign(M, {
    second: second, divide: divide, peakOf: peakOf,
    /* The second map comes later than the first, which may have been moved by then. */
    hello: function () { if (second) tell("openward:hello", {}); else look(); },
  });
})();
