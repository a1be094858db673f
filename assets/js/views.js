/* Saved views of the map: names and addresses in this browser's own storage, and nowhere else. The Python side is
   SavedViews in portal/components/elements.py; without scripts there is nothing to show. */
(function () {
  "use strict";
  const React = window.React;
  const h = React.createElement;
  const KEY = "openward-views";

  /* What is kept may be of an older version, or of another hand: only what is a view is read. */
  function read(longest, most) {
    try {
      const kept = JSON.parse(localStorage.getItem(KEY) || "[]");
      if (!Array.isArray(kept)) return [];
      return kept.filter(function (view) {
        return view && typeof view.name === "string" && view.name && typeof view.query === "string" && view.query.length < 5000;
      }).slice(0, most).map(function (view) { return { name: view.name.slice(0, longest), query: view.query }; });
    } catch (error) {
      return [];
    }
  }
  function write(views) {
    try { localStorage.setItem(KEY, JSON.stringify(views)); return true; } catch (error) { return false; }
  }
  function same(a, b) {
    const order = function (query) { const given = new URLSearchParams(query); given.sort(); return given.toString(); };
    return order(a) === order(b);
  }

  function SavedViews(props) {
    const words = props.words;
    const [views, setViews] = React.useState(function () { return read(props.longest, props.most); });
    const [said, setSaid] = React.useState("");
    const [wrong, setWrong] = React.useState("");
    const field = React.useRef(null);
    const list = React.useRef(null);
    const wanted = React.useRef(-1); // which "Delete" takes the focus once the list is drawn again

    React.useEffect(function () {
      const told = function (event) { if (event.key === KEY) setViews(read(props.longest, props.most)); };
      window.addEventListener("storage", told);
      return function () { window.removeEventListener("storage", told); };
    }, []);
    React.useEffect(function () {
      if (wanted.current < 0) return;
      const buttons = list.current ? list.current.querySelectorAll("button") : [];
      const next = buttons[Math.min(wanted.current, buttons.length - 1)] || field.current;
      wanted.current = -1;
      if (next) next.focus();
    }, [views]);

    function save(event) {
      event.preventDefault();
      const name = field.current.value.trim().slice(0, props.longest);
      const now = read(props.longest, props.most).filter(function (view) { return view.name !== name; });
      const problem = !name ? words.nameless : now.length >= props.most ? words.full : "";
      const next = [{ name: name, query: props.query }].concat(now);
      if (problem || !write(next)) {
        setSaid(""); setWrong(problem || words.closed);
        field.current.focus();
        return;
      }
      setViews(next); setWrong(""); setSaid(words.saved.replace("{name}", name));
    }

    function remove(i) {
      const name = views[i].name;
      const next = read(props.longest, props.most).filter(function (view) { return view.name !== name; });
      if (!write(next)) { setWrong(words.closed); return; }
      wanted.current = i;
      setViews(next); setWrong(""); setSaid(words.deleted.replace("{name}", name));
    }

    const rows = views.map(function (view, i) {
      const here = same(view.query, props.query);
      const href = "/map?" + view.query + (props.lang ? "&lang=" + encodeURIComponent(props.lang) : "");
      return h("li", { key: view.name },
        h("a", { href: href, "aria-current": here ? "true" : undefined }, view.name),
        here ? h("span", { className: "hint" }, words.here) : null,
        h("button", {
          type: "button", className: "view-delete", "aria-label": words.delete_one.replace("{name}", view.name),
          onClick: function () { remove(i); },
        }, words.delete));
    });

    return h("details", { className: "more saved-views" },
      h("summary", null, words.title + (views.length ? " (" + views.length + ")" : "")),
      h("form", { onSubmit: save, noValidate: true, className: "view-form" },
        h("label", { htmlFor: props.id + "-name" }, words.name),
        h("div", { className: "view-row" },
          h("input", {
            key: props.query, id: props.id + "-name", ref: field, type: "text", defaultValue: props.suggested, maxLength: props.longest,
            required: true, autoComplete: "off", "aria-describedby": props.id + "-told", "aria-invalid": wrong ? "true" : undefined,
            "aria-errormessage": wrong ? props.id + "-wrong" : undefined,
          }),
          h("button", { type: "submit", className: "button" }, words.save)),
        wrong ? h("p", { id: props.id + "-wrong", className: "view-wrong", role: "alert" }, wrong) : null,
        h("p", { id: props.id + "-told", className: "detail" }, words.told)),
      h("p", { role: "status", className: "view-said" }, said),
      views.length ? h("ul", { ref: list, className: "view-list" }, rows) : h("p", { className: "detail" }, words.none));
  }

  window.openward_components = Object.assign(window.openward_components || {}, { SavedViews: SavedViews });
})();
