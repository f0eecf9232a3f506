// One slice of a scan and a map as small images, in screen order; the canvas scales them.

export class SliceImage {
  constructor(space, plane) {
    this.space = space;
    this.plane = plane;
    this.columns = space.shape[plane.horizontal];
    this.rows = space.shape[plane.vertical];
    [this.scan, this.overlay] = [0, 1].map(() => {
      const canvas = document.createElement('canvas');
      canvas.width = this.columns;
      canvas.height = this.rows;
      const context = canvas.getContext('2d');
      const image = context.createImageData(this.columns, this.rows);
      return { canvas, context, image, pixels: new Uint32Array(image.data.buffer) };
    });
  }

  // Where the top left pixel lies in the arrays, and the steps to the right and down.
  walk(slice, flip) {
    const { space, plane } = this;
    const across = space.strides[plane.horizontal];
    const up = space.strides[plane.vertical];
    const start = slice * space.strides[plane.axis] + (this.rows - 1) * up + (flip ? (this.columns - 1) * across : 0);
    return { start, right: flip ? -across : across, down: -up };
  }

  fill(target, codes, table, mask, { start, right, down }) {
    const { pixels } = target;
    for (let y = 0, out = 0; y < this.rows; y += 1) {
      for (let x = 0, p = start + y * down; x < this.columns; x += 1, out += 1, p += right) {
        pixels[out] = mask !== null && mask[p] === 0 ? 0 : table[codes[p]];
      }
    }
    target.context.putImageData(target.image, 0, 0);
  }

  // Draws into a box {x, y, width, height} of the given context.
  draw(context, box, { scan, map, table, mask, slice, flip, smooth }) {
    const way = this.walk(slice, flip);
    context.imageSmoothingEnabled = smooth;
    context.imageSmoothingQuality = 'medium';
    this.fill(this.scan, scan.codes, scan.table, null, way);
    context.drawImage(this.scan.canvas, box.x, box.y, box.width, box.height);
    if (!map) return;
    this.fill(this.overlay, map.codes, table, mask, way);
    context.drawImage(this.overlay.canvas, box.x, box.y, box.width, box.height);
  }
}
