// The boxes of an occlusion around the crosshair. Their places come from Python, in voxels of the viewer:
// `ranges[axis]` holds the first and one-past-last voxel of every box along an axis, `centres[axis]` its centre.

const CENTER_COLOR = 'rgba(86, 180, 233, 0.9)';
const LEAST_SPACING = 5; // px between centres that are drawn

// Along each axis the number of the box whose centre is nearest to the crosshair.
function nearestPatch({ spec, cursor }) {
  return spec.patch.centres.map((centres, axis) => {
    const apart = centres.map((center) => Math.abs(center - cursor[axis]));
    return apart.indexOf(Math.min(...apart));
  });
}

// First and one-past-last voxel along each axis; `shift` counts boxes from the nearest one. None past the last box.
function patchWindow(viewer, shift = [0, 0, 0]) {
  const nearest = nearestPatch(viewer);
  const sides = viewer.spec.patch.ranges.map((ranges, axis) => ranges[nearest[axis] + shift[axis]]);
  return sides.includes(undefined) ? null : sides;
}

// Screen positions of the centres of all boxes, each once; none where they would lie too close to be told apart.
function patchCenters(pane) {
  const { centres } = pane.viewer.spec.patch;
  const nearest = nearestPatch(pane.viewer);
  const { horizontal, vertical } = pane.plane;
  const at = (steps) => pane.place(steps.map((n, axis) => centres[axis][n]));
  const apart = (axis) => {
    const [x, y] = at([0, 0, 0]);
    const [u, v] = at([0, 1, 2].map((other) => (other === axis ? 1 : 0)));
    return Math.hypot(u - x, v - y);
  };
  if ([horizontal, vertical].some((axis) => centres[axis].length > 1 && apart(axis) < LEAST_SPACING)) return [];
  return centres[horizontal].flatMap((_, a) => centres[vertical].map((__, b) => {
    const steps = [...nearest];
    [steps[horizontal], steps[vertical]] = [a, b];
    return at(steps);
  }));
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
    if (!sides) return;
    const corner = (end) => pane.place(sides.map((side) => side[end] - 0.5));
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
