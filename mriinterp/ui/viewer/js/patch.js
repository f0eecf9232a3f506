// The occlusion window around the crosshair, where the method puts it: centres at 0, stride, 2·stride … of the
// caller's voxels, half the size (rounded down) to both sides, cut at the border.

// First and one-past-last voxel along each axis; `shift` counts windows from the one nearest to the crosshair.
function patchWindow({ space, spec, cursor }, shift = [0, 0, 0]) {
  const { size, stride } = spec.patch;
  const counts = space.fileShape;
  return space.fileVoxel(cursor).map((at, axis) => {
    const last = Math.ceil(counts[axis] / stride[axis]) - 1;
    const center = (clamp(Math.round(at / stride[axis]), 0, last) + shift[axis]) * stride[axis];
    const half = Math.floor(size[axis] / 2);
    return [Math.max(0, center - half), Math.min(counts[axis], center + half)];
  });
}

function drawPatch(pane) {
  const { context, viewer, box } = pane;
  const square = (shift) => {
    const sides = patchWindow(viewer, shift);
    if (sides.some(([low, high]) => high <= low)) return;
    const corner = (end) => pane.place(viewer.space.fromFile(sides.map((side) => side[end] - 0.5)));
    const [[ax, ay], [bx, by]] = [corner(0), corner(1)];
    context.strokeRect(Math.min(ax, bx), Math.min(ay, by), Math.abs(bx - ax), Math.abs(by - ay));
  };
  context.save();
  context.beginPath();
  context.rect(box.x, box.y, box.width, box.height);
  context.clip();
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
