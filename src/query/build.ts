/** Filters made by the program itself, not read from a query. */
import type { AddressField, Filter, TextField } from './filter.ts';

/** What both let through. One conjunction, not one within another: a search takes its way by the outermost terms. */
export function both(a: Filter | undefined, b: Filter | undefined): Filter | undefined {
  return a && b ? { kind: 'and', terms: [...termsOf(a), ...termsOf(b)] } : (a ?? b);
}

function termsOf(filter: Filter): readonly Filter[] {
  return filter.kind === 'and' ? filter.terms : [filter];
}

/** Fields that a list of values may be asked of. */
export type ValueField = TextField | AddressField;

/** One of the values of a field, in which `*` and `?` are nothing special. */
export function valuesFilter(field: ValueField, values: readonly string[]): Filter {
  const patterns = values.map((text) => ({ text, wildcards: false }));
  return field === 'client' || field === 'server'
    ? { kind: 'address', field, patterns }
    : { kind: 'match', field, patterns };
}

export function valueFilter(field: ValueField, value: string): Filter {
  return valuesFilter(field, [value]);
}
