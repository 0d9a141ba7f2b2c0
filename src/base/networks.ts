/** Addresses and networks as people write them: single addresses, CIDR blocks (RFC 4632, RFC 4291) and ranges `first-last`. */

import { formatAddress } from './address.ts';

/** An address as one number; IPv4 as `::ffff:a.b.c.d`, so that both families compare. */
export type Address = bigint;

export interface Range {
  readonly first: Address;
  readonly last: Address;
}

const V4_BASE = 0xffff_0000_0000n;
const V4_BITS = 32n;
const ALL_ONES = (1n << 128n) - 1n;
const REMEMBERED_MAX = 4096;

/** `undefined` when `text` is no address. */
export function parseAddress(text: string): Address | undefined {
  const v4 = parseV4(text);
  if (v4 !== undefined) return V4_BASE | v4;
  return text.includes(':') ? parseV6(text) : undefined;
}

function parseV4(text: string): bigint | undefined {
  const value = v4Number(text);
  return value < 0 ? undefined : BigInt(value);
}

const DOT = 0x2e;
const ZERO = 0x30;
const NO_V4 = -1;

/** A dotted address as an unsigned number; negative for any other text. Without objects: stores test many thousands. */
function v4Number(text: string): number {
  let value = 0;
  let byte = -1;
  let bytes = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === DOT) {
      if (byte < 0 || bytes === 3) return NO_V4;
      value = value * 256 + byte;
      byte = -1;
      bytes++;
      continue;
    }
    const digit = code - ZERO;
    // No other digit comes after a leading zero.
    if (digit < 0 || digit > 9 || byte === 0) return NO_V4;
    byte = byte < 0 ? digit : byte * 10 + digit;
    if (byte > 255) return NO_V4;
  }
  return bytes === 3 && byte >= 0 ? value * 256 + byte : NO_V4;
}

function parseV6(text: string): bigint | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = parseWords(halves[0] ?? '', halves.length === 1);
  const tail = parseWords(halves[1] ?? '', true);
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  let value = 0n;
  for (const word of [...head, ...Array.from({ length: missing }, () => 0), ...tail])
    value = (value << 16n) | BigInt(word);
  return value;
}

/** 16-bit words of one side of `::`; the last may be a dotted IPv4 address. */
function parseWords(text: string, last: boolean): number[] | undefined {
  if (text === '') return [];
  const words: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    if (last && index === parts.length - 1 && part.includes('.')) {
      const v4 = parseV4(part);
      if (v4 === undefined) return undefined;
      words.push(Number(v4 >> 16n), Number(v4 & 0xffffn));
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      words.push(Number.parseInt(part, 16));
    } else {
      return undefined;
    }
  }
  return words;
}

/** The network of `prefixBits` bits around an address: `10.1.2.0/24`; the text itself when it is no address. */
export function networkOf(text: string, prefixBits: number): string {
  const address = parseAddress(text);
  if (address === undefined) return text;
  const bitsMax = text.includes(':') ? 128 : 32;
  const bits = Math.min(prefixBits, bitsMax);
  const hostBits = BigInt(bitsMax - bits);
  const network = (address >> hostBits) << hostBits;
  const word = (index: number): number => Number(BigInt.asIntN(32, network >> BigInt(96 - 32 * index)));
  // `::ffff:10.0.0.0/104` is written as the IPv4 network that it is.
  const writtenBits = bitsMax === 128 && isV4(network) ? bits - 96 : bits;
  return `${formatAddress(word(0), word(1), word(2), word(3))}/${writtenBits}`;
}

/** A range of addresses, or the reason why `text` is none. */
export function parseNetwork(text: string): Range | string {
  const slash = text.indexOf('/');
  if (slash >= 0) return parseCidr(text, text.slice(0, slash), text.slice(slash + 1));
  const dash = text.indexOf('-');
  if (dash >= 0) {
    const first = parseAddress(text.slice(0, dash).trim());
    const last = parseAddress(text.slice(dash + 1).trim());
    if (first === undefined || last === undefined || isV4(first) !== isV4(last))
      return `"${text}" is not a range of addresses of one family`;
    return first > last ? `"${text}" ends before it begins` : { first, last };
  }
  const address = parseAddress(text);
  return address === undefined
    ? `"${text}" is not an address, a CIDR block or a range`
    : { first: address, last: address };
}

function parseCidr(text: string, base: string, length: string): Range | string {
  const address = parseAddress(base);
  if (address === undefined || !/^[0-9]{1,3}$/.test(length)) return `"${text}" is not a CIDR block`;
  const bits = base.includes(':') ? 128 : 32;
  if (Number(length) > bits) return `"${text}": the prefix is longer than ${bits} bits`;
  const hostMask = (1n << BigInt(bits - Number(length))) - 1n;
  if ((address & hostMask) !== 0n) return `"${text}" has bits beyond its prefix`;
  return { first: address & (ALL_ONES ^ hostMask), last: address | hostMask };
}

function isV4(address: Address): boolean {
  return address >> V4_BITS === V4_BASE >> V4_BITS;
}

/** Ranges of either family match addresses of their own: `::/0` is every IPv6 address, and no IPv4 address. */
export class NetworkMatcher {
  /** First and last, as numbers. */
  private readonly v4: readonly (readonly [number, number])[];
  private readonly v6: readonly Range[];
  private readonly remembered = new Map<string, boolean>();

  constructor(ranges: readonly Range[]) {
    const isOfV4 = ({ first, last }: Range): boolean => isV4(first) && isV4(last);
    this.v4 = ranges.filter(isOfV4).map(({ first, last }) => [Number(first - V4_BASE), Number(last - V4_BASE)]);
    this.v6 = ranges.filter((range) => !isOfV4(range));
  }

  test(address: string): boolean {
    const value = v4Number(address);
    return value < 0 ? this.testOther(address) : this.holds(value);
  }

  private holds(value: number): boolean {
    for (const [first, last] of this.v4) if (first <= value && value <= last) return true;
    return false;
  }

  private testOther(address: string): boolean {
    const known = this.remembered.get(address);
    if (known !== undefined) return known;
    const value = parseAddress(address);
    const verdict =
      value !== undefined &&
      (isV4(value)
        ? this.holds(Number(value - V4_BASE))
        : this.v6.some(({ first, last }) => first <= value && value <= last));
    if (this.remembered.size >= REMEMBERED_MAX) this.remembered.clear();
    this.remembered.set(address, verdict);
    return verdict;
  }
}
