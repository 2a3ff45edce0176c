// What is looked at: read from the page's address, written to it. The address is the only copy, so
// the back button works and a link shows the same view.

export const FILTERS = {
  page_path: "Page",
  channel: "Channel",
  source: "Source",
  medium: "Medium",
  campaign: "Campaign",
  country: "Country",
  device_type: "Device",
};
// The first of each is what is meant where the address says nothing.
const RANGES = ["7d", "today", "30d", "90d"];
const INTERVALS = ["", "hour", "day", "week", "month"];
const VIEWS = ["overview", "live", "sql"];
// Which tab of a panel is open, by the name of the panel; the first is the default.
const TABS = {
  metric: ["traffic", "sessions", "bounce_rate", "avg_duration_s", "conversions", "revenue"],
  sources: ["channel", "source", "medium", "campaign"],
  devices: ["device_type", "browser", "os"],
  cohorts: ["", "day", "week", "month"],
  funnel: null,
};
const DATE = /^\d{4}-\d{2}-\d{2}$/;
const LONGEST_DAYS = 400;
// The API knows times from 1970 on; the period before must fit in too.
const EARLIEST = "1972-01-01";
const LATEST = "2100-01-01";
const DAY_MS = 86_400_000;

const listeners = [];
let current = read(new URLSearchParams(location.search));

function oneOf(allowed, value) {
  return allowed.includes(value) ? value : allowed[0];
}

function read(query) {
  const [start, end] = ["start", "end"].map((name) => query.get(name) ?? "");
  const isCustom = isRange(start, end);
  const tabs = Object.entries(TABS).map(([name, allowed]) => {
    const value = query.get(name) ?? "";
    return [name, allowed ? oneOf(allowed, value) : value];
  });
  const filters = Object.keys(FILTERS).map((name) => [name, query.get(name)]);
  return {
    view: oneOf(VIEWS, query.get("view")),
    site: query.get("site_id") ?? "",
    range: isCustom ? "custom" : oneOf(RANGES, query.get("range")),
    start: isCustom ? start : "",
    end: isCustom ? end : "",
    compare: query.get("compare") !== "off",
    interval: oneOf(INTERVALS, query.get("interval")),
    bots: query.get("include_bots") === "true",
    filters: Object.fromEntries(filters.filter(([, value]) => value)),
    tabs: Object.fromEntries(tabs),
  };
}

function write(state) {
  const query = new URLSearchParams();
  const set = (name, value) => value && query.set(name, value);
  set("view", state.view === "overview" ? "" : state.view);
  set("site_id", state.site);
  if (state.range === "custom") ["start", "end"].forEach((name) => set(name, state[name]));
  else set("range", state.range === "7d" ? "" : state.range);
  set("compare", state.compare ? "" : "off");
  set("interval", state.interval);
  set("include_bots", state.bots ? "true" : "");
  for (const [name, value] of Object.entries(state.filters)) set(name, value);
  for (const [name, value] of Object.entries(state.tabs))
    set(name, value === TABS[name]?.[0] ? "" : value);
  const text = query.toString().replaceAll("%2F", "/");
  return text ? `?${text}` : location.pathname;
}

// Half-open, as in the API: the day `end` is not in it.
export function isRange(start, end) {
  if (!DATE.test(start) || !DATE.test(end)) return false;
  const days = (Date.parse(end) - Date.parse(start)) / DAY_MS;
  return days >= 1 && days <= LONGEST_DAYS && start >= EARLIEST && end <= LATEST;
}

export const getState = () => current;

export function onChange(listener) {
  listeners.push(listener);
}

function tell(before) {
  for (const listener of listeners) listener(current, before);
}

export function change(patch) {
  const before = current;
  current = { ...current, ...patch };
  const address = write(current);
  if (address !== write(before)) history.pushState(null, "", address);
  tell(before);
}

export const openTab = (name, key) => change({ tabs: { ...current.tabs, [name]: key } });

export const setFilter = (name, value) =>
  change({ filters: { ...current.filters, [name]: value } });

export function dropFilter(name) {
  const filters = { ...current.filters };
  delete filters[name];
  change({ filters });
}

addEventListener("popstate", () => {
  const before = current;
  current = read(new URLSearchParams(location.search));
  tell(before);
});
