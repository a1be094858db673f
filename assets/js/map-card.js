/* The card: what is under a finger or the cross, a cell, a request or an area. */
(function () {
  "use strict";
  const M = window.openward_map;
  const map = M.map, config = M.config, words = M.words, state = M.state, fill = M.fill, count = M.count, make = M.make;
  const card = M.corner("topright", "card", words.details);
  card.hidden = true;

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
  function pick(at) {
    const mark = M.markAt(at);
    if (mark && M.several(mark)) showCell(mark.props, mark.at, map.getZoom());
    else if (mark) showRequest(mark.props);
    const area = mark ? null : M.areaAt(at);
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
      ["rate", "median", "p90", "open", "on_time", "done"].forEach(function (name) {
        const figure = M.FIGURE[name], value = figure.of(row);
        if (name === "rate" && value === null) return;
        const text = figure.n(row) < config.few ? words.few : value === null ? words.unreached : figure.say(value);
        lines.push(M.TITLE[name] + ": " + text);
      });
    }
    const query = [M.asking(), languageOf()].filter(Boolean).join("&");
    const href = "/areas/" + encodeURIComponent(state.layer) + "/" + encodeURIComponent(props.area) + (query ? "?" + query : "");
    openCard(props.name || props.area, lines, make("a", { href: href, target: "_top" }, [words.area_page]));
  }

  card.addEventListener("keydown", function (event) { if (event.key === "Escape") { closeCard(); map.getContainer().focus(); } });

  Object.assign(M, { card: card, pick: pick, closeCard: closeCard });
})();
