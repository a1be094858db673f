/* The fingerprint (SHA-256) of a file, worked out here: the file is read in pieces and sent nowhere. The browser's own
   crypto.subtle wants a file whole in memory, and only over https, so the hash is written out below (FIPS 180-4). */
(function () {
  "use strict";

  const PIECE = 4 << 20;

  /* The first 32 bits of the fractions of square (H) and cube (K) roots of the first primes. */
  const H = [], K = [];
  for (let n = 2; K.length < 64; n++) {
    let prime = true;
    for (let d = 2; d * d <= n; d++) if (n % d === 0) { prime = false; break; }
    if (!prime) continue;
    const bits = function (root) { return Math.floor((root - Math.floor(root)) * 4294967296) | 0; };
    if (H.length < 8) H.push(bits(Math.sqrt(n)));
    K.push(bits(Math.cbrt(n)));
  }
  const KEYS = new Int32Array(K);

  function Sha256() {
    this.state = new Int32Array(H);
    this.words = new Int32Array(64);
    this.rest = new Uint8Array(64);
    this.held = 0;
    this.length = 0;
  }

  Sha256.prototype.blocks = function (bytes, from, count) {
    const w = this.words, s = this.state;
    for (let block = 0; block < count; block++, from += 64) {
      for (let i = 0, j = from; i < 16; i++, j += 4) {
        w[i] = (bytes[j] << 24) | (bytes[j + 1] << 16) | (bytes[j + 2] << 8) | bytes[j + 3];
      }
      for (let i = 16; i < 64; i++) {
        const x = w[i - 15], y = w[i - 2];
        const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
        const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
        w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
      }
      let a = s[0], b = s[1], c = s[2], d = s[3], e = s[4], f = s[5], g = s[6], h = s[7];
      for (let i = 0; i < 64; i++) {
        const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
        const t1 = (h + s1 + ((e & f) ^ (~e & g)) + KEYS[i] + w[i]) | 0;
        const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
        const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
        h = g; g = f; f = e; e = (d + t1) | 0; d = c; c = b; b = a; a = (t1 + t2) | 0;
      }
      s[0] += a; s[1] += b; s[2] += c; s[3] += d; s[4] += e; s[5] += f; s[6] += g; s[7] += h;
    }
  };

  Sha256.prototype.add = function (bytes) {
    this.length += bytes.length;
    let from = 0;
    if (this.held) {
      from = Math.min(64 - this.held, bytes.length);
      this.rest.set(bytes.subarray(0, from), this.held);
      this.held += from;
      if (this.held < 64) return;
      this.blocks(this.rest, 0, 1);
      this.held = 0;
    }
    const whole = (bytes.length - from) >>> 6;
    this.blocks(bytes, from, whole);
    const left = bytes.subarray(from + whole * 64);
    this.rest.set(left);
    this.held = left.length;
  };

  Sha256.prototype.hex = function () {
    const padding = new Uint8Array((this.held < 56 ? 64 : 128) - this.held);
    const view = new DataView(padding.buffer), length = this.length;
    padding[0] = 0x80;
    view.setUint32(padding.length - 8, Math.floor(length / 536870912));
    view.setUint32(padding.length - 4, (length % 536870912) * 8);
    this.add(padding);
    return Array.from(this.state, function (n) { return (n >>> 0).toString(16).padStart(8, "0"); }).join("");
  };

  let turn = 0; // a file that is chosen while another is read takes its place

  async function read(file, box) {
    const mine = ++turn, told = box.querySelector("[role=status]");
    const tell = function (words) { if (told.textContent !== words) told.textContent = words; };
    if (file.size > Number(box.dataset.most)) { tell(box.dataset.large); return; }
    const hash = new Sha256();
    try {
      for (let at = 0; at < file.size; at += PIECE) {
        hash.add(new Uint8Array(await file.slice(at, at + PIECE).arrayBuffer()));
        if (mine !== turn) return;
        tell(box.dataset.reading.replace("%s", String(Math.floor(100 * Math.min(1, (at + PIECE) / file.size)))));
      }
    } catch (error) { tell(box.dataset.failed); return; }
    const field = document.getElementById("sha256"), form = document.getElementById("verify-form");
    if (!field || !form) return;
    field.value = hash.hex();
    form.requestSubmit();
  }

  function furnish() {
    document.querySelectorAll("[data-verify]").forEach(function (box) {
      if (box.firstChild) return;
      const label = document.createElement("label"), input = document.createElement("input"), told = document.createElement("p");
      input.type = "file";
      input.id = "verify-input";
      label.htmlFor = input.id;
      label.textContent = box.dataset.choose;
      told.setAttribute("role", "status");
      input.addEventListener("change", function () { if (input.files[0]) read(input.files[0], box); });
      box.append(label, input, told);
      box.addEventListener("dragover", function (event) { event.preventDefault(); });
      box.addEventListener("drop", function (event) {
        event.preventDefault();
        if (event.dataTransfer.files[0]) read(event.dataTransfer.files[0], box);
      });
    });
    document.querySelectorAll(".without-scripts").forEach(function (node) { node.hidden = true; });
  }

  window.addEventListener("openward:shown", furnish);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", furnish);
  else furnish();
})();
