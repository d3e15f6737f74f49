// Elements without HTML text: nothing that a server says is read as markup.
const SVG = "http://www.w3.org/2000/svg";

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(2).filter((child) => child || child === 0));
  return node;
}

export const el = (tag, attributes, ...children) =>
  filled(document.createElement(tag), attributes, children);

export const svg = (tag, attributes, ...children) =>
  filled(document.createElementNS(SVG, tag), attributes, children);

export const byId = (id) => document.getElementById(id);

// Writes only what differs, so that a reader isn't told the same again.
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// A table; `columns` are {title, number?, wide?, hidden?}; rows are arrays of cells, which may have
// a `kind`, and a `note` that is a row of its own below.
export function table(caption, columns, rows) {
  const kind = (column) =>
    [column.number && "number", column.wide && "wide"].filter(Boolean).join(" ") || null;
  return el(
    "table",
    {},
    el("caption", { class: "visually-hidden" }, caption),
    el("thead", {}, el("tr", {}, columns.map((column) =>
      el("th", { scope: "col", class: kind(column) },
        column.hidden ? el("span", { class: "visually-hidden" }, column.title) : column.title)))),
    el("tbody", {}, rows.map((cells) => [
      el("tr", { class: cells.kind }, cells.map((cell, i) =>
        el(i === 0 ? "th" : "td", { scope: i === 0 ? "row" : null, class: kind(columns[i]) }, cell))),
      cells.note && el("tr", { class: "note" }, el("td", { colspan: columns.length }, cells.note)),
    ])),
  );
}
