// A page without a server has with it what a server would have answered (studio/export.go).
import { Model, sizeOf, unpack } from "./api";

export interface Grid { left: number; bottom: number; right: number; top: number; side: number; decoded: string }
export interface Recorded {
  version: string; texts: Record<string, string>; bytes: Record<string, string>;
  before: string; after: string; ends: number[]; grids: Record<string, Grid>;
}

/** What the page has with it; undefined where there is a server. */
export let recorded: Recorded | undefined;

export async function openRecord() {
  const element = document.getElementById("record");
  if (!element) return;
  const packed = new Blob([unpack(element.textContent!) as Uint8Array<ArrayBuffer>]);
  recorded = await new Response(packed.stream().pipeThrough(new DecompressionStream("gzip"))).json();
  element.remove();
}

/** The answer to a request that somebody has asked before; undefined to any other. */
export function answerFrom(r: Recorded, path: string): Response | undefined {
  const [place, query] = path.split("?"), asked = new URLSearchParams(query), number = (name: string) => Number(asked.get(name));
  const [, base, what, which] = /^(\/api\/models\/\w+)(?:\/(\w+))?(?:\/(\w+))?/.exec(place) ?? [];
  const whole = (b64: string | undefined) => b64 === undefined ? undefined : new Response(unpack(b64) as Uint8Array<ArrayBuffer>);
  const model = () => JSON.parse(r.texts[base]) as Model;
  switch (what) {
    case "points":
      return asked.get("map") === "codes" ? new Response(codesOf(r, base, model().samples, number("x"), number("y"))) : whole(r.bytes[`${place}?map=${asked.get("map")}`]);
    case "features":
      return new Response(columnOf(r, model(), Number(which)));
    case "pairs":
      return new Response(pairsOf(r, model(), asked.get("samples")!.split(",").map(Number)));
    case "drawn": {
      const kept = Object.keys(r.bytes).filter(k => k.startsWith(place + "?"));
      return whole(kept.length ? r.bytes[kept[(number("seed") + kept.length - 1) % kept.length]] : undefined);
    }
    case "path": {
      const way = (from: number, to: number) => r.bytes[`${place}?from=${from}&to=${to}&steps=${asked.get("steps")}`];
      const there = way(number("from"), number("to")), back = way(number("to"), number("from"));
      return there || !back ? whole(there) : new Response(turned(unpack(back), number("steps")));
    }
  }
  return r.texts[path] !== undefined ? new Response(r.texts[path]) : whole(r.bytes[path]);
}

/** Two numbers of each code. */
function codesOf(r: Recorded, base: string, n: number, x: number, y: number): ArrayBuffer {
  const points = new Float32Array(2 * n);
  for (let i = 0; i < n; i++) {
    const { code } = JSON.parse(r.texts[`${base}/samples/${i}`]);
    points[2 * i] = code[x]; points[2 * i + 1] = code[y];
  }
  return points.buffer;
}

/** One value of each sample that is no picture. */
function columnOf(r: Recorded, m: Model, j: number): ArrayBuffer {
  const all = new Float32Array(unpack(r.before).buffer), size = sizeOf(m);
  return Float32Array.from({ length: m.samples }, (_, i) => all[i * size + j]).buffer;
}

let both: [Uint8Array, Uint8Array] | undefined;

/** Samples and then their reconstructions. */
function pairsOf(r: Recorded, m: Model, samples: number[]): ArrayBuffer {
  both ??= [unpack(r.before), unpack(r.after)];
  const size = sizeOf(m) * (m.as === "image" ? 1 : 4), out = new Uint8Array(2 * samples.length * size);
  both.forEach((all, which) => samples.forEach((s, i) => out.set(all.subarray(s * size, (s + 1) * size), (which * samples.length + i) * size)));
  return out.buffer;
}

/** The steps of a way the other way round. */
function turned(way: Uint8Array, steps: number): ArrayBuffer {
  const size = way.length / steps, out = new Uint8Array(way.length);
  for (let i = 0; i < steps; i++) out.set(way.subarray(i * size, (i + 1) * size), (steps - 1 - i) * size);
  return out.buffer;
}

let grids: Record<string, Uint8Array> = {};

/** What is decoded near a place of a map. */
export function decodedAt(r: Recorded, kind: string, x: number, y: number): Uint8Array | undefined {
  const g = r.grids[kind];
  if (!g) return undefined;
  const all = grids[kind] ??= unpack(g.decoded), size = all.length / g.side ** 2;
  const cell = (v: number, low: number, high: number) => Math.min(g.side - 1, Math.max(0, Math.round((v - low) / (high - low || 1) * (g.side - 1))));
  const at = cell(y, g.bottom, g.top) * g.side + cell(x, g.left, g.right);
  return all.slice(at * size, (at + 1) * size);
}
