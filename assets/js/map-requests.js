/* Requests on the map: one by one near, as circles by their number from afar; and which of them is under a finger. */
(function () {
  "use strict";
  const M = window.openward_map;
  const map = M.map, state = M.state, shown = M.shown, tiles = M.tiles, put = M.put, take = M.take;

  /* A single request: open is a filled diamond, closed a ring. Several: a circle by their number. */
  /* Areas of circles are as the numbers, and the largest in view just fill their cells. */
  let peak = 1;
  let own = 1; // of this map; beside another one the larger of both holds
  const radius = function (n) { return Math.max(15.5 * Math.sqrt(Math.min(n / peak, 1)), 2.5); };

  function measure(layer) {
    const seen = [];
    layer.views.get("").tileCache.cache.forEach(function (entry, tile) {
      if (Number(tile.split(":")[2]) !== map.getZoom() - 1) return;
      (entry.data.get("requests") || []).forEach(function (feature) { seen.push(Number(feature.props.n || 1)); });
    });
    seen.sort(function (a, b) { return a - b; });
    const top = Math.max(seen[Math.floor(seen.length * 0.98)] || 1, 4);
    if (state.month && state.month.turn && top < own) return; // months are of one scale
    if (top / own > 1.15 || top / own < 0.85) own = top;
    const both = M.peakOf(own);
    if (both !== peak) { peak = both; layer.rerenderTiles(); }
  }

  const several = function (feature) { return Number(feature.props.n || 1) > 1 || !feature.props.status; };
  const isOpen = function (feature) { return feature.props.status === "open"; };
  /* How far a mark is drawn from its middle. */
  const reach = function (feature, z) {
    if (several(feature)) return radius(Number(feature.props.n || 1));
    return isOpen(feature) ? (z >= 17 ? 7 : 5.5) : (z >= 17 ? 5.5 : 4.2);
  };

  const marks = {
    draw: function (ctx, geometry, z, feature) {
      const r = reach(feature, z);
      geometry.forEach(function (points) {
        points.forEach(function (at) {
          if (several(feature)) cell(ctx, at, r, Number(feature.props.n || 1));
          else if (isOpen(feature)) diamond(ctx, at, r);
          else ring(ctx, at, r);
        });
      });
    },
  };

  function cell(ctx, at, r, n) {
    ctx.globalAlpha = 0.82;
    ctx.beginPath();
    ctx.arc(at.x, at.y, r, 0, 2 * Math.PI);
    ctx.fillStyle = M.color.closed;
    ctx.fill();
    ctx.globalAlpha = 1;
    ctx.lineWidth = 1;
    ctx.strokeStyle = M.color.onMark;
    ctx.stroke();
    if (r < 8) return;
    const text = n < 1000 ? String(n) : n < 10000 ? (n / 1000).toFixed(1) + "k" : Math.round(n / 1000) + "k";
    ctx.fillStyle = M.color.onMark;
    ctx.font = "600 " + (text.length > 3 ? 9 : 10) + "px system-ui, sans-serif";
    if (ctx.measureText(text).width > 2 * r - 5) return;
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    ctx.fillText(text, at.x, at.y + 0.5);
  }

  function diamond(ctx, at, r) {
    ctx.globalAlpha = 1;
    ctx.beginPath();
    ctx.moveTo(at.x, at.y - r);
    ctx.lineTo(at.x + r, at.y);
    ctx.lineTo(at.x, at.y + r);
    ctx.lineTo(at.x - r, at.y);
    ctx.closePath();
    ctx.fillStyle = M.color.openFill;
    ctx.strokeStyle = M.color.onMark;
    ctx.lineWidth = 1.25;
    ctx.fill();
    ctx.stroke();
  }

  function ring(ctx, at, r) {
    ctx.globalAlpha = 0.85;
    ctx.beginPath();
    ctx.arc(at.x, at.y, r, 0, 2 * Math.PI);
    ctx.fillStyle = M.color.halo;
    ctx.fill();
    ctx.lineWidth = 2.2;
    ctx.strokeStyle = M.color.closed;
    ctx.stroke();
  }


  /* The mark whose drawing is nearest, of those that are under a finger at `at`. Distances are in pixels of the
     screen; the library's own query counts in units of a tile, which differ from zoom to zoom. */
  const FINGER = 22;

  function markAt(at) {
    const view = shown.requests && state.figure === "requests" ? shown.requests.views.get("") : null;
    if (!view) return null;
    const zoom = map.getZoom();
    const z = Math.min(Math.round(zoom) - view.levelDiff, view.maxDataLevel);
    const scale = map.getZoomScale(zoom, z + 1); // pixels of the screen for a unit of the tile, of which it has 512
    const tap = map.project(at, z + 1);
    let best = null;
    view.tileCache.cache.forEach(function (entry, key) {
      const tile = key.split(":").map(Number);
      const x = tap.x - tile[0] * 512, y = tap.y - tile[1] * 512;
      if (tile[2] !== z || x < -512 || y < -512 || x > 1024 || y > 1024) return;
      (entry.data.get("requests") || []).forEach(function (feature) {
        const r = reach(feature, zoom);
        feature.geom.forEach(function (points) {
          points.forEach(function (p) {
            const far = Math.hypot(p.x - x, p.y - y) * scale;
            const off = Math.max(far - r, 0);
            if (off > FINGER || (best && (off > best.off || (off === best.off && far >= best.far)))) return;
            best = { off: off, far: far, props: feature.props, at: map.unproject([tile[0] * 512 + p.x, tile[1] * 512 + p.y], z + 1) };
          });
        });
      });
    });
    return best;
  }

  function drawRequests() {
    if (state.figure !== "requests") { take("requests"); return; }
    const url = tiles("requests", true), before = shown.requests;
    put("requests", url, { url: url, painted: measure, labelRules: [], paintRules: [{ dataLayer: "requests", symbolizer: marks }] });
    if (before && shown.requests === before) measure(before); // another map beside it, or none any more
  }

  Object.assign(M, { several: several, markAt: markAt, drawRequests: drawRequests,
    peak: function () { return peak; }, // for who measures
    rescale: function () { if (shown.requests) measure(shown.requests); },
  });
})();
