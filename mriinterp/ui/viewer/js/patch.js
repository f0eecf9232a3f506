// The occlusion window around the crosshair, where the method puts it: centres at 0, stride, 2·stride … of the
// caller's voxels, half the size to both sides (an odd size reaches one voxel further up, unless as published), cut at
// the border.

const CENTER_COLOR = 'rgba(86, 180, 233, 0.9)';
const LEAST_SPACING = 5; // px between centres that are drawn

// Number of windows along each axis, and the one nearest to the crosshair.
function patchGrid({ space, spec, cursor }) {
  const { stride } = spec.patch;
  const counts = space.fileShape.map((n, axis) => Math.ceil(n / stride[axis]));
  const nearest = space.fileVoxel(cursor).map((at, axis) => clamp(Math.round(at / stride[axis]), 0, counts[axis] - 1));
  return { counts, nearest };
}

// First and one-past-last voxel along each axis; `shift` counts windows from the one nearest to the crosshair.
function patchWindow(viewer, shift = [0, 0, 0]) {
  const { size, stride, published } = viewer.spec.patch;
  const { nearest } = patchGrid(viewer);
  return viewer.space.fileShape.map((n, axis) => {
    const center = (nearest[axis] + shift[axis]) * stride[axis];
    const half = Math.floor(size[axis] / 2);
    return [Math.max(0, center - half), Math.min(n, center + (published ? half : size[axis] - half))];
  });
}

// Screen positions of the centres of all windows, each once; none where they would lie too close to be told apart.
function patchCenters(pane) {
  const { space, spec } = pane.viewer;
  const { counts, nearest } = patchGrid(pane.viewer);
  const at = (steps) => pane.place(space.fromFile(steps.map((n, axis) => n * spec.patch.stride[axis])));
  const start = at([0, 0, 0]);
  const apart = [0, 1, 2].map((axis) => {
    const [x, y] = at([0, 1, 2].map((other) => (other === axis ? 1 : 0)));
    return Math.hypot(x - start[0], y - start[1]);
  });
  const through = apart.indexOf(Math.min(...apart));
  const [one, two] = [0, 1, 2].filter((axis) => axis !== through);
  if ([one, two].some((axis) => counts[axis] > 1 && apart[axis] < LEAST_SPACING)) return [];
  const centers = [];
  for (let a = 0; a < counts[one]; a += 1) {
    for (let b = 0; b < counts[two]; b += 1) {
      const steps = [...nearest];
      [steps[one], steps[two]] = [a, b];
      centers.push(at(steps));
    }
  }
  return centers;
}

function drawCenters(pane) {
  const { context } = pane;
  context.fillStyle = CENTER_COLOR;
  context.strokeStyle = 'rgba(0, 0, 0, 0.8)';
  context.lineWidth = 1;
  for (const [x, y] of patchCenters(pane)) {
    context.beginPath();
    context.arc(x, y, 2.5, 0, 2 * Math.PI);
    context.fill();
    context.stroke();
  }
}

function drawPatch(pane) {
  const { context, viewer, view, box } = pane;
  const square = (shift) => {
    const sides = patchWindow(viewer, shift);
    if (sides.some(([low, high]) => high <= low)) return;
    const corner = (end) => pane.place(viewer.space.fromFile(sides.map((side) => side[end] - 0.5)));
    const [[ax, ay], [bx, by]] = [corner(0), corner(1)];
    const place = [Math.min(ax, bx), Math.min(ay, by), Math.abs(bx - ax), Math.abs(by - ay)];
    context.strokeRect(...place);
    if (!view.map && shift.every((n) => n === 0)) context.fillRect(...place);
  };
  context.save();
  context.beginPath();
  context.rect(box.x, box.y, box.width, box.height);
  context.clip();
  if (!view.map) drawCenters(pane);
  context.fillStyle = 'rgba(255, 226, 92, 0.16)';
  context.strokeStyle = 'rgba(255, 226, 92, 0.5)';
  context.lineWidth = 1;
  context.setLineDash([3, 4]);
  for (const shift of [[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]]) square(shift);
  context.setLineDash([]);
  context.strokeStyle = '#ffe25c';
  context.lineWidth = 1.5;
  square([0, 0, 0]);
  context.restore();
}
