"use strict";
// How long the jobs of each rule took.
{
  const entries = DATA.timings;
  const clock = (seconds) => {
    const s = Math.round(seconds);
    const two = (n) => String(n).padStart(2, "0");
    const rest = `${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
    return s < 3600 ? rest : `${Math.floor(s / 3600)}:${rest}`;
  };
  const sum = (name) => entries.reduce((total, entry) => total + entry[name], 0);
  byId("timings-told").textContent = `${sum("jobs")} jobs of ${entries.length} rules or scripts: ${clock(sum("seconds"))} by the clock one after another, ${clock(sum("cpu"))} of CPU time.`;
  byId("timings-rows").replaceChildren(
    ...entries.map((entry) =>
      element(
        "tr",
        {},
        element("td", {}, entry.rule),
        ...[String(entry.jobs), clock(entry.seconds), clock(entry.cpu), `${Math.round(entry.memory)} MB`].map((text) => element("td", { class: "num" }, text)),
      ),
    ),
  );
  byId("seconds-rows").replaceChildren(
    ...DATA.seconds.map((entry) =>
      element(
        "tr",
        {},
        element("td", {}, entry.attack),
        element("td", {}, entry.target),
        ...[String(entry.images), entry.seconds.toFixed(2)].map((text) => element("td", { class: "num" }, text)),
      ),
    ),
  );
  const longest = entries.slice(0, 15);
  byId("timings-plot").style.height = `${24 * longest.length + 70}px`;
  draw("timings-plot", () => ({
    traces: [
      {
        type: "bar",
        orientation: "h",
        x: longest.map((e) => e.seconds),
        y: longest.map((e) => e.rule),
        marker: { color: COLOURS[0] },
        hovertext: longest.map((e) => `${e.rule}: ${clock(e.seconds)}, ${e.jobs} jobs`),
        hoverinfo: "text",
      },
    ],
    margin: { l: 170, r: 14, t: 8, b: 44 },
    xaxis: { title: { text: "seconds, all jobs of a rule" } },
    yaxis: { autorange: "reversed", ticksuffix: " " },
  }));
  if (!entries.length) byId("timings").hidden = true;
}
