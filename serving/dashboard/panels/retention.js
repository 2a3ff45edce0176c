// Retention: of those who first came in a period, how many came again in each later one.

import { h, spoken } from "../dom.js";
import { formatCount, formatRatio, formatTime } from "../format.js";
import { tellEmpty } from "./panel.js";

const MOST_COHORTS = 15;
const NAMES = { day: "Day", week: "Week", month: "Month" };

function chooseCohorts({ state, range }) {
  if (state.tabs.cohorts) return state.tabs.cohorts;
  if (range.days <= 15) return "day";
  return range.days <= 100 ? "week" : "month";
}

export const retention = {
  id: "retention",
  title: "Retention",
  paths: () => ["/retention"],
  tabs: {
    name: "cohorts",
    label: "Cohorts by",
    options: [
      ["", "Auto"],
      ["day", "Day"],
      ["week", "Week"],
      ["month", "Month"],
    ],
  },
  requests: (context, path) => [
    context.request(path, { interval: chooseCohorts(context), limit: 10_000 }),
  ],
  render([{ data }], context) {
    if (!data.length)
      return tellEmpty(
        "Nobody came for the first time in this range, or no session is closed yet.",
      );
    const cohorts = [...Map.groupBy(data, (row) => row.cohort)].slice(-MOST_COHORTS);
    return drawGrid(cohorts, chooseCohorts(context));
  },
};

function drawGrid(cohorts, interval) {
  const periods = Math.max(...cohorts.flatMap(([, rows]) => rows.map((row) => row.period))) + 1;
  const numbers = Array.from({ length: Math.min(periods, MOST_COHORTS) }, (_, period) => period);
  const head = h(
    "tr",
    {},
    h("th", { scope: "col" }, "First came"),
    h("th", { scope: "col" }, "People"),
    numbers.map((period) =>
      h("th", { scope: "col" }, spoken(`${NAMES[interval]} `), String(period)),
    ),
  );
  const rows = cohorts.map(([cohort, found]) => {
    const byPeriod = new Map(found.map((row) => [row.period, row]));
    return h(
      "tr",
      {},
      h("th", { scope: "row" }, formatTime(cohort, interval === "month" ? "month" : "day")),
      h("td", {}, formatCount(found[0].size)),
      numbers.map((period) => drawCell(byPeriod.get(period))),
    );
  });
  return [
    h(
      "div",
      { class: "scroll", tabindex: "0", role: "region", "aria-label": "Retention grid" },
      h(
        "table",
        { class: "grid" },
        h(
          "caption",
          { class: "spoken" },
          `Share of each ${interval}'s new people who came again, by ${interval}s since`,
        ),
        h("thead", {}, head),
        h("tbody", {}, rows),
      ),
    ),
    h(
      "p",
      { class: "note" },
      `${NAMES[interval]}s since the first visit, UTC. `,
      h("span", { class: "open-key" }, "≥"),
      " the period is not over yet.",
    ),
  ];
}

function drawCell(row) {
  if (!row) return h("td", { class: "none" });
  const text = `${row.complete ? "" : "≥"}${formatRatio(row.rate).replace(/\.\d+%/, "%")}`;
  const counted = `${formatCount(row.visitors)} of ${formatCount(row.size)}`;
  const title = row.complete ? counted : `${counted}; not over yet`;
  return h(
    "td",
    {
      class: `rate ${row.rate > 0.5 ? "strong" : ""} ${row.complete ? "" : "open"}`,
      style: { "--rate": `${Math.round(100 * row.rate)}%` },
      title,
    },
    text,
  );
}
