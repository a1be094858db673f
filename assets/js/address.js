/* The address bar as a Dash component: its props follow the address. In place of dcc.Location, whose bundle is
   a third of all scripts and writes style elements, which the pages' Content Security Policy refuses. */
(function () {
  "use strict";
  const React = window.React;

  function Address(props) {
    React.useEffect(function () {
      let known = null;
      const tell = function () {
        const now = window.location.pathname + window.location.search;
        if (now === known) return; // only the fragment changed
        known = now;
        props.setProps({ pathname: window.location.pathname, search: window.location.search });
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
