/* "Use my location": the device is asked where it is when its button is pressed, never before. The answer, rounded to
   four decimals (about 11 m), becomes a part of the page's address, which the reader sees; it is sent and kept nowhere else.
   The Python side is portal/components/address_box.py; without this file there is no button. */
(function () {
  "use strict";
  const DECIMALS = 4;
  const ROUNDED_M = 8; // as far as rounding moves a point
  const FARTHEST_M = 20000;
  const WAIT_MS = 20000;

  document.addEventListener("click", function (event) {
    const button = event.target.closest && event.target.closest("button[data-locate]");
    if (!button || button.getAttribute("aria-busy") === "true") return;
    const data = button.dataset;
    const said = document.getElementById(data.says);

    function tell(words) { if (said) said.textContent = words; }

    function found(position) {
      if (!button.isConnected) return; // the reader has gone elsewhere
      button.removeAttribute("aria-busy");
      tell("");
      const at = position.coords;
      const radius = Math.min(Math.ceil(at.accuracy || 0) + ROUNDED_M, FARTHEST_M);
      const url = new URL(data.locate === "map" ? location.href : "/places", location.href);
      ["q", "place"].forEach(function (key) { url.searchParams.delete(key); });
      url.searchParams.set("at", [at.latitude.toFixed(DECIMALS), at.longitude.toFixed(DECIMALS), radius].join(","));
      if (data.lang) url.searchParams.set("lang", data.lang);
      const focus = data.locate === "map" ? "marked" : null;
      window.dispatchEvent(new CustomEvent("openward:go", { detail: { url: url.href, focus: focus } }));
    }

    function failed(error) {
      button.removeAttribute("aria-busy");
      tell(error && error.code === 1 ? data.denied : data.failed);
    }

    if (!navigator.geolocation) { failed(null); return; }
    button.setAttribute("aria-busy", "true");
    tell(data.asking);
    navigator.geolocation.getCurrentPosition(found, failed, { enableHighAccuracy: true, timeout: WAIT_MS, maximumAge: 60000 });
  });
})();
