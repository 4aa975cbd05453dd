// A box that stands for several ops opens in place: its contents were laid out beforehand, and both axes are stretched at the
// box until they fit. Everything else keeps its place relative to the rest.

const HEAD = 18, EDGE = 8;

// Map one axis so that each span [low, high, size] gets at least its size; whatever is next to it moves aside.
function stretched(map, spans) {
  if (!spans.length) return map;
  const wanted = spans.map(([low, high, size]) => [map(low), map(high), size]);
  const from = [...new Set(wanted.flatMap(([low, high]) => [low, high]))].sort((one, other) => one - other), to = [from[0]];
  for (let at = 1; at < from.length; at++) {
    const over = wanted.filter(([low, high]) => low <= from[at - 1] && high >= from[at]);
    const scale = Math.max(1, ...over.map(([low, high, size]) => size / (high - low)));
    to.push(to[at - 1] + (from[at] - from[at - 1]) * scale);
  }
  return (place) => {
    const here = map(place), last = from.length - 1;
    if (here <= from[0]) return here;
    if (here >= from[last]) return here + to[last] - from[last];
    const at = from.findIndex((each) => each > here);
    return to[at - 1] + (here - from[at - 1]) * (to[at] - to[at - 1]) / (from[at] - from[at - 1]);
  };
}

// The contents of the boxes of a picture, by the number of the box: their parts, their size, and whether they are shown.
function makeInsides(section) {
  const found = new Map();
  for (const held of section.querySelectorAll("svg[data-inside]")) {
    const [x, y, width, height] = held.getAttribute("viewBox").split(" ").map(Number);
    const parts = make("div");
    parts.append(...held.querySelector("g").children);
    found.set(held.dataset.inside, { x, y, parts, width: width + 2 * EDGE, height: height + HEAD + 2 * EDGE, shown: null });
    held.remove();
  }
  return found;
}

function drawn(name, attributes, ...inside) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...inside);
  return element;
}

// Show the contents of a box below its title, in the area that it has now.
function showInside(node, inside, area, title) {
  if (!inside.shown) {
    inside.shown = drawn("g", { class: "inside" }, drawn("rect", { rx: 6 }), drawn("text", { "text-anchor": "middle", "font-size": 11 }, title), drawn("g", {}));
    inside.shown.lastChild.append(...inside.parts.children);
  }
  const [frame, head, parts] = inside.shown.children, middle = node.area.x + node.area.width / 2;
  const left = middle - area.width / 2, top = node.area.y + node.area.height / 2 - area.height / 2;
  for (const [key, value] of Object.entries({ x: left, y: top, width: area.width, height: area.height })) frame.setAttribute(key, value);
  head.setAttribute("x", middle);
  head.setAttribute("y", top + 13);
  parts.setAttribute("transform", "translate(" + (middle - (inside.width - 2 * EDGE) / 2 - inside.x) + " " + (top + HEAD + (area.height - inside.height) / 2 + EDGE - inside.y) + ")");
  node.group.classList.add("opened");
  node.group.append(inside.shown);
}

function hideInside(node, inside) {
  node.group.classList.remove("opened");
  if (inside.shown) inside.shown.remove();
}
