// Small parts that rooms share.
import { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { bytes, Model, sizeOf, Values, valuesOf, Viewer } from "./api";
import { useAsked } from "./state";

export const whole = (n: number) => n.toLocaleString("en");
/** A number with so many digits that count. */
export function short(x: number, digits = 4): string {
  if (!Number.isFinite(x)) return "–";
  const size = Math.abs(x);
  return size !== 0 && (size < 1e-3 || size >= 1e6) ? x.toExponential(digits - 2) : String(Number(x.toPrecision(digits)));
}
export const percent = (x: number) => `${(100 * x).toLocaleString("en", { maximumFractionDigits: 1 })} %`;

/** Draws a sample into a canvas: pixels as they are, numbers as lines or bars. */
export function paint(canvas: HTMLCanvasElement, v: Viewer, values: Values) {
  const context = canvas.getContext("2d")!;
  if (v.as === "image") {
    canvas.width = v.width; canvas.height = v.height;
    const picture = context.createImageData(v.width, v.height);
    for (let i = 0; i < v.width * v.height; i++) {
      for (let c = 0; c < 3; c++) picture.data[4 * i + c] = values[v.channels === 1 ? i : 3 * i + c];
      picture.data[4 * i + 3] = 255;
    }
    context.putImageData(picture, 0, 0);
    return;
  }
  const ratio = 2, width = canvas.width = 120 * ratio, height = canvas.height = 80 * ratio;
  const style = getComputedStyle(canvas), n = v.as === "series" ? v.width : values.length, channels = v.as === "series" ? v.channels : 1;
  let low = Math.min(0, ...values), high = Math.max(0, ...values);
  if (!(high > low)) high = low + 1;
  const y = (x: number) => height - 6 - (x - low) / (high - low) * (height - 12);
  context.clearRect(0, 0, width, height);
  context.strokeStyle = style.getPropertyValue("--rule");
  context.beginPath(); context.moveTo(0, y(0)); context.lineTo(width, y(0)); context.stroke();
  const ink = [style.getPropertyValue("--encoder"), style.getPropertyValue("--code"), style.getPropertyValue("--decoder")];
  for (let c = 0; c < channels; c++) {
    context.strokeStyle = context.fillStyle = ink[c % ink.length];
    context.lineWidth = ratio;
    context.beginPath();
    for (let i = 0; i < n; i++) {
      if (v.as === "series") context.lineTo(i / Math.max(n - 1, 1) * width, y(values[i * channels + c]));
      else context.fillRect(i / n * width + 1, Math.min(y(values[i]), y(0)), Math.max(width / n - 2, 1), Math.abs(y(values[i]) - y(0)));
    }
    if (v.as === "series") context.stroke();
  }
}

/** A picture of a sample. Without a label it is decoration. */
export function Picture({ of, values, label, size }: { of: Viewer; values?: Values; label?: string; size?: number }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => { if (values && canvas.current) paint(canvas.current, of, values); }, [values, of]);
  const style = size ? { width: `${size}px` } : undefined;
  return <canvas ref={canvas} class={`picture ${of.as}${values ? "" : " blank"}`} style={style} width={of.as === "image" ? of.width : 120} height={of.as === "image" ? of.height : 80}
    {...(label ? { role: "img", "aria-label": label } : { "aria-hidden": "true" })} />;
}

/** Samples and what the model makes of them, asked for together. */
export function usePairs(m: Model | undefined, samples: number[]): { before: (i: number) => Values | undefined; after: (i: number) => Values | undefined } {
  const key = samples.join(",");
  const asked = useAsked(signal => m && key ? bytes(`/api/models/${m.id}/pairs?samples=${key}`, undefined, signal).then(data => ({ key, values: valuesOf(m, data) })) : undefined,
    [m?.id, m?.changed, key], true);
  const part = (which: number) => (i: number) => {
    const at = asked.value?.key === key ? samples.indexOf(i) : -1;
    if (!m || at < 0) return undefined;
    const size = sizeOf(m), from = (which * samples.length + at) * size;
    return asked.value!.values.subarray(from, from + size);
  };
  return { before: part(0), after: part(1) };
}

export function Pair({ m, before, after, name }: { m: Viewer; before?: Values; after?: Values; name: string }) {
  return <span class="pair"><Picture of={m} values={before} label={`${name}, as it is`} /><Picture of={m} values={after} label={`${name}, reconstructed`} /></span>;
}

/** A choice of few, shown side by side. */
export function Segments<T extends string>({ label, value, options, choose }: { label: string; value: T; options: [T, string][]; choose: (v: T) => void }) {
  const name = useId();
  return <fieldset class="segments"><legend>{label}</legend>
    <span>{options.map(([v, text]) => <label key={v} class={v === value ? "chosen" : ""}>
      <input type="radio" name={name} checked={v === value} onChange={() => choose(v)} />{text}</label>)}</span>
  </fieldset>;
}

export function Select({ label, value, options, choose }: { label: string; value: string; options: [string, string][]; choose: (v: string) => void }) {
  return <label class="field"><span>{label}</span><select value={value} onChange={e => choose(e.currentTarget.value)}>
    {options.map(([v, text]) => <option key={v} value={v} selected={v === value}>{text}</option>)}</select></label>;
}

export function NumberField({ label, value, change, step, min, max }: { label: string; value: number; change: (n: number) => void; step?: number | "any"; min?: number; max?: number }) {
  const [text, set] = useState(String(value));
  useEffect(() => set(String(value)), [value]);
  return <label class="field"><span>{label}</span><input type="number" inputMode="decimal" value={text} step={step ?? 1} min={min} max={max}
    onInput={e => { set(e.currentTarget.value); if (e.currentTarget.value !== "" && Number.isFinite(e.currentTarget.valueAsNumber)) change(e.currentTarget.valueAsNumber); }}
    onBlur={() => set(String(value))} /></label>;
}

export function Notice({ children, kind = "" }: { children: ComponentChildren; kind?: string }) {
  return <p class={`notice ${kind}`} role={kind === "bad" ? "alert" : "status"}>{children}</p>;
}
export function Waiting({ children }: { children: ComponentChildren }) { return <p class="waiting" role="status">{children}</p>; }

/** Hands a text over as a file. */
export function save(name: string, content: BlobPart, kind: string) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type: kind }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
export function csv(rows: (string | number)[][]): string {
  const cell = (v: string | number) => typeof v === "string" && /[",\n]/.test(v) ? `"${v.replaceAll('"', '""')}"` : String(v);
  return rows.map(row => row.map(cell).join(",") + "\n").join("");
}

/** The width of an element, as it changes. */
export function useSize<T extends HTMLElement>(): [preact.RefObject<T>, number] {
  const ref = useRef<T>(null);
  const [width, set] = useState(0);
  useEffect(() => {
    const observer = new ResizeObserver(([e]) => set(Math.round(e.contentRect.width)));
    if (ref.current) observer.observe(ref.current);
    return () => observer.disconnect();
  }, []);
  return [ref, width];
}

/** What an empty studio says instead of a room. */
export function NothingYet() {
  return <div class="empty"><h1>Nothing to explore yet</h1>
    <p>A model comes out of a training. Start one in <a href="#/learn">Learn</a>: the built-in digits take some seconds.</p>
    <p>Or end the studio and open a run that there is: <code>hourglass studio runs/stacked</code></p></div>;
}
