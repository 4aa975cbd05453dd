"use strict";

// The visible part of a picture: a corner and a scale, kept as the SVG's viewBox. Units are the picture's points.

function makeView(svg) {
  let whole = grown(svg.querySelector("g").getBBox(), 8);
  let x = whole.x, y = whole.y, scale = 1;
  // What to do when the window is resized: the same again, until the reader has moved the picture.
  let refit = show;

  function show() {
    svg.setAttribute("viewBox", [x, y, svg.clientWidth / scale, svg.clientHeight / scale].join(" "));
  }

  function fitting(area) {
    return Math.min(svg.clientWidth / area.width, svg.clientHeight / area.height);
  }

  function look(area, most) {
    scale = Math.min(fitting(area), most);
    x = area.x + (area.width - svg.clientWidth / scale) / 2;
    y = area.y + (area.height - svg.clientHeight / scale) / 2;
    show();
  }

  // Show all of it if the text stays readable, else the top, where the loss is.
  function start(loss) {
    refit = () => start(loss);
    look(whole, 1.5);
    if (scale >= 0.7 || !loss) return;
    scale = 0.7;
    x = loss.x + (loss.width - svg.clientWidth / scale) / 2;
    y = Math.min(loss.y - 20, Math.max(whole.y, loss.y + loss.height / 2 - svg.clientHeight / scale / 2));
    show();
  }

  function fit() {
    refit = fit;
    look(whole, 3);
  }

  function zoom(factor, across = 0.5, down = 0.5) {
    refit = show;
    const next = Math.max(Math.min(scale * factor, 12), Math.min(fitting(whole) / 2, 0.5));
    x += across * svg.clientWidth * (1 / scale - 1 / next);
    y += down * svg.clientHeight * (1 / scale - 1 / next);
    scale = next;
    show();
  }

  function move(right, down) {
    refit = show;
    x += right / scale;
    y += down / scale;
    show();
  }

  // Make an area visible, moving no more than necessary.
  function reveal(area) {
    const width = svg.clientWidth / scale, height = svg.clientHeight / scale;
    const seen = area.x >= x && area.y >= y && area.x + area.width <= x + width && area.y + area.height <= y + height;
    if (seen) return;
    refit = show;
    if (area.width > width || area.height > height) return look(grown(area, 20), 1.5);
    x = area.x + area.width / 2 - width / 2;
    y = area.y + area.height / 2 - height / 2;
    show();
  }

  function resized(area) {
    whole = area;
  }

  // Another picture is shown: all of it, or, if the reader has moved the picture, the area to look at.
  function changed(area) {
    if (refit !== show) refit = () => look(whole, 1.5);
    refit();
    if (area) reveal(area);
  }

  svg.addEventListener("wheel", (event) => {
    event.preventDefault();
    const place = svg.getBoundingClientRect();
    const steps = Math.max(-3, Math.min(3, event.deltaY / (event.deltaMode ? 3 : 100)));
    zoom(Math.pow(0.8, steps), (event.clientX - place.x) / place.width, (event.clientY - place.y) / place.height);
  }, { passive: false });

  dragging(svg, move);
  new ResizeObserver(() => svg.clientWidth && refit()).observe(svg);  // a hidden tab has no size
  return { look: fit, start, zoom, move, reveal, resized, changed, scale: () => scale };
}

// Dragging with the mouse or a finger moves the picture; the click that ends a drag selects nothing.
function dragging(svg, move) {
  let last = null, far = 0;
  svg.addEventListener("pointerdown", (event) => {
    if (event.button === 0) [last, far] = [event, 0];
  });
  window.addEventListener("pointermove", (event) => {
    if (!last) return;
    far += Math.abs(event.clientX - last.clientX) + Math.abs(event.clientY - last.clientY);
    if (far > 4) {
      svg.classList.add("dragged");
      move(last.clientX - event.clientX, last.clientY - event.clientY);
    }
    last = event;
  });
  window.addEventListener("pointerup", () => {
    last = null;
    svg.classList.remove("dragged");
  });
  svg.addEventListener("click", (event) => {
    if (far > 4) event.stopPropagation();
  }, true);
}

function grown(area, by) {
  return { x: area.x - by, y: area.y - by, width: area.width + 2 * by, height: area.height + 2 * by };
}

function around(areas) {
  const left = Math.min(...areas.map((each) => each.x)), top = Math.min(...areas.map((each) => each.y));
  const right = Math.max(...areas.map((each) => each.x + each.width));
  const bottom = Math.max(...areas.map((each) => each.y + each.height));
  return { x: left, y: top, width: right - left, height: bottom - top };
}
