/* What the map shows now, as an outline: the way to its list and to its data. The rectangle in view takes the place of an
   outline in use only as far as both overlap, so that no filter is lost on the way. */
(function () {
  "use strict";
  const M = window.openward_map;
  const map = M.map, words = M.words, state = M.state, make = M.make;
  const FURTHEST = { lat: 85, lng: 180 }; // as far as portal/outline.py reads corners

  /* [south, west, north, east] in whole hundred-thousandths of a degree; null where no part of the world is in view. */
  function box() {
    const seen = map.getBounds();
    const cut = function (value, most) { return Math.round(Math.max(-most, Math.min(most, value)) * 1e5) / 1e5; };
    const south = cut(seen.getSouth(), FURTHEST.lat), north = cut(seen.getNorth(), FURTHEST.lat);
    const west = cut(seen.getWest(), FURTHEST.lng), east = cut(seen.getEast(), FURTHEST.lng);
    return south < north && west < east ? [south, west, north, east] : null;
  }

  /* I. E. Sutherland, G. W. Hodgman (1974): the corners of an outline within one side of the rectangle after the other. */
  function clipped(corners, edges) {
    const sides = [[0, 1, edges[0]], [1, 1, edges[1]], [0, -1, edges[2]], [1, -1, edges[3]]];
    return sides.reduce(function (ring, side) {
      const axis = side[0], way = side[1], edge = side[2];
      const inside = function (at) { return way * (at[axis] - edge) >= 0; };
      const out = [];
      ring.forEach(function (at, i) {
        const before = ring[(i + ring.length - 1) % ring.length];
        if (inside(at) !== inside(before)) {
          const share = (edge - before[axis]) / (at[axis] - before[axis]);
          const meets = [before[0] + share * (at[0] - before[0]), before[1] + share * (at[1] - before[1])];
          meets[axis] = edge;
          out.push(meets);
        }
        if (inside(at)) out.push(at);
      });
      return out;
    }, corners);
  }

  /* The outline of what is in view: {text, whole}; `whole` says that an outline in use is kept with its parts out of view,
     because the part in view falls into several. Null where nothing is in view. */
  function inView() {
    const edges = box();
    if (!edges) return null;
    const used = new URLSearchParams(state.filters).get("within");
    if (!used) return { text: M.encoded([[edges[0], edges[1]], [edges[0], edges[3]], [edges[2], edges[3]], [edges[2], edges[1]]]), whole: false };
    const part = M.simpler(clipped(M.decoded(used), edges));
    if (!part.length) return null;
    return part.length < 3 || M.crosses(part) ? { text: used, whole: true } : { text: M.encoded(part), whole: false };
  }

  /* Where a page of the portal shows what the map does; `kept` are further keys of its address. */
  function addressOf(path, outline, kept) {
    const url = new URL(path, M.page.location.origin);
    new URLSearchParams(M.asking()).forEach(function (value, key) { url.searchParams.append(key, value); });
    Object.keys(kept).forEach(function (key) { if (kept[key]) url.searchParams.set(key, kept[key]); });
    url.searchParams.set("within", outline);
    const lang = new URL(M.page.location.href).searchParams.get("lang");
    if (lang) url.searchParams.set("lang", lang);
    return url.href;
  }

  let list = null, data = null, said = null;

  function refresh() {
    if (!list) return;
    const outline = inView();
    [list, data].forEach(function (link) { link.hidden = !outline; });
    said.textContent = !outline ? words.view_none : outline.whole ? words.view_whole : "";
    if (!outline) return;
    const spot = state.spot || { key: "", name: "" };
    const shown = { figure: state.figure === "requests" ? "" : state.figure, layer: state.figure === "requests" ? "" : state.layer };
    list.href = addressOf("/map/list", outline.text, Object.assign(shown, { at: spot.key, place: spot.name }));
    data.href = addressOf("/data", outline.text, {});
  }

  /* The page around goes there without a new load; a new tab is the browser's own doing. */
  function link(label, plain) {
    const node = make("a", { class: plain ? "ow-plain" : "ow-action", target: "_top" }, [label]);
    node.addEventListener("click", function (event) {
      if (event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
      event.preventDefault();
      M.page.dispatchEvent(new M.page.CustomEvent("openward:go", { detail: { url: node.href, focus: null } }));
    });
    return node;
  }

  function open(button) {
    if (button.getAttribute("aria-expanded") === "true") { M.closePanel(true); return; }
    M.closeCard();
    const ways = [link(words.view_list, false), link(words.view_data, true)];
    const close = M.action(words.close, function () { M.closePanel(true); }, true);
    const warns = make("p", { class: "ow-warns", role: "status" });
    M.openPanel(words.view, [
      make("p", {}, [words.view_told]), warns, make("div", { class: "ow-actions" }, ways.concat([close])),
    ], button, function () { list = data = said = null; });
    list = ways[0]; data = ways[1]; said = warns;
    refresh();
    if (list.hidden) close.focus(); else list.focus();
  }

  function tools() {
    const button = M.tool(words.view, "M9 6h11M9 12h11M9 18h11M4 6h1M4 12h1M4 18h1", function () { open(button); });
    button.setAttribute("aria-expanded", "false");
    map.on("moveend resize", refresh);
  }

  Object.assign(M, { viewTools: tools, inViewNow: inView, refreshView: refresh });
})();
