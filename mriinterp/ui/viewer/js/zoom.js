// Zoom and pan: which part of a plane is in sight. The centre is a share, 0 to 1, of the volume along every axis; all
// planes of all maps share it. At factor 1 the whole plane is in sight.

import { clamp } from './numbers.js';

export const WHOLE = { factor: 1, centre: [0.5, 0.5, 0.5] };
const LARGEST = 12;
const EDGE = 0.9; // of the half in sight: nearer to its edge than that the crosshair takes the centre along

// The nearest zoom that shows nothing but the volume.
export function limited(zoom) {
  const factor = clamp(zoom.factor, 1, LARGEST);
  const half = 0.5 / factor;
  return { factor, centre: zoom.centre.map((share) => clamp(share, half, 1 - half)) };
}

// Zoom in (ratio > 1) or out; the place `at`, a share along every axis, stays where it is on the screen.
export function zoomBy(zoom, ratio, at) {
  const factor = clamp(zoom.factor * ratio, 1, LARGEST);
  return limited({ factor, centre: zoom.centre.map((share, axis) => at[axis] + (share - at[axis]) * (zoom.factor / factor)) });
}

// Move the centre by shares of the volume.
export function panBy(zoom, shares) {
  return limited({ ...zoom, centre: zoom.centre.map((share, axis) => share + shares[axis]) });
}

// Move the centre as little as brings a place in sight.
export function withInSight(zoom, at) {
  const half = (EDGE * 0.5) / zoom.factor;
  return limited({ ...zoom, centre: zoom.centre.map((share, axis) => clamp(share, at[axis] - half, at[axis] + half)) });
}

// Where a whole plane lies on a canvas: parts of it may be beyond the canvas. `extent` is its size in mm.
export function planeBox({ width, height }, plane, extent, zoom, flip) {
  const scale = Math.min(width / extent[0], height / extent[1]) * zoom.factor;
  const [wide, high] = [extent[0] * scale, extent[1] * scale];
  const across = zoom.centre[plane.horizontal];
  return {
    x: width / 2 - (flip ? 1 - across : across) * wide, y: height / 2 - (1 - zoom.centre[plane.vertical]) * high,
    width: wide, height: high,
  };
}

// Screen position of a place in a plane's box, both coordinates of the place as shares of the plane's axes.
export function placeInBox(box, plane, shares, flip) {
  const across = shares[plane.horizontal];
  return [box.x + (flip ? 1 - across : across) * box.width, box.y + (1 - shares[plane.vertical]) * box.height];
}

// The inverse: shares along the two axes of the plane; along the third axis those of `shares`.
export function sharesInBox(box, plane, [x, y], flip, shares) {
  const found = [...shares];
  const across = (x - box.x) / box.width;
  found[plane.horizontal] = flip ? 1 - across : across;
  found[plane.vertical] = 1 - (y - box.y) / box.height;
  return found;
}
