// Round numbers for an axis, and places on it.

export const isKnown = (value) => value !== null && value !== undefined;

const STEPS = [1, 2, 2.5, 5, 10];

// From 0 to at least `most`, in about `count` steps.
export function makeTicks(most, count = 4) {
  if (!(most > 0)) return [0, 1];
  const raw = most / count;
  const magnitude = 10 ** Math.floor(Math.log10(raw));
  const size = magnitude * STEPS.find((one) => one * magnitude >= raw * 0.999);
  const ticks = [];
  for (let at = 0; ; at += size) {
    ticks.push(Number(at.toPrecision(12)));
    if (at >= most * 0.999) return ticks;
  }
}

// A path through the points, in pieces where values are missing.
export function makeLine(values, x, y) {
  let text = "";
  let isDown = false;
  values.forEach((value, index) => {
    if (!isKnown(value)) {
      isDown = false;
      return;
    }
    text += `${isDown ? "L" : "M"}${x(index).toFixed(1)} ${y(value).toFixed(1)}`;
    isDown = true;
  });
  return text;
}
