"use strict";
// Attacked examples of one run, sorted and chosen by what f1 and the judges see in them.
{
  const runs = DATA.examples;
  const PAGE = 24;
  const select = { run: byId("example-run"), sort: byId("example-sort"), view: byId("example-view") };
  const turn = byId("example-turn");
  let run, order, shown;

  const keys = {
    order: (i) => i,
    confidence: (i) => (run.confidence ? -run.confidence[i] : run.embedding[i]),
    distance: (i) => run.distance[i],
    // changed before same, clear before unclear, sure before unsure
    view: (i) => (run.changed[i] ? 0 : 4) + (run.clear[i] ? 0 : 2) - (run.sure ? run.sure[i] : 0),
  };
  const views = {
    all: () => true,
    both: (i) => run.kept[i] && run.changed[i],
    same: (i) => !run.changed[i],
    unclear: (i) => !run.clear[i],
    left: (i) => !run.kept[i],
  };

  const picture = (sheet, i, text) => {
    const tile = element("span", { class: "tile", role: "img", "aria-label": text });
    show(tile, sheet, i);
    return tile;
  };

  const card = (i) => {
    const doubt = run.clear[i] ? "" : "?";
    const wanted = run.goal ? ` (wanted ${run.goal[i]})` : "";
    const f1 = run.confidence ? `f1 ${run.f1[i]}, old label ${run.confidence[i].toFixed(3)}` : `f1 ${run.f1[i]}, ${run.embedding[i].toFixed(3)}`;
    const sure = run.sure ? ` ${run.sure[i].toFixed(2)}` : "";
    const kind = run.kept[i] && run.changed[i] ? "card success" : "card";
    return element(
      "li",
      { class: kind },
      element("div", { class: "couple" }, picture(run.before, i, `original, ${run.label[i]}`), picture(run.after, i, `attacked, judged ${run.seen[i]}`)),
      element("p", {}, element("b", {}, `${run.label[i]} → ${run.seen[i]}${doubt}`), `${sure}${wanted}`),
      element("p", {}, `${f1}; L2\u00a0${run.distance[i].toFixed(1)}`),
    );
  };

  const more = () => {
    const next = order.slice(shown, shown + PAGE);
    byId("example-cards").append(...next.map(card));
    shown += next.length;
    byId("example-more").hidden = shown >= order.length;
    byId("example-count").textContent = `${shown} of ${order.length} that fit, among the first ${run.label.length} of ${run.n} examples`;
  };

  const list = () => {
    const key = keys[select.sort.value];
    order = run.label.map((_, i) => i).filter(views[select.view.value]);
    order.sort((a, b) => key(a) - key(b) || a - b);
    if (turn.getAttribute("aria-pressed") === "true") order.reverse();
    byId("example-cards").replaceChildren();
    shown = 0;
    more();
  };

  const open = () => {
    run = runs[select.run.value];
    byId("examples-note").textContent = `${run.told} Left the original, right the attacked image, under them what the judges see («?» where they differ or doubt). A bar marks what both deceives f1 and convinces the judges.`;
    byId("example-rates").replaceChildren(
      ...Object.entries(run.rates).map(([name, rate]) =>
        element("div", {}, element("dt", {}, name), element("dd", {}, element("b", {}, fraction(rate.value)), ` ${between(rate.low, rate.high)}, n ${rate.n}`)),
      ),
    );
    select.sort.options[1].textContent = run.confidence ? "f1's confidence in the old label" : "distance of f1's embeddings";
    list();
  };

  select.run.addEventListener("change", open);
  select.sort.addEventListener("change", list);
  select.view.addEventListener("change", list);
  turn.addEventListener("click", () => {
    turn.setAttribute("aria-pressed", turn.getAttribute("aria-pressed") !== "true");
    list();
  });
  byId("example-more").addEventListener("click", more);
  if (runs.length) {
    fill(select.run, runs.map((r) => r.name));
    open();
  } else byId("examples").hidden = true;
}
