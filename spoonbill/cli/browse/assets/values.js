// Values by their kind: what the server calls a text, a tree, a table, an image or a tensor.

import { badge, make, numbered, sized } from "./build.js";
import { heat, histogram } from "./plots.js";

const KINDS = { text, hex, json, table, image, tensor };

export function shown(value, name) {
  const kind = KINDS[value.kind];
  return kind ? kind(value, name) : [make("p", { className: "hint", text: `no view of ${value.kind}` })];
}

function text(view) {
  const cut = view.length > view.text.length;
  return [
    make("pre", { text: view.text }),
    cut ? make("p", { className: "hint", text: `the first ${numbered(view.text.length)} of ${numbered(view.length)} characters` }) : null,
  ];
}

function hex(view) {
  const rest = view.length > 1024 ? `the first 1,024 of ${numbered(view.length)} bytes` : `${numbered(view.length)} bytes`;
  return [make("pre", { className: "hex", text: view.text }), make("p", { className: "hint", text: rest })];
}

function json(view) {
  return [make("div", { className: "tree" }, tree(view.tree, true))];
}

function tree(node, open) {
  if (!node.items) return scalar(node);
  const several = `${node.is} of ${numbered(node.size)}`;
  if (!node.items.length) return make("span", { className: "other", text: `empty ${node.is}` });
  const items = node.items.map(([name, one], index) =>
    make("div", { className: "item" }, make("span", { className: "name", text: `${name ?? index}: ` }), tree(one, node.size <= 20)),
  );
  const left = node.size - node.items.length;
  if (left) items.push(make("div", { className: "hint", text: `and ${numbered(left)} more` }));
  const details = make("details", {}, make("summary", { text: several }), make("div", { className: "items" }, ...items));
  details.open = open;
  return details;
}

function scalar(node) {
  const cut = node.length ? ` ... (${numbered(node.length)} characters)` : "";
  if (node.is === "string") return make("span", { className: "string", text: `"${node.text}"${cut}` });
  if (node.is === "number" || node.is === "word") return make("span", { className: node.is, text: node.text });
  const size = node.is === "bytes" ? ` of ${numbered(node.size)}` : "";
  return make("span", { className: "other", text: `${node.is}${size}: ${node.text}${cut}` });
}

function table(view) {
  const head = make("tr", {}, ...view.columns.map((name) => make("th", { text: name, attributes: { scope: "col" } })));
  const rows = view.rows.map((row) => make("tr", {}, ...row.map((cell) => make("td", {}, cell ? tree(cell, false) : null))));
  const body = make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows));
  return [
    make("div", { className: "scroll" }, body),
    make("p", { className: "hint", text: `${numbered(view.rows.length)} of ${numbered(view.count)} rows` }),
  ];
}

function image(view, name) {
  const picture = make("img", { attributes: { alt: `image of ${sized(view.length)}`, src: `api/image?${new URLSearchParams({ name })}` } });
  return [picture, make("p", { className: "hint", text: `${view.type}, ${sized(view.length)}` })];
}

function tensor(view) {
  const facts = make("div", { className: "facts" }, badge(view.dtype), badge(view.shape.length ? view.shape.join(" × ") : "scalar"), badge(`${numbered(view.size)} numbers`));
  for (const name of ["min", "max", "mean", "std"]) if (view[name] !== undefined) facts.append(badge(`${name} ${view[name]}`));
  if (view.not_finite) facts.append(badge(`${numbered(view.not_finite)} not finite`));
  if (view.sampled > 1) facts.append(badge(`of every ${numbered(view.sampled)}th number`));
  if (!view.heat) return [facts];
  return [
    facts,
    make("pre", { text: view.first.join(", ") + (view.size > view.first.length ? ", ..." : "") }),
    make("h3", { text: "Heat map" }),
    heat(view.heat),
    ...(view.histogram ? [make("h3", { text: "Histogram" }), histogram(view.histogram, view.max)] : []),
  ];
}
