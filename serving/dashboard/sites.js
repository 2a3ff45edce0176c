// Which sites there are, and by whose clock and in whose money they are counted.

import { ask } from "./api.js";
import { makeMoneyFormat } from "./format.js";
import { getState } from "./state.js";

// A site that was silent for a week is still worth choosing.
const LOOK_BACK_MS = 90 * 86_400_000;

let sites = [];

export async function loadSites() {
  const start = new Date(Date.now() - LOOK_BACK_MS).toISOString().slice(0, 10);
  sites = (await ask("/sites", { start, limit: 1000 }, { isFresh: true })).data;
  return sites;
}

// The chosen site, or the only one.
function findSite() {
  const { site } = getState();
  if (!site) return sites.length === 1 ? sites[0] : undefined;
  return sites.find((one) => one.site_id === site);
}

export const getZone = () => findSite()?.timezone ?? "UTC";

// Of all sites together only if they have one currency.
export function getMoneyFormat() {
  const known = new Set(sites.map((one) => one.currency));
  return makeMoneyFormat(findSite()?.currency ?? (known.size === 1 ? [...known][0] : null));
}
