// A link to the same numbers as CSV, from the API itself: all rows, not only those shown.

import { download, explain, makeAddress } from "../api.js";
import { h } from "../dom.js";

const MOST_ROWS = 10_000;

// `complain` gets a node that says why the file could not be had.
export function makeCsvLink({ path, parameters }, name, title, complain) {
  const address = makeAddress(path, { ...parameters, limit: MOST_ROWS, format: "csv" });
  const save = async (event) => {
    event.preventDefault();
    try {
      await download(address, `${name}.csv`);
    } catch (error) {
      complain(h("p", { class: "note problem", role: "alert" }, explain(error)));
    }
  };
  const label = `${title}: download as CSV`;
  const look = { class: "csv", title: "Download as CSV", "aria-label": label };
  return h("a", { ...look, href: address, download: `${name}.csv`, onclick: save }, "CSV");
}
