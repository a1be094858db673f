/* Outlines: corners as [latitude, longitude] to and from the text of an address (the encoded polyline of portal/outline.py),
   made simpler, tested for crossing themselves; and the outline or circle in use, drawn on the map. */
(function () {
  "use strict";
  const M = window.openward_map;
  const map = M.map, state = M.state;
  const MOST = 100;

  const whole = function (degrees) { return Math.round(degrees * 1e5); };

  function encoded(corners) {
    let text = "", before = [0, 0];
    corners.forEach(function (corner) {
      const at = corner.map(whole);
      at.forEach(function (value, i) {
        const step = value - before[i];
        let rest = step < 0 ? ~(step << 1) : step << 1;
        while (rest >= 0x20) { text += String.fromCharCode((0x20 | (rest & 0x1f)) + 63); rest >>>= 5; }
        text += String.fromCharCode(rest + 63);
      });
      before = at;
    });
    return text;
  }

  function decoded(text) {
    const numbers = [], corners = [], at = [0, 0];
    let number = 0, shift = 0;
    for (let i = 0; i < text.length; i += 1) {
      const bits = text.charCodeAt(i) - 63;
      if (bits < 0 || bits > 63 || shift > 30) return [];
      number |= (bits & 0x1f) << shift;
      shift += 5;
      if (bits < 0x20) { numbers.push(number & 1 ? ~(number >> 1) : number >> 1); number = 0; shift = 0; }
    }
    for (let i = 0; i + 1 < numbers.length; i += 2) {
      at[0] += numbers[i]; at[1] += numbers[i + 1];
      corners.push([at[0] / 1e5, at[1] / 1e5]);
    }
    return corners;
  }

  /* ---- crossing ---- */

  const side = function (a, b, c) { return Math.sign((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])); };
  const between = function (a, b, c) {
    return Math.min(a[0], b[0]) <= c[0] && c[0] <= Math.max(a[0], b[0]) && Math.min(a[1], b[1]) <= c[1] && c[1] <= Math.max(a[1], b[1]);
  };
  function meet(a, b, c, d) {
    const s1 = side(a, b, c), s2 = side(a, b, d), s3 = side(c, d, a), s4 = side(c, d, b);
    if (s1 !== s2 && s3 !== s4) return true;
    return (!s1 && between(a, b, c)) || (!s2 && between(a, b, d)) || (!s3 && between(c, d, a)) || (!s4 && between(c, d, b));
  }
  /* Whether the line from corner i to the next meets another line of the ring that is not its neighbour. */
  function lineCrosses(ring, i) {
    const n = ring.length, a = ring[i], b = ring[(i + 1) % n];
    for (let j = 0; j < n; j += 1) {
      if (j === i || (j + 1) % n === i || (i + 1) % n === j) continue;
      if (meet(a, b, ring[j], ring[(j + 1) % n])) return true;
    }
    return false;
  }
  function crosses(corners) {
    const ring = corners.map(function (corner) { return corner.map(whole); });
    for (let i = 0; i < ring.length; i += 1) {
      const next = ring[(i + 1) % ring.length], after = ring[(i + 2) % ring.length];
      if (ring[i][0] === next[0] && ring[i][1] === next[1]) return true;
      // Back along the line just drawn: it encloses nothing.
      if (!side(ring[i], next, after) && (between(ring[i], next, after) || between(next, after, ring[i]))) return true;
      if (lineCrosses(ring, i)) return true;
    }
    return false;
  }
  /* Whether a further corner makes a line that crosses those that are there; the line back to the first is not yet one. */
  function wouldCross(corners, corner) {
    const line = corners.concat([corner]).map(function (at) { return at.map(whole); });
    const n = line.length;
    for (let i = 0; i + 3 < n; i += 1) if (meet(line[n - 2], line[n - 1], line[i], line[i + 1])) return true;
    return n > 1 && line[n - 1][0] === line[n - 2][0] && line[n - 1][1] === line[n - 2][1];
  }

  /* ---- fewer corners ---- */

  /* M. Visvalingam, J. Whyatt (1993): the corner goes that encloses the least with its neighbours; a long outline is thinned
     evenly first, so that a file of a coastline does not hold up the page. Lengths of longitude shrink with latitude. */
  function simpler(corners) {
    const key = function (corner) { return whole(corner[0]) + "," + whole(corner[1]); };
    let ring = corners.filter(function (corner, i) { return key(corner) !== key(corners[(i + 1) % corners.length]); });
    const thin = Math.ceil(ring.length / 4000);
    ring = ring.filter(function (corner, i) { return i % thin === 0; });
    const narrow = ring.length ? Math.cos(ring[0][0] * Math.PI / 180) : 1;
    const size = function (i) {
      const a = ring[(i + ring.length - 1) % ring.length], b = ring[i], c = ring[(i + 1) % ring.length];
      return Math.abs((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])) * narrow;
    };
    const sizes = ring.map(function (corner, i) { return size(i); });
    while (ring.length > MOST) {
      let least = 0;
      for (let i = 1; i < ring.length; i += 1) if (sizes[i] < sizes[least]) least = i;
      if (sizes[least] === Infinity) break;
      const gone = ring.splice(least, 1)[0];
      const was = sizes.splice(least, 1)[0];
      const before = (least + ring.length - 1) % ring.length;
      if (ring.length < 300 && lineCrosses(ring, before)) { // it holds two sides apart: another one goes
        ring.splice(least, 0, gone);
        sizes.splice(least, 0, was);
        sizes[least] = Infinity;
        continue;
      }
      [before, least % ring.length].forEach(function (i) { if (sizes[i] !== Infinity) sizes[i] = Math.max(size(i), was); });
    }
    return ring;
  }

  /* ---- in use ---- */

  let drawn = null;
  let went = "";
  let here = ""; // drawn on this map by hand: it is in view already

  function drawOutline(first) {
    if (drawn) { drawn.remove(); drawn = null; }
    const given = new URLSearchParams(state.filters);
    const corners = decoded(given.get("within") || "");
    const near = (given.get("near") || "").split(",").map(Number);
    const parts = [];
    const line = { pane: "ow-spot", interactive: false, className: "ow-outline" };
    if (corners.length > 2) parts.push(window.L.polygon(corners, line));
    if (near.length === 3 && near.every(isFinite)) parts.push(window.L.circle([near[0], near[1]], Object.assign({ radius: near[2] }, line)));
    state.outlined = parts.length > 0;
    const key = [given.get("within"), given.get("near")].join(" ");
    if (parts.length) {
      drawn = window.L.featureGroup(parts).addTo(map);
      if (key !== went && given.get("within") !== here && !(first && state.spot)) goToOutline(!first && !M.still.matches);
    }
    went = key;
  }
  function goToOutline(fly) {
    const box = drawn.getBounds().pad(0.15);
    if (fly) map.flyToBounds(box, { maxZoom: 17, duration: 0.6 }); else map.fitBounds(box, { maxZoom: 17, animate: false });
  }

  Object.assign(M, {
    MOST_CORNERS: MOST, encoded: encoded, decoded: decoded, crosses: crosses, wouldCross: wouldCross, simpler: simpler, drawOutline: drawOutline,
    goToOutline: goToOutline, inView: function (text) { here = text; },
  });
})();
