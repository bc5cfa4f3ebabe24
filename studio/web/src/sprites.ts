// Thumbnails come many to a picture; each is fetched when the first of its samples is shown.
import { Model } from "./api";
import { recorded } from "./record";

const side = 32; // pictures in a row, and rows

export class Sprites {
  private pages = new Map<number, HTMLImageElement>();
  constructor(private m: Model) {}

  private page(i: number, ready: () => void): HTMLImageElement {
    const number = Math.floor(i / (side * side));
    let image = this.pages.get(number);
    if (!image) {
      this.pages.set(number, image = new Image());
      const path = `/api/models/${this.m.id}/sprites/${number}`;
      image.src = recorded ? `data:image/png;base64,${recorded.bytes[path]}` : `${path}?${this.m.changed}`;
    }
    if (!image.complete) image.addEventListener("load", ready, { once: true });
    return image;
  }

  /** Draws the picture of a sample, and calls again once it has come. */
  draw(c: CanvasRenderingContext2D, i: number, x: number, y: number, size: number, again: () => void) {
    const image = this.page(i, again), at = i % (side * side);
    if (!image.complete || !image.naturalWidth) return;
    const { width: w, height: h } = this.m, scale = size / Math.max(w, h);
    c.imageSmoothingEnabled = size < Math.max(w, h);
    c.drawImage(image, at % side * w, Math.floor(at / side) * h, w, h, x, y, w * scale, h * scale);
  }
}
