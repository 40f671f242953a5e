"use strict";
// What the scripts of the page share: its data, small pieces of HTML, plots in the colours of the page.
const DATA = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);

// An element with attributes and children; text stays text.
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function fill(select, names) {
  select.replaceChildren(...names.map((name, i) => element("option", { value: i }, name)));
}

// Image number i of a sheet as the background of a tile.
function show(tile, sheet, i) {
  const place = (at, of) => (of > 1 ? `${(100 * at) / (of - 1)}%` : "0%");
  const column = i % sheet.columns;
  const row = Math.floor(i / sheet.columns);
  tile.classList.remove(...[...tile.classList].filter((name) => name.startsWith("sheet")));
  tile.classList.add(sheet.name);
  tile.style.backgroundPosition = `${place(column, sheet.columns)} ${place(row, sheet.rows)}`;
}

const fraction = (value) => (value === null ? "" : value.toFixed(3));
const between = (low, high) => `${low.toFixed(3)} to ${high.toFixed(3)}`;

// Wilson's 95 % interval of k of n.
function wilson(k, n) {
  const z = 1.959963984540054;
  const p = k / n;
  const centre = (p + (z * z) / (2 * n)) / (1 + (z * z) / n);
  const half = (z / (1 + (z * z) / n)) * Math.sqrt((p * (1 - p)) / n + (z * z) / (4 * n * n));
  return [Math.min(p, Math.max(0, centre - half)), Math.max(p, Math.min(1, centre + half))];
}

// Okabe and Ito's colours, apart for colour-blind readers; black and yellow by the page's own text.
const COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"];
const DASHES = ["solid", "dash", "dot", "dashdot"];
const SYMBOLS = ["circle", "square", "diamond", "triangle-up", "x", "cross"];

function look(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function layout(more) {
  const axis = { gridcolor: look("--line"), zerolinecolor: look("--line"), linecolor: look("--line") };
  const { xaxis = {}, yaxis = {}, ...rest } = more;
  return {
    font: { family: look("--sans"), size: 12, color: look("--text") },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    margin: { l: 52, r: 14, t: 14, b: 44 },
    hovermode: "closest",
    dragmode: false,
    ...rest,
    xaxis: { ...axis, fixedrange: true, ...xaxis },
    yaxis: { ...axis, fixedrange: true, ...yaxis },
  };
}

// Plots by the element that they stand in, each with what draws it, for when colours change.
const drawn = new Map();

function draw(id, make) {
  drawn.set(id, make);
  const { traces, ...more } = make();
  return Plotly.react(byId(id), traces, layout(more), { displayModeBar: false, responsive: true });
}

const theme = byId("theme");
const prefersDark = window.matchMedia("(prefers-color-scheme: dark)");
const isDark = () => (document.documentElement.dataset.theme || (prefersDark.matches ? "dark" : "light")) === "dark";

function recolour() {
  theme.textContent = isDark() ? "Light" : "Dark";
  theme.setAttribute("aria-label", `Show the page ${isDark() ? "light" : "dark"}`);
  for (const [id, make] of drawn) draw(id, make);
}

theme.addEventListener("click", () => {
  document.documentElement.dataset.theme = isDark() ? "light" : "dark";
  recolour();
});
prefersDark.addEventListener("change", recolour);
recolour();

// on paper all that can be opened is open, and afterwards as it was
let opened = [];
window.addEventListener("beforeprint", () => {
  opened = [...document.querySelectorAll("details.table:not([open])")];
  for (const details of opened) details.open = true;
});
window.addEventListener("afterprint", () => {
  for (const details of opened) details.open = false;
});
