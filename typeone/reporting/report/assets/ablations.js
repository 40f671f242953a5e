"use strict";
// Rates of the variants of an attack, one plot an attack.
{
  const { attacks, told } = DATA.ablations;
  byId("ablations-note").textContent = told;
  for (const { name, variants } of attacks) {
    const id = `ablations-${name}`;
    const place = element("div", { id, class: "plot", role: "img", "aria-label": `Ablations of ${name}` });
    place.style.height = `${46 * variants.length + 110}px`;
    byId("ablations-plots").append(element("h3", {}, `Variant ${name}`), place);
    const rows = variants.map((v) => `${v.variant.replaceAll("_", " ")} (${Math.round(v.steps)})`);
    draw(id, () => ({
      traces: Object.keys(variants[0].rates).map((measure, k) => {
        const rates = variants.map((v) => v.rates[measure]);
        return {
          x: rates.map((r) => r.value),
          y: rows.map((_, i) => i + 0.22 * (k - 1)),
          error_x: { type: "data", symmetric: false, array: rates.map((r) => r.high - r.value), arrayminus: rates.map((r) => r.value - r.low), thickness: 1.2, width: 0, color: COLOURS[k] },
          mode: "markers",
          name: measure,
          marker: { color: COLOURS[k], symbol: SYMBOLS[k], size: 8 },
          hovertext: rates.map((r, i) => `${rows[i]}: ${fraction(r.value)} [${between(r.low, r.high)}], n ${r.n}`),
          hoverinfo: "text",
        };
      }),
      margin: { l: 150, r: 14, t: 8, b: 44 },
      legend: { orientation: "h", y: 1.02, yanchor: "bottom" },
      xaxis: { title: { text: "share of the examples" }, range: [-0.02, 1.02] },
      yaxis: { tickvals: rows.map((_, i) => i), ticktext: rows, range: [rows.length - 0.4, -0.6], zeroline: false },
    }));
  }
  if (!attacks.length) byId("ablations").hidden = true;
}
