/* Figures of areas: where they come from in an answer, how they are said, and their classes. */
(function () {
  "use strict";
  const M = window.openward_map;
  const config = M.config, words = M.words, state = M.state, fill = M.fill, count = M.count;

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
    return M.color.classes[Math.round(steps * spread)];
  };

  Object.assign(M, { FIGURE: FIGURE, TITLE: TITLE, classify: classify, valueOf: valueOf, classColor: classColor });
})();
