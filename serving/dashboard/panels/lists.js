// The panels that are lists: pages, sources, devices, conversions.

import { formatCount, formatDuration, formatMs, formatRatio } from "../format.js";
import { getMoneyFormat } from "../sites.js";
import { FILTERS } from "../state.js";
import { tellEmpty } from "./panel.js";
import { makeTable } from "./table.js";

const LIMIT = 200;
const count = (key, label, from) => ({ key, label, from, format: formatCount });
const rate = (key, label, from) => ({ key, label, from, format: formatRatio });

function makeList({ caption, empty, limit = LIMIT, ...spec }) {
  return {
    ...spec,
    requests: (context, path) => [
      context.request(path, {
        limit,
        group_by: spec.tabs ? context.state.tabs[spec.tabs.name] : undefined,
      }),
    ],
    render([{ data }], context) {
      if (!data.length) return tellEmpty(empty);
      return makeTable({ caption, rows: data, ...spec.table(context.state.tabs[spec.tabs?.name]) });
    },
  };
}

export const pages = makeList({
  id: "pages",
  title: "Pages",
  caption: "Pages, the most viewed first",
  empty: "No page views in this range.",
  paths: () => ["/pages"],
  table: () => ({
    name: { label: "Page", of: (row) => row.page_path },
    bar: "page_views",
    filter: "page_path",
    columns: [
      count("unique_visitors", "Visitors", "narrow"),
      count("page_views", "Views"),
      count("entries", "Entries", "wide"),
      rate("bounce_rate", "Bounce", "middle"),
      {
        key: "avg_engaged_time_s",
        label: "Time",
        title: "Mean engaged time",
        from: "middle",
        format: formatDuration,
      },
      {
        key: "load_time_p50_ms",
        label: "Load",
        title: "Median load time",
        from: "wide",
        format: formatMs,
      },
    ],
  }),
});

const ORIGINS = [
  ["channel", "Channel"],
  ["source", "Source"],
  ["medium", "Medium"],
  ["campaign", "Campaign"],
];

export const sources = makeList({
  id: "sources",
  title: "Sources",
  caption: "Where sessions came from, the most frequent first",
  empty:
    "No closed sessions in this range. A session is counted half an hour after its last event.",
  paths: () => ["/traffic-sources"],
  tabs: { name: "sources", label: "Sources by", options: ORIGINS },
  table: (key) => ({
    name: { label: FILTERS[key], of: (row) => row[key], text: (row) => row[key] ?? "(none)" },
    bar: "sessions",
    filter: key,
    columns: [
      count("unique_visitors", "Visitors", "narrow"),
      count("sessions", "Sessions"),
      rate("bounce_rate", "Bounce", "middle"),
      count("conversions", "Conv.", "wide"),
      { key: "revenue", label: "Revenue", from: "wide", format: getMoneyFormat() },
    ],
  }),
});

const DEVICES = [
  ["device_type", "Device"],
  ["browser", "Browser"],
  ["os", "OS"],
];

export const devices = makeList({
  id: "devices",
  title: "Devices",
  caption: "On what visitors came, the most frequent first",
  empty: "No visitors in this range.",
  paths: () => ["/devices"],
  tabs: { name: "devices", label: "Devices by", options: DEVICES },
  table: (key) => ({
    name: { label: Object.fromEntries(DEVICES)[key], of: (row) => row[key] },
    bar: "unique_visitors",
    filter: key in FILTERS ? key : undefined,
    columns: [
      count("unique_visitors", "Visitors"),
      count("page_views", "Views", "middle"),
      count("sessions", "Sessions", "middle"),
      rate("share", "Share", "narrow"),
    ],
  }),
});

export const conversions = makeList({
  id: "conversions",
  title: "Conversions",
  caption: "Conversions by the name of the event, the most frequent first",
  empty: "No conversions in this range. What counts as one is the setting `conversions`.",
  paths: () => ["/conversions"],
  table: () => ({
    name: { label: "Event", of: (row) => row.event_name },
    bar: "conversions",
    columns: [
      count("unique_visitors", "Visitors", "middle"),
      count("conversions", "Conv."),
      rate("conversion_rate", "Rate", "narrow"),
      { key: "value", label: "Value", from: "narrow", format: getMoneyFormat() },
    ],
  }),
});
