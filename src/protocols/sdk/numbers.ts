/**
 * Binary numbers as record values. Exact: what a JavaScript number or JSON cannot say (integers beyond 2^53, NaN,
 * infinities, negative zero) becomes text.
 */

/** An integer of up to 64 bits. */
export function integerValue(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
}

const scratch = new DataView(new ArrayBuffer(8));

/** IEEE 754 single precision by its bits: the shortest decimal that reads back as the same single. */
export function singleValue(bits: number): number | string {
  scratch.setUint32(0, bits);
  const value = scratch.getFloat32(0);
  return isPlain(value) ? shortestSingle(value) : textOf(value);
}

/** IEEE 754 double precision by the bits of its two halves. */
export function doubleValue(high: number, low: number): number | string {
  scratch.setUint32(0, high);
  scratch.setUint32(4, low);
  const value = scratch.getFloat64(0);
  return isPlain(value) ? value : textOf(value);
}

function isPlain(value: number): boolean {
  return Number.isFinite(value) && !Object.is(value, -0);
}

function textOf(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

/** Singles have at most nine significant digits. */
function shortestSingle(value: number): number {
  for (let digits = 6; digits < 9; digits++) {
    const candidate = Number(value.toPrecision(digits));
    if (Math.fround(candidate) === value) return candidate;
  }
  return Number(value.toPrecision(9));
}
