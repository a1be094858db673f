/* A place that is marked on the map. */
(function () {
  "use strict";
  const M = window.openward_map;
  const map = M.map, state = M.state, still = M.still, make = M.make;

  /* A place that is marked: latitude, longitude and perhaps the radius that holds the true place. */
  function spotOf(at, name) {
    const parts = (at || "").split(",").map(Number);
    if (!at || parts.length < 2 || !parts.every(isFinite) || Math.abs(parts[0]) > 90 || Math.abs(parts[1]) > 180) return null;
    return { key: at, at: [parts[0], parts[1]], radius: Math.max(parts[2] || 0, 0), name: name || "" };
  }

  let marked = null;
  let went = "";
  let drawn = "";

  function drawSpot(first) {
    const spot = state.spot;
    const same = spot ? spot.key + " " + spot.name : "";
    if (marked && same === drawn) return; // told twice, it is not drawn twice
    drawn = same;
    if (marked) { marked.remove(); marked = null; }
    if (!spot) { went = ""; return; }
    const pane = { pane: "ow-spot", interactive: false };
    const ring = window.L.circleMarker(spot.at, Object.assign({ radius: 9, className: "ow-spot-ring" }, pane));
    const dot = window.L.circleMarker(spot.at, Object.assign({ radius: 3, className: "ow-spot-dot" }, pane));
    const parts = [ring, dot];
    if (spot.radius) parts.unshift(window.L.circle(spot.at, Object.assign({ radius: spot.radius, className: "ow-spot-circle" }, pane)));
    marked = window.L.featureGroup(parts).addTo(map);
    if (spot.name) ring.bindTooltip(make("span", {}, [spot.name]), { permanent: true, direction: "top", offset: [0, -10], className: "ow-spot-name" });
    if (went !== spot.key) goToSpot(!first && !still.matches);
    went = spot.key;
  }
  function goToSpot(fly) {
    const bounds = window.L.latLng(state.spot.at).toBounds(Math.max(state.spot.radius, 60) * 3);
    if (fly) map.flyToBounds(bounds, { maxZoom: 17 }); else map.fitBounds(bounds, { maxZoom: 17, animate: false });
  }

  Object.assign(M, { spotOf: spotOf, drawSpot: drawSpot, goToSpot: goToSpot });
})();
