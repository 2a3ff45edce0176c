// How fresh the data is and how well everything is: GET /health, always in sight.

import { ask, explain, onMeta } from "./api.js";
import { element, h } from "./dom.js";
import { formatAge, formatTime } from "./format.js";

const EVERY_MS = 15_000;
const NAMES = {
  lake: "Tables can be read",
  tables: "Tables are there",
  freshness_s: "Newest event",
  redis: "Cache (Redis)",
};
const WORDS = {
  HEALTHY: "Healthy",
  WARNING: "Look at this",
  CRITICAL: "Broken",
  LOST: "No answer",
};
const REMEDIES = {
  lake: "The API cannot read the lake: its log has the reason.",
  tables: "The streaming app makes the tables when it starts: is it running?",
  freshness_s:
    "No event for a while, or the stream stands still: `web-analytics status` tells which.",
  redis: "Answers still come, only slower. Is Redis running?",
};

const said = { as_of: null, complete_until: null };
let timer = 0;

export function startHealth() {
  onMeta((meta) => {
    let isNews = false;
    for (const name of Object.keys(said)) {
      if (!meta[name] || meta[name] <= (said[name] ?? "")) continue;
      said[name] = meta[name];
      isNews = true;
    }
    if (isNews) showTimes();
  });
  document.addEventListener("visibilitychange", refresh);
  document.addEventListener("click", (event) => {
    const details = element("health");
    if (details.open && !details.contains(event.target)) details.open = false;
  });
  element("health").addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    element("health").open = false;
    element("health").querySelector("summary").focus();
  });
  refresh();
}

async function refresh() {
  clearTimeout(timer);
  if (document.hidden) return;
  try {
    show(await ask("/health", {}, { isFresh: true }));
  } catch (error) {
    show({ status: "LOST", checks: [] }, explain(error));
  }
  timer = setTimeout(refresh, EVERY_MS);
}

function show({ status, checks }, trouble) {
  const box = element("health");
  const age = checks.find((check) => check.name === "freshness_s")?.value;
  const text = status === "LOST" ? WORDS.LOST : age === null ? "No data yet" : formatAge(age);
  const label = box.querySelector(".state");
  // What is read aloud changes with the state only, not with each second of age.
  if (box.dataset.state !== status) element("announce").textContent = `Pipeline: ${WORDS[status]}`;
  box.dataset.state = status;
  const words = (said) => h("span", { class: "words" }, said);
  label.replaceChildren(
    ...(typeof age === "number" ? [words("Data "), text, words(" old")] : [text]),
  );
  label.title = `Pipeline: ${WORDS[status]}`;
  element("health-status").textContent = trouble ?? WORDS[status];
  element("health-checks").replaceChildren(...checks.map(drawCheck));
}

function drawCheck({ name, status, value, threshold }) {
  const isAge = name === "freshness_s";
  const shown = isAge
    ? value === null
      ? "none yet"
      : `${formatAge(value)} ago`
    : typeof value === "number"
      ? `${value} of ${threshold}`
      : value;
  return h(
    "li",
    { "data-state": status },
    h("span", { class: "name" }, NAMES[name] ?? name),
    h("span", { class: "value" }, String(shown)),
    status !== "HEALTHY" && h("p", {}, REMEDIES[name] ?? `Allowed: ${threshold}.`),
  );
}

function showTimes() {
  element("as-of").textContent = `${formatTime(said.as_of, "moment")}`;
  element("complete-until").textContent = `${formatTime(said.complete_until, "moment")}`;
}
