// Web vitals: what the 75th percentile of page views measured, and how the web's guides rate that.

import { h } from "../dom.js";
import { formatCount, formatMs } from "../format.js";
import { tellEmpty } from "./panel.js";

const METRICS = {
  lcp_ms: ["LCP", "Largest Contentful Paint: the main content is there"],
  inp_ms: ["INP", "Interaction to Next Paint: the page answers"],
  cls: ["CLS", "Cumulative Layout Shift: nothing jumps"],
  fcp_ms: ["FCP", "First Contentful Paint: something is there"],
  ttfb_ms: ["TTFB", "Time to First Byte: the server answers"],
  load_time_ms: ["Load", "Load time: everything is there"],
};
// Each with its class: from which width of the panel it is shown.
const COLUMNS = [
  ["Metric"],
  ["Median", "from-narrow"],
  ["p75"],
  ["p90", "from-middle"],
  ["Rating"],
  ["Samples", "from-wide"],
];
const RATINGS = { good: "Good", "needs-improvement": "Needs work", poor: "Poor" };

const formatOf = (metric) =>
  metric === "cls" ? (value) => (value === null ? "–" : value.toFixed(3)) : formatMs;

export const vitals = {
  id: "vitals",
  title: "Web vitals",
  paths: () => ["/performance"],
  requests: (context, path) => [context.request(path)],
  render([{ data }]) {
    const found = new Map(data.map((row) => [row.metric, row]));
    const rows = Object.keys(METRICS).flatMap((metric) => found.get(metric) ?? []);
    if (!rows.length) return tellEmpty("No page view in this range measured its speed.");
    return [
      h(
        "table",
        { class: "vitals" },
        h("caption", { class: "spoken" }, "Percentiles of what page views measured"),
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            COLUMNS.map(([name, look]) => h("th", { scope: "col", class: look }, name)),
          ),
        ),
        h("tbody", {}, rows.map(drawRow)),
      ),
    ];
  },
};

function drawRow(row) {
  const [name, meaning] = METRICS[row.metric];
  const format = formatOf(row.metric);
  return h(
    "tr",
    {},
    h(
      "th",
      { scope: "row" },
      h("abbr", { title: meaning }, name),
      h("span", { class: "meaning" }, meaning.split(":")[0]),
    ),
    h("td", { class: "from-narrow" }, format(row.p50)),
    h("td", { class: "main", "data-value": row.p75 }, format(row.p75)),
    h("td", { class: "from-middle" }, format(row.p90)),
    h(
      "td",
      {},
      row.rating
        ? h("span", { class: `rating ${row.rating}` }, RATINGS[row.rating])
        : h("span", { class: "muted" }, "not rated"),
    ),
    h("td", { class: "from-wide" }, formatCount(row.samples)),
  );
}
