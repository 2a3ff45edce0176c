// Which tables and columns there are, from GET /query/schema; a click puts a name into the editor.

import { ask, explain } from "../api.js";
import { element, h } from "../dom.js";

export async function showSchema(insert) {
  const box = element("schema");
  try {
    const { data } = await ask("/query/schema", {}, { isKept: true });
    box.replaceChildren(...data.map((table) => drawTable(table, insert)));
  } catch (error) {
    const again = h("button", { type: "button", onclick: () => showSchema(insert) }, "Try again");
    box.replaceChildren(h("div", { class: "message problem" }, h("p", {}, explain(error)), again));
  }
}

function drawTable(table, insert) {
  const put = (text) => () => insert(text);
  const column = (one) =>
    h(
      "li",
      {},
      h(
        "button",
        { type: "button", class: "name", title: one.help, onclick: put(one.name) },
        one.name,
      ),
      h("span", { class: "type" }, one.type),
    );
  const metric = (one) =>
    h(
      "li",
      {},
      h(
        "button",
        {
          type: "button",
          class: "name",
          title: `${one.help}\n${one.sql}`,
          onclick: put(`${one.sql} AS ${one.name}`),
        },
        one.name,
      ),
      h("span", { class: "type" }, "metric"),
    );
  const details = h("details", {}, h("summary", {}, table.name));
  // Hundreds of columns are made only where somebody looks.
  details.addEventListener("toggle", () => {
    if (!details.open || details.children.length > 1) return;
    details.append(
      h(
        "p",
        { class: "muted" },
        table.help,
        " ",
        h(
          "button",
          { type: "button", class: "plain", onclick: put(table.name) },
          "Insert its name",
        ),
      ),
      h("ul", {}, table.columns.map(column), table.metrics.map(metric)),
    );
  });
  return details;
}
