// The occlusion box around the crosshair, where the method hides it; its neighbours dashed.

import { boxAround, layerCentres } from './boxes.js';

const CENTER_COLOR = 'rgba(86, 180, 233, 0.9)';
const LEAST_SPACING = 5; // px between centres that are drawn
const NEIGHBOURS = [[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]];

// Screen positions of the centres of the boxes in this plane; none where they would lie too close to be distinguished.
export function patchCenters(pane) {
  const { plane, viewer } = pane;
  const { patch } = viewer.spec;
  const crowded = [plane.horizontal, plane.vertical].some((axis) => {
    const [first, second] = patch.centres[axis];
    return second !== undefined && Math.abs(second - first) * pane.voxelSize(axis) < LEAST_SPACING;
  });
  if (crowded) return [];
  return layerCentres(patch, viewer.cursor, [plane.horizontal, plane.vertical]).map((at) => pane.place(at));
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

export function drawPatch(pane) {
  const { context, viewer, view, box } = pane;
  const square = (shift) => {
    const sides = boxAround(viewer.spec.patch, viewer.cursor, shift);
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
  for (const shift of NEIGHBOURS) square(shift);
  context.setLineDash([]);
  context.strokeStyle = '#ffe25c';
  context.lineWidth = 1.5;
  square([0, 0, 0]);
  context.restore();
}
