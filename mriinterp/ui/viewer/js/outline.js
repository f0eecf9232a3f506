// Borders of areas and contours as lines between voxels, sharp at every size. Paths are in voxels and kept for the last
// slices.

export class Outlines {
  // codes: a number for every voxel; lines are drawn where it changes.
  constructor(space, codes) {
    this.space = space;
    this.codes = codes;
    this.paths = new Map();
  }

  // Borders in a slice; `only` is the code of one area, or 0 for all.
  path(plane, slice, flip, only) {
    const key = `${plane.axis}/${slice}/${flip}/${only}`;
    if (!this.paths.has(key)) {
      if (this.paths.size > 240) this.paths.delete(this.paths.keys().next().value);
      this.paths.set(key, this.trace(plane, slice, flip, only));
    }
    return this.paths.get(key);
  }

  trace(plane, slice, flip, only) {
    const { space, codes } = this;
    const columns = space.shape[plane.horizontal];
    const rows = space.shape[plane.vertical];
    const base = slice * space.strides[plane.axis];
    const at = (x, y) => {
      if (x < 0 || y < 0 || x >= columns || y >= rows) return 0;
      const i = flip ? columns - 1 - x : x;
      const code = codes[base + i * space.strides[plane.horizontal] + (rows - 1 - y) * space.strides[plane.vertical]];
      return only && code !== only ? 0 : code;
    };
    const path = new Path2D();
    // Runs of equal direction become one line, which strokes faster than single edges.
    for (let y = 0; y <= rows; y += 1) {
      for (let x = 0, from = -1; x <= columns; x += 1) {
        const edge = x < columns && at(x, y) !== at(x, y - 1);
        if (edge && from < 0) from = x;
        if (!edge && from >= 0) { path.moveTo(from, y); path.lineTo(x, y); from = -1; }
      }
    }
    for (let x = 0; x <= columns; x += 1) {
      for (let y = 0, from = -1; y <= rows; y += 1) {
        const edge = y < rows && at(x, y) !== at(x - 1, y);
        if (edge && from < 0) from = y;
        if (!edge && from >= 0) { path.moveTo(x, from); path.lineTo(x, y); from = -1; }
      }
    }
    return path;
  }
}

// Stroke a path in voxels into a plane's box, in several colours and widths (pixels), the widest first.
function stroke(context, box, outlines, plane, path, lines) {
  const width = box.width / outlines.space.shape[plane.horizontal];
  const height = box.height / outlines.space.shape[plane.vertical];
  context.save();
  context.translate(box.x, box.y);
  context.scale(width, height);
  for (const [color, thickness] of lines) {
    context.strokeStyle = color;
    context.lineWidth = thickness / width;
    context.stroke(path);
  }
  context.restore();
}

// Borders of areas as far as the settings ask for them, and the page's contours.
export function drawOutlines(viewer, context, box, { plane, slice, flip }) {
  const { settings, outlines, contours } = viewer;
  const draw = (of, only, lines) => stroke(context, box, of, plane, of.path(plane, slice, flip, only), lines);
  if (outlines && settings.outlines === 'all') {
    draw(outlines, 0, [['rgba(0, 0, 0, 0.55)', 1.8], ['rgba(255, 255, 255, 0.75)', 0.7]]);
  }
  const current = outlines && settings.outlines !== 'off' ? outlines.codes[viewer.space.index(viewer.cursor)] : 0;
  if (current) draw(outlines, current, [['rgba(0, 0, 0, 0.8)', 3.2], ['#ffffff', 1.5]]);
  if (!settings.contours) return;
  for (const contour of contours) draw(contour.outlines, 0, [['rgba(0, 0, 0, 0.8)', 3.6], [contour.color, 1.8]]);
}
