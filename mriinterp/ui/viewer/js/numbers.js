// Numbers: limits, and how they are written.

export const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

const SUPERSCRIPTS = '⁰¹²³⁴⁵⁶⁷⁸⁹';

function superscript(number) {
  return String(number).replace('-', '⁻').replace(/\d/g, (digit) => SUPERSCRIPTS[digit]);
}

// Three significant digits by default, powers of ten only where zeros would hide the number; a true minus sign.
export function formatNumber(value, digits = 3) {
  if (!Number.isFinite(value)) return 'no value';
  if (value === 0) return '0';
  const [mantissa, power] = value.toExponential(digits - 1).split('e');
  const exponent = Number(power); // after rounding: 0.9996 is 1.00
  const text = exponent < -3 || exponent >= 6
    ? `${mantissa}×10${superscript(exponent)}`
    : value.toFixed(clamp(digits - 1 - exponent, 0, 8));
  return text.replace('-', '−');
}

export function formatCount(value) {
  return String(value).replace(/\B(?=(\d{3})+(?!\d))/g, ' ');
}

export function formatMm(value) {
  const rounded = Math.round(value * 10) / 10;
  return (Object.is(rounded, -0) ? '0' : String(rounded)).replace('-', '−');
}
