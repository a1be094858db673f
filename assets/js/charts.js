/* A chart as a picture: its SVG file, painted twice as large and handed over as PNG. The button is in
   portal/components/take_chart.py and shown where scripts run. */
(function () {
  "use strict";
  const SCALE = 2;

  function hand(blob, name) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    document.body.appendChild(link);
    link.click();
    link.remove();
    setTimeout(function () { URL.revokeObjectURL(link.href); }, 10000);
  }

  function painted(svg) {
    // The policy lets pictures come from blob: addresses.
    const source = URL.createObjectURL(svg);
    const image = new Image();
    image.src = source;
    return image.decode().then(function () {
      const canvas = document.createElement("canvas");
      canvas.width = image.naturalWidth * SCALE;
      canvas.height = image.naturalHeight * SCALE;
      canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
      return new Promise(function (resolve) { canvas.toBlob(resolve, "image/png"); });
    }).finally(function () { URL.revokeObjectURL(source); });
  }

  document.addEventListener("click", function (event) {
    const button = event.target.closest && event.target.closest("button[data-png]");
    if (!button || button.disabled) return;
    const address = button.getAttribute("data-png");
    button.disabled = true;
    fetch(address).then(function (answer) {
      if (!answer.ok) throw new Error("no drawing: " + answer.status);
      const told = /filename="([^"]+)\.svg"/.exec(answer.headers.get("Content-Disposition") || "");
      return answer.blob().then(painted).then(function (png) { hand(png, (told ? told[1] : "chart") + ".png"); });
    }).catch(function () {
      location.assign(address); // the drawing itself is better than nothing
    }).finally(function () { button.disabled = false; });
  });
})();
