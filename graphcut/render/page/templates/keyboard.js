// The keyboard: Tab reaches one box or frame of a picture; from there, an arrow key goes to the nearest one in its direction.

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function makeStops(svg, view) {
  const stops = () => [...svg.querySelectorAll("[role=button]")].filter((each) => !each.classList.contains("unseen"));

  function enter(element) {
    for (const each of svg.querySelectorAll("[role=button]")) each.setAttribute("tabindex", each === element ? "0" : "-1");
  }

  function nearest(element, [right, down]) {
    const middle = (each) => {
      const area = each.getBoundingClientRect();
      return [area.x + area.width / 2, area.y + area.height / 2];
    };
    const [x, y] = middle(element);
    let best = null, least = Infinity;
    for (const each of stops()) {
      const [toX, toY] = middle(each), along = (toX - x) * right + (toY - y) * down;
      const aside = Math.abs((toX - x) * down) + Math.abs((toY - y) * right);
      if (each !== element && along > 1 && along + 2 * aside < least) [best, least] = [each, along + 2 * aside];
    }
    return best;
  }

  svg.addEventListener("keydown", (event) => {
    const arrow = ARROWS[event.key];
    if (arrow && event.shiftKey) view.move(60 * arrow[0], 60 * arrow[1]);
    else if (arrow) {
      const found = nearest(event.target, arrow);
      if (found) {
        enter(found);
        found.focus({ preventScroll: true });
        view.reveal(areaOn(svg, found));
      }
    } else if (event.key === "Enter" || event.key === " ") event.target.dispatchEvent(new MouseEvent("click", { bubbles: true }));
    else return;
    event.preventDefault();
  });
  svg.addEventListener("focusin", (event) => enter(event.target));
  enter(stops()[0]);
}

// The place of an element, in the picture's points.
function areaOn(svg, element) {
  const place = element.getBoundingClientRect(), toPoints = svg.getScreenCTM().inverse();
  const corner = new DOMPoint(place.x, place.y).matrixTransform(toPoints);
  const other = new DOMPoint(place.right, place.bottom).matrixTransform(toPoints);
  return { x: corner.x, y: corner.y, width: other.x - corner.x, height: other.y - corner.y };
}

// Up and down in the table.
function arrowsInTable(aside) {
  aside.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const rows = [...aside.querySelectorAll("summary, .row")].filter((each) => each.offsetParent !== null);
    const at = rows.indexOf(document.activeElement);
    const next = rows[at + (event.key === "ArrowDown" ? 1 : -1)];
    if (at < 0 || !next) return;
    event.preventDefault();
    next.focus();
  });
}

// Keys for the whole page; ignored while the reader types.
function pageKeys(actions) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.tagName === "INPUT" && event.key !== "Escape") return;
    const action = actions[event.key];
    if (!action || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    action();
  });
}
