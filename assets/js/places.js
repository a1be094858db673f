/* The address field: suggestions while someone types, as the combobox of ARIA 1.2 with a listbox.
   The Python side is AddressField in portal/components/elements.py; without this file it is a plain field of a form.
   Nothing that is typed is kept: an answer that is not wanted any more is given up. */
(function () {
  "use strict";
  const React = window.React;
  const h = React.createElement;
  const WAIT_MS = 120;
  const LEAST = 2;
  const AGAIN_MS = 2500;

  function AddressField(props) {
    const input = React.useRef(null);
    const pending = React.useRef({ timer: 0, control: null });
    const [found, setFound] = React.useState([]);
    const [open, setOpen] = React.useState(false);
    const [at, setAt] = React.useState(-1);
    const [said, setSaid] = React.useState({ text: "", seen: false });
    const words = props.words;
    const list = props.id + "-list";

    function giveUp() {
      clearTimeout(pending.current.timer);
      if (pending.current.control) pending.current.control.abort();
      pending.current.control = null;
    }
    React.useEffect(function () { return giveUp; }, []);

    function close() { giveUp(); setOpen(false); setAt(-1); }

    function ask(text) {
      giveUp();
      if (text.trim().length < LEAST) { setFound([]); setOpen(false); setAt(-1); setSaid({ text: "", seen: false }); return; }
      pending.current.timer = setTimeout(function () { load(text); }, WAIT_MS);
    }

    function load(text) {
      const control = new AbortController();
      pending.current.control = control;
      fetch(props.suggest + "?limit=7&q=" + encodeURIComponent(text), { signal: control.signal, credentials: "omit" })
        .then(function (answer) {
          if (answer.status === 503) {
            setSaid({ text: words.preparing, seen: true });
            pending.current.timer = setTimeout(function () { load(text); }, AGAIN_MS);
            return null;
          }
          if (!answer.ok) throw new Error(String(answer.status));
          return answer.json();
        })
        .then(function (answer) {
          if (!answer || control.signal.aborted) return;
          const rows = answer.rows;
          setFound(rows);
          setAt(-1);
          setOpen(rows.length > 0 && document.activeElement === input.current);
          const count = rows.length === 1 ? words.one : words.many.replace("{n}", rows.length);
          setSaid(rows.length ? { text: count, seen: false } : { text: words.none, seen: true });
        })
        .catch(function () {
          if (control.signal.aborted) return;
          setFound([]); setOpen(false); setSaid({ text: words.failed, seen: true });
        });
    }

    function choose(row) {
      input.current.value = row.label;
      setFound([]);
      close();
      setSaid({ text: "", seen: false });
      const url = new URL(props.leads === "map" ? location.href : row.url, location.href);
      if (props.leads === "map") {
        url.searchParams.set("at", [row.lat, row.long, Math.round(row.radius_m)].join(","));
        url.searchParams.set("place", row.label);
      }
      if (props.lang) url.searchParams.set("lang", props.lang);
      const focus = props.leads === "map" ? "marked" : null;
      window.dispatchEvent(new CustomEvent("openward:go", { detail: { url: url.href, focus: focus } }));
    }

    function onKeyDown(event) {
      const last = found.length - 1;
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        if (!found.length) return;
        event.preventDefault();
        const step = event.key === "ArrowDown" ? 1 : -1;
        if (!open) { setOpen(true); setAt(event.altKey ? -1 : step > 0 ? 0 : last); return; }
        setAt(at + step > last ? -1 : at + step < -1 ? last : at + step);
      } else if (event.key === "Enter") {
        if (open && at >= 0) { event.preventDefault(); choose(found[at]); } else close();
      } else if (event.key === "Escape") {
        if (open) { event.preventDefault(); close(); }
        else if (input.current.value) { input.current.value = ""; setFound([]); setSaid({ text: "", seen: false }); }
      }
    }

    React.useEffect(function () {
      const option = at >= 0 && document.getElementById(list + "-" + at);
      if (option) option.scrollIntoView({ block: "nearest" });
    }, [at]);

    const options = found.map(function (row, i) {
      const detail = [words.kinds[row.kind] || row.kind, row.detail].filter(Boolean).join(" · ");
      return h("li", {
        key: i, id: list + "-" + i, role: "option", "aria-selected": i === at,
        onMouseDown: function (event) { event.preventDefault(); }, // the field keeps the focus
        onClick: function () { choose(row); },
      }, h("span", { className: "address-label" }, row.label), h("span", { className: "address-detail" }, detail));
    });

    return h("div", { className: "address-field" },
      h("input", {
        key: "field " + props.value, id: props.id, ref: input, name: "q", type: "text", defaultValue: props.value, maxLength: props.longest,
        role: "combobox", "aria-autocomplete": "list", "aria-expanded": open, "aria-controls": list,
        "aria-activedescendant": open && at >= 0 ? list + "-" + at : undefined, "aria-describedby": props.describedby,
        autoComplete: "off", autoCapitalize: "words", spellCheck: false, enterKeyHint: "search",
        onChange: function (event) { ask(event.target.value); },
        onKeyDown: onKeyDown,
        onFocus: function () { if (found.length) setOpen(true); },
        onBlur: close,
      }),
      h("ul", { id: list, role: "listbox", "aria-label": words.list, hidden: !open }, options),
      h("p", { className: said.seen ? "address-said" : "visually-hidden", "aria-live": "polite" }, said.text));
  }

  window.openward_components = Object.assign(window.openward_components || {}, { AddressField: AddressField });
})();
