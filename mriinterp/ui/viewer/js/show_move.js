// A move that the page made is seen: the planes come in sight, and their frames light up for a moment.

const ENOUGH = 0.6; // of the planes, or of the window where they are taller
const LIGHT_MS = 900;

export function showMove(viewer) {
  const box = viewer.stage.getBoundingClientRect();
  const room = globalThis.innerHeight;
  const seen = Math.min(box.bottom, room) - Math.max(box.top, 0);
  const calm = globalThis.matchMedia?.('(prefers-reduced-motion: reduce)').matches;
  if (seen < ENOUGH * Math.min(box.height, room)) {
    viewer.stage.scrollIntoView({ block: box.height > room ? 'start' : 'nearest', behavior: calm ? 'auto' : 'smooth' });
  }
  for (const canvas of viewer.stage.querySelectorAll('.pane')) {
    canvas.animate([{ boxShadow: '0 0 0 4px #56b4e9' }, { boxShadow: '0 0 0 4px transparent' }], { duration: LIGHT_MS });
  }
}
