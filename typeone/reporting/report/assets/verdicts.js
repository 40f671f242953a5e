"use strict";
// The verdict table, filtered by verdict, item and words.
{
  const form = byId("verdict-filters");
  const chips = [...form.querySelectorAll(".chip")];
  const rows = [...byId("verdict-rows").rows].map((row) => ({
    row,
    kind: row.dataset.kind,
    group: row.dataset.group,
    words: row.textContent.toLowerCase(),
  }));

  const filter = () => {
    const kinds = chips.filter((c) => c.getAttribute("aria-pressed") === "true").map((c) => c.dataset.kind);
    const group = byId("verdict-group").value;
    const words = byId("verdict-search").value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const { row, kind, group: filed, words: said } of rows) {
      const wanted =
        (!kinds.length || kinds.includes(kind)) &&
        (!group || group === filed) &&
        words.every((word) => said.includes(word));
      row.hidden = !wanted;
      shown += wanted;
    }
    byId("verdict-count").textContent = `${shown} of ${rows.length} rows`;
  };

  for (const chip of chips) {
    chip.addEventListener("click", () => {
      chip.setAttribute("aria-pressed", chip.getAttribute("aria-pressed") !== "true");
      filter();
    });
  }
  byId("verdict-group").addEventListener("change", filter);
  byId("verdict-search").addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => {
    for (const chip of chips) chip.setAttribute("aria-pressed", false);
    setTimeout(filter); // once the fields are empty
  });

  // what the paper has no number for comes when it is asked for
  for (const chip of chips) if (chip.dataset.kind !== "beyond the paper") chip.setAttribute("aria-pressed", true);
  filter();
}
