// Site, range, interval, comparison, bots; and the chips of active filters. From the state to
// controls, and from controls to the state.

import { element, h, spoken } from "./dom.js";
import { formatTime } from "./format.js";
import { showFilter } from "./filters.js";
import { resolveRange } from "./ranges.js";
import { getZone } from "./sites.js";
import { change, dropFilter, FILTERS, getState, isRange, onChange } from "./state.js";

const DAY_MS = 86_400_000;
const addDays = (day, days) => new Date(Date.parse(day) + days * DAY_MS).toISOString().slice(0, 10);

export function startToolbar() {
  element("site").addEventListener("change", (event) => change({ site: event.target.value }));
  element("interval").addEventListener("change", (event) =>
    change({ interval: event.target.value }),
  );
  element("compare").addEventListener("change", (event) =>
    change({ compare: event.target.checked }),
  );
  element("bots").addEventListener("change", (event) => change({ bots: event.target.checked }));
  for (const button of element("range").querySelectorAll("button")) {
    button.addEventListener("click", () => chooseRange(button.dataset.key));
  }
  element("dates").addEventListener("submit", applyDates);
  onChange(show);
  show();
}

function chooseRange(key) {
  if (key !== "custom") return change({ range: key, start: "", end: "" });
  const { start, end } = resolveRange(getState(), getZone());
  change({ range: "custom", start, end });
  element("from").focus();
  return undefined;
}

// The last day that is chosen is in; the API's `end` is not.
function applyDates(event) {
  event.preventDefault();
  const [start, end] = [
    element("from").value,
    element("to").value && addDays(element("to").value, 1),
  ];
  const isAllowed = isRange(start, end);
  element("dates-problem").hidden = isAllowed;
  if (isAllowed) change({ range: "custom", start, end });
  else
    element("dates-problem").textContent =
      "Choose a first day from 1972 on, and a last one not before it, at most 400 days later.";
}

// Called by the one who has the list, which comes later than the page.
export function showSites(sites) {
  const { site } = getState();
  const names = sites.map((one) => one.site_id);
  if (site && !names.includes(site)) names.push(site);
  element("site").replaceChildren(
    h("option", { value: "" }, "All sites"),
    ...names.map((name) => h("option", { value: name }, name)),
  );
  element("site").value = site;
}

export function show() {
  const state = getState();
  const zone = getZone();
  const range = resolveRange(state, zone);
  element("site").value = state.site;
  element("compare").checked = state.compare;
  element("bots").checked = state.bots;
  element("interval").value = state.interval;
  element("interval").options[0].textContent = `Auto (${range.interval})`;
  for (const button of element("range").querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.dataset.key === state.range));
  }
  element("dates").hidden = state.range !== "custom";
  element("dates-problem").hidden = true;
  if (state.range === "custom")
    [element("from").value, element("to").value] = [range.start, range.lastDay];
  // Said aloud when it changes, and only then.
  const period = describePeriod(range, state, zone);
  if (element("period").textContent !== period) element("period").textContent = period;
  document.title = `${state.site ? `${state.site} · ` : ""}Web analytics`;
  showFilters(state);
}

function describePeriod(range, state, zone) {
  const span = (first, last) =>
    first === last
      ? formatTime(first, "date")
      : `${formatTime(first, "day")} – ${formatTime(last, "date")}`;
  const now = span(range.start, range.lastDay);
  const earlier = span(range.before.start, addDays(range.before.end, -1));
  const sameHour = range.isRunning ? " up to the same hour" : "";
  const before = state.compare ? `, against ${earlier}${sameHour}` : "";
  return `${now}${before} · ${zone.replaceAll("_", " ")}${state.bots ? " · bots included" : ""}`;
}

function showFilters({ filters }) {
  const box = element("filters");
  const names = Object.keys(filters);
  box.hidden = !names.length;
  const chips = names.map((name) =>
    h(
      "li",
      {},
      h(
        "button",
        { type: "button", class: "chip", "data-filter": name, onclick: () => drop(name) },
        `${FILTERS[name]}: `,
        h("strong", {}, showFilter(name, filters[name])),
        h("span", { "aria-hidden": "true" }, " ×"),
        spoken(", remove this filter"),
      ),
    ),
  );
  const all =
    names.length > 1 &&
    h(
      "li",
      {},
      h(
        "button",
        { type: "button", class: "plain", onclick: () => change({ filters: {} }) },
        "Remove all",
      ),
    );
  element("chips").replaceChildren(...chips, ...(all ? [all] : []));
}

function drop(name) {
  dropFilter(name);
  // The chip that had the focus is gone.
  (element("chips").querySelector("button") ?? element("site")).focus();
}
