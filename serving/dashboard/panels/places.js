// Countries: a map, and a ranked table with everything that is on it.

import { h, s } from "../dom.js";
import { formatCount, formatFlag, formatPlace } from "../format.js";
import { setFilter } from "../state.js";
import { tellEmpty } from "./panel.js";
import { makeTable } from "./table.js";

const SHADES = 5;
let outlines = null;

// The map is of this page's own files; without it the table is all there is.
async function loadOutlines() {
  const response = await fetch("/dashboard/vendor/world-atlas/world.svg");
  if (!response.ok) throw new Error(`the map is not there (${response.status})`);
  const drawn = new DOMParser().parseFromString(
    await response.text(),
    "image/svg+xml",
  ).documentElement;
  return {
    viewBox: drawn.getAttribute("viewBox"),
    shapes: [...drawn.children].map((one) => [one.id, one.getAttribute("d")]),
  };
}

export const places = {
  id: "places",
  title: "Countries",
  paths: () => ["/geo"],
  requests: (context, path) => [context.request(path, { group_by: "country", limit: 300 })],
  render([{ data }]) {
    if (!data.length) return tellEmpty("No visitors in this range.");
    const map = h("div", { class: "map" });
    drawMap(map, data);
    const table = makeTable({
      caption: "Countries, those with most visitors first",
      rows: [...data].sort((one, other) => other.unique_visitors - one.unique_visitors),
      name: {
        label: "Country",
        of: (row) => row.country,
        text: (row) => formatPlace(row.country),
        mark: (row) => formatFlag(row.country),
      },
      bar: "unique_visitors",
      filter: "country",
      columns: [
        { key: "unique_visitors", label: "Visitors", format: formatCount },
        { key: "page_views", label: "Views", from: "middle", format: formatCount },
        { key: "sessions", label: "Sessions", from: "wide", format: formatCount },
      ],
    });
    return h("div", { class: "places" }, map, h("div", {}, table));
  },
};

async function drawMap(box, rows) {
  try {
    outlines ??= loadOutlines();
    const { viewBox, shapes } = await outlines;
    const found = new Map(rows.map((row) => [row.country, row]));
    const most = Math.max(...rows.map((row) => row.unique_visitors), 1);
    // A square root, or one large country would leave all others blank.
    const shade = (row) => Math.max(1, Math.ceil(SHADES * Math.sqrt(row.unique_visitors / most)));
    box.append(
      s(
        "svg",
        { viewBox, "aria-hidden": "true" },
        shapes.map(([code, d]) => {
          const row = found.get(code);
          if (!row || !row.unique_visitors) return s("path", { d });
          const [visitors, views] = [row.unique_visitors, row.page_views].map(formatCount);
          const text = `${formatPlace(code)}: ${visitors} visitors, ${views} views`;
          return s(
            "path",
            {
              d,
              class: `shade-${shade(row)}`,
              "data-country": code,
              onclick: () => setFilter("country", code),
            },
            s("title", {}, text),
          );
        }),
      ),
    );
  } catch (error) {
    outlines = null;
    box.append(h("p", { class: "note problem" }, `The map could not be shown: ${error.message}`));
  }
}
