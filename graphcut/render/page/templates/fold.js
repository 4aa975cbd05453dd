// Fold scopes. The pictures with one frame folded, and with all of them, were laid out beforehand and replace the whole one.
// For any other set of frames, what is inside them is hidden, the space that becomes free is cut out of both axes, and
// everything else keeps its place relative to the rest. The frame covers what is inside; lines end at it.

// The least that remains of an emptied gap, and the size that a box and the corner of a frame keep, in points.
const GAP = 18, ROOM = 14, CORNER = 12;

// Map each old coordinate to its new one, given the intervals that must keep their size and those that became free.
function squeezed(kept, freed) {
  const solid = united(kept), free = united(freed), from = [], to = [];
  let end = 0;
  solid.forEach(([low, high], at) => {
    const gap = at ? low - solid[at - 1][1] : 0;
    const emptied = at && free.some(([start, stop]) => start < low && stop > solid[at - 1][1]);
    end += emptied ? Math.min(gap, GAP) : gap;
    from.push(low, high);
    to.push(end, end + high - low);
    end += high - low;
  });
  return (place) => {
    if (place <= from[0]) return to[0] + place - from[0];
    let low = 0, high = from.length - 1;
    if (place >= from[high]) return to[high] + place - from[high];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (from[middle] <= place) low = middle; else high = middle;
    }
    return to[low] + (place - from[low]) * (to[high] - to[low]) / (from[high] - from[low] || 1);
  };
}

function united(intervals) {
  const all = [];
  for (const [low, high] of intervals.slice().sort((one, other) => one[0] - other[0])) {
    const last = all[all.length - 1];
    if (last && low <= last[1]) last[1] = Math.max(last[1], high); else all.push([low, high]);
  }
  return all;
}

// The pictures with frames folded, by the numbers of the frames; they are not in the page until they are shown.
function makeLayouts(section) {
  const found = new Map();
  for (const held of section.querySelectorAll("svg[data-layout]")) {
    const picture = held.querySelector("g");
    picture.dataset.folded = held.dataset.layout;
    found.set(held.dataset.layout, { drawn: picture, isReady: false });
    held.remove();
  }
  return found;
}

function makeFolds(svg, loss, insides, layouts, ready, changed) {
  const whole = svg.querySelector("g");
  const opened = new Set();
  const part = (group) => ({ group, area: group.getBBox(), shapes: [...group.querySelectorAll("path, polygon, polyline, ellipse, text")] });
  const nodes = [...svg.querySelectorAll("g.node")].map(part);
  const edges = [...svg.querySelectorAll("g.edge")].map(part);
  const scopes = [...svg.querySelectorAll("g.cluster")].map((group) => {
    const frame = group.querySelector("polygon, path"), text = group.querySelector("text");
    return { group, frame, text, area: frame.getBBox(), folded: false, name: text ? text.textContent : "" };
  });
  const below = scopes.length ? document.createComment("frames") : null;
  if (below) scopes[scopes.length - 1].group.after(below);
  const inside = (area, scope) => {
    const x = area.x + area.width / 2, y = area.y + area.height / 2;
    return x > scope.area.x && x < scope.area.x + scope.area.width && y > scope.area.y && y < scope.area.y + scope.area.height;
  };
  for (const each of scopes) {
    each.nodes = nodes.filter((node) => inside(node.area, each));
    each.inner = scopes.filter((other) => other !== each && inside(other.area, each) && other.area.width < each.area.width);
    each.told = each.group.dataset.told;
  }
  const foldable = scopes.filter((each) => each.nodes.length);

  // What keeps its size along one axis ("x", "width" or "y", "height"), and what becomes free.
  function axis(low, size) {
    const span = (area, room) => [area[low] - room, area[low] + area[size] + room];
    const unseen = (each) => each.group.classList.contains("unseen");
    const kept = nodes.filter((each) => !unseen(each)).map((each) => span(each.area, ROOM));
    for (const edge of edges.filter((each) => !unseen(each))) {
      kept.push(...edge.shapes.filter((shape) => shape.tagName === "text").map((shape) => span(boxOf(shape), 2)));
    }
    for (const scope of scopes.filter((each) => !unseen(each))) {
      const start = scope.area[low], end = start + scope.area[size], middle = (start + end) / 2;
      const room = size === "width" ? Math.max(scope.told.length, scope.name.length) * 3.4 : 14;
      if (scope.folded) kept.push([Math.max(start, middle - room), Math.min(end, middle + room)]);
      kept.push([start - 6, start + CORNER], [end - CORNER, end + 6]);
      if (!scope.folded && scope.text) kept.push(span(boxOf(scope.text), 2));
    }
    return squeezed(kept, nodes.filter(unseen).map((each) => span(each.area, 0)));
  }

  // Show the picture that was laid out with these frames folded, or the whole one; return whether there is one.
  function showLayout(folded) {
    const outer = folded.filter((each) => !folded.some((other) => other.inner.includes(each)));
    const key = outer.map((each) => Number(each.group.dataset.scope)).sort((one, other) => one - other).join(",");
    const layout = opened.size ? null : layouts.get(key), shown = svg.querySelector("g"), next = layout ? layout.drawn : whole;
    if (next === shown) return Boolean(layout);
    const focused = shown.contains(document.activeElement) ? document.activeElement.dataset : {};
    shown.replaceWith(next);
    if (layout && !layout.isReady) {
      drawBoxes(next);
      ready(next);
      layout.isReady = true;
    }
    const to = next.querySelector('[data-scope="' + focused.scope + '"], [data-box="' + focused.box + '"]');
    for (const each of next.querySelectorAll("[role=button]")) each.setAttribute("tabindex", each === to ? "0" : "-1");
    if (to) to.focus({ preventScroll: true });
    else if (next.querySelector("[role=button]")) next.querySelector("[role=button]").setAttribute("tabindex", "0");
    return Boolean(layout);
  }

  // The boxes are those of the whole picture, each at its place in this one.
  function drawBoxes(picture) {
    for (const node of picture.querySelectorAll("g.node[data-at]")) {
      const same = nodes.find((each) => each.group.dataset.box === node.dataset.box), [x, y] = node.dataset.at.split(" ").map(Number);
      node.append(...[...same.group.children].filter((each) => !each.matches(".sign, .inside")).map((each) => each.cloneNode(true)));
      node.setAttribute("transform", "translate(" + (x - same.area.x - same.area.width / 2) + " " + (y - same.area.y - same.area.height / 2) + ")");
    }
  }

  function update() {
    const folded = foldable.filter((each) => each.folded);
    const before = svg.querySelector("g"), isLaidOut = showLayout(folded);
    if (isLaidOut) return changed(grown(svg.querySelector("g").getBBox(), 8), before !== svg.querySelector("g"));
    const hidden = new Set(folded.flatMap((each) => each.nodes));
    for (const node of nodes) node.group.classList.toggle("unseen", hidden.has(node));
    const covered = folded.map((each) => new Set(each.nodes.map((node) => node.group.dataset.box)));
    for (const { group } of edges) {
      group.classList.toggle("unseen", covered.some((boxes) => boxes.has(group.dataset.from) && boxes.has(group.dataset.to)));
    }
    for (const each of scopes) each.group.classList.toggle("unseen", folded.some((other) => other.inner.includes(each)));
    const open = nodes.filter((each) => opened.has(each.group.dataset.box) && !hidden.has(each));
    const grow = (map, low, size) => stretched(map, open.map(({ group, area }) => [area[low], area[low] + area[size], insides.get(group.dataset.box)[size]]));
    const across = grow(folded.length ? axis("x", "width") : Number, "x", "width");
    const down = grow(folded.length ? axis("y", "height") : Number, "y", "height");
    for (const each of nodes) {
      shift(each.group, each.area, across, down);
      const box = each.group.dataset.box, inside = insides.get(box);
      if (inside && open.includes(each)) showInside(each, inside, moved(each.area, across, down), loss.boxes[box].title);
      else if (inside) hideInside(each, inside);
    }
    // A line ends where its box went; if the box is folded or opened, it goes on to the frame.
    const still = new Map(nodes.filter((each) => !hidden.has(each) && !open.includes(each)).map(({ group }) => [group.dataset.box, group]));
    for (const { group, shapes } of edges) {
      const ends = [group.dataset.from, group.dataset.to].map((box) => still.get(box) && still.get(box).dataset.moved.split(" ").map(Number));
      bendLine(shapes, across, down, ends);
    }
    for (const each of scopes) frame(each, across, down);
    changed(grown(svg.querySelector("g").getBBox(), 8), before !== whole);
  }

  function frame(scope, across, down) {
    bend(scope.frame, across, down);
    scope.group.setAttribute("aria-expanded", String(!scope.folded));
    if (scope.folded) svg.querySelector("g").append(scope.group); else below.before(scope.group);
    if (!scope.text) return;
    scope.text.textContent = scope.name;
    if (!scope.folded) return put(scope.text, { x: across(was(scope.text, "x")), y: down(scope.area.y) + was(scope.text, "y") - scope.area.y });
    const area = moved(scope.area, across, down), counts = document.createElementNS(svg.namespaceURI, "tspan");
    put(scope.text, { x: area.x + area.width / 2, y: area.y + area.height / 2 - 3 });
    counts.textContent = scope.told;
    counts.setAttribute("x", area.x + area.width / 2);
    counts.setAttribute("dy", 13);
    scope.text.append(counts);
  }

  function fold(scopesToFold, folded) {
    for (const each of scopesToFold) each.folded = folded;
    update();
  }

  function open(box) {
    if (!opened.delete(box)) opened.add(box);
    update();
  }

  return {
    scopes: foldable,
    scope: (number) => foldable.find((each) => each.group.dataset.scope === number),
    // The element that represents a box in a picture with frames folded.
    cover: (box) => {
      const folded = foldable.filter((each) => each.folded && each.nodes.some((node) => node.group.dataset.box === String(box)));
      const outer = folded.find((each) => !folded.some((other) => other.inner.includes(each)));
      return outer && svg.querySelector("g") !== whole ? "f" + outer.group.dataset.scope : String(box);
    },
    opened: (box) => opened.has(String(box)),
    turn: (box) => open(String(box)),
    close: () => opened.clear(),
    toggle: (scope) => fold([scope], !scope.folded),
    all: (folded) => fold(folded ? foldable.filter((each) => !foldable.some((other) => other.inner.includes(each))) : foldable, folded),
    open: (box) => {
      const closed = foldable.filter((each) => each.folded && each.nodes.some((node) => node.group.dataset.box === String(box)));
      if (closed.length) fold(closed, false);
    },
    area: (box) => {
      if (svg.querySelector("g") !== whole) {
        const there = svg.querySelector('g.node[data-box="' + box + '"]');
        return there && areaOn(svg, there);
      }
      const node = nodes.find((each) => each.group.dataset.box === String(box));
      if (!node || !opened.has(String(box))) return node && place(node.group, node.area);
      return areaOn(svg, node.group);
    },
  };
}

function place(group, area) {
  const [right, down] = (group.dataset.moved || "0 0").split(" ").map(Number);
  return { x: area.x + right, y: area.y + down, width: area.width, height: area.height };
}

function moved(area, across, down) {
  const x = across(area.x), y = down(area.y);
  return { x, y, width: across(area.x + area.width) - x, height: down(area.y + area.height) - y };
}

// A box keeps its shape and moves with its center.
function shift(group, area, across, down) {
  const x = area.x + area.width / 2, y = area.y + area.height / 2;
  group.dataset.moved = (across(x) - x) + " " + (down(y) - y);
  group.setAttribute("transform", "translate(" + group.dataset.moved + ")");
}

// A line or a frame moves point by point; the old points are kept next to the new ones.
function bend(shape, across, down) {
  const name = shape.tagName === "path" ? "d" : "points";
  if (shape.tagName === "text") return put(shape, { x: across(was(shape, "x")), y: down(was(shape, "y")) });
  if (shape.tagName === "ellipse") return;
  if (!shape.dataset.was) shape.dataset.was = shape.getAttribute(name);
  shape.setAttribute(name, shape.dataset.was.replace(/(-?[\d.]+),(-?[\d.]+)/g, (pair, x, y) => across(Number(x)) + "," + down(Number(y))));
}

// An arrowhead keeps its shape and moves with its tip; `moved` says how far each end moves, where that is known.
function bendLine(shapes, across, down, moved) {
  for (const each of shapes) bend(each, across, down);
  const path = shapes.find((each) => each.tagName === "path"), heads = shapes.filter((each) => each.tagName.startsWith("poly"));
  if (!path) return;
  const old = pairs(path.dataset.was), start = old[0], end = old[old.length - 1], far = ([x, y]) => Math.hypot(x - end[0], y - end[1]);
  const tip = [end, ...heads.flatMap((each) => pairs(each.dataset.was))].reduce((one, other) => (far(other) > far(one) ? other : one));
  const step = ([x, y], known) => known || [across(x) - x, down(y) - y];
  const go = ([x, y], [right, below]) => (x + right) + "," + (y + below), last = step(tip, moved[1]);
  for (const each of heads) each.setAttribute("points", pairs(each.dataset.was).map((point) => go(point, last)).join(" "));
  const bent = path.getAttribute("d").replace(/^M[^C]+/, "M" + go(start, step(start, moved[0])));
  path.setAttribute("d", bent.replace(/[^ C]+$/, go(end, last)));
}

function pairs(points) {
  return [...points.matchAll(/(-?[\d.]+),(-?[\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)]);
}

function put(text, place) {
  was(text, "x");
  was(text, "y");
  text.setAttribute("x", place.x);
  text.setAttribute("y", place.y);
}

function was(text, name) {
  const key = "was" + name.toUpperCase();
  if (!(key in text.dataset)) text.dataset[key] = text.getAttribute(name);
  return Number(text.dataset[key]);
}

function boxOf(text) {
  const now = text.getBBox();
  return {
    x: now.x + was(text, "x") - Number(text.getAttribute("x")),
    y: now.y + was(text, "y") - Number(text.getAttribute("y")),
    width: now.width, height: now.height,
  };
}
