// What happens now: GET /realtime every few seconds, while the page is looked at.

import { ask, explain } from "./api.js";
import { choosePath } from "./contract.js";
import { element, h, s, spoken } from "./dom.js";
import { nameFilters } from "./filters.js";
import { formatCount, formatFlag, formatPlace, formatTime } from "./format.js";
import { makeTicks } from "./charts/scale.js";
import { makeContext } from "./panels/context.js";
import { makeCsvLink } from "./panels/csv.js";
import { tellEmpty } from "./panels/panel.js";
import { makeTable } from "./panels/table.js";
import { change, getState, onChange } from "./state.js";

const EVERY_MS = 10_000;
const EVERY_BEHIND_MS = 30_000;
const MINUTES = 30;
const MINUTE_MS = 60_000;
const PATH = "/realtime";
const LISTS = [
  { id: "live-pages", kind: "page", key: "page_path", label: "Page", empty: "No page was seen." },
  {
    id: "live-sources",
    kind: "source",
    key: "source",
    label: "Source",
    empty: "Nobody came from anywhere.",
  },
  {
    id: "live-countries",
    kind: "country",
    key: "country",
    label: "Country",
    empty: "No place is known.",
  },
];

let timer = 0;
let control = null;
let asked = "";

export function startLive() {
  onChange((state, before) => {
    const isSame = state.view === before.view && JSON.stringify(plan()) === asked;
    if (!isSame) refresh();
  });
  document.addEventListener("visibilitychange", refresh);
  refresh();
}

// The filters that /realtime does not take are named, not applied.
function plan() {
  const { filters } = getState();
  const { lacking } = choosePath([PATH], filters);
  return { ...makeContext(new Set(lacking)).request(PATH, { limit: 20 }), lacking };
}

async function refresh() {
  clearTimeout(timer);
  control?.abort();
  if (document.hidden) return;
  control = new AbortController();
  const { signal } = control;
  const planned = plan();
  asked = JSON.stringify(planned);
  try {
    const { data } = await ask(PATH, planned.parameters, { signal, isFresh: true });
    signal.throwIfAborted();
    show(data, planned);
  } catch (error) {
    if (signal.aborted) return;
    showTrouble(error);
  }
  const isOpen = getState().view === "live";
  timer = setTimeout(refresh, isOpen ? EVERY_MS : EVERY_BEHIND_MS);
}

function show(rows, { lacking, ...request }) {
  const of = (kind) => rows.filter((row) => row.kind === kind);
  const total = of("total")[0] ?? { unique_visitors: 0, page_views: 0 };
  const pill = element("now");
  pill.replaceChildren(
    h("span", { class: "pulse", "aria-hidden": "true" }),
    h("strong", {}, formatCount(total.unique_visitors)),
    h("span", { class: "words" }, "in 30 min"),
    spoken(": visitors in the last 30 minutes, open the live view"),
  );
  if (getState().view !== "live") return;
  element("live-problem").hidden = true;
  const complain = (node) => element("live-minutes").prepend(node);
  element("live-tools").replaceChildren(makeCsvLink(request, "live", "Live", complain));
  element("live-note").textContent = lacking.length
    ? `Not filtered by ${nameFilters(lacking)}: the live view knows countries only.`
    : "";
  element("live-visitors").textContent = formatCount(total.unique_visitors);
  element("live-views").textContent = formatCount(total.page_views);
  element("live-minutes").replaceChildren(...drawMinutes(of("minute")));
  LISTS.forEach((list) =>
    element(list.id).replaceChildren(...[drawList(list, of(list.kind))].flat()),
  );
}

function drawList({ kind, key, label, empty }, rows) {
  if (!rows.length) return tellEmpty(empty);
  const isPlace = kind === "country";
  return makeTable({
    caption: `${label}, last 30 minutes`,
    rows,
    shown: 10,
    name: {
      label,
      of: (row) => row[key],
      text: isPlace ? (row) => formatPlace(row[key]) : undefined,
      mark: isPlace ? (row) => formatFlag(row[key]) : undefined,
    },
    bar: "unique_visitors",
    filter: isPlace ? "country" : undefined,
    columns: [
      { key: "unique_visitors", label: "Visitors", format: formatCount },
      { key: "page_views", label: "Views", format: formatCount },
    ],
  });
}

// A bar per minute, the running one last; minutes without an event are empty places.
function drawMinutes(rows) {
  const found = new Map(rows.map((row) => [Date.parse(row.bucket), row]));
  const last = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS;
  const times = Array.from(
    { length: MINUTES },
    (_, index) => last - (MINUTES - 1 - index) * MINUTE_MS,
  );
  const values = times.map((time) => found.get(time)?.page_views ?? 0);
  const top = makeTicks(Math.max(...values), 2).at(-1);
  const bars = times.map((time, index) => {
    const row = found.get(time);
    const [views, visitors] = [row?.page_views ?? 0, row?.unique_visitors ?? 0].map(formatCount);
    const clock = formatTime(new Date(time).toISOString(), "hour");
    const text = `${clock} UTC: ${views} views, ${visitors} visitors`;
    const height = (92 * values[index]) / top;
    return s(
      "g",
      {},
      s("title", {}, text),
      s("rect", { class: "room", x: index * 10, y: 0, width: 10, height: 100 }),
      s("rect", {
        class: index === MINUTES - 1 ? "bar running" : "bar",
        x: index * 10 + 1,
        y: 100 - height,
        width: 8,
        height,
        rx: 1,
      }),
    );
  });
  const label = `Page views per minute, last 30 minutes: ${values.join(", ")}`;
  return [
    s(
      "svg",
      { viewBox: "0 0 300 100", preserveAspectRatio: "none", role: "img", "aria-label": label },
      bars,
    ),
    h(
      "div",
      { class: "ends", "aria-hidden": "true" },
      h("span", {}, "30 min ago"),
      h("span", {}, `most per minute: ${formatCount(Math.max(...values))}`),
      h("span", {}, "now"),
    ),
  ];
}

function showTrouble(error) {
  const box = element("live-problem");
  box.hidden = false;
  box.textContent = `${explain(error)} Trying again by itself.`;
  element("live-visitors").dispatchEvent(
    new CustomEvent("trouble", { bubbles: true, detail: error }),
  );
}

export const openLive = () => change({ view: "live" });
