/* The map: our vector tiles on the Leaflet map that folium made, drawn by protomaps-leaflet.
   Filters come in the page's address, later from the page around it; a change of filter changes tiles. */
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
    classes: ["#e3ebf3", "#b9d0e4", "#86aed1", "#4c84b5", "#1d5590"], few: "#d9d6cf", hatch: "#8b9097",
  };
  const DARK = {
    outside: "#0e1419", land: "#18212a", water: "#1d3344", park: "#1c2b22", street: "#36424d", casing: "#18212a",
    text: "#b4bec7", halo: "#10161c", border: "#8b97a2",
    open: "#ffb26b", openFill: "#e98328", closed: "#8cc4f2", onMark: "#0c1319",
    classes: ["#22384b", "#2d567a", "#3f7aab", "#6ba5d3", "#b3d6f1"], few: "#2b343c", hatch: "#74808b",
  };
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const isDark = function () {
    return root.dataset.theme ? root.dataset.theme === "dark" : system.matches;
  };
  let color = isDark() ? DARK : LIGHT;

  /* ---- what is asked for ---- */

  const OWN = ["figure", "layer", "lang", "at", "place"];
  const state = { filters: "", figure: "requests", layer: Object.keys(config.layers)[0] || "", values: null, classes: null, spot: null };

  /* A place that is marked: latitude, longitude and perhaps the radius that holds the true place. */
  function spotOf(at, name) {
    const parts = (at || "").split(",").map(Number);
    if (!at || parts.length < 2 || !parts.every(isFinite) || Math.abs(parts[0]) > 90 || Math.abs(parts[1]) > 180) return null;
    return { key: at, at: [parts[0], parts[1]], radius: Math.max(parts[2] || 0, 0), name: name || "" };
  }

  function read(query) {
    const given = new URLSearchParams(query);
    state.figure = given.get("figure") || "requests";
    state.layer = given.get("layer") in config.layers ? given.get("layer") : Object.keys(config.layers)[0] || "";
    state.spot = spotOf(given.get("at"), given.get("place"));
    OWN.forEach(function (key) { given.delete(key); });
    state.filters = given.toString();
  }

  const tiles = function (layer, filtered) {
    return config.tiles.replace("{layer}", layer) + (filtered && state.filters ? "?" + state.filters : "");
  };

  /* ---- drawing ---- */

  const named = function (z, feature) { return Boolean(feature.props.name); };
  const rankOf = function (feature) { return Number(feature.props.rank || 3); };
  const streetWidth = function (z, feature) {
    const wide = [4, 4, 3, 2, 1.4][Math.min(rankOf(feature), 4)];
    return Math.max(wide * Math.pow(1.5, z - 14.5), 0.5);
  };

  function basePaint() {
    return [
      { dataLayer: "land", symbolizer: new P.PolygonSymbolizer({ fill: color.land }) },
      { dataLayer: "park", symbolizer: new P.PolygonSymbolizer({ fill: color.park }) },
      { dataLayer: "water", symbolizer: new P.PolygonSymbolizer({ fill: color.water }) },
      { dataLayer: "street", symbolizer: new P.LineSymbolizer({ color: color.casing, width: function (z, f) { return streetWidth(z, f) + (z >= 13 ? 1.4 : 0.4); } }) },
      { dataLayer: "street", symbolizer: new P.LineSymbolizer({ color: color.street, width: streetWidth }) },
      { dataLayer: "rail", symbolizer: new P.LineSymbolizer({ color: color.border, width: 1, opacity: 0.5, dash: [4, 3], dashColor: color.border, dashWidth: 1 }) },
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
    const halo = { stroke: color.halo, width: 3 };
    const rules = [
      { dataSource: "base", dataLayer: "street", minzoom: 13,
        filter: function (z, f) { return f.props.name && rankOf(f) <= z - 12; },
        symbolizer: new P.LineLabelSymbolizer(Object.assign({ labelProps: ["name"], fill: color.text, font: "400 11px system-ui, sans-serif", position: 2 }, halo)) },
      { dataSource: "base", dataLayer: "park", minzoom: 13, filter: named, symbolizer: once(new P.CenteredTextSymbolizer(Object.assign({ labelProps: ["name"], fill: color.text, font: "italic 400 11px system-ui, sans-serif" }, halo))) },
      { dataSource: "base", dataLayer: "water", minzoom: 12, filter: named, symbolizer: once(new P.CenteredTextSymbolizer(Object.assign({ labelProps: ["name"], fill: color.text, font: "italic 400 11px system-ui, sans-serif" }, halo))) },
    ];
    if (state.layer && state.figure !== "requests") {
      rules.unshift({ dataSource: "areas", dataLayer: "areas",
        symbolizer: once(new P.CenteredTextSymbolizer(Object.assign({ labelProps: ["name"], fill: color.text, font: "600 12px system-ui, sans-serif", lineHeight: 1.15 }, halo))) });
    }
    return rules;
  }

  /* A single request: open is a filled diamond, closed a ring. Several: a circle by their number. */
  /* Areas of circles are as the numbers, and the largest in view just fill their cells. */
  let peak = 1;
  const radius = function (n) { return Math.max(15.5 * Math.sqrt(Math.min(n / peak, 1)), 2.5); };

  function measure(layer) {
    const seen = [];
    layer.views.get("").tileCache.cache.forEach(function (entry, tile) {
      if (Number(tile.split(":")[2]) !== map.getZoom() - 1) return;
      (entry.data.get("requests") || []).forEach(function (feature) { seen.push(Number(feature.props.n || 1)); });
    });
    seen.sort(function (a, b) { return a - b; });
    const top = Math.max(seen[Math.floor(seen.length * 0.98)] || 1, 4);
    if (top / peak > 1.15 || top / peak < 0.85) { peak = top; layer.rerenderTiles(); }
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
    ctx.fillStyle = color.closed;
    ctx.fill();
    ctx.globalAlpha = 1;
    ctx.lineWidth = 1;
    ctx.strokeStyle = color.onMark;
    ctx.stroke();
    if (r < 8) return;
    const text = n < 1000 ? String(n) : n < 10000 ? (n / 1000).toFixed(1) + "k" : Math.round(n / 1000) + "k";
    ctx.fillStyle = color.onMark;
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
    ctx.fillStyle = color.openFill;
    ctx.strokeStyle = color.onMark;
    ctx.lineWidth = 1.25;
    ctx.fill();
    ctx.stroke();
  }

  function ring(ctx, at, r) {
    ctx.globalAlpha = 0.85;
    ctx.beginPath();
    ctx.arc(at.x, at.y, r, 0, 2 * Math.PI);
    ctx.fillStyle = color.halo;
    ctx.fill();
    ctx.lineWidth = 2.2;
    ctx.strokeStyle = color.closed;
    ctx.stroke();
  }

  /* ---- areas by a figure ---- */

  const FIGURE = {
    count: { of: function (row) { return row.requests; }, n: function () { return Infinity; }, say: count },
    median: { of: function (row) { return row.median && row.median.hours; }, n: function (row) { return row.n; }, say: duration },
    open: { of: function (row) { return row.requests ? row.open / row.requests : null; }, n: function (row) { return row.requests; }, say: percent },
    on_time: { of: function (row) { return row.on_time && row.on_time.share; }, n: function (row) { return row.on_time ? row.on_time.n : 0; }, say: percent },
  };
  const TITLE = { count: words.count, median: words.median, open: words.open_share, on_time: words.on_time };

  function percent(share) { return Math.round(share * 100) + "%"; }
  function duration(hours) {
    if (hours === null || hours === undefined) return words.unreached;
    const short = function (value) { return value < 10 ? String(Math.round(value * 10) / 10) : String(Math.round(value)); };
    if (hours < 1.5) return fill(words.minutes, { n: Math.round(hours * 60) });
    if (hours < 48) return fill(words.hours, { n: short(hours) });
    if (hours < 2400) return fill(words.days, { n: short(hours / 24) });
    if (hours < 24 * 730) return fill(words.months, { n: short(hours / 730.5) });
    return fill(words.years, { n: short(hours / 8766) });
  }

  /* Breaks at equal numbers of areas, rounded to what can be said in two digits. */
  function classify(values) {
    const sorted = values.slice().sort(function (a, b) { return a - b; });
    const round = function (value) { return Number(value.toPrecision(2)); };
    const breaks = [];
    for (let i = 1; i < 5; i += 1) {
      const at = round(sorted[Math.min(Math.floor((i / 5) * sorted.length), sorted.length - 1)]);
      const say = FIGURE[state.figure].say;
      const before = breaks.length ? breaks[breaks.length - 1] : sorted[0];
      if (at > before && say(at) !== say(before) && say(at) !== say(sorted[sorted.length - 1])) breaks.push(at);
    }
    return { low: sorted[0], high: sorted[sorted.length - 1], breaks: breaks };
  }

  const valueOf = function (code) {
    const row = state.values && state.values[code];
    const figure = FIGURE[state.figure];
    if (!row || !figure) return null;
    const value = figure.of(row);
    return figure.n(row) < config.few || value === null || value === undefined ? null : value;
  };
  const classColor = function (value) {
    const steps = state.classes.breaks.filter(function (at) { return value >= at; }).length;
    const spread = state.classes.breaks.length ? 4 / state.classes.breaks.length : 0;
    return color.classes[Math.round(steps * spread)];
  };

  let hatching = null;
  function hatch(ctx) {
    const tile = make("canvas", { width: 8, height: 8 });
    const to = tile.getContext("2d");
    to.fillStyle = color.few;
    to.fillRect(0, 0, 8, 8);
    to.strokeStyle = color.hatch;
    to.lineWidth = 1;
    to.beginPath();
    to.moveTo(-2, 2); to.lineTo(2, -2); to.moveTo(0, 8); to.lineTo(8, 0); to.moveTo(6, 10); to.lineTo(10, 6);
    to.stroke();
    return ctx.createPattern(tile, "repeat");
  }

  const shading = {
    draw: function (ctx, geometry, z, feature) {
      const value = valueOf(String(feature.props.area));
      ctx.beginPath();
      geometry.forEach(function (line) {
        line.forEach(function (at, i) { if (i) ctx.lineTo(at.x, at.y); else ctx.moveTo(at.x, at.y); });
      });
      if (state.values) {
        ctx.globalAlpha = 0.82;
        if (value === null) { hatching = hatching || hatch(ctx); ctx.fillStyle = hatching; } else ctx.fillStyle = classColor(value);
        ctx.fill("evenodd");
      }
    },
  };

  /* A polygon cut at a tile's edge would show that edge: only the parts within the tile are lines. */
  const outline = {
    draw: function (ctx, geometry) {
      const inside = function (p) { return p.x > -1 && p.y > -1 && p.x < 513 && p.y < 513; };
      ctx.globalAlpha = state.figure === "requests" ? 0.45 : 0.9;
      ctx.strokeStyle = color.border;
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

  /* ---- layers ---- */

  const PANES = { base: 200, areas: 250, requests: 300, labels: 350, spot: 450 };
  Object.keys(PANES).forEach(function (name) {
    const pane = map.createPane("ow-" + name);
    pane.style.zIndex = PANES[name];
    if (name === "labels" || name === "spot") pane.style.pointerEvents = "none";
  });
  const shown = {};

  function put(name, options) {
    const before = shown[name];
    const layer = P.leafletLayer(Object.assign(
      { pane: "ow-" + name, attribution: "", maxDataZoom: 16, noWrap: true, lang: config.language }, options));
    shown[name] = layer.addTo(map);
    layer.on("load", function () { if (status.textContent === words.loading) say(""); });
    if (name === "requests") layer.on("load", function () { measure(layer); });
    if (!before) return;
    // What was there stays until the new is drawn, so that nothing blinks.
    let gone = false;
    const drop = function () { if (!gone) { gone = true; before.remove(); } };
    layer.once("load", drop);
    setTimeout(drop, 2500);
  }
  function take(name) { if (shown[name]) { shown[name].remove(); delete shown[name]; } }

  function drawBase() {
    put("base", { url: tiles("basemap"), paintRules: basePaint(), labelRules: [], backgroundColor: color.outside });
  }
  function drawLabels() {
    const sources = { base: { url: tiles("basemap"), maxDataZoom: 16 } };
    if (state.layer) sources.areas = { url: tiles("areas-" + state.layer), maxDataZoom: 16 };
    put("labels", { sources: sources, paintRules: [], labelRules: labelRules() });
  }
  function drawAreas() {
    if (!state.layer) { take("areas"); return; }
    const layer = "areas-" + state.layer;
    const rules = [{ dataLayer: "areas", symbolizer: outline }];
    if (state.figure !== "requests") rules.unshift({ dataLayer: "areas", symbolizer: shading });
    put("areas", { url: tiles(layer), paintRules: rules, labelRules: [] });
  }
  function drawRequests() {
    if (state.figure !== "requests") { take("requests"); return; }
    put("requests", { url: tiles("requests", true), labelRules: [], paintRules: [{ dataLayer: "requests", symbolizer: marks }] });
  }

  const still = window.matchMedia("(prefers-reduced-motion: reduce)");
  let marked = null;
  let went = "";

  function drawSpot(first) {
    if (marked) { marked.remove(); marked = null; }
    const spot = state.spot;
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

  let asked = 0;
  function refresh() {
    hatching = null;
    say(words.loading);
    const turn = (asked += 1);
    closeCard();
    drawRequests();
    if (state.figure === "requests" || !state.layer) {
      state.values = null;
      drawAreas(); drawLabels(); drawLegend();
      return;
    }
    fetch(config.values.replace("{layer}", state.layer) + (state.filters ? "?" + state.filters : ""))
      .then(function (answer) { if (!answer.ok) throw new Error(String(answer.status)); return answer.json(); })
      .then(function (answer) {
        if (turn !== asked) return;
        state.values = {};
        (answer.rows || answer.groups || answer.results || answer).forEach(function (row) { state.values[row.key] = row; });
        const known = Object.keys(state.values).map(valueOf).filter(function (value) { return value !== null; });
        state.classes = known.length ? classify(known) : { low: 0, high: 0, breaks: [] };
        drawAreas(); drawLabels(); drawLegend();
      })
      .catch(function () { say(words.failed); });
  }

  /* ---- legend, card, messages ---- */

  const corner = function (position, name, label) {
    const control = window.L.control({ position: position });
    const box = make("div", { class: "ow-" + name, role: "region", "aria-label": label });
    control.onAdd = function () { return box; };
    control.addTo(map);
    window.L.DomEvent.disableClickPropagation(box);
    window.L.DomEvent.disableScrollPropagation(box);
    return box;
  };
  const legend = corner("bottomright", "legend", words.legend);
  const card = corner("topright", "card", words.details);
  card.hidden = true;
  const status = make("p", { class: "ow-status", role: "status" });
  map.getContainer().appendChild(status);

  function say(text) { status.textContent = text; }

  const NS = "http://www.w3.org/2000/svg";
  function key(draw) {
    const svg = document.createElementNS(NS, "svg");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    draw.forEach(function (part) {
      const node = document.createElementNS(NS, part[0]);
      Object.keys(part[1]).forEach(function (name) { node.setAttribute(name, part[1][name]); });
      svg.append(node);
    });
    return svg;
  }

  function drawLegend() {
    const rows = [];
    const row = function (sign, text) { rows.push(make("li", {}, [sign, make("span", {}, [text])])); };
    if (state.spot) {
      row(key([["circle", { cx: 12, cy: 12, r: 8, class: "ow-spot-ring" }], ["circle", { cx: 12, cy: 12, r: 2.5, class: "ow-spot-dot" }]]), words.marked);
      if (state.spot.radius) row(key([["circle", { cx: 12, cy: 12, r: 10, class: "ow-spot-circle" }]]), words.marked_radius);
    }
    if (state.figure === "requests") {
      row(key([["path", { d: "M12 4l8 8-8 8-8-8z", fill: color.openFill, stroke: color.onMark }]]), words.open);
      row(key([["circle", { cx: 12, cy: 12, r: 6, fill: color.halo, stroke: color.closed, "stroke-width": 3 }]]), words.closed);
      row(key([["circle", { cx: 12, cy: 12, r: 10, fill: color.closed }]]), words.cells);
      legend.replaceChildren(make("ul", {}, rows));
      return;
    }
    const say = FIGURE[state.figure].say;
    const c = state.classes;
    if (c && Object.keys(state.values || {}).some(function (code) { return valueOf(code) !== null; })) {
      const edges = [c.low].concat(c.breaks, [c.high]);
      for (let i = 0; i + 1 < edges.length; i += 1) {
        const text = say(edges[i]) === say(edges[i + 1]) ? say(edges[i]) : fill(words.range, { low: say(edges[i]), high: say(edges[i + 1]) });
        row(key([["rect", { x: 2, y: 4, width: 20, height: 16, fill: classColor(edges[i]), stroke: color.border }]]), text);
      }
    }
    row(key([["rect", { x: 2, y: 4, width: 20, height: 16, fill: color.few, stroke: color.border }],
      ["path", { d: "M2 14L12 4M6 20L22 4M16 20l6-6", stroke: color.hatch }]]), words.few);
    legend.replaceChildren(make("p", { class: "ow-legend-title" }, [TITLE[state.figure]]), make("ul", {}, rows));
  }

  function openCard(title, lines, link) {
    const close = make("button", { type: "button", class: "ow-close", "aria-label": words.close }, ["×"]);
    close.addEventListener("click", function () { closeCard(); map.getContainer().focus(); });
    const list = make("ul", {}, lines.filter(Boolean).map(function (line) { return make("li", {}, [line]); }));
    card.replaceChildren(close, make("h2", { tabindex: "-1" }, [title]), list, link || "");
    card.hidden = false;
  }
  function closeCard() { card.hidden = true; card.replaceChildren(); }

  function languageOf() {
    const tag = new URLSearchParams(location.search).get("lang");
    return tag ? "lang=" + encodeURIComponent(tag) : "";
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

  function areaAt(at) {
    let all = [];
    if (state.figure === "requests" || !shown.areas) return null;
    shown.areas.queryTileFeaturesDebug(at.lng, at.lat).forEach(function (features) { all = all.concat(features); });
    return all.length ? all[0].feature : null;
  }

  function pick(at) {
    const mark = markAt(at);
    if (mark && several(mark)) showCell(mark.props, mark.at, map.getZoom());
    else if (mark) showRequest(mark.props);
    const area = mark ? null : areaAt(at);
    if (area) showArea(area.props);
    return Boolean(mark || area);
  }

  function showCell(props, at, zoom) {
    const nearer = make("button", { type: "button", class: "ow-action" }, [words.zoom_here]);
    nearer.addEventListener("click", function () { closeCard(); map.setView(at, Math.min(zoom + 2, 18)); map.getContainer().focus(); });
    openCard(fill(words.many, { n: count(Number(props.n)) }), [], nearer);
  }

  function showRequest(props) {
    const lines = [
      props.status === "open" ? words.open : words.closed,
      props.requested_date ? fill(words.asked, { date: props.requested_date }) : null,
      props.service_request_id ? "#" + props.service_request_id : null,
      ["block_face", "area"].includes(props.location_precision) ? words[props.location_precision] : null,
      props.geocode_radius_m ? fill(words.within, { n: count(Number(props.geocode_radius_m)) }) : null,
      props.geocode_method ? fill(words.by, { method: words["method_" + props.geocode_method] || props.geocode_method }) : null,
      props.location_note ? words["note_" + props.location_note] || null : null,
    ];
    const source = props.source ? "source=" + encodeURIComponent(props.source) : "";
    const query = [languageOf(), source].filter(Boolean).join("&");
    const href = "/requests/" + encodeURIComponent(props.service_request_id) + (query ? "?" + query : "");
    openCard(props.service_name || words.requests, lines, make("a", { href: href, target: "_top" }, [words.record]));
  }

  function showArea(props) {
    const row = state.values && state.values[String(props.area)];
    const lines = [fill(words.many, { n: count(row ? row.requests : 0) })];
    if (row) {
      ["median", "open", "on_time"].forEach(function (name) {
        const figure = FIGURE[name];
        const value = figure.n(row) < config.few ? words.few : figure.of(row) === null ? words.unreached : figure.say(figure.of(row));
        lines.push(TITLE[name] + ": " + value);
      });
    }
    const query = [state.filters, languageOf()].filter(Boolean).join("&");
    const href = "/areas/" + encodeURIComponent(state.layer) + "/" + encodeURIComponent(props.area) + (query ? "?" + query : "");
    openCard(props.name || props.area, lines, make("a", { href: href, target: "_top" }, [words.area_page]));
  }

  map.on("click", function (event) { if (!pick(event.latlng)) closeCard(); });

  /* ---- keyboard ---- */

  const container = map.getContainer();
  container.setAttribute("aria-describedby", "ow-keys");
  container.append(make("p", { id: "ow-keys", class: "ow-keys" }, [words.keys]), make("div", { class: "ow-cross", "aria-hidden": "true" }));
  // The cross and its help are for who uses keys: Tab into the frame is seen only as the key is let go.
  ["keydown", "keyup"].forEach(function (name) {
    container.addEventListener(name, function () { container.classList.add("ow-keyed"); });
  });
  container.addEventListener("pointerdown", function () { container.classList.remove("ow-keyed"); });
  container.addEventListener("keydown", function (event) {
    if (event.target !== container) return;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      if (pick(map.getCenter())) { const title = card.querySelector("h2"); if (title) title.focus(); } else say(words.nothing);
    } else if (event.key === "Escape") closeCard();
  });
  card.addEventListener("keydown", function (event) { if (event.key === "Escape") { closeCard(); container.focus(); } });

  /* ---- start, and what the page around says later ---- */

  function repaint() {
    color = isDark() ? DARK : LIGHT;
    hatching = null;
    drawBase(); drawRequests(); drawAreas(); drawLabels(); drawLegend();
  }

  window.addEventListener("message", function (event) {
    if (event.origin !== location.origin || !event.data) return;
    if (event.data.type === "openward:theme") {
      if (event.data.theme === "auto") delete root.dataset.theme; else root.dataset.theme = event.data.theme;
      repaint();
    } else if (event.data.type === "openward:query" && event.data.query !== current) {
      current = event.data.query;
      read(current);
      refresh();
      drawSpot(false);
    }
  });
  system.addEventListener("change", repaint);
  map.on("moveend", function () { say(""); });

  let current = location.search.slice(1);
  map.attributionControl.setPrefix(false);
  if (config.attribution) map.attributionControl.addAttribution(make("span", {}, [config.attribution]).innerHTML);
  map.zoomControl._zoomInButton.setAttribute("aria-label", words.zoom_in);
  map.zoomControl._zoomInButton.title = words.zoom_in;
  map.zoomControl._zoomOutButton.setAttribute("aria-label", words.zoom_out);
  map.zoomControl._zoomOutButton.title = words.zoom_out;
  /* The city fills the frame: the next closer zoom does where only a rim of the frame's box would be cut. */
  const box = window.L.latLngBounds([config.bbox[1], config.bbox[0]], [config.bbox[3], config.bbox[2]]);
  let touched = false;
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
  }
  map.setMaxZoom(19);
  fit();
  ["pointerdown", "wheel", "keydown"].forEach(function (name) {
    container.addEventListener(name, function () { touched = true; }, { passive: true });
  });
  window.addEventListener("resize", function () {
    if (touched) return;
    fit();
    if (state.spot) goToSpot(false);
  });
  read(current);
  drawBase();
  refresh();
  drawSpot(true);
})();
