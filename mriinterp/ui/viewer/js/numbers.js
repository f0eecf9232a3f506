// Numbers as people read them.

const SUPERSCRIPTS = '⁰¹²³⁴⁵⁶⁷⁸⁹';

function superscript(number) {
  return String(number).replace('-', '⁻').replace(/\d/g, (digit) => SUPERSCRIPTS[digit]);
}

// Three significant digits by default, powers of ten only where zeros would hide the number; a true minus sign.
function formatNumber(value, digits = 3) {
  if (!Number.isFinite(value)) return 'no value';
  if (value === 0) return '0';
  const size = Math.abs(value);
  let text;
  if (size < 1e-3 || size >= 1e6) {
    const [mantissa, exponent] = value.toExponential(digits - 1).split('e');
    text = `${mantissa}×10${superscript(Number(exponent))}`;
  } else {
    const decimals = clamp(digits - 1 - Math.floor(Math.log10(size)), 0, 8);
    text = value.toFixed(decimals);
  }
  return text.replace('-', '−');
}

function formatCount(value) {
  return String(value).replace(/\B(?=(\d{3})+(?!\d))/g, ' ');
}

function formatMm(value) {
  const rounded = Math.round(value * 10) / 10;
  return (Object.is(rounded, -0) ? '0' : String(rounded)).replace('-', '−');
}
