"use strict";
// Filmstrips of followed examples, one image at a time.
{
  const runs = DATA.filmstrips;
  const choice = { run: byId("strip-run"), example: byId("strip-example"), slider: byId("strip-slider") };
  let run, strip;

  const told = (i) => {
    const step = strip.steps[i];
    const ends = i === 0 ? "the original" : step === null ? "the attacked image as stored" : `step ${step}`;
    return `${ends}: ${run.measure} ${fraction(strip.values[i])}`;
  };

  const plot = () => {
    const at = Number(choice.slider.value);
    const order = strip.values.map((_, i) => i);
    const line = { x: order.map((i) => i + 1), y: strip.values, mode: "lines+markers", line: { color: COLOURS[0], width: 2 }, marker: { size: 5 }, hovertext: order.map(told), hoverinfo: "text" };
    const here = { x: [at + 1], y: [strip.values[at]], mode: "markers", marker: { size: 13, color: COLOURS[1], symbol: "circle-open", line: { width: 3 } }, hoverinfo: "skip" };
    const shapes = run.threshold === null ? [] : [{ type: "line", xref: "paper", x0: 0, x1: 1, y0: run.threshold, y1: run.threshold, line: { color: look("--muted"), width: 1, dash: "dash" } }];
    const top = run.threshold === null ? 1.03 : Math.max(run.threshold, ...strip.values) * 1.08;
    return {
      traces: [line, here],
      shapes,
      showlegend: false,
      xaxis: { title: { text: "image" }, range: [0.4, strip.values.length + 0.6], zeroline: false },
      yaxis: { title: { text: run.measure }, range: [-0.03 * top, top], zeroline: false },
    };
  };

  const go = (i) => {
    const last = strip.values.length - 1;
    const at = Math.max(0, Math.min(last, i));
    choice.slider.value = at;
    choice.slider.setAttribute("aria-valuetext", `${at + 1} of ${last + 1}, ${told(at)}`);
    show(byId("strip-image"), strip.sheet, at);
    byId("strip-image").setAttribute("aria-label", `${strip.title}; ${told(at)}`);
    byId("strip-told").textContent = told(at);
    byId("strip-back").disabled = at === 0;
    byId("strip-on").disabled = at === last;
    for (const [place, tile] of [...byId("strip-tiles").children].entries()) {
      if (place === at) tile.setAttribute("aria-current", "true");
      else tile.removeAttribute("aria-current");
    }
    draw("strip-plot", plot);
  };

  const open = () => {
    strip = run.strips[choice.example.value];
    choice.slider.max = strip.values.length - 1;
    byId("strip-tiles").replaceChildren(
      ...strip.values.map((value, i) => {
        const tile = element("button", { type: "button", class: "frame", "aria-label": `Image ${i + 1}, ${told(i)}`, tabindex: -1 });
        const image = element("span", { class: "tile" });
        show(image, strip.sheet, i);
        tile.append(image, element("span", {}, value.toFixed(2)));
        tile.addEventListener("click", () => go(i));
        return tile;
      }),
    );
    go(0);
  };

  const openRun = () => {
    run = runs[choice.run.value];
    fill(choice.example, run.strips.map((s) => s.title));
    open();
  };

  const step = (by) => go(Number(choice.slider.value) + by);
  choice.run.addEventListener("change", openRun);
  choice.example.addEventListener("change", open);
  choice.slider.addEventListener("input", () => go(Number(choice.slider.value)));
  byId("strip-back").addEventListener("click", () => step(-1));
  byId("strip-on").addEventListener("click", () => step(1));
  byId("filmstrips").addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by || event.target.matches("select, input")) return; // those know what to do
    event.preventDefault();
    step(by);
  });
  if (runs.length) {
    fill(choice.run, runs.map((r) => r.name));
    openRun();
  } else byId("filmstrips").hidden = true;
}
