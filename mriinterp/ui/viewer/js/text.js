// Text on pictures, and the colour of the crosshair, shared by planes and mosaic.

export const CROSSHAIR = '#7ee8c2';

// Text with a dark edge, readable on any brightness.
export function haloText(context, text, x, y, align, baseline, color = '#f2f2f2') {
  context.textAlign = align;
  context.textBaseline = baseline;
  context.lineJoin = 'round';
  context.lineWidth = 3;
  context.strokeStyle = 'rgba(0, 0, 0, 0.85)';
  context.strokeText(text, x, y);
  context.fillStyle = color;
  context.fillText(text, x, y);
}
