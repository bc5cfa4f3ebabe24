// What is on the page as a drawing of its own: the words, coloured boxes, lines and pictures
// of an element, each where the page has it.

const namespace = "http://www.w3.org/2000/svg";

function part(name: string, attributes: Record<string, string | number>): SVGElement {
  const e = document.createElementNS(namespace, name);
  for (const [key, value] of Object.entries(attributes)) e.setAttribute(key, String(value));
  return e;
}

/** A colour as six digits and how opaque it is; style sheets have words and mixtures, too,
 * which programs that read drawings do not know. */
function plain(color: string): { fill: string; opacity: number } {
  const c = new OffscreenCanvas(1, 1).getContext("2d")!;
  c.fillStyle = color;
  c.fillRect(0, 0, 1, 1);
  const [r, g, b, a] = c.getImageData(0, 0, 1, 1).data;
  return { fill: "#" + [r, g, b].map(v => v.toString(16).padStart(2, "0")).join(""), opacity: a / 255 };
}

/** The colour of the page. */
export const paperColor = () => getComputedStyle(document.documentElement).getPropertyValue("--paper").trim();

/** Draws an element; not its small buttons, of which a file has no use. */
export function drawingOf(from: HTMLElement | null): SVGSVGElement | null {
  if (!from) return null;
  const margin = 12, frame = from.getBoundingClientRect(), width = Math.ceil(frame.width + 2 * margin), height = Math.ceil(frame.height + 2 * margin);
  const left = frame.left - margin, top = frame.top - margin;
  const drawing = part("svg", { xmlns: namespace, viewBox: `0 0 ${width} ${height}`, width, height }) as SVGSVGElement;
  const draw = (name: string, attributes: Record<string, string | number>) => drawing.append(part(name, attributes));
  draw("rect", { width, height, ...plain(paperColor()) });
  const place = (r: DOMRect) => ({ x: r.left - left, y: r.top - top, width: r.width, height: r.height });

  const words = (text: Text, style: CSSStyleDeclaration) => {
    const range = document.createRange(), lines: { text: string; box: DOMRect }[] = [], ink = plain(style.color);
    for (const found of text.data.matchAll(/\S+/g)) {
      range.setStart(text, found.index); range.setEnd(text, found.index + found[0].length);
      const box = range.getBoundingClientRect(), line = lines[lines.length - 1];
      if (line && Math.abs(line.box.top - box.top) < 2) { line.text += " " + found[0]; line.box = new DOMRect(line.box.left, line.box.top, box.right - line.box.left, box.height); }
      else lines.push({ text: found[0], box });
    }
    for (const { text, box } of lines) {
      // Another program's letters have other widths: what is flush right or centred stays so.
      const anchor = /right|end/.test(style.textAlign) ? "end" : style.textAlign === "center" ? "middle" : "start", share = { start: 0, middle: 0.5, end: 1 }[anchor];
      const e = part("text", { x: box.left - left + share * box.width, y: box.top - top + 0.78 * box.height, "text-anchor": anchor,
        "font-family": style.fontFamily, "font-size": style.fontSize, "font-weight": style.fontWeight, ...ink });
      e.textContent = text;
      drawing.append(e);
    }
  };
  const walk = (e: Element) => {
    const style = getComputedStyle(e), box = e.getBoundingClientRect();
    if (e.matches("button.icon") || style.display === "none" || !box.width || !box.height) return;
    const back = plain(style.backgroundColor);
    if (back.opacity > 0) draw("rect", { ...place(box), rx: Math.min(parseFloat(style.borderTopLeftRadius) || 0, box.height / 2), ...back });
    if (e instanceof HTMLCanvasElement) draw("image", { ...place(box), href: e.toDataURL(), style: `image-rendering:${style.imageRendering}` });
    for (const child of e.childNodes) {
      if (child instanceof Text) words(child, style);
      else if (child instanceof Element) walk(child);
    }
    if (e.matches("th, td") && parseFloat(style.borderBottomWidth) > 0) draw("rect", { ...place(box), y: box.bottom - top - 1, height: 1, ...plain(style.borderBottomColor) });
  };
  walk(from);
  return drawing;
}
