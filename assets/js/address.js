/* The address bar as a Dash component: its props follow the address. In place of dcc.Location, whose bundle is
   a third of all scripts and writes style elements, which the pages' Content Security Policy refuses. */
(function () {
  "use strict";
  const React = window.React;

  const MAP_FIRST_MS = 500;

  /* Maps that stay on the page are seen before the page around them is asked for: both want the same two processors, here
     and on the server, and who changes a filter looks at the map (docs/decisions/0013). */
  function afterMaps(then) {
    const here = window.location.pathname.replace(/\/$/, "");
    const frames = Array.from(document.querySelectorAll("#site iframe")).filter(function (frame) {
      return new URL(frame.src).pathname === here + "/frame";
    });
    if (!frames.length) { then(); return; }
    const painted = frames.map(function (frame) {
      return new Promise(function (done) { frame.contentWindow.addEventListener("openward:painted", done, { once: true }); });
    });
    const enough = new Promise(function (done) { setTimeout(done, MAP_FIRST_MS); });
    Promise.race([Promise.all(painted), enough]).then(then);
  }

  function Address(props) {
    React.useEffect(function () {
      let known = null;
      const address = function () { return window.location.pathname + window.location.search; };
      const ask = function () { props.setProps({ pathname: window.location.pathname, search: window.location.search }); };
      const tell = function () {
        const now = address();
        if (now === known) return; // only the fragment changed
        const first = known === null;
        known = now;
        if (first) ask();
        else afterMaps(function () { if (address() === now) ask(); });
      };
      tell();
      window.addEventListener("popstate", tell);
      window.addEventListener("_dashprivate_pushstate", tell);
      return function () {
        window.removeEventListener("popstate", tell);
        window.removeEventListener("_dashprivate_pushstate", tell);
      };
    }, []);
    return null;
  }

  window.openward_components = Object.assign(window.openward_components || {}, { Address: Address });
})();
