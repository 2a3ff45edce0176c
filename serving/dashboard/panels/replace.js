// Puts new content in the place of old without taking away what somebody was at: the focus, a list
// that was opened, a table of the chart. Panels come anew each minute.

const markOf = (node) => node.dataset.key ?? node.dataset.value;

export function replaceBody(body, nodes) {
  const active = body.contains(document.activeElement) ? document.activeElement : null;
  const wasTable = body.querySelector("details[open]") !== null;
  const opened = body.querySelector(".rows.open");
  const scrolled = opened?.scrollTop ?? 0;
  body.replaceChildren(...nodes);
  const details = body.querySelector("details");
  if (details && wasTable) details.open = true;
  if (opened) {
    body.querySelector(".more")?.click();
    body.querySelector(".rows").scrollTop = scrolled;
  }
  if (active) giveFocus(body, markOf(active));
}

// To the same row or number; where it is gone, to the panel.
function giveFocus(body, mark) {
  const marked = [...body.querySelectorAll("[data-key], [data-value]")];
  const same = marked.find(
    (node) => mark !== undefined && markOf(node) === mark && node.tabIndex >= 0,
  );
  (same ?? body).focus({ preventScroll: true });
}
