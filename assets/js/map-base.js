/* The map's ground: streets, water and parks below, and the names of things above everything. */
(function () {
  "use strict";
  const M = window.openward_map;
  const state = M.state, tiles = M.tiles, put = M.put;
  const P = window.protomapsL;

  const named = function (z, feature) { return Boolean(feature.props.name); };
  const rankOf = function (feature) { return Number(feature.props.rank || 3); };
  const streetWidth = function (z, feature) {
    const wide = [4, 4, 3, 2, 1.4][Math.min(rankOf(feature), 4)];
    return Math.max(wide * Math.pow(1.5, z - 14.5), 0.5);
  };

  function basePaint() {
    return [
      { dataLayer: "land", symbolizer: new P.PolygonSymbolizer({ fill: M.color.land }) },
      { dataLayer: "park", symbolizer: new P.PolygonSymbolizer({ fill: M.color.park }) },
      { dataLayer: "water", symbolizer: new P.PolygonSymbolizer({ fill: M.color.water }) },
      { dataLayer: "street", symbolizer: new P.LineSymbolizer({ color: M.color.casing, width: function (z, f) { return streetWidth(z, f) + (z >= 13 ? 1.4 : 0.4); } }) },
      { dataLayer: "street", symbolizer: new P.LineSymbolizer({ color: M.color.street, width: streetWidth }) },
      { dataLayer: "rail", symbolizer: new P.LineSymbolizer({ color: M.color.border, width: 1, opacity: 0.5, dash: [4, 3], dashColor: M.color.border, dashWidth: 1 }) },
    ];
  }

  /* The centre of gravity of a ring. */
  function middle(ring) {
    let area = 0, x = 0, y = 0;
    for (let i = 0; i < ring.length - 1; i += 1) {
      const a = ring[i], b = ring[i + 1], cross = a.x * b.y - b.x * a.y;
      area += cross; x += (a.x + b.x) * cross; y += (a.y + b.y) * cross;
    }
    const at = ring[0].clone();
    if (area) { at.x = x / (3 * area); at.y = y / (3 * area); }
    return at;
  }

  /* A shape that lies in several tiles is labelled once, where enough of it is seen. */
  function once(symbolizer) {
    return {
      place: function (layout, geometry, feature) {
        const box = feature.bbox;
        const width = Math.min(box.maxX, 512) - Math.max(box.minX, 0);
        const height = Math.min(box.maxY, 512) - Math.max(box.minY, 0);
        if (width < 44 || height < 22) return undefined;
        const labels = symbolizer.place(layout, [[middle(geometry[0])]], feature);
        (labels || []).forEach(function (label) {
          label.deduplicationKey = feature.props.name;
          label.deduplicationDistance = 600;
        });
        return labels;
      },
    };
  }

  function labelRules() {
    const halo = { stroke: M.color.halo, width: 3 };
    const rules = [
      { dataSource: "base", dataLayer: "street", minzoom: 13,
        filter: function (z, f) { return f.props.name && rankOf(f) <= z - 12; },
        symbolizer: new P.LineLabelSymbolizer(Object.assign({ labelProps: ["name"], fill: M.color.text, font: "400 11px system-ui, sans-serif", position: 2 }, halo)) },
      { dataSource: "base", dataLayer: "park", minzoom: 13, filter: named, symbolizer: once(new P.CenteredTextSymbolizer(Object.assign({ labelProps: ["name"], fill: M.color.text, font: "italic 400 11px system-ui, sans-serif" }, halo))) },
      { dataSource: "base", dataLayer: "water", minzoom: 12, filter: named, symbolizer: once(new P.CenteredTextSymbolizer(Object.assign({ labelProps: ["name"], fill: M.color.text, font: "italic 400 11px system-ui, sans-serif" }, halo))) },
    ];
    if (state.layer && state.figure !== "requests") {
      rules.unshift({ dataSource: "areas", dataLayer: "areas",
        symbolizer: once(new P.CenteredTextSymbolizer(Object.assign({ labelProps: ["name"], fill: M.color.text, font: "600 12px system-ui, sans-serif", lineHeight: 1.15 }, halo))) });
    }
    return rules;
  }

  function drawBase() {
    put("base", "", { url: tiles("basemap"), paintRules: basePaint(), labelRules: [], backgroundColor: M.color.outside });
  }
  function drawLabels() {
    const sources = { base: { url: tiles("basemap"), maxDataZoom: 16 } };
    if (state.layer) sources.areas = { url: tiles("areas-" + state.layer), maxDataZoom: 16 };
    put("labels", [state.layer, state.figure === "requests"].join(" "), { sources: sources, paintRules: [], labelRules: labelRules() });
  }

  Object.assign(M, { drawBase: drawBase, drawLabels: drawLabels });
})();
