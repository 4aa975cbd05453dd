// The legend below the picture is open where there is room for both.

function openLegend(svg) {
  const legend = svg.parentElement.querySelector(".legend");
  if (legend) legend.open = svg.clientHeight > 400 && svg.clientWidth > 600;
}
