// Font, size of type and colours of the page's theme, as canvases need them.

export function readTheme(element) {
  const style = getComputedStyle(element);
  const color = (name, fallback) => style.getPropertyValue(name).trim() || fallback;
  return {
    font: style.fontFamily,
    type: Number(style.getPropertyValue('--viewer-type')) || 1, // times the usual size: large where a page is presented
    colors: {
      text: color('--st-text-color', '#222'), border: color('--st-border-color', '#999'),
      background: color('--st-background-color', '#fff'), faint: color('--faint', '#888'),
      positive: '#e2622b', negative: '#3f8fe8',
    },
  };
}
