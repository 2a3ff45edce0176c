// Filters in words, for chips and for panels that some of them cannot narrow.

import { formatPlace } from "./format.js";
import { FILTERS, getState } from "./state.js";

export const showFilter = (name, value) => (name === "country" ? formatPlace(value) : value);

// "channel and page"
export const nameKinds = (names) => names.map((name) => FILTERS[name].toLowerCase()).join(" and ");

// "Channel “Email”, Page “/pricing”"
export function nameFilters(names) {
  const { filters } = getState();
  return names.map((name) => `${FILTERS[name]} “${showFilter(name, filters[name])}”`).join(", ");
}
