/* Our own Dash components, without a bundler; the Python side is portal/components/elements.py. */
(function () {
  "use strict";
  const React = window.React;
  const h = React.createElement;

  /* A chart drawn on the server. */
  function Svg(props) {
    return h("div", { id: props.id, className: props.className, dangerouslySetInnerHTML: { __html: props.svg } });
  }

  /* The map. The frame's address is set once: afterwards its page is told what changed. */
  function MapFrame(props) {
    const frame = React.useRef(null);
    const first = React.useRef(props.src);
    React.useEffect(function () {
      const told = { type: "openward:query", query: props.query };
      const tell = function () {
        if (frame.current) frame.current.contentWindow.postMessage(told, window.location.origin);
      };
      tell();
      const node = frame.current;
      node.addEventListener("load", tell);
      return function () { node.removeEventListener("load", tell); };
    }, [props.query]);
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

  window.openward_components = { Svg: Svg, MapFrame: MapFrame, Field: Field };
})();
