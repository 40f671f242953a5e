"use strict";
// ROC of a detector, and what it rejects at the threshold that the slider stands at.
{
  const detectors = DATA.detector;
  const choice = byId("detector-choice");
  const slider = byId("detector-slider");
  let chosen;

  const rate = (name, i) => chosen.images[name].rejected[i] / chosen.images[name].n;
  const attacks = () => Object.keys(chosen.images).filter((name) => name !== "clean");
  const labels = (name) => chosen.labels[name] || name;

  // Pixels below the axis, for its title and the legend, of one or two columns.
  const below = () => 52 + 20 * Math.ceil(attacks().length / (window.matchMedia("(max-width: 48rem)").matches ? 1 : 2));

  const plot = () => {
    const at = Number(slider.value);
    const places = chosen.thresholds.map((_, i) => i);
    const fpr = places.map((i) => rate("clean", i));
    const traces = attacks().map((name, k) => ({
      x: fpr,
      y: places.map((i) => rate(name, i)),
      name: labels(name),
      mode: "lines",
      line: { color: COLOURS[k % COLOURS.length], dash: DASHES[Math.floor(k / COLOURS.length) % DASHES.length], width: 1.8 },
      hovertemplate: "%{y:.3f} at %{x:.3f}<extra>%{fullData.name}</extra>",
    }));
    const here = {
      x: attacks().map(() => fpr[at]),
      y: attacks().map((name) => rate(name, at)),
      mode: "markers",
      marker: { size: 8, color: attacks().map((_, k) => COLOURS[k % COLOURS.length]), symbol: attacks().map((_, k) => SYMBOLS[Math.floor(k / COLOURS.length) % SYMBOLS.length]) },
      hoverinfo: "skip",
      showlegend: false,
    };
    return {
      traces: [...traces, here],
      shapes: [{ type: "line", x0: fpr[at], x1: fpr[at], yref: "paper", y0: 0, y1: 1, line: { color: look("--muted"), width: 1, dash: "dash" } }],
      margin: { l: 52, r: 14, t: 14, b: below() },
      legend: { orientation: "h", yref: "container", y: 0, yanchor: "bottom", maxheight: 1, font: { size: 11 } },
      xaxis: { title: { text: "rejected of clean images" }, range: [-0.01, 1.01] },
      yaxis: { title: { text: "rejected of attacked images" }, range: [-0.02, 1.02] },
    };
  };

  const move = () => {
    const at = Number(slider.value);
    const threshold = chosen.thresholds[at];
    byId("detector-threshold").textContent = threshold.toFixed(4);
    slider.setAttribute("aria-valuetext", `${threshold.toFixed(4)}, rejects ${fraction(rate("clean", at))} of clean images`);
    byId("detector-told").textContent = `At ${threshold.toFixed(4)} the detector rejects ${fraction(rate("clean", at))} of ${chosen.images.clean.n} clean images. ${chosen.told}`;
    byId("detector-rows").replaceChildren(
      ...["clean", ...attacks()].map((name) => {
        const { n, rejected } = chosen.images[name];
        return element(
          "tr",
          { "data-name": name },
          element("td", {}, labels(name)),
          element("td", { class: "num" }, fraction(rate(name, at))),
          element("td", { class: "num" }, between(...wilson(rejected[at], n))),
          element("td", { class: "num" }, String(n)),
        );
      }),
    );
    draw("detector-plot", plot);
  };

  const nearest = (value) => chosen.thresholds.reduce((best, t, i) => (Math.abs(t - value) < Math.abs(chosen.thresholds[best] - value) ? i : best), 0);
  const to = (value) => {
    slider.value = nearest(value);
    move();
  };

  const open = () => {
    chosen = detectors[choice.value];
    byId("detector-plot").style.height = `calc(17rem + ${below()}px)`;
    slider.max = chosen.thresholds.length - 1;
    byId("detector-named").replaceChildren(
      ...chosen.named.map((value) => {
        const button = element("button", { type: "button", class: "chip" }, `zeta ${value}`);
        button.addEventListener("click", () => to(value));
        return button;
      }),
    );
    to(chosen.named[0]);
  };

  choice.addEventListener("change", open);
  slider.addEventListener("input", move);
  if (detectors.length) {
    fill(choice, detectors.map((d) => d.name));
    open();
  } else byId("detector").hidden = true;
}
