/* The map as a picture: what is drawn, with what it shows above, and the legend, the scale and the source below. Made here of
   the map's own canvases; nothing is sent anywhere. */
(function () {
  "use strict";
  const M = window.openward_map;
  const map = M.map, config = M.config, words = M.words, fill = M.fill;
  const ORDER = ["base", "areas", "requests", "labels"];
  const PAD = 16, LINE = 20, GAP = 26;
  const FONT = "system-ui, sans-serif";
  const root = document.documentElement;

  const token = function (name) { return getComputedStyle(root).getPropertyValue(name).trim(); };

  /* A node of SVG with the look that our style sheet gives it, as an image. */
  function imageOf(svg, width, height) {
    const copy = svg.cloneNode(true);
    const from = svg.querySelectorAll("*"), to = copy.querySelectorAll("*");
    from.forEach(function (node, i) {
      const look = getComputedStyle(node);
      ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray", "stroke-linejoin"].forEach(function (name) {
        to[i].setAttribute(name, look.getPropertyValue(name));
      });
    });
    copy.removeAttribute("style"); // where the map has moved it to
    copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
    copy.setAttribute("width", width);
    copy.setAttribute("height", height);
    const image = new Image();
    image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(new XMLSerializer().serializeToString(copy));
    return image.decode().then(function () { return image; });
  }

  function wrapped(ctx, text, width) {
    const lines = [""];
    text.split(/\s+/).forEach(function (word) {
      const longer = (lines[lines.length - 1] + " " + word).trim();
      if (ctx.measureText(longer).width <= width) { lines[lines.length - 1] = longer; return; }
      lines.push("");
      word.split("").forEach(function (letter) { // an address may be longer than a line
        if (ctx.measureText(lines[lines.length - 1] + letter).width > width) lines.push("");
        lines[lines.length - 1] += letter;
      });
    });
    return lines.filter(Boolean);
  }

  /* The rows of the legend as they stand: their sign and their words. */
  function legendRows() {
    return Promise.all(Array.from(document.querySelectorAll(".ow-legend li")).map(function (row) {
      return imageOf(row.querySelector("svg"), 20, 20).then(function (sign) { return { sign: sign, text: row.textContent }; });
    }));
  }

  function chosen() {
    const title = M.state.figure === "requests" ? words.picture_requests : M.TITLE[M.state.figure];
    const chips = M.page ? Array.from(M.page.document.querySelectorAll(".chip")).map(function (chip) {
      const copy = chip.cloneNode(true);
      copy.querySelectorAll(".visually-hidden, .cross").forEach(function (part) { part.remove(); });
      return copy.textContent.trim();
    }) : [];
    if (M.state.month) chips.push(document.querySelector(".ow-month").textContent);
    return { title: title, filters: chips.join(" · ") };
  }
  function source() {
    const query = M.asking();
    const address = M.page ? M.page.location.origin + "/map" : location.origin + "/map";
    const shown = M.state.figure === "requests" ? "" : "figure=" + M.state.figure + "&layer=" + M.state.layer + (query ? "&" : "");
    return [config.title + ".", config.attribution && config.attribution.replace(/[.\s]*$/, "."), fill(words.picture_data, { day: config.as_of, release: config.release }),
      address + (shown || query ? "?" + shown + query : "")].filter(Boolean).join(" ");
  }

  function paint() {
    const size = map.getSize(), ratio = Math.max(window.devicePixelRatio || 1, 2);
    const box = map.getContainer().getBoundingClientRect();
    const svg = document.querySelector(".leaflet-ow-spot-pane svg");
    const told = chosen();
    const canvas = document.createElement("canvas");
    const ctx = canvas.getContext("2d");
    return Promise.all([legendRows(), svg ? imageOf(svg, svg.clientWidth, svg.clientHeight) : null]).then(function (made) {
      const rows = made[0], marks = made[1], wide = size.x - 2 * PAD;
      ctx.font = "13px " + FONT;
      const filters = wrapped(ctx, told.filters, wide), below = wrapped(ctx, source(), wide);
      const note = document.querySelector(".ow-legend details > p");
      const columns = Math.max(Math.floor(wide / 260), 1);
      const texts = rows.map(function (row) { return wrapped(ctx, row.text, Math.min(wide / columns, 300) - 40); });
      const tall = [];
      texts.forEach(function (lines, i) { const at = Math.floor(i / columns); tall[at] = Math.max(tall[at] || 0, lines.length * LINE + 4); });
      const head = PAD + 26 + filters.length * LINE + 6;
      const legend = tall.reduce(function (sum, each) { return sum + each; }, 0) + (note ? LINE : 0);
      canvas.width = size.x * ratio;
      canvas.height = (head + size.y + PAD + legend + 10 + below.length * LINE + PAD) * ratio;
      ctx.scale(ratio, ratio);
      ctx.fillStyle = token("--surface");
      ctx.fillRect(0, 0, canvas.width, canvas.height);
      ctx.textBaseline = "top";
      const write = function (text, x, y, font, ink) { ctx.font = font + " " + FONT; ctx.fillStyle = token(ink); ctx.fillText(text, x, y); };
      write(told.title, PAD, PAD, "700 18px", "--ink");
      filters.forEach(function (line, i) { write(line, PAD, PAD + GAP + i * LINE, "13px", "--ink-2"); });

      ctx.save();
      ctx.beginPath();
      ctx.rect(0, head, size.x, size.y);
      ctx.clip();
      ctx.fillStyle = M.color.outside;
      ctx.fillRect(0, head, size.x, size.y);
      ORDER.forEach(function (name) {
        document.querySelectorAll(".leaflet-ow-" + name + "-pane canvas").forEach(function (tile) {
          const at = tile.getBoundingClientRect();
          if (tile.width) ctx.drawImage(tile, at.left - box.left, head + at.top - box.top, at.width, at.height);
        });
      });
      if (marks) { const at = svg.getBoundingClientRect(); ctx.drawImage(marks, at.left - box.left, head + at.top - box.top, at.width, at.height); }
      scale(ctx, write, head + size.y, box);
      ctx.restore();

      let y = head + size.y + PAD;
      if (note) { write(note.textContent, PAD, y, "13px", "--ink"); y += LINE; }
      rows.forEach(function (row, i) {
        const x = PAD + (i % columns) * Math.min(wide / columns, 300);
        ctx.drawImage(row.sign, x, y - 2, 20, 20);
        texts[i].forEach(function (line, j) { write(line, x + 28, y + j * LINE, "13px", "--ink"); });
        if (i % columns === columns - 1 || i === rows.length - 1) y += tall[Math.floor(i / columns)];
      });
      y += 10;
      below.forEach(function (line, i) { write(line, PAD, y + i * LINE, "13px", "--ink-2"); });
      return canvas;
    });
  }

  function scale(ctx, write, bottom) {
    const bar = document.querySelector(".leaflet-control-scale-line");
    if (!bar) return;
    const width = bar.getBoundingClientRect().width, y = bottom - 12;
    ctx.strokeStyle = token("--ink");
    ctx.lineWidth = 2;
    ctx.beginPath();
    ctx.moveTo(12, y - 6); ctx.lineTo(12, y); ctx.lineTo(12 + width, y); ctx.lineTo(12 + width, y - 6);
    ctx.stroke();
    write(bar.textContent, 16, y - 20, "12px", "--ink");
  }

  function save() {
    M.say(words.picture_makes);
    return paint().then(function (canvas) {
      return new Promise(function (done) { canvas.toBlob(done, "image/png"); });
    }).then(function (blob) {
      const link = M.make("a", { href: URL.createObjectURL(blob), download: ["map", M.state.figure, config.release].filter(Boolean).join("-") + ".png" });
      link.click();
      setTimeout(function () { URL.revokeObjectURL(link.href); }, 10000);
      M.say("");
    }).catch(function () { M.say(words.picture_failed); });
  }

  function tools() { M.tool(words.picture, "M4 8h4l2-3h4l2 3h4v11H4zM12 10a3 3 0 1 0 0 6a3 3 0 1 0 0-6", save); }

  Object.assign(M, { pictureTools: tools });
})();
