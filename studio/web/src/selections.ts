// Selections of samples that somebody has named: the browser keeps them, for each model.
import { useEffect, useState } from "preact/hooks";
import { Model } from "./api";

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

export function useSelections(m: Model): [Selection[], (next: Selection[]) => void] {
  const [all, set] = useState(() => read(m));
  useEffect(() => {
    const again = (e: StorageEvent) => { if (e.key === keyOf(m)) set(read(m)); }; // another page has changed them
    addEventListener("storage", again);
    return () => removeEventListener("storage", again);
  }, [m]);
  return [all, next => {
    set(next);
    try { localStorage.setItem(keyOf(m), JSON.stringify(next)); } catch { /* they last as long as the page */ }
  }];
}

/** The selections with one more, instead of the one of that name if there is one. */
export function named(all: Selection[], name: string, samples: number[]): Selection[] {
  const old = all.find(s => s.name === name), free = inks.find(c => !all.some(s => s.color === c)) ?? inks[all.length % inks.length];
  const next = { name, color: old?.color ?? free, samples };
  return old ? all.map(s => s === old ? next : s) : [...all, next];
}
