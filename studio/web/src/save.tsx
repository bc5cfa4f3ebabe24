// What is shown, as files: pictures by their pixels or lines, numbers as tables.
import { paperColor } from "./drawing";
import { csv, save } from "./parts";

type Rows = (string | number)[][];

/** What a figure can be saved as. */
export interface Saved { svg?: () => SVGSVGElement | null; canvas?: () => HTMLCanvasElement | null | Promise<HTMLCanvasElement | null>; rows?: () => Rows }

/** A line of buttons that save something of that name. */
export function Saves({ what, file, svg, canvas, rows }: { what: string; file: string } & Saved) {
  const button = (kind: string, act: () => void) => <button type="button" class="quiet" aria-label={`Save ${what} as ${kind}`} onClick={act}>{kind}</button>;
  return <p class="saves"><span>Save {what} as</span>
    {(svg || canvas) && button("PNG", async () => savePNG(file, svg ? await drawn(svg()) : await canvas!()))}
    {svg && button("SVG", () => { const s = svg(); if (s) save(`${file}.svg`, standalone(s), "image/svg+xml"); })}
    {rows && button("CSV", () => save(`${file}.csv`, csv(rows()), "text/csv"))}</p>;
}

export function savePNG(file: string, canvas: HTMLCanvasElement | null) {
  canvas?.toBlob(blob => { if (blob) save(`${file}.png`, blob, "image/png"); });
}

/** A drawing as a file of its own: one on the page with the colours that the style gives it now. */
function standalone(svg: SVGSVGElement): string {
  if (!svg.isConnected) return new XMLSerializer().serializeToString(svg);
  const kept = ["fill", "stroke", "stroke-width", "font-family", "font-size", "text-anchor"], box = svg.viewBox.baseVal;
  const copy = svg.cloneNode(true) as SVGSVGElement, from = [svg, ...svg.querySelectorAll("*")], to = [copy, ...copy.querySelectorAll("*")];
  from.forEach((e, i) => {
    const style = getComputedStyle(e);
    for (const name of kept) to[i].setAttribute(name, style.getPropertyValue(name));
    to[i].removeAttribute("class");
  });
  const paper = document.createElementNS(svg.namespaceURI, "rect");
  for (const [name, value] of Object.entries({ x: box.x, y: box.y, width: box.width, height: box.height, fill: paperColor() })) paper.setAttribute(name, String(value));
  copy.prepend(paper);
  copy.setAttribute("width", String(box.width));
  copy.setAttribute("height", String(box.height));
  return new XMLSerializer().serializeToString(copy);
}

/** A drawing as pixels. */
async function drawn(svg: SVGSVGElement | null): Promise<HTMLCanvasElement | null> {
  if (!svg) return null;
  const box = svg.viewBox.baseVal, scale = 2, image = new Image();
  image.src = "data:image/svg+xml," + encodeURIComponent(standalone(svg));
  await image.decode();
  const canvas = blank(box.width * scale, box.height * scale);
  canvas.getContext("2d")!.drawImage(image, 0, 0, canvas.width, canvas.height);
  return canvas;
}

/** An empty canvas in the colour of the page. */
export function blank(width: number, height: number): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = width; canvas.height = height;
  const c = canvas.getContext("2d")!;
  c.fillStyle = paperColor();
  c.fillRect(0, 0, width, height);
  return canvas;
}

/** A picture so large that its pixels can be seen. */
export function enlarged(from: HTMLCanvasElement | null, side = 448): HTMLCanvasElement | null {
  if (!from) return null;
  const scale = Math.max(1, Math.round(side / Math.max(from.width, from.height))), canvas = blank(from.width * scale, from.height * scale), c = canvas.getContext("2d")!;
  c.imageSmoothingEnabled = false;
  c.drawImage(from, 0, 0, canvas.width, canvas.height);
  return canvas;
}
