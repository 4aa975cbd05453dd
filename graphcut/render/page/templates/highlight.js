// Which boxes and lines to highlight: the path of a gradient to a variable, or to where it ends and on to the variables behind.

function makeWays(loss) {
  const next = loss.boxes.map(() => []), before = loss.boxes.map(() => []);
  for (const [from, to, line] of loss.links) {
    next[from].push([to, line]);
    before[to].push([from, line]);
  }
  const starts = loss.boxes.map((box, at) => at).filter((at) => loss.boxes[at].role === "loss");

  // Everything that the allowed lines reach from some boxes, each with the box that it was reached from.
  function reached(from, steps, allowed) {
    const origin = new Map(from.map((box) => [box, null])), waiting = from.slice();
    for (let at = 0; at < waiting.length; at++) {
      for (const [box, line] of steps[waiting[at]]) {
        if (!origin.has(box) && allowed(line)) {
          origin.set(box, waiting[at]);
          waiting.push(box);
        }
      }
    }
    return origin;
  }

  function back(origin, box, pairs) {
    for (let at = box; origin.get(at) !== null && origin.has(at); at = origin.get(at)) pairs.add(origin.get(at) + " " + at);
  }

  // From the loss to a barrier, if possible by lines that are not cut; then all data paths from it to the variable.
  function cut(barrier, box, pairs) {
    const open = reached(starts, next, (line) => line !== "cut"), any = reached(starts, next, () => true);
    back(open.has(barrier) ? open : any, barrier, pairs);
    if (box < 0) return;
    const above = reached([box], before, () => true);
    const below = reached([barrier], next, () => true);
    for (const [from, to] of loss.links) {
      if (below.has(from) && above.has(to) && above.has(from)) pairs.add(from + " " + to);
    }
  }

  // Every live line between the loss and a box, for variables whose own route is not kept.
  function live(box, pairs) {
    const above = reached([box], before, (line) => line === "live");
    for (const [from, to, line] of loss.links) if (line === "live" && above.has(to) && above.has(from)) pairs.add(from + " " + to);
  }

  function variable(at) {
    const [route, cuts] = loss.ways[loss.variables.way[at]], box = loss.variables.box[at], pairs = new Set();
    for (const [from, to] of route) pairs.add(from + " " + to);
    for (const barrier of cuts) cut(barrier, box, pairs);
    if (!loss.variables.explained[at] && !cuts.length && box >= 0) live(box, pairs);
    return lit(pairs, [box, ...cuts]);
  }

  function stop(at) {
    const { box, under } = loss.stops[at], pairs = new Set();
    if (box < 0) return lit(pairs, under);
    if (!under.length) cut(box, -1, pairs);
    for (const each of under) cut(box, each, pairs);
    return lit(pairs, [box, ...under]);
  }

  function lit(pairs, boxes) {
    const all = new Set(boxes.filter((box) => box >= 0));
    for (const pair of pairs) for (const box of pair.split(" ")) all.add(Number(box));
    return { boxes: all, pairs };
  }

  // The paths of the first few variables of a group, which share one cut.
  function group(at) {
    const { first, listed } = loss.groups[at], all = { boxes: new Set(), pairs: new Set() };
    for (let each = first; each < first + Math.min(listed, 20); each++) {
      const { boxes, pairs } = variable(each);
      for (const box of boxes) all.boxes.add(box);
      for (const pair of pairs) all.pairs.add(pair);
    }
    return all;
  }

  const box = (at) => lit(new Set(), [at]);
  return { variable, stop, group, box, inner: box };
}
