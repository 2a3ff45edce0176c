// What a panel asks about: the state with its range, as requests to the API.

import { chooseParameters } from "../contract.js";
import { resolveRange } from "../ranges.js";
import { getZone } from "../sites.js";
import { getState } from "../state.js";

// `ignored`: filters that somebody chose to do without.
export function makeContext(ignored = new Set()) {
  const state = getState();
  const zone = getZone();
  const range = resolveRange(state, zone);
  const filters = Object.fromEntries(
    Object.entries(state.filters).filter(([name]) => !ignored.has(name)),
  );
  const wanted = {
    site_id: state.site,
    include_bots: state.bots ? "true" : "",
    timezone: zone === "UTC" ? "" : zone,
    ...filters,
  };
  const request = (path, extra = {}, times = range) => {
    const { start, end } = times;
    return { path, parameters: chooseParameters(path, { ...wanted, start, end, ...extra }) };
  };
  return { state, range, filters, request };
}
