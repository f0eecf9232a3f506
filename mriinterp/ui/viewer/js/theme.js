// Font and colours of the page's theme, as canvases need them.

export function readTheme(element) {
  const style = getComputedStyle(element);
  const color = (name, fallback) => style.getPropertyValue(name).trim() || fallback;
  return {
    font: style.fontFamily,
    colors: {
      text: color('--st-text-color', '#222'), border: color('--st-border-color', '#999'),
      background: color('--st-background-color', '#fff'), faint: color('--faint', '#888'),
      positive: '#e2622b', negative: '#3f8fe8',
    },
  };
}
