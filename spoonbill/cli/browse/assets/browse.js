// The page: a search with pages of keys on the left, and on the right a value, the plan, the stack or plots.

import { ask, badge, change, make, numbered, sized } from "./build.js";
import { bars, plan, stack } from "./plots.js";
import { shown } from "./values.js";

const SIZE = 50;
const TABS = ["value", "explain", "stack", "plots"];
const at = (id) => document.getElementById(id);
const state = { store: null, keys: [], offset: 0, more: false, chosen: -1, tab: "value", asked: 0, view: 0 };

const searched = () => ({ pattern: at("pattern").value, kind: at("kind").value, where: at("where").value });

function say(text, error = false) {
  at("status").textContent = text;
  at("status").classList.toggle("error", error);
}

async function page(offset, fresh = false) {
  const asked = (state.asked += 1);
  const wanted = { ...searched(), offset, size: SIZE };
  if (fresh) wanted.fresh = 1;
  try {
    for (;;) {
      const found = await ask("keys", wanted);
      if (asked !== state.asked) return false;
      delete wanted.fresh;
      Object.assign(state, { keys: found.keys, offset, more: found.more, chosen: -1 });
      list();
      say(found.searching ? "searching ..." : "");
      if (!found.searching) return true;
    }
  } catch (error) {
    if (asked === state.asked) say(error.message, true);
    return false;
  }
}

function list() {
  const items = state.keys.map((key, index) =>
    make("li", { attributes: { role: "option", id: `key-${index}`, "aria-selected": "false", title: key.text }, on: { click: () => choose(index) } },
      make("span", { text: key.text || "(empty)" }), key.type === "str" ? null : make("span", { className: "kind", text: key.type })),
  );
  at("keys").replaceChildren(...items);
  at("keys").scrollTop = 0;
  const last = state.offset + state.keys.length;
  at("range").textContent = state.keys.length ? `${numbered(state.offset + 1)} to ${numbered(last)}` : "no keys";
  at("back").disabled = state.offset === 0;
  at("next").disabled = !state.more;
}

function choose(index) {
  if (index < 0 || index >= state.keys.length) return;
  const items = at("keys").children;
  if (state.chosen >= 0) items[state.chosen].setAttribute("aria-selected", "false");
  state.chosen = index;
  items[index].setAttribute("aria-selected", "true");
  items[index].scrollIntoView({ block: "nearest" });
  at("keys").setAttribute("aria-activedescendant", `key-${index}`);
  tab("value");
}

async function turn(step) {
  if (step > 0 ? !state.more : state.offset === 0) return;
  await page(Math.max(0, state.offset + step * SIZE));
}

function tab(name) {
  state.tab = name;
  for (const one of TABS) at(`tab-${one}`).setAttribute("aria-selected", String(one === name));
  at("panel").setAttribute("aria-labelledby", `tab-${name}`);
  return show(PANELS[name]);
}

async function show(panel) {
  const view = (state.view += 1);
  let parts;
  try {
    parts = await panel();
  } catch (error) {
    parts = [make("p", { className: "error", text: error.message })];
  }
  if (view === state.view) at("panel").replaceChildren(...parts.filter((part) => part !== null));
}

async function value() {
  const key = state.keys[state.chosen];
  if (!key) return [make("p", { className: "hint", text: "Choose a key on the left." })];
  if (key.name === null) return [make("h2", { text: key.text }), make("p", { className: "hint", text: "a key of this kind has no name to ask by" })];
  const told = await ask("value", { name: key.name });
  const facts = make("div", { className: "facts" }, badge(told.type), badge(`about ${sized(told.bytes)}`));
  if (typeof told.ttl === "number") facts.append(badge(`expires in ${told.ttl.toFixed(0)} s`));
  return [make("h2", { text: told.key.text || "(empty)" }), facts, ...shown(told.view, key.name), state.store.write ? editor(key.name, told) : null];
}

function editor(name, told) {
  const said = make("span", { attributes: { role: "status" } });
  const area = make("textarea", { attributes: { "aria-label": told.as_text ? "Value as text" : "Value as JSON", spellcheck: "false" } });
  area.value = told.editable ?? "";
  const save = make("button", { text: "Save", attributes: { type: "button" }, on: { click: () => tried(said, async () => {
    await change("set", { name, value: area.value, text: told.as_text });
    await show(value);
  }) } });
  const remove = make("button", { text: "Delete", className: "danger", attributes: { type: "button" }, on: { click: () => {
    if (!remove.dataset.sure) {
      remove.dataset.sure = "1";
      remove.textContent = "Delete for good";
      return;
    }
    tried(said, async () => {
      await change("delete", { name });
      await page(state.offset, true);
      await tab("value");
    });
  } } });
  if (told.editable === null) {
    const hint = "JSON does not hold this value, so it can be removed here and not edited.";
    return make("div", { className: "editor" }, make("p", { className: "hint", text: hint }), make("div", { className: "row" }, remove, said));
  }
  return make("div", { className: "editor" }, make("h3", { text: told.as_text ? "Edit the text" : "Edit as JSON" }), area, make("div", { className: "row" }, save, remove, said));
}

function created() {
  const said = make("span", { attributes: { role: "status" } });
  const name = make("input", { attributes: { type: "text", "aria-label": "Key", placeholder: "key" } });
  const area = make("textarea", { attributes: { "aria-label": "Value as JSON", placeholder: '{"n": 1}' } });
  const save = make("button", { text: "Create", attributes: { type: "button" }, on: { click: () => tried(said, async () => {
    await change("set", { key: name.value, value: area.value });
    await page(0, true);
    said.textContent = "created";
  }) } });
  return [make("h2", { text: "New key" }), make("div", { className: "editor" }, name, area, make("div", { className: "row" }, save, said))];
}

async function tried(said, work) {
  try {
    await work();
  } catch (error) {
    said.className = "error";
    said.textContent = error.message;
  }
}

async function plots() {
  const told = await ask("sample");
  const all = told.all === null ? "" : ` of ${numbered(told.all)}`;
  const intro = make("p", { className: "hint", text: `Of the first ${numbered(told.read)}${all} entries, about ${sized(told.bytes)}.` });
  if (!told.read) return [make("p", { className: "hint", text: "The store is empty." })];
  const titles = [["Beginnings of keys", told.begins], ["Kinds of values", told.kinds], ["Sizes of values", told.sizes]];
  return [intro, make("div", { className: "plots" }, ...titles.map(([title, pairs]) => make("div", {}, make("h3", { text: title }), bars(pairs))))];
}

const PANELS = {
  value,
  explain: async () => plan(await ask("explain", searched())),
  stack: async () => [stack(state.store.stack)],
  plots,
};

async function search() {
  if (await page(0, true)) at("keys").focus();
  if (state.tab === "explain") await tab("explain");
}

const MOVES = {
  ArrowDown: () => choose(state.chosen + 1),
  ArrowUp: () => choose(Math.max(0, state.chosen - 1)),
  Home: () => choose(0),
  End: () => choose(state.keys.length - 1),
  ArrowRight: () => turn(1),
  ArrowLeft: () => turn(-1),
  PageDown: () => turn(1),
  PageUp: () => turn(-1),
  Enter: () => at("panel").focus(),
};

function pressed(event) {
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") at("keys").focus();
  else if (typing) {
    if (event.key === "Enter" && event.target.id === "where" && !event.shiftKey) search();
    else return;
  } else if (event.key === "/") at("pattern").focus();
  else if ("1234".includes(event.key)) tab(TABS[event.key - 1]);
  else if (document.activeElement === at("keys") && MOVES[event.key]) MOVES[event.key]();
  else return;
  event.preventDefault();
}

async function start() {
  document.addEventListener("keydown", pressed);
  at("search").addEventListener("submit", (event) => {
    event.preventDefault();
    search();
  });
  at("back").addEventListener("click", () => turn(-1));
  at("next").addEventListener("click", () => turn(1));
  at("new").addEventListener("click", () => show(async () => created()));
  for (const name of TABS) at(`tab-${name}`).addEventListener("click", () => tab(name));
  try {
    state.store = await ask("store");
  } catch (error) {
    say(error.message, true);
    return;
  }
  at("title").textContent = state.store.title;
  at("count").textContent = state.store.count === null ? "" : `${numbered(state.store.count)} keys`;
  at("mode").textContent = state.store.write ? "can write" : "read-only";
  at("mode").classList.toggle("warn", state.store.write);
  at("new").hidden = !state.store.write;
  await Promise.all([page(0), tab("value")]);
  at("keys").focus();
}

start();
