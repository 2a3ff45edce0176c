// The dashboard: starts its parts in order, and keeps what is seen up to date.
// The page itself (index.html) is there before anything is asked.

import { explain, forgetAnswers, setKey } from "./api.js";
import { loadContract } from "./contract.js";
import { element } from "./dom.js";
import { startHealth } from "./health.js";
import { openLive, startLive } from "./live.js";
import { funnels, loadFunnels } from "./panels/funnels.js";
import { conversions, devices, pages, sources } from "./panels/lists.js";
import { overview } from "./panels/overview.js";
import { makePanel } from "./panels/panel.js";
import { places } from "./panels/places.js";
import { retention } from "./panels/retention.js";
import { vitals } from "./panels/vitals.js";
import { resolveRange } from "./ranges.js";
import { getZone, loadSites } from "./sites.js";
import { change, getState, onChange } from "./state.js";
import { show as showToolbar, showSites, startToolbar } from "./toolbar.js";

const REFRESH_MS = 60_000;
const RETRY_MS = 5_000;
const VIEWS = ["overview", "live", "sql"];
const SPECS = [overview, sources, pages, places, devices, conversions, funnels, retention, vitals];

let panels = [];

function showView(state = getState(), before = null) {
  document.documentElement.dataset.view = state.view;
  for (const view of VIEWS) {
    const tab = element("views").querySelector(`[data-view=${view}]`);
    if (view === state.view) tab.setAttribute("aria-current", "page");
    else tab.removeAttribute("aria-current");
  }
  if (before && before.view !== state.view) scrollTo({ top: 0 });
  if (state.view === "sql") openSql();
}

// Its code and the list of tables are fetched by whoever opens it.
async function openSql() {
  try {
    const { startSql } = await import("./sql/editor.js");
    startSql();
  } catch (error) {
    element("sql-problem").hidden = false;
    element("sql-problem").textContent = explain(error);
  }
}

function startViews() {
  for (const tab of element("views").querySelectorAll("[data-view]")) {
    tab.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      change({ view: tab.dataset.view });
    });
  }
  element("now").addEventListener("click", openLive);
  onChange(showView);
  showView();
}

function startKeyForm() {
  addEventListener("trouble", ({ detail }) => {
    if (detail.status === 401) element("key").hidden = false;
  });
  element("key").addEventListener("submit", (event) => {
    event.preventDefault();
    setKey(element("key-text").value.trim());
    element("key").hidden = true;
    forgetAnswers();
    start();
  });
}

function showProblem(error) {
  element("problem").hidden = !error;
  element("problem").textContent = error ? explain(error) : "";
  if (error?.status === 401) element("key").hidden = false;
}

function startPanels() {
  panels = SPECS.map(makePanel);
  onChange(() => panels.forEach((panel) => panel.update()));
  const refresh = () => {
    // Of a range that is over nothing changes any more.
    if (document.hidden || !resolveRange(getState(), getZone()).isRunning) return;
    showToolbar();
    panels.forEach((panel) => panel.update({ isFresh: true }));
  };
  setInterval(refresh, REFRESH_MS);
}

// Whose clock counts is known by the sites, so they come before the numbers; but if they cannot be
// had, the panels say what is wrong, and the list comes when the API does.
async function loadSitesWhenReady() {
  try {
    showSites(await loadSites());
    showToolbar();
    panels.forEach((panel) => panel.update());
  } catch (error) {
    if (error.status !== 401) setTimeout(loadSitesWhenReady, RETRY_MS);
  }
}

async function start() {
  try {
    await Promise.all([loadContract(), loadFunnels(), loadSitesWhenReady()]);
  } catch (error) {
    showProblem(error);
    if (error.status !== 401) setTimeout(start, RETRY_MS);
    return;
  }
  showProblem(null);
  if (panels.length) panels.forEach((panel) => panel.update({ isFresh: true }));
  else {
    startPanels();
    startLive();
  }
}

startViews();
startToolbar();
startKeyForm();
startHealth();
start();
