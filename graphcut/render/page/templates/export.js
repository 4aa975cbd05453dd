// Save the picture as a file: SVG as it is, PNG painted shape by shape, because the page's policy allows no images.

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name.replace(/[^\w.-]+/g, "_").slice(-80);
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function shownArea(svg) {
  return grown(svg.querySelector("g").getBBox(), 8);
}

// Frame a copy of the picture with its title above and its legend below, which the page shows outside of the SVG.
function framed(svg) {
  const area = shownArea(svg), copy = svg.cloneNode(true), margin = 8;
  for (const each of copy.querySelectorAll(".unseen, .sign, .opened > :not(.inside)")) each.remove();
  for (const each of copy.querySelectorAll(".chosen, .found")) each.classList.remove("chosen", "found");
  const width = Math.max(area.width, 420), left = area.x + area.width / 2 - width / 2;
  const head = titleLines(svg.parentElement.getAttribute("aria-label"), left, width, margin);
  const foot = legendRows(svg.parentElement, left, area.y + area.height, width, margin);
  const top = area.y - head.height, height = head.height + area.height + foot.height;
  for (const [key, value] of Object.entries({ viewBox: [left, top, width, height].join(" "), width, height })) copy.setAttribute(key, value);
  copy.removeAttribute("class");
  copy.prepend(drawn("rect", { x: left, y: top, width, height, fill: "white" }));
  head.lines.forEach((line, at) => copy.append(drawn("text", { ...TITLE, x: left + width / 2, y: top + 8 + 18 * (at + 0.7) }, line)));
  copy.append(...foot.samples);
  return { copy, area: { x: left, y: top, width, height } };
}

const TITLE = { "text-anchor": "middle", "font-family": "Helvetica,Arial,sans-serif", "font-size": 14, "font-weight": "bold", fill: "black" };

function titleLines(text, left, width, margin) {
  const pen = document.createElement("canvas").getContext("2d"), lines = [""];
  pen.font = "bold 14px Helvetica, Arial, sans-serif";
  for (const word of (text || "").split(" ")) {
    const longer = lines[lines.length - 1] ? lines[lines.length - 1] + " " + word : word;
    if (lines[lines.length - 1] && pen.measureText(longer).width > width - 2 * margin) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  return { lines, height: 18 * lines.length + 2 * 8 };
}

function legendRows(picture, left, top, width, margin) {
  const samples = [];
  let x = left + margin, y = top + margin;
  for (const each of picture.querySelectorAll(".legend .samples svg")) {
    const { width: wide, height: tall } = each.viewBox.baseVal;
    if (x > left + margin && x + wide > left + width - margin) [x, y] = [left + margin, y + tall];
    samples.push(drawn("g", { transform: "translate(" + x + " " + y + ")" }, ...[...each.children].map((part) => part.cloneNode(true))));
    x += wide + 16;
  }
  return { samples, height: samples.length ? y + 15 + margin - top : 0 };
}

function svgText(svg) {
  return new XMLSerializer().serializeToString(framed(svg).copy);
}

// Paint two dots per point on white, and fewer for very large pictures. The copy is laid out where nobody sees it.
function paint(svg) {
  const { copy, area } = framed(svg), canvas = document.createElement("canvas");
  const scale = Math.min(2, 8000 / Math.max(area.width, area.height)), pen = canvas.getContext("2d");
  canvas.width = Math.ceil(area.width * scale);
  canvas.height = Math.ceil(area.height * scale);
  copy.style.cssText = "position: absolute; left: -99999px; top: 0";
  document.body.append(copy);
  const toUser = copy.getScreenCTM().inverse();
  for (const shape of copy.querySelectorAll("path, polygon, polyline, ellipse, circle, rect, text")) {
    if (!shape.getClientRects().length) continue;
    const placed = toUser.multiply(shape.getScreenCTM());
    pen.setTransform(new DOMMatrix([scale, 0, 0, scale, -area.x * scale, -area.y * scale]).multiply(DOMMatrix.fromMatrix(placed)));
    paintShape(pen, shape, getComputedStyle(shape));
  }
  copy.remove();
  return canvas;
}

function paintShape(pen, shape, looks) {
  [pen.fillStyle, pen.strokeStyle, pen.lineWidth] = [looks.fill, looks.stroke, parseFloat(looks.strokeWidth)];
  pen.setLineDash(looks.strokeDasharray === "none" ? [] : looks.strokeDasharray.split(/[ ,]+/).map(parseFloat));
  if (shape.tagName === "text") return paintText(pen, shape, looks);
  const outline = outlined(shape);
  if (looks.fill !== "none" && shape.tagName !== "polyline") pen.fill(outline);
  if (looks.stroke !== "none") pen.stroke(outline);
}

function paintText(pen, text, looks) {
  pen.font = [looks.fontWeight, looks.fontSize, looks.fontFamily].join(" ");
  pen.textAlign = { middle: "center", end: "right" }[looks.textAnchor] || "left";
  if (looks.stroke !== "none") pen.strokeText(text.textContent, Number(text.getAttribute("x")), Number(text.getAttribute("y")));
  pen.fillText(text.textContent, Number(text.getAttribute("x")), Number(text.getAttribute("y")));
}

function outlined(shape) {
  const number = (name) => Number(shape.getAttribute(name)), outline = new Path2D();
  if (shape.tagName === "path") return new Path2D(shape.getAttribute("d"));
  if (shape.tagName === "rect") outline.rect(number("x"), number("y"), number("width"), number("height"));
  else if (shape.tagName === "ellipse") outline.ellipse(number("cx"), number("cy"), number("rx"), number("ry"), 0, 0, 7);
  else if (shape.tagName === "circle") outline.arc(number("cx"), number("cy"), number("r"), 0, 7);
  else {
    pairs(shape.getAttribute("points")).forEach(([x, y], at) => (at ? outline.lineTo(x, y) : outline.moveTo(x, y)));
    if (shape.tagName === "polygon") outline.closePath();
  }
  return outline;
}
