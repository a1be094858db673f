/* Figures of areas: where they come from in an answer, how they are said, and their classes. Counts and rates have classes
   of equal numbers of areas; times and shares part at the value of all the selected requests together. */
(function () {
  "use strict";
  const M = window.openward_map;
  const config = M.config, words = M.words, state = M.state, fill = M.fill, count = M.count;

  const counted = function (row) { return row.requests; };
  const share = function (name) {
    return {
      of: function (row) { return row[name] && row[name].share; }, n: function (row) { return row[name] ? row[name].n : 0; },
      k: function (row) { return row[name].k; }, say: percent, slow: "low",
    };
  };
  const time = function (name, quantile) {
    return {
      of: function (row) { return row[name] && row[name].hours; }, n: function (row) { return row.n; }, say: duration,
      quantile: quantile, slow: "high",
    };
  };
  /* slow: which end of a scale that parts in the middle is the one to wait at. */
  const FIGURE = {
    count: { of: counted, n: function () { return Infinity; }, say: count, adds: true },
    rate: { of: perThousand, n: counted, say: rounded, adds: true },
    median: time("median", "50"),
    p90: time("p90", "90"),
    open: { of: function (row) { return row.requests ? row.open / row.requests : null; }, n: counted, k: function (row) { return row.open; }, say: percent, slow: "high" },
    on_time: share("on_time"),
    done: share("done"),
  };
  const TITLE = {
    count: words.count, rate: words.rate, median: words.median, p90: words.p90, open: words.open_share, on_time: words.on_time, done: words.done,
  };

  function residents(code) { return (config.residents[state.layer] || {})[code] || 0; }
  function perThousand(row) { const n = residents(row.key); return n ? 1000 * row.requests / n : null; }
  function rounded(value) { return value < 10 ? count(Math.round(value * 10) / 10) : count(Math.round(value)); }
  function percent(value) { return Math.round(value * 100) + "%"; }
  function duration(hours) {
    if (hours === null || hours === undefined) return words.unreached;
    const short = function (value) { return value < 10 ? String(Math.round(value * 10) / 10) : String(Math.round(value)); };
    if (hours < 1.5) return fill(words.minutes, { n: Math.round(hours * 60) });
    if (hours < 48) return fill(words.hours, { n: short(hours) });
    if (hours < 2400) return fill(words.days, { n: short(hours / 24) });
    if (hours < 24 * 730) return fill(words.months, { n: short(hours / 730.5) });
    return fill(words.years, { n: short(hours / 8766) });
  }

  const twoDigits = function (value) { return Number(value.toPrecision(2)); };

  /* Breaks at equal numbers of areas, rounded to what can be said in two digits. */
  function sequence(sorted) {
    const breaks = [], say = FIGURE[state.figure].say;
    for (let i = 1; i < 5; i += 1) {
      const at = twoDigits(sorted[Math.min(Math.floor((i / 5) * sorted.length), sorted.length - 1)]);
      const before = breaks.length ? breaks[breaks.length - 1] : sorted[0];
      if (at > before && say(at) !== say(before) && say(at) !== say(sorted[sorted.length - 1])) breaks.push(at);
    }
    return { low: sorted[0], high: sorted[sorted.length - 1], breaks: breaks, middle: null };
  }

  const FACTORS = [1.05, 1.1, 1.15, 1.2, 1.3, 1.4, 1.6, 2, 3];
  const STEPS = [0.01, 0.02, 0.03, 0.05, 0.08, 0.1, 0.15, 0.2];
  const UNITS = [[1.5, 1 / 60], [48, 1], [2400, 24], [17520, 730.5], [Infinity, 8766]];
  /* A time as it is said: whole from ten on, else to a tenth, in the unit of its size. */
  function sayable(hours) {
    const unit = UNITS.find(function (each) { return hours < each[0]; })[1];
    const n = hours / unit;
    return (n < 10 ? Math.round(n * 10) / 10 : Math.round(n)) * unit;
  }
  /* Two classes on either side of the middle one, as wide as keeps four of five areas within them and reads apart. Times part by
     factors (half as long, twice as long), shares by points. */
  function around(sorted, middle, times) {
    const off = sorted.map(function (value) { return times ? Math.abs(Math.log(value / middle)) : Math.abs(value - middle); });
    off.sort(function (a, b) { return a - b; });
    const most = off[Math.floor(0.8 * (off.length - 1))];
    const choices = times ? FACTORS : STEPS;
    const say = FIGURE[state.figure].say;
    const wide = choices.filter(function (each) { return 2 * (times ? Math.log(each) : each) >= most; });
    const made = (wide.length ? wide : choices.slice(-1)).map(function (step) {
      return [-2, -1, 1, 2].map(function (i) {
        return times ? sayable(middle * Math.pow(step, i)) : Math.round((middle + i * step) * 100) / 100;
      });
    });
    const breaks = made.find(function (each) { return new Set(each.map(say)).size === each.length; }) || made[made.length - 1];
    return { low: sorted[0], high: sorted[sorted.length - 1], breaks: breaks, middle: middle };
  }

  /* The classes of the values of areas; `together` is the value of all selected requests, null where it has none. */
  function classify(values, together) {
    const figure = FIGURE[state.figure];
    const sorted = values.slice().sort(function (a, b) { return a - b; });
    if (!sorted.length) return { low: 0, high: 0, breaks: [], middle: null };
    const parts = figure.slow && together !== null && (!figure.quantile || (together > 0 && sorted[0] > 0));
    return parts ? around(sorted, together, Boolean(figure.quantile)) : sequence(sorted);
  }
  /* Classes of a count over a part of the time. */
  function scaled(classes, by) {
    if (!FIGURE[state.figure].adds) return classes;
    const breaks = classes.breaks.map(function (at) { return twoDigits(at * by); });
    return Object.assign({}, classes, { low: classes.low * by, high: classes.high * by, breaks: breaks });
  }
  /* The share of all rows together; of each request one row tells. */
  function together(rows, quantiles) {
    const figure = FIGURE[state.figure];
    if (figure.quantile) {
      const all = quantiles && quantiles[figure.quantile];
      return all ? all.hours : null;
    }
    if (!figure.k) return null;
    const n = rows.reduce(function (sum, row) { return sum + figure.n(row); }, 0);
    const k = rows.reduce(function (sum, row) { return sum + figure.k(row); }, 0);
    return n ? k / n : null;
  }

  const valueOf = function (code) {
    const row = state.values && state.values[code];
    return row ? valueIn(row) : null;
  };
  const valueIn = function (row) {
    const figure = FIGURE[state.figure];
    if (!figure) return null;
    const value = figure.of(row);
    return figure.n(row) < config.few || value === null || value === undefined ? null : value;
  };
  /* The colour of the class that begins at, or holds, a value. */
  const classColor = function (value) {
    const breaks = state.classes.breaks;
    const steps = breaks.filter(function (at) { return value >= at; }).length;
    if (state.classes.middle === null) return M.color.classes[Math.round(steps * (breaks.length ? 4 / breaks.length : 0))];
    return M.color.apart[FIGURE[state.figure].slow === "high" ? steps : 4 - steps];
  };

  Object.assign(M, {
    FIGURE: FIGURE, TITLE: TITLE, classify: classify, scaled: scaled, together: together, valueOf: valueOf, valueIn: valueIn, classColor: classColor,
  });
})();
