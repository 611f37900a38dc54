// Elements are built one by one, and whatever a store holds becomes text of them: nothing is ever parsed as markup.

export function make(tag, { text, className, attributes = {}, on = {} } = {}, ...children) {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  if (className) element.className = className;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  for (const [name, listener] of Object.entries(on)) element.addEventListener(name, listener);
  element.append(...children.filter((child) => child !== null));
  return element;
}

export const numbered = (count) => Number(count).toLocaleString("en");

export function sized(count) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (count >= 1024 && unit < units.length - 1) {
    count /= 1024;
    unit += 1;
  }
  return `${unit ? count.toFixed(1) : count} ${units[unit]}`;
}

export const badge = (text) => make("span", { className: "badge", text });

export async function ask(path, parameters = {}) {
  const query = new URLSearchParams(parameters);
  return told(await fetch(`api/${path}?${query}`));
}

export async function change(path, asked) {
  const headers = { "content-type": "application/json" };
  return told(await fetch(`api/${path}`, { method: "POST", headers, body: JSON.stringify(asked) }));
}

async function told(response) {
  const type = response.headers.get("content-type") ?? "";
  const answer = type.startsWith("application/json") ? await response.json() : { error: await response.text() };
  if (!response.ok) throw new Error(answer.error ?? `the server answered ${response.status}`);
  return answer;
}
