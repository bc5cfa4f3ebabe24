// The map of codes: points drawn by the graphics card (regl-scatterplot), thumbnails over
// them, and what is where.
import createScatterplot from "regl-scatterplot";
import { useEffect, useRef, useState } from "preact/hooks";
import { Model } from "./api";
import { Sprites } from "./sprites";
import { useSize } from "./parts";
import { blank, savePNG } from "./save";

type Plot = ReturnType<typeof createScatterplot>;

export interface Nearby { samples: number[]; weights: number[]; x: number; y: number }

/** Points scaled into the square from -1 to 1, and the way back. */
export interface Layout { x: Float32Array; y: Float32Array; center: [number, number]; scale: number }

export function layoutOf(points: Float32Array): Layout {
  const n = points.length / 2, x = new Float32Array(n), y = new Float32Array(n);
  let x0 = Infinity, x1 = -Infinity, y0 = Infinity, y1 = -Infinity;
  for (let i = 0; i < n; i++) {
    x0 = Math.min(x0, points[2 * i]); x1 = Math.max(x1, points[2 * i]);
    y0 = Math.min(y0, points[2 * i + 1]); y1 = Math.max(y1, points[2 * i + 1]);
  }
  const center: [number, number] = [(x0 + x1) / 2, (y0 + y1) / 2], scale = Math.max(x1 - x0, y1 - y0) / 1.9 || 1;
  for (let i = 0; i < n; i++) {
    x[i] = (points[2 * i] - center[0]) / scale;
    y[i] = (points[2 * i + 1] - center[1]) / scale;
  }
  return { x, y, center, scale };
}

/** The points nearest to a place, each with a weight by its inverse squared distance. */
export function nearby(l: Layout, x: number, y: number, count: number): { samples: number[]; weights: number[]; distances: number[] } {
  const samples: number[] = [], distances: number[] = [];
  for (let i = 0; i < l.x.length; i++) {
    const d = (l.x[i] - x) ** 2 + (l.y[i] - y) ** 2;
    if (samples.length === count && d >= distances[count - 1]) continue;
    let at = samples.length;
    while (at > 0 && distances[at - 1] > d) at--;
    samples.splice(at, 0, i); distances.splice(at, 0, d);
    if (samples.length > count) { samples.pop(); distances.pop(); }
  }
  return { samples, distances, weights: distances.map(d => 1 / (d + 1e-9)) };
}

interface Props {
  model: Model;
  layout: Layout;
  /** What each point is coloured by: a class, or a number from 0 to 1. */
  values: ArrayLike<number>;
  continuous: boolean;
  colors: string[];
  lassoing: boolean; // a drag selects
  shown: number[] | null; // the samples that are shown; all without
  pictures: Sprites | null; // draw thumbnails
  selected: number;
  marked: number[]; // that are to stand out
  choose: (sample: number) => void;
  lasso: (samples: number[]) => void;
  point: (at: { x: number; y: number } | null) => void; // the pointer is there, in the layout's units
}

export function ScatterMap(p: Props) {
  const canvas = useRef<HTMLCanvasElement>(null), overlay = useRef<HTMLCanvasElement>(null), plot = useRef<Plot | null>(null);
  const [frame, width] = useSize<HTMLDivElement>();
  const [failed, fail] = useState(""), [ready, setReady] = useState(0);
  const now = useRef(p), pressed = useRef([0, 0]);
  now.current = p;
  const view = (): ArrayLike<number> => (plot.current?.get("cameraView") as ArrayLike<number> | undefined) ?? [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
  const height = () => canvas.current?.clientHeight ?? 0;

  // From the layout to pixels of the frame, and back.
  const toScreen = (x: number, y: number): [number, number] => {
    const w = frame.current!.clientWidth, h = height(), m = view();
    return [((x * m[0] + m[12]) / (w / h) + 1) / 2 * w, (1 - (y * m[5] + m[13])) / 2 * h];
  };
  const toLayout = (left: number, top: number) => {
    const w = frame.current!.clientWidth, h = height(), m = view();
    return { x: ((left / w * 2 - 1) * (w / h) - m[12]) / m[0], y: (1 - top / h * 2 - m[13]) / m[5] };
  };

  useEffect(() => {
    let made: Plot;
    try {
      made = createScatterplot({
        canvas: canvas.current!, width: "auto", height: "auto", aspectRatio: 1, pointSize: 4,
        lassoOnLongPress: false, lassoColor: cssColor("--code"), backgroundColor: cssColor("--card"), pointColorActive: cssColor("--ink"), pointColorHover: cssColor("--ink"),
        pointSizeSelected: 4, pointOutlineWidth: 2, deselectOnDblClick: false, showReticle: false, actionKeyMap: { lasso: "shift" }, cameraDistance: fitting(canvas.current!),
      } as Parameters<typeof createScatterplot>[0]);
    } catch (e) {
      fail(String(e));
      return;
    }
    plot.current = made;
    made.subscribe("select", ({ points }: { points: number[] }) => {
      if (points.length > 1) now.current.lasso(points);
    });
    made.subscribe("view", () => paintOverlay());
    setReady(n => n + 1);
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const recolor = () => made.set({ backgroundColor: cssColor("--card"), pointColorActive: cssColor("--ink"), pointColorHover: cssColor("--ink"), lassoColor: cssColor("--code") });
    dark.addEventListener("change", recolor);
    return () => { dark.removeEventListener("change", recolor); made.destroy(); plot.current = null; };
  }, []);

  useEffect(() => { if (plot.current && width) { plot.current.set({ width: "auto", height: "auto", cameraDistance: fitting(canvas.current!) }); requestAnimationFrame(() => requestAnimationFrame(paintOverlay)); } }, [width]);

  // Draws one set of points after another: the library takes the next when the last is done.
  const drawing = useRef<Promise<unknown>>(Promise.resolve());
  useEffect(() => {
    const q = plot.current;
    if (!q) return;
    const { layout, values, continuous, colors } = p;
    drawing.current = drawing.current.then(async () => {
      if (plot.current !== q || now.current.layout !== layout) return;
      const dense = layout.x.length;
      q.set({ pointColor: colors, colorBy: "valueA", opacity: dense > 20000 ? 0.55 : 0.85, pointSize: dense > 20000 ? 2.5 : dense > 3000 ? 4 : 6 });
      await q.draw({ x: layout.x, y: layout.y, z: Array.from(values), zDataType: continuous ? "continuous" : "categorical" } as never);
      paintOverlay();
    }).catch(() => undefined);
  }, [p.layout, p.values, p.colors, p.continuous, ready]);

  useEffect(() => {
    const q = plot.current;
    if (!q) return;
    drawing.current = drawing.current.then(() => {
      if (!q.get("isPointsDrawn")) return; // it would wait for points that only the next in line draws
      return p.shown ? q.filter(p.shown, { preventEvent: true }) : q.unfilter({ preventEvent: true });
    }).catch(() => undefined);
  }, [p.shown, p.layout, p.values, ready]);

  // Thumbnails, where there is room for them, and rings around what is chosen.
  const paintOverlay = () => {
    const o = overlay.current, { layout, pictures, model, selected, marked, shown } = now.current;
    if (!o || !frame.current) return;
    const ratio = devicePixelRatio || 1, w = frame.current.clientWidth, h = height(), c = o.getContext("2d")!;
    if (o.width !== w * ratio || o.height !== h * ratio) { o.width = w * ratio; o.height = h * ratio; }
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    c.clearRect(0, 0, w, h);
    if (pictures) {
      const side = Math.max(18, Math.min(36, w / 28)), taken = new Set<number>(), columns = Math.ceil(w / side) + 1;
      const among = shown ?? null, n = among ? among.length : layout.x.length, stride = n < 7919 * 2 ? 7919 : 104729;
      for (let k = 0; k < n; k++) {
        const at = (k * stride) % n, i = among ? among[at] : at;
        const [x, y] = toScreen(layout.x[i], layout.y[i]);
        if (x < 0 || y < 0 || x > w || y > h) continue;
        const cell = Math.floor(y / side) * columns + Math.floor(x / side);
        if (taken.has(cell)) continue;
        taken.add(cell);
        pictures.draw(c, i, Math.floor(x / side) * side + 1, Math.floor(y / side) * side + 1, side - 2, paintOverlay);
      }
    }
    const ring = (i: number, color: string, radius: number) => {
      if (!(i >= 0 && i < layout.x.length)) return;
      const [x, y] = toScreen(layout.x[i], layout.y[i]);
      c.beginPath(); c.arc(x, y, radius, 0, 2 * Math.PI);
      c.lineWidth = 4; c.strokeStyle = cssColor("--paper"); c.stroke();
      c.lineWidth = 2; c.strokeStyle = cssColor(color); c.stroke();
    };
    marked.forEach(i => ring(i, "--ink", 5));
    ring(selected, "--code", 8);
    o.setAttribute("aria-label", model.name);
  };
  useEffect(() => { plot.current?.set({ mouseMode: p.lassoing ? "lasso" : "panZoom" }); }, [p.lassoing, ready]);

  /** The map as it is seen, as a file. */
  const saveMap = () => {
    // Without options it reads what is drawn, which its type does not say; with them it draws anew.
    const o = overlay.current, data = (plot.current?.export as undefined | (() => ImageData))?.();
    if (!o || !data) return;
    const points = blank(data.width, data.height), out = blank(o.width, o.height), c = out.getContext("2d")!;
    points.getContext("2d")!.putImageData(data, 0, 0);
    c.fillStyle = cssColor("--card");
    c.fillRect(0, 0, out.width, out.height);
    c.drawImage(points, 0, 0, out.width, out.height);
    c.drawImage(o, 0, 0);
    savePNG(`${p.model.name}-map`, out);
  };
  useEffect(paintOverlay, [p.pictures, p.selected, p.marked, p.shown, p.layout]);

  // The arrow keys go from a sample to the next in that direction.
  const step = (dx: number, dy: number) => {
    const { layout: l, selected } = now.current, from = selected >= 0 ? selected : 0;
    let best = -1, least = Infinity;
    for (let i = 0; i < l.x.length; i++) {
      const along = (l.x[i] - l.x[from]) * dx + (l.y[i] - l.y[from]) * dy, across = Math.abs((l.x[i] - l.x[from]) * dy - (l.y[i] - l.y[from]) * dx);
      const cost = along + 2 * across;
      if (along > 1e-3 && cost < least) { least = cost; best = i; }
    }
    if (best >= 0) now.current.choose(best);
  };
  const keys: Record<string, () => void> = {
    ArrowLeft: () => step(-1, 0), ArrowRight: () => step(1, 0), ArrowUp: () => step(0, 1), ArrowDown: () => step(0, -1),
  };

  // The library knows mice alone. A finger or a pen is one that comes, presses, moves and lets
  // go, and two fingers turn its wheel.
  const fingers = useRef(new Map<number, PointerEvent>()), acts = useRef<Promise<unknown>>(Promise.resolve());
  const asMouse = (kind: string, { clientX, clientY }: PointerEvent) => {
    const button = { bubbles: true, clientX, clientY, buttons: kind === "mouseup" ? 0 : 1 };
    acts.current = acts.current.then(() => { canvas.current?.dispatchEvent(new MouseEvent(kind, button)); });
  };
  const apart = () => { const [a, b] = [...fingers.current.values()]; return Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY) || 1; };
  const press = (e: PointerEvent) => {
    pressed.current = [e.clientX, e.clientY];
    if (e.pointerType === "mouse" || e.target instanceof HTMLButtonElement) return;
    e.preventDefault(); // or it would be a mouse twice
    (e.currentTarget as Element).setPointerCapture(e.pointerId);
    fingers.current.set(e.pointerId, e);
    if (fingers.current.size === 2) asMouse("mouseup", e);
    if (fingers.current.size > 1) return;
    asMouse("mouseenter", e); asMouse("mousemove", e);
    // By the next frame it is where it has come, and does not drag the map there.
    acts.current = acts.current.then(() => new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r))));
    asMouse("mousedown", e);
  };
  const drag = (e: PointerEvent) => {
    if (!fingers.current.has(e.pointerId)) return;
    const before = fingers.current.size === 2 ? apart() : 0;
    fingers.current.set(e.pointerId, e);
    if (fingers.current.size === 1) asMouse("mousemove", e);
    if (!before) return;
    const [a, b] = [...fingers.current.values()], clientX = (a.clientX + b.clientX) / 2, clientY = (a.clientY + b.clientY) / 2;
    canvas.current?.dispatchEvent(new MouseEvent("mousemove", { bubbles: true, clientX, clientY }));
    canvas.current?.dispatchEvent(new WheelEvent("wheel", { bubbles: true, cancelable: true, clientX, clientY, deltaY: -height() * Math.log(apart() / before) }));
  };
  const release = (e: PointerEvent) => {
    if (fingers.current.size === 1 && fingers.current.has(e.pointerId)) asMouse("mouseup", e);
    fingers.current.delete(e.pointerId);
  };

  if (failed) return <p class="notice">The map needs WebGL, which this browser does not offer here.</p>;
  return <div class="map" ref={frame} tabIndex={0} role="application" aria-label="Map of the codes. Arrow keys go to the next sample in that direction."
    onKeyDown={e => { const act = keys[e.key]; if (act) { e.preventDefault(); act(); } }}
    onPointerDown={press} onPointerUp={release} onPointerCancel={release}
    onClick={e => {
      const [x, y] = pressed.current, still = Math.hypot(e.clientX - x, e.clientY - y) < 5, box = canvas.current!.getBoundingClientRect();
      if (!still || e.shiftKey || e.target instanceof HTMLButtonElement) return;
      const at = toLayout(e.clientX - box.left, e.clientY - box.top), found = nearby(p.layout, at.x, at.y, 1).samples[0];
      if (found !== undefined) p.choose(found);
    }}
    onPointerMove={e => { drag(e); const box = canvas.current!.getBoundingClientRect(); p.point(toLayout(e.clientX - box.left, e.clientY - box.top)); }}
    onPointerLeave={() => p.point(null)}>
    <canvas ref={canvas} class="points" aria-hidden="true" />
    <canvas ref={overlay} class="overlay" aria-hidden="true" />
    <p class="corner"><button type="button" class="quiet" onClick={saveMap}>Save as PNG</button>
    <button type="button" class="quiet" onClick={() => { plot.current?.reset(); plot.current?.set({ cameraDistance: fitting(canvas.current!) }); requestAnimationFrame(() => requestAnimationFrame(paintOverlay)); }}>Show all</button></p>
  </div>;
}

/** How far away all points can be seen, which span the frame's height from 1 away. */
function fitting(canvas: HTMLCanvasElement): number { return Math.max(1, canvas.clientHeight / Math.max(canvas.clientWidth, 1)); }

export function cssColor(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
