(function () {
  "use strict";
  const page = document.documentElement;
  const all = JSON.parse(document.getElementById("points").textContent);
  const SVG = document.getElementById("curves").querySelector("svg")?.namespaceURI;
  page.classList.add("script");

  function shown(value, percent) {
    return percent ? (100 * value).toFixed(2) + " %" : String(Number(value.toPrecision(6)));
  }

  function part(parent, name, attributes) {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    parent.append(made);
    return made;
  }

  // A panel's lines with the places of their points, which are those of the page's numbers in the same order.
  function read(svg, lines) {
    return Array.from(svg.querySelectorAll("g[data-entry]"), (group, index) => {
      const drawn = group.querySelector("polyline");
      const places = drawn.getAttribute("points").split(" ").map((pair) => pair.split(",").map(Number));
      return { group, places, color: drawn, ...lines[index] };
    });
  }

  function nearest(places, x) {
    let low = 0;
    let high = places.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (places[middle][0] > x) high = middle; else low = middle;
    }
    return Math.abs(places[high][0] - x) < Math.abs(places[low][0] - x) ? high : low;
  }

  function watch(svg, figure) {
    const lines = read(svg, figure.lines);
    const box = svg.parentElement;
    const width = svg.viewBox.baseVal.width;
    const bySeconds = svg.classList.contains("over-seconds");
    let cross = null;
    let tip = null;
    let at = null;

    function hide() {
      cross?.remove();
      tip?.remove();
      cross = tip = at = null;
    }

    function show(x) {
      const visible = lines.filter((line) => !line.group.classList.contains("off"));
      hide();
      if (visible.length === 0) return;
      const found = visible.map((line) => ({ line, index: nearest(line.places, x) }));
      const place = ({ line, index }) => line.places[index];
      const first = found.reduce((a, b) => (Math.abs(place(b)[0] - x) < Math.abs(place(a)[0] - x) ? b : a));
      at = { line: first.line, index: first.index };
      const [left] = place(first);
      cross = part(svg, "g", { class: "cross" });
      part(cross, "line", { x1: left, x2: left, y1: 12, y2: svg.viewBox.baseVal.height - 44 });
      tip = document.createElement("div");
      tip.className = "tip";
      tip.setAttribute("role", "status");
      const { sweep, seconds } = first.line;
      tip.append("sweep " + sweep[first.index] + ", " + Number(seconds[first.index].toPrecision(4)) + " s");
      for (const { line, index } of found) {
        const [cx, cy] = line.places[index];
        const color = getComputedStyle(line.color).stroke;
        if (bySeconds || cx === left) part(cross, "circle", { cx, cy, r: 4.5, fill: color });
        const row = document.createElement("div");
        const mark = document.createElement("span");
        mark.textContent = "\u25cf";
        mark.style.color = color;
        const value = document.createElement("b");
        // Lines end at different places: what stands elsewhere says where.
        const elsewhere = line.sweep[index] === sweep[first.index] ? "" : " (sweep " + line.sweep[index] + ")";
        value.textContent = shown(line.value[index], figure.percent);
        row.append(mark, line.name + elsewhere, value);
        tip.append(row);
      }
      box.append(tip);
      const scale = svg.getBoundingClientRect().width / width;
      const room = box.clientWidth - tip.offsetWidth;
      const beside = left * scale + 12;
      tip.style.left = Math.max(0, beside > room ? Math.min(room, left * scale - tip.offsetWidth - 12) : beside) + "px";
      tip.style.top = "0.75rem";
    }

    svg.addEventListener("pointermove", (event) => {
      const rectangle = svg.getBoundingClientRect();
      show(((event.clientX - rectangle.left) * width) / rectangle.width);
    });
    svg.addEventListener("pointerleave", hide);
    svg.addEventListener("blur", hide);
    addEventListener("resize", hide);
    svg.tabIndex = 0;
    svg.addEventListener("keydown", (event) => {
      const steps = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
      if (event.key === "Escape") hide();
      if (!(event.key in steps)) return;
      event.preventDefault();
      const line = at?.line ?? lines.find((one) => !one.group.classList.contains("off"));
      if (!line) return;
      const last = line.places.length - 1;
      const index = at ? at.index + steps[event.key] : event.key === "End" ? last : 0;
      show(line.places[Math.min(last, Math.max(0, index))][0]);
    });
  }

  for (const [id, figure] of Object.entries(all)) {
    for (const svg of document.getElementById(id).querySelectorAll("svg.chart")) watch(svg, figure);
  }

  for (const input of document.querySelectorAll(".legend input")) {
    const scope = input.closest("figure") ?? input.closest("section");
    const update = () => {
      for (const group of scope.querySelectorAll("g[data-entry='" + input.dataset.entry + "']")) {
        group.classList.toggle("off", !input.checked);
      }
    };
    input.addEventListener("change", update);
    // A browser may have kept what was chosen before the page was loaded again.
    update();
  }

  // What is folded is printed too.
  addEventListener("beforeprint", () => {
    for (const folded of document.querySelectorAll("details:not([open])")) {
      folded.open = true;
      folded.dataset.printed = "";
    }
  });
  addEventListener("afterprint", () => {
    for (const folded of document.querySelectorAll("details[data-printed]")) {
      folded.open = false;
      delete folded.dataset.printed;
    }
  });
})();
