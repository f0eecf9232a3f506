// What is shown, as one PNG: what it is of, then every canvas and every line of text where it stands.

import { h } from './dom.js';

const MARGIN = 12;
const CAPTION_SIZE = 15; // pixels
const CAPTION_LINE = 21;

// A text in lines of words no wider than `wide` in the context's font.
function linesOf(context, text, wide) {
  const lines = [];
  for (const word of text.split(' ')) {
    const longer = lines.length ? `${lines.at(-1)} ${word}` : word;
    if (lines.length && context.measureText(longer).width <= wide) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

function drawText(context, element, origin) {
  const text = element.textContent.trim();
  if (!text || element.offsetParent === null) return;
  const style = getComputedStyle(element);
  const range = document.createRange();
  range.selectNodeContents(element);
  const size = parseFloat(style.fontSize);
  context.font = `${style.fontWeight} ${size}px ${style.fontFamily}`;
  context.fillStyle = style.color;
  context.textAlign = 'left';
  context.textBaseline = 'top';
  const bounds = range.getBoundingClientRect();
  // Lines break in the picture where they break on the screen, roughly: by words within the element's width.
  const wide = element.getBoundingClientRect().width + 2;
  linesOf(context, text, wide).forEach((line, n) => {
    context.fillText(line, bounds.left - origin.left, bounds.top - origin.top + 2 + n * size * 1.35);
  });
}

function captionFont(viewer) {
  return `600 ${CAPTION_SIZE}px ${viewer.font}`;
}

function captionLines(context, viewer, wide) {
  context.font = captionFont(viewer);
  return viewer.spec.caption ? linesOf(context, viewer.spec.caption, wide) : [];
}

function pictureOf(viewer) {
  const origin = viewer.stage.getBoundingClientRect();
  const end = viewer.footer.element.getBoundingClientRect();
  const ratio = Math.max(2, globalThis.devicePixelRatio || 1);
  const canvas = document.createElement('canvas');
  const caption = captionLines(canvas.getContext('2d'), viewer, origin.width);
  const head = caption.length ? caption.length * CAPTION_LINE + 4 : 0;
  const [width, height] = [origin.width + 2 * MARGIN, end.bottom - origin.top + 2 * MARGIN + head];
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext('2d');
  context.scale(ratio, ratio);
  context.fillStyle = viewer.colors.background;
  context.fillRect(0, 0, width, height);
  context.translate(MARGIN, MARGIN);
  context.font = captionFont(viewer);
  context.fillStyle = viewer.colors.text;
  context.textBaseline = 'top';
  caption.forEach((line, n) => context.fillText(line, 0, n * CAPTION_LINE));
  context.translate(0, head);
  for (const part of viewer.stage.querySelectorAll('canvas')) {
    const box = part.getBoundingClientRect();
    if (box.width) context.drawImage(part, box.left - origin.left, box.top - origin.top, box.width, box.height);
  }
  for (const part of viewer.root.querySelectorAll('[data-text]')) drawText(context, part, origin);
  return canvas;
}

export function savePicture(viewer) {
  viewer.draw();
  pictureOf(viewer).toBlob((blob) => {
    const url = URL.createObjectURL(blob);
    const place = viewer.space.mm(viewer.cursor).map((v) => Math.round(v)).join('_');
    const name = `${viewer.spec.stem ?? viewer.spec.key}_${viewer.settings.view}_${place}.png`.replace(/[^\w.-]+/g, '-');
    const link = h('a', { href: url, download: name });
    viewer.root.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
  }, 'image/png');
}
