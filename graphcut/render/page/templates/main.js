// Puts the page together. It shows one loss at a time, and at most one thing in it is selected.

const data = JSON.parse(document.getElementById("data").textContent);
// The variables are in the order of their groups; the verdict is that of the group.
for (const loss of data) loss.variables.verdict = loss.groups.flatMap((each) => Array(each.listed).fill(each.verdict));
const by = (id) => document.getElementById(id);

function makeLoss(section, loss) {
  const svg = section.querySelector(".picture svg"), answer = section.querySelector(".answer");
  const ways = makeWays(loss), lists = makeLists(section, loss, choose);
  const insides = makeInsides(section), layouts = makeLayouts(section);
  let view = null, folds = null, chosen = "";
  const variablesOf = new Map();
  loss.variables.box.forEach((box, at) => variablesOf.set(box, (variablesOf.get(box) || []).concat([at])));

  function boxKey(box) {
    const stop = loss.stops.findIndex((each) => each.box === box);
    const variables = variablesOf.get(box) || [];
    if (loss.boxes[box].count === 1 && stop >= 0) return "stop " + stop;
    return variables.length === 1 ? "variable " + variables[0] : "box " + box;
  }

  function told(key) {
    const [kind, at, inner] = key.split(" ");
    if (kind === "variable") return aboutVariable(Number(at));
    if (kind === "inner") return aboutInner(loss.insides[at][inner]);
    if (kind === "group") return aboutGroup(loss.groups[at]);
    return kind === "stop" ? aboutStop(loss.stops[at]) : aboutBox(Number(at));
  }

  function aboutVariable(at) {
    const text = loss.variables.name[at] + loss.words[loss.variables.words[at]], lines = text.split("\n");
    if (!loss.variables.explained[at]) lines.push(...unexplained(at));
    return lines.map((line, index) => make("p", index ? (line.startsWith("    ") ? "code" : "") : "first", line.trim()));
  }

  // Why a group has its verdict: the explanation of its first variable holds for all.
  function aboutGroup(group) {
    const made = [make("p", "first", group.label + ": " + counted(group.count, "variable", "variables") + ", " + group.verdict)];
    const why = [group.reason, group.where].filter(Boolean).join(", ");
    if (why) made.push(make("p", "", why));
    return [...made, make("p", "", "The same holds for each of them. For the first:"), ...aboutVariable(group.first)];
  }

  function unexplained(at) {
    const group = loss.groups.find((each) => at >= each.first && at < each.first + each.listed);
    return [group.reason, "This page explains only some variables of the group; audit.explain explains each of them."].filter(Boolean);
  }

  function aboutStop(stop) {
    const made = [make("p", "first", stop.op + ": " + stop.words + " (" + stop.role + ")."), make("p", "", stop.where)];
    if (stop.line) made.push(make("p", "code", stop.line));
    if (stop.note) made.push(make("p", "", stop.note[0].toUpperCase() + stop.note.slice(1) + "."));
    made.push(...whatIf(stop));
    if (!stop.count) return made;
    const list = make("ul", "", ...stop.cuts.map((at) => make("li", "", lists.row("variable " + at, badge(loss.variables.verdict[at]), " " + loss.variables.name[at]))));
    const more = stop.count - stop.cuts.length;
    if (more) list.append(make("li", "more", "and " + more + " more"));
    return [...made, make("p", "", "It cuts off " + counted(stop.count, "variable", "variables") + ":"), list];
  }

  // What removing a stop would change, computed beforehand; the picture shows it, too, while the button is pressed.
  function whatIf(stop) {
    const answer = make("p", "gain"), button = make("button", "whatif", "What if it were removed?");
    const list = make("ul", "", ...stop.gains.map((at) => make("li", "", lists.row("variable " + at, loss.variables.name[at]))));
    const more = stop.gaining - stop.gains.length;
    if (more > 0) list.append(make("li", "more", "and " + more + " more"));
    answer.textContent = stop.gaining > 0 ? counted(stop.gaining, "variable", "variables") + " would get a gradient:" : stop.sole ? "Removing it alone would bring a gradient back." : "No variable would get a gradient that gets none now.";
    button.setAttribute("aria-pressed", "false");
    const hidden = [answer, list];
    for (const each of hidden) each.hidden = true;
    button.addEventListener("click", () => {
      const pressed = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", String(pressed));
      for (const each of hidden) each.hidden = !pressed;
      for (const node of svg ? svg.querySelectorAll("g.node[data-box]") : []) {
        node.classList.toggle("found", pressed && stop.gains.some((at) => loss.variables.box[at] === Number(node.dataset.box)));
      }
    });
    return [make("p", "", button), ...hidden];
  }

  function aboutInner(box) {
    return [make("p", "first", box.title), make("p", "", (box.live ? "A gradient passes. " : "") + counted(box.count, "op", "ops") + ": " + box.ops.join(", ") + (box.count > box.ops.length ? ", \u2026" : ""))];
  }

  function aboutBox(at) {
    const made = aboutInner(loss.boxes[at]), variables = variablesOf.get(at) || [];
    if (folds && insides.has(String(at))) {
      const button = make("button", "open", folds.opened(at) ? "close it" : "open it in the picture");
      button.addEventListener("click", () => turn(at));
      made.push(make("p", "", button));
    }
    const groups = loss.groups.filter((each) => variables.some((at) => at >= each.first && at < each.first + each.listed));
    if (variables.length > 1 && groups.length === 1) made.push(...aboutGroup(groups[0]));
    const inside = variables.slice(0, 12).map((each) => lists.row("variable " + each, badge(loss.variables.verdict[each]), " " + loss.variables.name[each]));
    if (variables.length > inside.length) inside.push(make("p", "more", "and " + (variables.length - inside.length) + " more"));
    return [...made, ...inside];
  }

  // Open or close a box in the picture, and select it.
  function turn(at) {
    folds.turn(at);
    choose("box " + at);
  }

  function choose(key) {
    chosen = key;
    remember();
    answer.hidden = !key;
    lists.mark(key);
    const [kind, at] = key.split(" ");
    light(key ? ways[kind](Number(at)) : null, kind === "variable" ? loss.variables.box[at] : kind === "stop" ? loss.stops[at].box : kind === "group" ? -1 : Number(at));
    if (!key) return answer.replaceChildren();
    const close = make("button", "close", "\u00d7");
    close.setAttribute("aria-label", "Clear the selection");
    close.addEventListener("click", () => choose(""));
    answer.replaceChildren(close, ...told(key));
    lists.mark(key);
    answer.scrollTop = 0;
  }

  let shining = [null, -1];
  function light(lit, own) {
    if (!svg || !view) return;
    shining = [lit, own];
    if (lit && own >= 0) folds.open(own);
    mark();
    const areas = lit ? [...lit.boxes].map(folds.area).filter(Boolean) : [];
    if (areas.length) view.reveal(around(areas));
  }

  function mark() {
    const [lit, own] = shining;
    svg.classList.toggle("choosing", Boolean(lit));
    for (const each of svg.querySelectorAll(".lit, .chosen")) each.classList.remove("lit", "chosen");
    if (!lit) return;
    for (const node of svg.querySelectorAll("g.node[data-box]")) {
      node.classList.toggle("lit", lit.boxes.has(Number(node.dataset.box)));
      node.classList.toggle("chosen", Number(node.dataset.box) === own);
    }
    const pairs = new Set([...lit.pairs].map((pair) => pair.split(" ").map(folds.cover).join(" ")));
    for (const edge of svg.querySelectorAll("g.edge[data-from]")) {
      edge.classList.toggle("lit", pairs.has(edge.dataset.from + " " + edge.dataset.to));
    }
  }

  function search(text) {
    const found = lists.search(text);
    if (chosen) lists.mark(chosen);
    if (svg) {
      for (const node of svg.querySelectorAll("g.node")) {
        node.classList.toggle("found", Boolean(found) && found.boxes.includes(Number(node.dataset.box)));
      }
    }
    return found;
  }

  // Select the first match of a search.
  function first(found) {
    if (found.variables.length) choose("variable " + found.variables[0]);
    else if (found.stops.length) choose("stop " + found.stops[0]);
    else if (found.boxes.length) choose("box " + found.boxes[0]);
  }

  function clickable(group, label, click) {
    group.setAttribute("role", "button");
    group.setAttribute("aria-label", label);
    group.addEventListener("click", (event) => {
      event.stopPropagation();
      click();
    });
  }

  // The boxes in a box can be selected, too; a second click on the box opens it.
  function openable(node, at) {
    node.classList.add("openable");
    node.addEventListener("dblclick", (event) => {
      event.stopPropagation();
      turn(at);
    });
    for (const inner of node.closest("[data-folded]") ? [] : insides.get(String(at)).parts.querySelectorAll("[data-inner]")) {
      const box = loss.insides[at][inner.dataset.inner];
      const key = box.variable < 0 ? "inner " + at + " " + inner.dataset.inner : "variable " + box.variable;
      clickable(inner, [box.title, ...box.lines].join(", "), () => choose(key));
      inner.addEventListener("dblclick", (event) => event.stopPropagation());
    }
    const area = node.getBBox(), right = area.x + area.width, middle = area.y + area.height / 2;
    node.append(drawn("circle", { class: "sign", cx: right, cy: middle, r: 6 }), drawn("text", { class: "sign", x: right, y: middle + 4, "text-anchor": "middle", "font-size": 12 }, "+"));
  }

  // A picture can be measured only once it is visible.
  function seen() {
    if (!svg || view) return;
    if (!svg.clientWidth) return whenSized(svg, seen);
    openLegend(svg);
    view = makeView(svg);
    folds = makeFolds(svg, loss, insides, layouts, ready, (area, isOther) => {
      view.resized(area);
      mark();
      const focused = isOther && svg.contains(document.activeElement) && document.activeElement !== svg;
      if (isOther) view.changed(focused ? areaOn(svg, document.activeElement) : null);
    });
    ready(svg);
    svg.addEventListener("click", () => choose(""));
    makeStops(svg, view);
    view.start(folds.area(loss.boxes.findIndex((box) => box.role === "loss")));
    if (chosen) choose(chosen);
  }

  // Everything drawn can be selected, opened and folded.
  function ready(group) {
    for (const node of group.querySelectorAll("g.node[data-box]")) {
      const box = loss.boxes[node.dataset.box];
      const at = Number(node.dataset.box), key = insides.has(node.dataset.box) ? "box " + at : boxKey(at);
      clickable(node, [box.title, ...box.lines].join(", "), () => choose(key));
      if (insides.has(node.dataset.box)) openable(node, at);
    }
    for (const frame of group.querySelectorAll("g.cluster[data-scope]")) {
      const scope = folds.scope(frame.dataset.scope);
      if (!frame.hasAttribute("aria-expanded")) frame.setAttribute("aria-expanded", "true");
      if (scope) clickable(frame, "scope " + scope.name + ", " + scope.told, () => folds.toggle(scope));
    }
  }

  arrowsInTable(section.querySelector("aside"));
  const known = { variable: loss.variables.name, stop: loss.stops, group: loss.groups, box: loss.boxes };
  const has = (kind, at) => Object.keys(known).includes(kind) && Number.isInteger(at) && at >= 0 && at < known[kind].length;
  return { section, has, svg, heading: loss.heading, chosen: () => chosen, seen, search, first, choose, turn: () => chosen.startsWith("box ") && insides.has(chosen.slice(4)) && turn(Number(chosen.slice(4))), view: () => view, folds: () => folds };
}

// In a frame that is not visible yet, as in a notebook, nothing has a size.
function whenSized(element, action) {
  const waiting = new ResizeObserver(() => {
    if (!element.clientWidth) return;
    waiting.disconnect();
    action();
  });
  waiting.observe(element);
}

const losses = [...document.querySelectorAll("section.loss")].map((section, at) => makeLoss(section, data[at]));
const tabs = [...document.querySelectorAll("[role=tab]")];
let current = losses[0];

function show(at) {
  current = losses[at];
  losses.forEach((each, index) => { each.section.hidden = index !== at; });
  tabs.forEach((tab, index) => {
    tab.setAttribute("aria-selected", String(index === at));
    tab.tabIndex = index === at ? 0 : -1;
  });
  current.seen();
  searched();
  remember();
}

// The address holds the tab and the selection in it: `#1/variable-3`.
let restoring = true;
function remember() {
  if (restoring) return;
  const chosen = current.chosen();
  const state = "#" + losses.indexOf(current) + (chosen && !chosen.startsWith("inner") ? "/" + chosen.replace(" ", "-") : "");
  try {
    history.replaceState(null, "", state);
  } catch (error) {
    // A page embedded in another, such as a notebook's, may not do this.
  }
}

function restore() {
  const [, at, kind, index] = /^#(\d+)(?:\/(variable|stop|group|box)-(\d+))?$/.exec(location.hash) || [];
  restoring = true;
  if (losses[at]) show(Number(at));
  if (losses[at] && kind && current.has(kind, Number(index))) current.choose(kind + " " + index);
  restoring = false;
  return Boolean(losses[at]);
}

// Start with the loss that has the most variables without a gradient, else with the first.
function worst() {
  const share = data.map((each) => (each.total ? each.missing / each.total : 0));
  return share.indexOf(Math.max(...share));
}

function searched() {
  const found = current.search(by("search").value);
  by("found").textContent = found ? counted(found.variables.length, "variable", "variables") + ", " + counted(found.stops.length, "stop", "stops") + ", " + counted(found.boxes.length, "box", "boxes") : "";
  return found;
}

tabs.forEach((tab, at) => {
  tab.addEventListener("click", () => show(at));
  tab.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = (at + step + tabs.length) % tabs.length;
    show(next);
    tabs[next].focus();
  });
});

const zoom = (factor) => current.view() && current.view().zoom(factor);
const fold = (folded) => {
  if (!current.folds()) return;
  if (folded) current.folds().close();
  current.folds().all(folded);
  current.view().look();
};
const actions = {
  "+": () => zoom(1.25),
  "=": () => zoom(1.25),
  "-": () => zoom(0.8),
  "0": () => current.view() && current.view().look(),
  f: () => fold(true),
  u: () => fold(false),
  o: () => current.turn(),
  "/": () => by("search").focus(),
  "?": () => by("keys").showModal(),
  Escape: () => {
    by("search").value = "";
    searched();
    current.choose("");
  },
};
for (const [id, key] of Object.entries({ in: "+", out: "-", fit: "0", fold: "f", unfold: "u", help: "?" })) by(id).addEventListener("click", actions[key]);
by("search").addEventListener("input", searched);
by("search").addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  const found = searched();
  if (found) current.first(found);
});
pageKeys(actions);
by("svg").addEventListener("click", () => current.svg && save(new Blob([svgText(current.svg)], { type: "image/svg+xml" }), current.heading + ".svg"));
by("png").addEventListener("click", () => current.svg && paint(current.svg).toBlob((blob) => save(blob, current.heading + ".png")));
if (!restore()) show(worst());
window.addEventListener("hashchange", restore);
