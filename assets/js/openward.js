/* What scripts add to pages that work without them: no reload on links and forms, colours, copying,
   and telling a screen reader what changed. Pages are drawn by Dash from the same tree as the first answer. */
(function () {
  "use strict";
  const root = document.documentElement;
  root.classList.add("js");

  const site = function () { return document.querySelector("#site > .site"); };
  const first = function () { return document.getElementById("first-answer"); };
  const shown = function () { return site() || document.querySelector("#first-answer .site"); };

  /* ---- the first answer gives way to the same page drawn by Dash ---- */

  const CONTROLS = "a[href], button, input, select, summary, [tabindex]";

  function handOver() {
    const before = first();
    if (!before || !site()) return;
    const old = Array.from(before.querySelectorAll(CONTROLS));
    // What only scripts show (assets/js/views.js) was not in the first answer.
    const fresh = Array.from(site().querySelectorAll(CONTROLS)).filter(function (node) { return !node.closest(".saved-views"); });
    const at = old.indexOf(document.activeElement);
    old.forEach(function (node, i) {
      const twin = fresh[i];
      if (!twin || twin.tagName !== node.tagName) return;
      if ((node.tagName === "SELECT" || node.tagName === "INPUT") && twin.name === node.name) twin.value = node.value;
      if (node.tagName === "SUMMARY") twin.parentElement.open = node.parentElement.open;
    });
    const scroll = window.scrollY;
    before.remove();
    window.scrollTo(0, scroll);
    if (at >= 0 && fresh[at]) fresh[at].focus({ preventScroll: true });
  }

  /* ---- going somewhere without loading a page ---- */

  function internal(url) {
    return url.origin === location.origin &&
      /^\/(|map(\/list)?|trends|areas(\/.*)?|departments(\/.*)?|data|methods|places)\/?$/.test(url.pathname);
  }

  let goal = null; // what to do when the next content has come: {focus: id or null, top: bool}

  const address = function () { return location.pathname + location.search; };
  let where = address();

  function go(url, wanted) {
    const samePage = url.pathname === location.pathname;
    goal = wanted || { focus: samePage ? null : "title", top: !samePage };
    where = url.pathname + url.search;
    history.pushState({}, "", url.pathname + url.search + url.hash);
    window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
  }

  document.addEventListener("click", function (event) {
    const link = event.target.closest && event.target.closest("a[href]");
    if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    if (link.target || link.hasAttribute("download") || first()) return;
    const url = new URL(link.href);
    if (!internal(url)) return;
    if (url.pathname === location.pathname && url.search === location.search && url.hash) return;
    if (link.hasAttribute("data-keep-query")) {
      const kept = new URLSearchParams(location.search);
      kept.set("lang", url.searchParams.get("lang"));
      url.search = kept.toString();
    }
    event.preventDefault();
    const keep = link.getAttribute("data-keep-focus");
    go(url, keep ? { focus: keep, top: false, show: link.hasAttribute("data-show") } : null);
  });

  document.addEventListener("submit", function (event) {
    const form = event.target;
    if (!form.matches("form[data-filter]")) return;
    const query = new URLSearchParams();
    new FormData(form).forEach(function (value, key) { if (value) query.append(key, value); });
    const url = new URL(form.getAttribute("action"), location.href);
    url.search = query.toString();
    event.preventDefault();
    if (first()) { location.assign(url.href); return; }
    // A filter changes the page where the reader is; the address box leads to another one.
    go(url, form.matches(".address-box") ? null : { focus: null, top: false });
  });

  // What was picked in the address field (assets/js/places.js).
  window.addEventListener("openward:go", function (event) {
    const url = new URL(event.detail.url, location.href);
    const focus = event.detail.focus;
    if (url.origin !== location.origin) return;
    if (first() || !internal(url)) location.assign(url.href);
    else go(url, focus ? { focus: focus, top: false, show: true } : null);
  });

  // A jump within the page (the skip link) fires it too, and no content comes after.
  window.addEventListener("popstate", function () {
    if (address() === where) return;
    where = address();
    goal = { focus: null, top: false };
  });

  /* ---- after the content changed ---- */

  const live = document.createElement("div");
  live.className = "visually-hidden";
  live.setAttribute("role", "status");
  live.setAttribute("aria-live", "polite");
  let last = "";

  function settled() {
    handOver();
    const page = shown();
    if (!page) return;
    const data = page.dataset;
    root.lang = page.lang || root.lang;
    if (data.title && document.title !== data.title) document.title = data.title;
    if (data.accent) root.style.setProperty("--city-accent", data.accent);
    markTheme();
    const now = data.title + "|" + data.path + "|" + data.announce;
    if (last && now !== last) live.textContent = data.announce || data.title;
    last = now;
    if (!goal) return;
    const done = goal;
    goal = null;
    if (done.top) window.scrollTo(0, 0);
    const target = done.focus && (document.getElementById(done.focus) || document.getElementById("title"));
    if (target) target.focus({ preventScroll: !done.top });
    if (target && done.show) target.scrollIntoView({ block: "start" });
  }

  window.addEventListener("openward:shown", settled);

  /* ---- colours ---- */

  function chosenTheme() { return root.dataset.theme || "auto"; }

  function markTheme() {
    document.querySelectorAll("[data-theme-choice]").forEach(function (button) {
      const now = String(button.dataset.themeChoice === chosenTheme());
      if (button.getAttribute("aria-pressed") !== now) button.setAttribute("aria-pressed", now);
    });
  }

  function chooseTheme(value) {
    if (value === "auto") delete root.dataset.theme; else root.dataset.theme = value;
    try { localStorage.setItem("openward-theme", value); } catch (error) { /* it lasts until the page is left */ }
    markTheme();
    document.querySelectorAll("iframe").forEach(function (frame) {
      frame.contentWindow.postMessage({ type: "openward:theme", theme: value }, location.origin);
    });
  }

  document.addEventListener("click", function (event) {
    const button = event.target.closest && event.target.closest("button");
    if (!button) return;
    if (button.dataset.themeChoice) chooseTheme(button.dataset.themeChoice);
    if (button.hasAttribute("data-copy")) copy(button);
  });

  function copy(button) {
    const text = button.parentElement.querySelector("pre").textContent;
    if (!navigator.clipboard) return;
    navigator.clipboard.writeText(text).then(function () {
      const words = button.textContent;
      const page = shown();
      button.textContent = (page && page.dataset.copied) || words;
      live.textContent = button.textContent;
      setTimeout(function () { button.textContent = words; }, 2000);
    });
  }

  function start() {
    document.body.appendChild(live);
    settled();
  }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
