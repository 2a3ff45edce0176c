// Ranked rows: a name with a bar behind it, and numbers. The first few, and all on demand.

import { h, spoken } from "../dom.js";
import { setFilter } from "../state.js";

const SHOWN = 9;

// columns: [{key, label, format, from?}]; `from` is the panel's width from which a column is shown.
// name: {label, of(row), text(row)?, title?}; filter: the filter that a click on a row sets.
export function makeTable({ caption, name, columns, rows, bar, filter, shown = SHOWN }) {
  const most = Math.max(...rows.map((row) => row[bar] ?? 0), 1);
  const body = h(
    "tbody",
    {},
    rows.map((row, index) => makeRow(row, index)),
  );
  const table = h(
    "table",
    { class: "ranked" },
    h("caption", { class: "spoken" }, caption),
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        h("th", { scope: "col" }, name.label),
        columns.map((column) =>
          h("th", { scope: "col", class: classOf(column), title: column.title }, column.label),
        ),
      ),
    ),
    body,
  );
  if (rows.length <= shown) return h("div", { class: "rows" }, table);
  const box = h("div", { class: "rows" }, table);
  const look = { type: "button", class: "more", "data-key": "more", "aria-expanded": "false" };
  const more = h("button", { ...look, onclick: expand }, `Show all ${rows.length}`);
  return [box, more];

  function expand() {
    const isOpen = more.getAttribute("aria-expanded") === "true";
    more.setAttribute("aria-expanded", String(!isOpen));
    more.textContent = isOpen ? `Show all ${rows.length}` : "Show fewer";
    box.classList.toggle("open", !isOpen);
    [...body.children].forEach((row, index) => (row.hidden = isOpen && index >= shown));
    box.scrollTop = 0;
  }

  function makeRow(row, index) {
    const value = name.of(row);
    const text = name.text ? name.text(row) : (value ?? "(not known)");
    const label = name.mark
      ? [h("span", { class: "mark", "aria-hidden": "true" }, name.mark(row)), text]
      : [text];
    const isPickable = filter && value !== null && value !== undefined;
    const pick =
      isPickable &&
      h(
        "button",
        {
          type: "button",
          class: "pick",
          title: text,
          "data-value": value,
          onclick: () => setFilter(filter, value),
        },
        label,
        spoken(": filter by it"),
      );
    return h(
      "tr",
      { hidden: index >= shown },
      h(
        "th",
        { scope: "row", style: { "--share": `${(100 * (row[bar] ?? 0)) / most}%` } },
        pick || h("span", { class: "pick", title: text }, label),
      ),
      columns.map((column) => h("td", { class: classOf(column) }, column.format(row[column.key]))),
    );
  }
}

const classOf = ({ from }) => (from ? `from-${from}` : null);
