// The legend is drawn with the picture, so that it shows what the picture shows; here its rows are moved out of the way, into
// a strip below.

function makeLegend(svg) {
  const parts = [...svg.querySelectorAll("[data-legend]")].filter((each) => !each.classList.contains("cluster"));
  for (const each of svg.querySelectorAll(".cluster[data-legend]")) each.remove();
  const rows = new Map();
  for (const each of parts) {
    const area = each.getBBox(), row = Math.round((area.y + area.height / 2) / 8);
    const known = [row, row - 1, row + 1].find((near) => rows.has(near));
    if (known === undefined) rows.set(row, []);
    rows.get(known === undefined ? row : known).push([each, area]);
  }
  if (!rows.size) return;
  const strip = make("div", "samples");
  for (const [, row] of [...rows].sort((one, other) => one[0] - other[0])) strip.append(sample(svg, row));
  const details = make("details", "legend", make("summary", "", "legend"), strip);
  details.open = svg.clientHeight > 400 && svg.clientWidth > 600;
  svg.after(details);
}

function sample(svg, row) {
  const whole = grown(around(row.map(([, area]) => area)), 5), small = document.createElementNS(svg.namespaceURI, "svg");
  small.setAttribute("viewBox", [whole.x, whole.y, whole.width, whole.height].join(" "));
  small.setAttribute("width", whole.width);
  small.setAttribute("height", whole.height);
  small.append(...row.map(([each]) => each));
  return small;
}
