// The legend below the picture is open if there is space for both, until the reader opens or closes it.

function openLegend(svg) {
  const picture = svg.parentElement, legend = picture.querySelector(".legend");
  if (!legend) return;
  let asked = false;
  legend.querySelector("summary").addEventListener("click", () => { asked = true; });
  const open = () => {
    if (!asked) legend.open = picture.clientHeight > 430 && picture.clientWidth > 600;
  };
  open();
  new ResizeObserver(open).observe(picture);
}
