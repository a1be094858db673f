/* An area drawn by hand, or read from a file, as a filter of the page. Pointer and touch place corners where they tap;
   with a keyboard the arrows move the map under the cross and Enter places one. A file is read here and sent nowhere. */
(function () {
  "use strict";
  const M = window.openward_map;
  const map = M.map, words = M.words, fill = M.fill, make = M.make;
  const container = map.getContainer();
  const CLOSE_PX = 22;
  const LARGEST = 8e6;
  let corners = null; // while one is drawn
  let drawing = null;
  let finish = null;
  let back = null;

  /* ---- drawing ---- */

  function start(button) {
    if (corners) { M.closePanel(true); return; }
    M.closeCard();
    finish = M.action(words.draw_finish, close);
    back = M.action(words.draw_back, takeBack, true);
    const cancel = M.action(words.cancel, function () { M.closePanel(true); M.say(words.draw_off); }, true);
    M.openPanel(words.draw, [
      make("p", {}, [words.draw_taps]), make("p", { class: "ow-keys-help" }, [words.draw_keys]),
      make("div", { class: "ow-actions" }, [finish, back, cancel]),
    ], button, stop);
    corners = [];
    container.classList.add("ow-drawing");
    map.doubleClickZoom.disable();
    map.keyboard._setPanDelta(20); // corners want smaller steps than looking around does
    container.setAttribute("aria-description", words.draw_keys);
    container.focus();
    sketch();
  }
  function stop() {
    corners = null;
    if (drawing) { drawing.remove(); drawing = null; }
    container.classList.remove("ow-drawing");
    container.removeAttribute("aria-description");
    map.doubleClickZoom.enable();
    map.keyboard._setPanDelta(80);
  }

  function sketch() {
    if (drawing) drawing.remove();
    const pane = { pane: "ow-spot", interactive: false };
    const parts = corners.map(function (at, i) {
      return window.L.circleMarker(at, Object.assign({ radius: i ? 4 : 7, className: "ow-corner" }, pane));
    });
    if (corners.length > 1) {
      const kind = corners.length > 2 ? window.L.polygon : window.L.polyline;
      parts.unshift(kind(corners, Object.assign({ className: "ow-outline ow-sketch" }, pane)));
    }
    drawing = window.L.featureGroup(parts).addTo(map);
    finish.disabled = corners.length < 3;
    back.disabled = !corners.length;
  }

  function place(at) {
    const corner = [Math.round(at.lat * 1e5) / 1e5, Math.round(at.lng * 1e5) / 1e5];
    if (corners.length > 2) {
      const first = map.latLngToContainerPoint(corners[0]), now = map.latLngToContainerPoint(at);
      if (first.distanceTo(now) <= CLOSE_PX) { close(); return; }
    }
    if (corners.length >= M.MOST_CORNERS) { M.say(fill(words.draw_most, { n: M.MOST_CORNERS })); return; }
    if (M.wouldCross(corners, corner)) { M.say(words.draw_crosses); return; }
    corners.push(corner);
    sketch();
    M.say(fill(words.draw_placed, { n: corners.length }));
  }
  function takeBack() {
    if (!corners.length) return;
    corners.pop();
    sketch();
    M.say(fill(words.draw_left, { n: corners.length }));
    if (back.disabled) container.focus();
  }
  function close() {
    if (corners.length < 3) { M.say(words.draw_more); return; }
    if (M.crosses(corners)) { M.say(words.draw_crosses); return; }
    const text = M.encoded(corners);
    M.inView(text);
    M.closePanel(true);
    M.say(words.draw_done, true);
    M.narrow({ within: text, near: null });
  }

  /* Whether the key was for the drawing. */
  function drawKey(event) {
    if (!corners) return false;
    if (event.key === "Enter" || event.key === " ") place(map.getCenter());
    else if (event.key === "Backspace" || event.key === "Delete") takeBack();
    else if (event.key === "Escape") { M.closePanel(true); M.say(words.draw_off); } else return false;
    event.preventDefault();
    return true;
  }

  /* ---- from a file ---- */

  /* All outer rings of a GeoJSON text, the largest first, as [latitude, longitude]; `holes` says whether it has any. */
  function ringsOf(text) {
    const rings = [];
    const holes = new Set(); // outer rings that have some
    const outer = function (polygon) {
      if (!Array.isArray(polygon)) return;
      if (polygon.length > 1) holes.add(polygon[0]);
      rings.push(polygon[0]);
    };
    const take = function (node, depth) {
      if (!node || typeof node !== "object" || depth > 8) return;
      if (Array.isArray(node.features)) node.features.forEach(function (part) { take(part, depth + 1); });
      if (Array.isArray(node.geometries)) node.geometries.forEach(function (part) { take(part, depth + 1); });
      if (node.geometry) take(node.geometry, depth + 1);
      if (node.type === "Polygon" && Array.isArray(node.coordinates)) outer(node.coordinates);
      if (node.type === "MultiPolygon" && Array.isArray(node.coordinates)) node.coordinates.forEach(outer);
    };
    take(JSON.parse(text), 0);
    const turned = rings.filter(Array.isArray).map(function (ring) {
      const corners = ring.map(function (at) { return Array.isArray(at) ? [Number(at[1]), Number(at[0])] : [NaN, NaN]; });
      corners.holes = holes.has(ring);
      return corners;
    });
    const size = function (ring) {
      return Math.abs(ring.reduce(function (sum, a, i) { const b = ring[(i + 1) % ring.length]; return sum + a[0] * b[1] - b[0] * a[1]; }, 0));
    };
    return turned.sort(function (a, b) { return size(b) - size(a); });
  }

  function read(text) {
    let rings;
    try { rings = ringsOf(text); } catch (error) { return words.file_no_json; }
    if (!rings.length) return words.file_none;
    const ring = rings[0];
    const onEarth = ring.every(function (at) { return Math.abs(at[0]) <= 85 && Math.abs(at[1]) <= 180; });
    if (!onEarth) return words.file_degrees;
    const box = window.L.latLngBounds(ring), city = window.L.latLngBounds([M.config.bbox[1], M.config.bbox[0]], [M.config.bbox[3], M.config.bbox[2]]);
    if (!city.intersects(box)) return words.file_elsewhere;
    const outline = M.simpler(ring);
    if (outline.length < 3 || M.crosses(outline)) return words.file_crosses;
    M.narrow({ within: M.encoded(outline), near: null });
    const said = [];
    if (rings.length > 1) said.push(fill(words.file_largest, { n: rings.length }));
    if (ring.holes) said.push(words.file_holes);
    if (outline.length < ring.length - 1) said.push(fill(words.file_simpler, { n: outline.length }));
    return said.join(" ") || words.draw_done;
  }

  function choose() {
    const input = make("input", { type: "file", accept: ".geojson,.json,application/geo+json,application/json" });
    input.addEventListener("change", function () {
      const file = input.files[0];
      if (!file) return;
      if (file.size > LARGEST) { M.say(words.file_large, true); return; }
      file.text().then(function (text) { M.say(read(text), true); }, function () { M.say(words.file_no_json, true); });
    });
    input.click();
  }

  let gone = null;
  function tools() {
    const button = M.tool(words.draw, "M5 8l7-4 7 5-3 10-9-1zM5 8h0M12 4h0M19 9h0M16 19h0M7 18h0", function () { start(button); });
    button.setAttribute("aria-expanded", "false");
    M.tool(words.file, "M12 16V4M7 9l5-5 5 5M4 16v4h16v-4", choose);
    gone = M.tool(words.draw_gone, "M5 8l7-4 7 5-3 10-9-1zM3 21L21 3", function () { button.focus(); M.narrow({ within: null, near: null }); });
    gone.hidden = true;
  }

  Object.assign(M, {
    drawTools: tools, drawKey: drawKey, drawAt: place, isDrawing: function () { return corners !== null; },
    showGone: function () { if (gone) gone.hidden = !M.state.outlined; },
  });
})();
