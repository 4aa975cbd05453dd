// The table next to the picture. Names from the graph go into the page as text only.

const SHOWN = 200;

function make(tag, name, ...inside) {
  const element = document.createElement(tag);
  if (name) element.className = name;
  element.append(...inside);
  return element;
}

function badge(verdict) {
  return make("span", "badge " + verdict, verdict);
}

function counted(count, one, many) {
  return count.toLocaleString("en") + " " + (count === 1 ? one : many);
}

function makeLists(section, loss, choose) {
  const variables = section.querySelector(".variables"), stops = section.querySelector(".stops");
  const heading = section.querySelector(".heading");
  const rows = new Map();

  function row(key, ...inside) {
    const button = make("button", "row", ...inside);
    button.dataset.key = key;
    button.addEventListener("click", () => choose(key));
    if (!rows.has(key)) rows.set(key, []);
    rows.get(key).push(button);
    return button;
  }

  function variable(at, reason) {
    const { name, verdict, shape } = loss.variables;
    return row("variable " + at, badge(verdict[at]), " " + name[at] + " ", make("span", "shape", shape[at]), ...(reason ? [make("small", "", reason)] : []));
  }

  function reason(group) {
    return [group.reason, group.where].filter(Boolean).join(", ");
  }

  function group(each) {
    if (each.count === 1) return variable(each.first, reason(each));
    const key = "group " + loss.groups.indexOf(each);
    const label = make("summary", "", badge(each.verdict), " " + each.label + " ", make("span", "shape", each.shape));
    if (!each.label.endsWith("(" + each.count + ")")) label.append(" ", make("span", "count", "\u00d7" + each.count));
    if (reason(each)) label.append(make("small", "", reason(each)));
    label.addEventListener("click", () => choose(key));
    rows.set(key, [label]);
    const list = make("ul"), details = make("details", "", label, list);
    details.addEventListener("toggle", () => {
      if (!details.open || list.children.length) return;
      for (let at = 0; at < Math.min(each.listed, SHOWN); at++) list.append(make("li", "", variable(each.first + at)));
      if (each.count > SHOWN) list.append(make("li", "more", counted(each.count - Math.min(each.listed, SHOWN), "more", "more") + "; search for the one you want"));
    });
    return details;
  }

  function stop(each, at) {
    const told = each.words + (each.count ? " of " + counted(each.count, "variable", "variables") : "");
    return row("stop " + at, badge(each.role), " " + each.op, make("small", "", [told, each.where].filter(Boolean).join(", ")));
  }

  function fill(element, made, total, what) {
    element.replaceChildren(...made.slice(0, SHOWN));
    if (total > SHOWN) element.append(make("p", "more", counted(total - Math.min(made.length, SHOWN), "more", "more") + what));
  }

  function all() {
    rows.clear();
    const unlisted = loss.total - loss.variables.name.length;
    heading.textContent = counted(loss.total, "variable", "variables") + (unlisted ? ", of which " + unlisted.toLocaleString("en") + " are only counted here" : "");
    fill(variables, loss.groups.slice(0, SHOWN).map(group), loss.groups.length, " groups; search for the one you want");
    fill(stops, loss.stops.slice(0, SHOWN).map(stop), loss.stops.length, "; search for the one you want");
  }

  // Find what contains every word; return how many variables, stops and boxes do, and which boxes.
  function search(text) {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    if (!words.length) {
      all();
      return null;
    }
    const holds = (...texts) => {
      const whole = texts.join("\n").toLowerCase();
      return words.every((word) => whole.includes(word));
    };
    const named = loss.variables.name.map((name, at) => at).filter((at) => holds(loss.variables.name[at], loss.variables.verdict[at]));
    const stopped = loss.stops.map((each, at) => at).filter((at) => holds(loss.stops[at].op, loss.stops[at].role, loss.stops[at].where));
    rows.clear();
    heading.textContent = counted(named.length, "variable", "variables") + " found";
    fill(variables, named.slice(0, SHOWN).map((at) => variable(at)), named.length, "; search for something longer");
    fill(stops, stopped.slice(0, SHOWN).map((at) => stop(loss.stops[at], at)), stopped.length, "; search for something longer");
    const boxes = loss.boxes.map((box, at) => at).filter((at) => holds(loss.boxes[at].title, ...loss.boxes[at].lines, ...loss.boxes[at].ops));
    const hit = new Set([...boxes, ...named.map((at) => loss.variables.box[at]), ...stopped.map((at) => loss.stops[at].box)]);
    hit.delete(-1);
    return { variables: named, stops: stopped, boxes: [...hit] };
  }

  // Mark the row of the selection, and unfold its group.
  function mark(key) {
    for (const button of section.querySelectorAll('[aria-current="true"]')) button.removeAttribute("aria-current");
    const [kind, at] = key.split(" ");
    if (kind === "variable" && !rows.has(key)) {
      const index = loss.groups.findIndex((each) => at >= each.first && at < each.first + each.listed);
      const details = variables.children[index];
      if (details && details.tagName === "DETAILS") {
        details.open = true;
        details.dispatchEvent(new Event("toggle"));
      }
    }
    for (const button of rows.get(key) || []) button.setAttribute("aria-current", "true");
    return (rows.get(key) || [])[0];
  }

  all();
  return { search, mark, row };
}
