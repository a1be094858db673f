/* Month by month: what the map shows of each month of the record, or of the dates that are chosen. The page's own filters
   stay as they are until someone takes a month over. Who wants less motion goes on by hand. */
(function () {
  "use strict";
  const M = window.openward_map;
  const config = M.config, words = M.words, state = M.state, make = M.make;
  const PAUSE_MS = 900;
  const LONGEST_MS = 4000;
  const NS = "http://www.w3.org/2000/svg";

  const monthName = new Intl.DateTimeFormat(config.language, { month: "long", year: "numeric", timeZone: "UTC" });
  const named = function (month) { return monthName.format(new Date(month.from.slice(0, 7) + "-01T00:00:00Z")); };

  /* The months between two days, the first and last of them cut at these days. */
  function monthsOf(first, last) {
    const months = [];
    let year = Number(first.slice(0, 4)), month = Number(first.slice(5, 7));
    for (;;) {
      const start = new Date(Date.UTC(year, month - 1, 1)).toISOString().slice(0, 10);
      const end = new Date(Date.UTC(year, month, 0)).toISOString().slice(0, 10);
      if (start > last || months.length > 1200) return months;
      months.push({ from: start < first ? first : start, to: end > last ? last : end });
      month += 1;
      if (month > 12) { month = 1; year += 1; }
    }
  }

  let button = null;
  let months = [];
  let at = 0;
  let player = 0; // the turn that plays; 0 is a pause
  let turns = 0;
  let range = null, output = null, play = null, said = null;

  function icon(path) {
    const svg = document.createElementNS(NS, "svg"), line = document.createElementNS(NS, "path");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    line.setAttribute("d", path);
    svg.append(line);
    return svg;
  }
  function dress() {
    const still = M.still.matches;
    const label = still ? words.time_next : player ? words.time_pause : words.time_play;
    play.replaceChildren(icon(still ? "M6 5l9 7-9 7zM18 5v14" : player ? "M8 5v14M16 5v14" : "M7 4l12 8-12 8z"));
    play.setAttribute("aria-label", label);
    play.title = label;
  }

  /* Shows a month, and says it where nothing plays. */
  function show(index, quiet) {
    const turn = state.month ? state.month.turn + 1 : 0;
    at = index;
    state.month = Object.assign({ share: 1 / months.length, turn: turn }, months[at]);
    const name = named(months[at]);
    range.value = String(at);
    range.setAttribute("aria-valuetext", name);
    output.textContent = name;
    if (!quiet) said.textContent = name;
    return M.refresh();
  }

  function pause() {
    if (!player) return;
    player = 0;
    dress();
    said.textContent = named(months[at]);
  }
  const wait = function (ms) { return new Promise(function (done) { setTimeout(done, ms); }); };
  function step(turn) {
    if (player !== turn) return;
    const painted = show((at + 1) % months.length, true).then(M.painted);
    Promise.race([Promise.all([painted, wait(PAUSE_MS)]), wait(LONGEST_MS)]).then(function () {
      if (player !== turn) return;
      if (at === months.length - 1) pause(); else step(turn);
    });
  }
  function playOrPause() {
    if (M.still.matches) { show((at + 1) % months.length); return; }
    if (player) { pause(); return; }
    turns += 1;
    player = turns;
    dress();
    step(player);
  }

  function open() {
    if (button.getAttribute("aria-expanded") === "true") { M.closePanel(true); return; }
    const given = new URLSearchParams(state.filters);
    const first = [config.first, given.get("from") || ""].sort().pop();
    const last = [config.last, given.get("to") || config.last].sort()[0];
    months = monthsOf(first, last);
    if (!months.length) { M.say(words.time_none); return; }
    play = make("button", { type: "button", class: "ow-play" });
    play.addEventListener("click", playOrPause);
    range = make("input", { type: "range", min: 0, max: months.length - 1, step: 1, "aria-label": words.time_month });
    range.addEventListener("input", function () { pause(); show(Number(range.value), true); });
    output = make("strong", { class: "ow-month" });
    said = make("p", { class: "ow-heard", role: "status" });
    const take = M.action(words.time_use, function () {
      const month = months[at];
      M.closePanel(true);
      M.narrow({ from: month.from, to: month.to });
    });
    const close = M.action(words.time_all, function () { M.closePanel(true); }, true);
    const ends = make("p", { class: "ow-ends", "aria-hidden": "true" }, [make("span", {}, [named(months[0])]), make("span", {}, [named(months[months.length - 1])])]);
    M.closeCard();
    M.openPanel(words.time, [
      output, make("div", { class: "ow-slide" }, [play, make("div", {}, [range, ends])]),
      make("div", { class: "ow-actions" }, M.page ? [take, close] : [close]), said,
    ], button, gone);
    dress();
    show(months.length - 1, true);
    play.focus();
  }
  function gone() {
    player = 0;
    if (!state.month) return;
    state.month = null;
    M.refresh();
  }

  function tools() {
    if (!config.first) return;
    button = M.tool(words.time, "M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18M12 7v5l3 3", open);
    button.setAttribute("aria-expanded", "false");
  }
  M.still.addEventListener("change", function () { if (button && button.getAttribute("aria-expanded") === "true") { pause(); dress(); } });

  Object.assign(M, {
    timeTools: tools,
    /* A month of one map is not to be held against the whole of another one. */
    monthsOff: function (off) { if (button) button.hidden = off; },
    /* The page asks for something else: its months are others. */
    endTime: function () { if (state.month) { state.month = null; M.closePanel(); } },
  });
})();
