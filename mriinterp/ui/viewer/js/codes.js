// The numbers that arrive from Python (packing.py), before they mean anything.

export const NO_VALUE = 65535; // the one code of 16 bits that stands for no value

// Bytes arrive in planes: all low bytes, then all high bytes.
export function joinPlanes(bytes, bits) {
  if (bits === 8) return bytes;
  const count = bytes.length / 2;
  const codes = new Uint16Array(count);
  for (let p = 0; p < count; p += 1) codes[p] = bytes[p] | (bytes[count + p] << 8);
  return codes;
}
