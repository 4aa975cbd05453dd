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

function svgText(svg) {
  const copy = svg.cloneNode(true), area = shownArea(svg);
  copy.setAttribute("viewBox", [area.x, area.y, area.width, area.height].join(" "));
  copy.setAttribute("width", area.width);
  copy.setAttribute("height", area.height);
  copy.removeAttribute("class");
  for (const each of copy.querySelectorAll(".unseen, .sign, .opened > :not(.inside)")) each.remove();
  copy.prepend(drawn("rect", { x: area.x, y: area.y, width: area.width, height: area.height, fill: "white" }));
  return new XMLSerializer().serializeToString(copy);
}

// Paint two dots per point on white, and fewer for very large pictures.
function paint(svg) {
  const area = shownArea(svg), canvas = document.createElement("canvas");
  const scale = Math.min(2, 8000 / Math.max(area.width, area.height)), pen = canvas.getContext("2d");
  canvas.width = Math.ceil(area.width * scale);
  canvas.height = Math.ceil(area.height * scale);
  pen.fillStyle = "white";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  const toUser = svg.getScreenCTM().inverse();
  for (const shape of svg.querySelectorAll("path, polygon, polyline, ellipse, circle, rect, text")) {
    if (!shape.getClientRects().length || shape.classList.contains("sign")) continue;
    const placed = toUser.multiply(shape.getScreenCTM());
    pen.setTransform(new DOMMatrix([scale, 0, 0, scale, -area.x * scale, -area.y * scale]).multiply(DOMMatrix.fromMatrix(placed)));
    paintShape(pen, shape, getComputedStyle(shape));
  }
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
