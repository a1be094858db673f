/* The legend: what marks and colours mean. */
(function () {
  "use strict";
  const M = window.openward_map;
  const config = M.config, words = M.words, state = M.state, fill = M.fill, make = M.make;
  const legend = M.corner("bottomright", "legend", words.legend);

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
    legend.hidden = M.second && state.other !== null; // the first map's holds for both
    const both = state.other === null ? null : make("p", { class: "ow-both" }, [words.both]);
    const rows = [];
    const row = function (sign, text) { rows.push(make("li", {}, [sign, make("span", {}, [text])])); };
    if (state.spot) {
      row(key([["circle", { cx: 12, cy: 12, r: 8, class: "ow-spot-ring" }], ["circle", { cx: 12, cy: 12, r: 2.5, class: "ow-spot-dot" }]]), words.marked);
      if (state.spot.radius) row(key([["circle", { cx: 12, cy: 12, r: 10, class: "ow-spot-circle" }]]), words.marked_radius);
    }
    if (state.outlined) row(key([["path", { d: "M4 9l8-5 8 5-3 10H7z", class: "ow-outline" }]]), words.outlined);
    if (state.figure === "requests") {
      row(key([["path", { d: "M12 4l8 8-8 8-8-8z", fill: M.color.openFill, stroke: M.color.onMark }]]), words.open);
      row(key([["circle", { cx: 12, cy: 12, r: 6, fill: M.color.halo, stroke: M.color.closed, "stroke-width": 3 }]]), words.closed);
      row(key([["circle", { cx: 12, cy: 12, r: 10, fill: M.color.closed }]]), words.cells);
      show(words.legend, [both, make("ul", {}, rows)]);
      return;
    }
    const say = M.FIGURE[state.figure].say;
    const c = state.classes;
    if (c && Object.keys(state.values || {}).some(function (code) { return M.valueOf(code) !== null; })) {
      const swatch = function (value) { return key([["rect", { x: 2, y: 4, width: 20, height: 16, fill: M.classColor(value), stroke: M.color.border }]]); };
      const within = function (low, high) { return say(low) === say(high) ? say(low) : fill(words.range, { low: say(low), high: say(high) }); };
      // Where classes do not end with the values that there are, the outer ones are open.
      const open = (c.middle !== null || state.month) && c.breaks.length > 0;
      const ends = c.breaks.length;
      const edges = [c.low].concat(c.breaks, [c.high]);
      for (let i = 0; i <= ends; i += 1) {
        const low = edges[i], high = edges[i + 1];
        if (open && i === 0) { if (high > 0) row(swatch(high - 1e-9), fill(words.under, { n: say(high) })); }
        else if (open && i === ends) row(swatch(low), fill(words.from, { n: say(low) }));
        else row(swatch(low), within(low, high));
      }
    }
    row(key([["rect", { x: 2, y: 4, width: 20, height: 16, fill: M.color.few, stroke: M.color.border }],
      ["path", { d: "M2 14L12 4M6 20L22 4M16 20l6-6", stroke: M.color.hatch }]]),
      state.figure === "count" ? words.hatched_none : fill(state.figure === "rate" ? words.hatched_rate : words.hatched, { n: config.few }));
    const middle = c && c.middle !== null ? make("p", {}, [fill(state.other === null ? words.parts_at : words.parts_first, { n: say(c.middle) })]) : null;
    show(M.TITLE[state.figure], [both, middle, make("ul", {}, rows)]);
  }

  /* It can be folded, for small screens where it covers much of the map. */
  let folded = null;
  function show(title, parts) {
    // Two maps of a phone are low: there the legend waits to be opened.
    if (folded === null) folded = state.other !== null && window.innerWidth < 420;
    const box = make("details", {}, [make("summary", {}, [title])].concat(parts.filter(Boolean)));
    box.open = !folded;
    box.addEventListener("toggle", function () { folded = !box.open; });
    legend.replaceChildren(box);
  }

  Object.assign(M, { drawLegend: drawLegend });
})();
