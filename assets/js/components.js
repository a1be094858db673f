/* Our own Dash components, without a bundler; the Python side is portal/components/elements.py. */
(function () {
  "use strict";
  const React = window.React;
  const h = React.createElement;

  /* ---- a page ----
     Its place is beside Dash's own, so that it outlives what Dash makes anew at each callback. */

  const OWN = { Svg: Svg, MapFrame: MapFrame, Field: Field };
  const NOT_MARKUP = ["children", "n_clicks", "n_clicks_timestamp", "disable_n_clicks", "key"];
  let place = null;

  function draw(node, i) {
    if (node === null || typeof node !== "object") return node;
    if (Array.isArray(node)) return node.map(draw);
    const props = { key: node.props.id || i };
    Object.keys(node.props).forEach(function (name) {
      if (!NOT_MARKUP.includes(name)) props[name] = node.props[name];
    });
    if (node.namespace === "openward_components") return h(window.openward_components[node.type], props);
    const children = [].concat(node.props.children === undefined ? [] : node.props.children).map(draw);
    return h.apply(null, [node.type.toLowerCase(), props].concat(children));
  }

  function Tree(props) {
    React.useLayoutEffect(function () {
      if (!place) {
        const home = document.createElement("div");
        home.id = "site";
        const entry = document.getElementById("react-entry-point");
        entry.parentNode.insertBefore(home, entry);
        place = window.ReactDOM.createRoot(home);
      }
      place.render(h(Shown, { of: props.tree }, draw(props.tree, 0)));
    }, [props.tree]);
    return null;
  }

  /* Tells assets/js/openward.js when a page is in its place, before it is painted. */
  function Shown(props) {
    React.useLayoutEffect(function () { window.dispatchEvent(new Event("openward:shown")); }, [props.of]);
    return props.children;
  }

  /* A chart drawn on the server. */
  function Svg(props) {
    return h("div", { id: props.id, className: props.className, dangerouslySetInnerHTML: { __html: props.svg } });
  }

  /* The map. The frame's address is set once: afterwards its page is told what changed, as soon as the address changes and
     not only when the server has answered with the page around it. */
  function MapFrame(props) {
    const frame = React.useRef(null);
    const first = React.useRef(props.src);
    const last = React.useRef(props.query); // a frame that is there late is told what was told last, not what the server said last
    const tell = React.useCallback(function () {
      if (frame.current) frame.current.contentWindow.postMessage({ type: "openward:query", query: last.current }, window.location.origin);
    }, []);
    React.useEffect(function () {
      last.current = props.query;
      tell();
    }, [props.query]);
    React.useEffect(function () {
      const node = frame.current;
      node.addEventListener("load", tell);
      return function () { node.removeEventListener("load", tell); };
    }, []);
    React.useEffect(function () {
      const soon = function () {
        if (!frame.current || window.location.pathname.replace(/\/$/, "") !== new URL(frame.current.src).pathname.replace(/\/frame$/, "")) return;
        last.current = window.location.search.slice(1);
        tell();
      };
      window.addEventListener("_dashprivate_pushstate", soon);
      window.addEventListener("popstate", soon);
      return function () {
        window.removeEventListener("_dashprivate_pushstate", soon);
        window.removeEventListener("popstate", soon);
      };
    }, []);
    return h("iframe", { id: props.id, ref: frame, src: first.current, title: props.title, className: props.className });
  }

  /* A native control. The key makes a new one when the address, and not the hand, changed its value. */
  function Field(props) {
    const shared = {
      id: props.id, name: props.name, "aria-describedby": props.describedby,
      key: props.name + "=" + props.value, defaultValue: props.value,
    };
    if (props.kind !== "select") {
      return h("input", Object.assign(shared, { type: props.kind, min: props.min, max: props.max }));
    }
    const option = function (item) { return h("option", { key: item.value, value: item.value }, item.label); };
    return h("select", shared, props.options.map(function (item) {
      return item.options
        ? h("optgroup", { key: "group " + item.label, label: item.label }, item.options.map(option))
        : option(item);
    }));
  }

  window.openward_components = Object.assign(window.openward_components || {}, OWN, { Tree: Tree });
})();
