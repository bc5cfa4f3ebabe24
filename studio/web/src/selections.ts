// Selections of samples that somebody has named: the browser keeps them, for each model, and
// the address has them, for whom it is handed on to.
import { useEffect, useMemo, useState } from "preact/hooks";
import { Model } from "./api";
import { choose, place, useSignal } from "./state";

export interface Selection { name: string; color: string; samples: number[] }

/** Colours that most people can tell apart (Paul Tol's bright ones), and that of all other samples. */
const inks = ["#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377"];
export const others = "#8a8f98";

const keyOf = (m: Model) => `hourglass-selections-${m.id}`;

function read(m: Model): Selection[] {
  try {
    const all: Selection[] = JSON.parse(localStorage.getItem(keyOf(m)) ?? "[]");
    return all.map(s => ({ ...s, samples: s.samples.filter(i => i < m.samples) }));
  } catch {
    return []; // a browser that keeps nothing, or what another version has kept
  }
}

const digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_";

/** Numbers of samples as text: how many are left out and how many follow, in turn, in digits of
 * five bits, to which 32 is added where another digit of the same number follows. */
export function packed(samples: number[]): string {
  const sorted = Uint32Array.from(samples).sort();
  let text = "", end = 0;
  const put = (n: number) => { for (; n > 31; n >>= 5) text += digits[32 + n % 32]; text += digits[n]; };
  for (let i = 0; i < sorted.length;) {
    const from = i;
    do i++; while (i < sorted.length && sorted[i] === sorted[from] + i - from);
    put(sorted[from] - end); put(i - from);
    end = sorted[from] + i - from;
  }
  return text;
}

/** The way back; only numbers below n. */
export function unpacked(text: string, n: number): number[] {
  const samples: number[] = [];
  let at = 0, value = 0, unit = 1, among = false;
  for (const digit of text) {
    const d = digits.indexOf(digit);
    if (d < 0 || unit > 2 ** 30) return [];
    value += d % 32 * unit; unit *= 32;
    if (d > 31) continue;
    const next = Math.min(at + value, n);
    if (among) for (; at < next; at++) samples.push(at);
    at = next; value = 0; unit = 1; among = !among;
  }
  return samples;
}

const written = (all: Selection[]) => all.map(s => [encodeURIComponent(s.name), s.color.slice(1), packed(s.samples)].join(":")).join(",") || undefined;

function readWritten(text: string, n: number): Selection[] {
  return text.split(",").flatMap(one => {
    const [name, color, samples] = one.split(":");
    if (!name || !/^[0-9a-f]{6}$/.test(color) || samples === undefined) return [];
    try { return [{ name: decodeURIComponent(name), color: `#${color}`, samples: unpacked(samples, n) }]; } catch { return []; } // a name that somebody has cut
  });
}

/** One's own selections and then those of an address, by another name where both have one of it. */
function joined(own: Selection[], theirs: Selection[]): Selection[] {
  const all = [...own];
  for (const s of theirs) {
    const same = own.find(x => x.name === s.name), content = packed(s.samples);
    if (same && packed(same.samples) === content) { all[own.indexOf(same)] = s; continue; }
    let name = s.name;
    for (let i = 2; all.some(x => x.name === name); i++) name = `${s.name} ${i}`;
    all.push({ ...s, name });
  }
  return all;
}

export function useSelections(m: Model): [Selection[], (next: Selection[]) => void] {
  const [own, set] = useState(() => read(m)), theirs = useSignal(place).query.get("kept") ?? "";
  useEffect(() => {
    const again = (e: StorageEvent) => { if (e.key === keyOf(m)) set(read(m)); }; // another page has changed them
    addEventListener("storage", again);
    return () => removeEventListener("storage", again);
  }, [m]);
  const all = useMemo(() => joined(own, readWritten(theirs, m.samples)), [own, theirs, m]);
  useEffect(() => { if (written(all) !== (theirs || undefined)) choose({ kept: written(all) }); }, [all]);
  return [all, next => {
    try { localStorage.setItem(keyOf(m), JSON.stringify(next)); } catch { /* they last as long as the address */ }
    choose({ kept: written(next) });
    set(next);
  }];
}

/** The selections with one more, instead of the one of that name if there is one. */
export function named(all: Selection[], name: string, samples: number[]): Selection[] {
  const old = all.find(s => s.name === name), free = inks.find(c => !all.some(s => s.color === c)) ?? inks[all.length % inks.length];
  const next = { name, color: old?.color ?? free, samples };
  return old ? all.map(s => s === old ? next : s) : [...all, next];
}
