// Plots: bars, a histogram, a heat map, the stack and the plan of a search as pictures.

import { make, numbered } from "./build.js";

export function bars(pairs) {
  const most = Math.max(...pairs.map(([, count]) => count), 1);
  const cells = pairs.flatMap(([label, count]) => {
    const bar = make("div", { className: "bar" });
    bar.style.width = `max(${count ? 2 : 0}px, ${(100 * count) / most}%)`;
    return [make("span", { className: "label", text: label }), bar, make("span", { text: numbered(count) })];
  });
  return make("div", { className: "bars" }, ...cells);
}

export function histogram(pairs, last) {
  const most = Math.max(...pairs.map(([, count]) => count), 1);
  const columns = pairs.map(([edge, count]) => {
    const column = make("div", { attributes: { title: `from ${edge}: ${numbered(count)}` } });
    column.style.height = `max(${count ? 1 : 0}px, ${(100 * count) / most}%)`;
    return column;
  });
  const scale = make("div", { className: "scale" }, make("span", { text: pairs[0][0] }), make("span", { text: last }));
  const label = `histogram from ${pairs[0][0]} to ${last}`;
  return make("div", {}, make("div", { className: "histogram", attributes: { role: "img", "aria-label": label } }, ...columns), scale);
}

export function heat({ cells, of, low, high }) {
  const [rows, columns] = [cells.length, cells[0].length];
  const canvas = make("canvas", { attributes: { role: "img", "aria-label": `heat map of ${of.join(" by ")} numbers from ${low} to ${high}` } });
  [canvas.width, canvas.height] = [columns, rows];
  const side = Math.max(2, Math.min(24, Math.floor(420 / Math.max(rows, columns))));
  [canvas.style.width, canvas.style.height] = [`${columns * side}px`, `${rows * side}px`];
  const context = canvas.getContext("2d");
  const image = context.createImageData(columns, rows);
  cells.flat().forEach((shade, index) => image.data.set(shade === null ? [0, 0, 0, 0] : colour(shade / 255), 4 * index));
  context.putImageData(image, 0, 0);
  const shown = rows < of[0] || columns < of[1] ? `${rows} × ${columns} of ${of.join(" × ")}, from ` : "from ";
  return make("div", {}, canvas, make("p", { className: "hint", text: `${shown}${low} (dark) to ${high} (light)` }));
}

// From a dark blue over rose to a light yellow: lighter is more, for every eye.
const STOPS = [[24, 28, 66], [94, 38, 102], [184, 62, 92], [238, 128, 86], [252, 232, 168]];

function colour(share) {
  const place = share * (STOPS.length - 1);
  const index = Math.min(Math.floor(place), STOPS.length - 2);
  return [...STOPS[index].map((from, part) => from + (STOPS[index + 1][part] - from) * (place - index)), 255];
}

export function stack(levels) {
  const facts = make("div");
  const boxes = levels.map((level, index) => {
    const engine = index === levels.length - 1;
    const words = level.arguments.join(", ");
    return make(
      "button",
      { className: engine ? "level engine" : "level", attributes: { type: "button" }, on: { click: () => choose(index) } },
      make("b", { text: level.class }),
      words ? make("small", { text: words }) : null,
    );
  });
  function choose(index) {
    boxes.forEach((box, number) => box.setAttribute("aria-pressed", String(number === index)));
    facts.replaceChildren(...promises(levels[index]));
  }
  choose(0);
  return make("div", { className: "stack" }, make("div", { className: "levels" }, ...boxes), facts);
}

function promises(level) {
  const limits = level.limits.map(([name, limit]) => [`limit of ${name.replace("_", " ")}`, numbered(limit)]);
  const rows = [...level.guarantees, ...limits, ["native verbs", level.native.join(", ") || "none"]];
  const body = rows.map(([name, sentence]) => make("tr", {}, make("th", { text: name, attributes: { scope: "row" } }), make("td", { text: sentence })));
  return [make("h2", { text: level.class }), make("table", { className: "facts-table" }, make("tbody", {}, ...body))];
}

export function plan(told) {
  const steps = told.steps.map((step) =>
    make("div", { className: "step" }, make("b", { text: step.where }), make("small", { text: step.runs }),
      step.drops ? make("small", { className: "keeps", text: `keeps back: ${step.drops}` }) : null),
  );
  const rows = [["by the engine", told.native || "nothing"], ["in Python", told.here || "nothing"], ["reads", told.scanned]];
  const body = rows.map(([name, words]) => make("tr", {}, make("th", { text: name, attributes: { scope: "row" } }), make("td", { text: words })));
  return [make("div", { className: "plan" }, ...steps), make("h3", { text: "Where it is done" }), make("table", { className: "facts-table" }, make("tbody", {}, ...body))];
}
