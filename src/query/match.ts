/** Comparisons of values with what a query names: patterns, networks, texts. */
import { isIP } from 'node:net';
import { globMatches } from '../base/glob.ts';
import { NetworkMatcher, networkOf, parseNetwork } from '../base/networks.ts';
import type { Filter, Pattern } from './filter.ts';

export { globMatches };

/** A filter on rows of some kind as a predicate; `condition` gives those of its single conditions. */
export function predicateOf<R, T, N, A>(
  filter: Filter<T, N, A>,
  condition: (filter: Filter<T, N, A>) => (row: R) => boolean,
): (row: R) => boolean {
  switch (filter.kind) {
    case 'and': {
      const terms = filter.terms.map((term) => predicateOf(term, condition));
      return (row) => terms.every((term) => term(row));
    }
    case 'or': {
      const terms = filter.terms.map((term) => predicateOf(term, condition));
      return (row) => terms.some((term) => term(row));
    }
    case 'not': {
      const term = predicateOf(filter.term, condition);
      return (row) => !term(row);
    }
    default:
      return condition(filter);
  }
}

/** Whether the whole of `value` is what the pattern says, case aside. */
export function patternMatches(value: string, { text, wildcards }: Pattern): boolean {
  const lower = value.toLowerCase();
  const wanted = text.toLowerCase();
  return wildcards ? globMatches(lower, wanted) : lower === wanted;
}

/** A network or a single address, with a port or without. */
export interface AddressRange {
  readonly network: string;
  readonly prefixBits: number;
  readonly port: number | undefined;
}

/** Reads `10.1.2.3`, `10.0.0.0/8`, `10.1.2.3:5432`, `2001:db8::/32`, `[2001:db8::1]:5432`; `undefined` for anything else. */
export function parseAddress(text: string): AddressRange | undefined {
  const bracketed = /^\[([^\]]+)\](?::(\d{1,5}))?$/.exec(text);
  if (bracketed !== null) return rangeOf(bracketed[1], undefined, bracketed[2]);
  const parts = /^([0-9a-fA-F.:]+?)(?:\/(\d{1,3}))?$/.exec(text);
  if (parts !== null && isIP(parts[1] ?? '') !== 0) return rangeOf(parts[1], parts[2], undefined);
  const withPort = /^([0-9.]+)(?:\/(\d{1,3}))?:(\d{1,5})$/.exec(text);
  return withPort === null ? undefined : rangeOf(withPort[1], withPort[2], withPort[3]);
}

function rangeOf(address = '', prefix?: string, port?: string): AddressRange | undefined {
  const family = isIP(address);
  if (family === 0) return undefined;
  const bitsMax = family === 4 ? 32 : 128;
  const prefixBits = prefix === undefined ? bitsMax : Number(prefix);
  const portNumber = port === undefined ? undefined : Number(port);
  if (prefixBits > bitsMax || (portNumber ?? 0) > 65_535) return undefined;
  return { network: address, prefixBits, port: portNumber };
}

/** A predicate for addresses as they are stored. An IPv6 network has no IPv4 addresses in it. */
export function addressPredicate({ network, prefixBits }: AddressRange): (address: string) => boolean {
  const range = parseNetwork(networkOf(network, prefixBits));
  const matcher = new NetworkMatcher(typeof range === 'string' ? [] : [range]);
  return (address) => matcher.test(address);
}

/** Whether an address is the one, or in the network, that a pattern names; a port in it must be that of the end. */
export function addressTest({ text }: Pattern): (address: string, port: number | undefined) => boolean {
  const range = parseAddress(text);
  if (range === undefined) {
    const wanted = text.toLowerCase();
    return (address) => globMatches(address, wanted);
  }
  const inRange = addressPredicate(range);
  return (address, port) => inRange(address) && (range.port === undefined || range.port === port);
}
