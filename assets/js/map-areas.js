/* Areas on the map: their borders, and their colour by the chosen figure. */
(function () {
  "use strict";
  const M = window.openward_map;
  const state = M.state, shown = M.shown, make = M.make, tiles = M.tiles, put = M.put, take = M.take;

  let hatching = null;
  let hatchedIn = null; // the colours that it was drawn in
  function hatch(ctx) {
    if (hatching && hatchedIn === M.color) return hatching;
    const tile = make("canvas", { width: 8, height: 8 });
    const to = tile.getContext("2d");
    to.fillStyle = M.color.few;
    to.fillRect(0, 0, 8, 8);
    to.strokeStyle = M.color.hatch;
    to.lineWidth = 1;
    to.beginPath();
    to.moveTo(-2, 2); to.lineTo(2, -2); to.moveTo(0, 8); to.lineTo(8, 0); to.moveTo(6, 10); to.lineTo(10, 6);
    to.stroke();
    hatchedIn = M.color;
    hatching = ctx.createPattern(tile, "repeat");
    return hatching;
  }

  const shading = {
    draw: function (ctx, geometry, z, feature) {
      const value = M.valueOf(String(feature.props.area));
      ctx.beginPath();
      geometry.forEach(function (line) {
        line.forEach(function (at, i) { if (i) ctx.lineTo(at.x, at.y); else ctx.moveTo(at.x, at.y); });
      });
      if (state.values) {
        ctx.globalAlpha = 0.82;
        if (value === null) ctx.fillStyle = hatch(ctx); else ctx.fillStyle = M.classColor(value);
        ctx.fill("evenodd");
      }
    },
  };

  /* A polygon cut at a tile's edge would show that edge: only the parts within the tile are lines. */
  const outline = {
    draw: function (ctx, geometry) {
      const inside = function (p) { return p.x > -1 && p.y > -1 && p.x < 513 && p.y < 513; };
      ctx.globalAlpha = state.figure === "requests" ? 0.45 : 0.9;
      ctx.strokeStyle = M.color.border;
      ctx.lineWidth = 1.2;
      ctx.beginPath();
      geometry.forEach(function (line) {
        for (let i = 1; i < line.length; i += 1) {
          if (!inside(line[i - 1]) && !inside(line[i])) continue;
          ctx.moveTo(line[i - 1].x, line[i - 1].y);
          ctx.lineTo(line[i].x, line[i].y);
        }
      });
      ctx.stroke();
    },
  };

  function drawAreas() {
    if (!state.layer) { take("areas"); return; }
    const layer = "areas-" + state.layer;
    const rules = [{ dataLayer: "areas", symbolizer: outline }];
    if (state.figure !== "requests") rules.unshift({ dataLayer: "areas", symbolizer: shading });
    const before = shown.areas;
    put("areas", [layer, state.figure === "requests"].join(" "), { url: tiles(layer), paintRules: rules, labelRules: [] });
    if (shown.areas === before && state.figure !== "requests") M.again(before);
  }
  function areaAt(at) {
    let all = [];
    if (state.figure === "requests" || !shown.areas) return null;
    shown.areas.queryTileFeaturesDebug(at.lng, at.lat).forEach(function (features) { all = all.concat(features); });
    return all.length ? all[0].feature : null;
  }

  Object.assign(M, { drawAreas: drawAreas, areaAt: areaAt });
})();
