// The top line, and the chart of what is chosen in it. Page views and visitors count at once
// (GET /views); the rest is of closed sessions (GET /sessions). Filters decide which path can tell.

import { makeChart, makeChartTable } from "../charts/line.js";
import { makeSpark } from "../charts/spark.js";
import { choosePath } from "../contract.js";
import { h, spoken } from "../dom.js";
import {
  describeChange,
  formatBucket,
  formatCount,
  formatDuration,
  formatRatio,
  formatShort,
  formatTick,
} from "../format.js";
import { fillBuckets, listBuckets } from "../ranges.js";
import { getMoneyFormat } from "../sites.js";
import { openTab } from "../state.js";

// Which path tells page views and visitors: the first that takes all filters. Those of sessions
// are of closed ones; those of one page are of that page.
const VIEWS = ["/views", "/sessions", "/pages"];
const SESSIONS = ["/sessions"];
const CARDS = [
  { key: "unique_visitors", name: "Visitors", group: "traffic", of: "views", format: formatShort },
  { key: "page_views", name: "Page views", group: "traffic", of: "views", format: formatShort },
  { key: "sessions", name: "Sessions", of: "sessions", format: formatShort },
  {
    key: "bounce_rate",
    name: "Bounce rate",
    of: "sessions",
    format: formatRatio,
    isLessBetter: true,
  },
  { key: "avg_duration_s", name: "Visit duration", of: "sessions", format: formatDuration },
  { key: "conversions", name: "Conversions", of: "sessions", format: formatShort },
  { key: "revenue", name: "Revenue", of: "sessions", isMoney: true },
].map((card) => ({ group: card.key, ...card }));

export const overview = {
  id: "overview",
  title: "Overview",
  paths: () => VIEWS,
  key: ({ state }) => [state.tabs.metric, state.compare],
  requests: (context, path) => Object.values(planRequests(context, path)),
  render(answers, context, path) {
    const names = Object.keys(planRequests(context, path));
    const found = Object.fromEntries(names.map((name, index) => [name, answers[index].data]));
    return [drawCards(found, context), ...drawChart(found, context), ...tellPath(path, found)];
  },
};

function planRequests(context, path) {
  const { range, state, filters, request } = context;
  const hasSessions = choosePath(SESSIONS, filters).lacking.length === 0;
  const isOne = hasSessions && path === SESSIONS[0];
  const chosen = CARDS.find((card) => card.group === state.tabs.metric).of;
  const parts = [
    ["views", path, !isOne],
    ["sessions", SESSIONS[0], hasSessions],
  ].filter(([, , isAsked]) => isAsked);
  const plan = {};
  for (const [name, from] of parts) {
    plan[`${name}.now`] = request(from);
    const series = request(from, { interval: range.interval, limit: 10_000 });
    plan[`${name}.series`] = { ...series, isCsv: isOne || name === chosen };
    if (!state.compare) continue;
    plan[`${name}.before`] = request(from, {}, range.beforeSoFar);
    if (name === chosen || isOne)
      plan[`${name}.seriesBefore`] = request(
        from,
        { interval: range.interval, limit: 10_000 },
        range.before,
      );
  }
  return plan;
}

const pick = (found, card, part) => found[`${card.of}.${part}`] ?? found[`sessions.${part}`];
const isSum = (card) => !["bounce_rate", "avg_duration_s"].includes(card.key);

// Where nothing happened, sums are 0 and ratios not known; what is still to come is neither.
function readSeries(rows, range, card, interval, clock) {
  return fillBuckets(rows, range, interval).map((row) => {
    if (clock && row.bucket > clock) return null;
    return row[card.key] ?? (isSum(card) ? 0 : null);
  });
}

const formatOf = (card) => (card.isMoney ? getMoneyFormat() : card.format);

function drawCards(found, context) {
  const { state } = context;
  return h(
    "div",
    { class: "cards", role: "group", "aria-label": "Choose what the chart shows" },
    CARDS.map((card) => drawCard(found, context, card, state.tabs.metric === card.group)),
  );
}

function drawCard(found, { range, state }, card, isChosen) {
  const rows = card.of === "sessions" ? found["sessions.now"] : pick(found, card, "now");
  if (!rows)
    return h(
      "div",
      { class: "card lacking" },
      h("span", { class: "label" }, card.name),
      h("span", { class: "value" }, "–"),
      h("span", { class: "change" }, "not kept by page"),
    );
  const value = rows[0]?.[card.key] ?? (isSum(card) ? 0 : null);
  const before = pick(found, card, "before")?.[0]?.[card.key];
  const series = readSeries(
    pick(found, card, "series"),
    range,
    card,
    range.interval,
    range.isRunning && range.clock,
  );
  return h(
    "button",
    {
      type: "button",
      class: "card",
      "data-key": card.key,
      "aria-pressed": String(isChosen),
      onclick: () => openTab("metric", card.group),
    },
    h("span", { class: "label" }, card.name),
    h(
      "span",
      {
        class: "value",
        "data-value": value ?? "",
        title: value === null ? undefined : formatCount(value),
      },
      formatOf(card)(value),
    ),
    drawChange(value, before, card, state.compare),
    makeSpark(series),
  );
}

function drawChange(value, before, card, isCompared) {
  if (!isCompared) return null;
  const change = describeChange(value, before, card.isLessBetter);
  if (!change) return h("span", { class: "change" }, "no comparison");
  if (change.direction === "flat") return h("span", { class: "change" }, "no change");
  const [sign, word] = { up: ["▲", "up"], down: ["▼", "down"] }[change.direction];
  return h(
    "span",
    { class: `change ${change.mood}`, title: `before: ${formatOf(card)(before)}` },
    h("span", { "aria-hidden": "true" }, `${sign} `),
    spoken(`${word} `),
    change.size,
  );
}

function drawChart(found, { range, state }) {
  const cards = CARDS.filter(
    (card) =>
      card.group === state.tabs.metric &&
      (card.of === "sessions" ? found["sessions.series"] : pick(found, card, "series")),
  );
  if (!cards.length) return [h("p", { class: "message" }, "This number is not kept by page.")];
  const buckets = fillBuckets(pick(found, cards[0], "series"), range, range.interval).map(
    (row) => row.bucket,
  );
  const earlier = listBuckets(range.before, range.interval);
  const series = cards.map((card) => {
    const before = state.compare ? pick(found, card, "seriesBefore") : null;
    return {
      name: card.name,
      format: formatOf(card),
      tick: formatOf(card).short,
      values: readSeries(
        pick(found, card, "series"),
        range,
        card,
        range.interval,
        range.isRunning && range.clock,
      ),
      before: before ? readSeries(before, range.before, card, range.interval) : undefined,
    };
  });
  const isLong = range.days > 2;
  const labels = {
    tick: (index) => formatTick(buckets[index], range.interval, isLong),
    full: (index) => formatBucket(buckets[index], range.interval),
    fullBefore: (index) =>
      earlier[index] ? formatBucket(earlier[index], range.interval) : "Before",
  };
  const label = `${cards.map((card) => card.name).join(" and ")} by ${range.interval}`;
  const about = { count: buckets.length, labels, series };
  return [
    drawLegend(series),
    makeChart({ label: `${label}. Use the arrow keys to read values.`, ...about }),
    makeChartTable({ caption: label, ...about }),
  ];
}

function drawLegend(series) {
  const keys = series.map((one, number) =>
    h("li", {}, h("span", { class: `key series-${number}` }), one.name),
  );
  const before =
    series.some((one) => one.before) &&
    h("li", {}, h("span", { class: "key before" }), "Previous period");
  return h("ul", { class: "legend" }, keys, before);
}

function tellPath(path, found) {
  if (path === "/views") return [];
  const text =
    path === "/pages"
      ? "Visitors and page views are those of the chosen page."
      : "Visitors and page views are those of closed sessions, by where the sessions came from.";
  return [
    h(
      "p",
      { class: "note", "data-path": path },
      text,
      found["sessions.now"] ? "" : " Sessions are not kept by page.",
    ),
  ];
}
