/** The fields that a query may name. Audit records have one vocabulary, records of connections another. */
import {
  ADDRESS_FIELDS,
  type AddressField,
  NUMBER_FIELDS,
  type NumberField,
  TEXT_FIELDS,
  type TextField,
} from './filter.ts';

/** Fields with a meaning of their own. */
export type SpecialField = 'text' | 'failed' | 'time' | 'since' | 'until';

export interface Vocabulary<T extends string, N extends string, A extends string> {
  readonly texts: readonly T[];
  readonly numbers: readonly N[];
  readonly addresses: readonly A[];
  readonly specials: readonly SpecialField[];
  /** Other words for fields. */
  readonly aliases: Readonly<Record<string, string>>;
}

export const RECORD_VOCABULARY: Vocabulary<TextField, NumberField, AddressField> = {
  texts: TEXT_FIELDS,
  numbers: NUMBER_FIELDS,
  addresses: ADDRESS_FIELDS,
  specials: ['text', 'failed', 'time', 'since', 'until'],
  aliases: { table: 'object', operation: 'op', database: 'db', app: 'program', sql: 'text' },
};

/** Every field a query may name, for help texts. */
export function fieldsOf(vocabulary: Vocabulary<string, string, string>): readonly string[] {
  const { texts, addresses, numbers, specials } = vocabulary;
  return [...texts, ...addresses, ...numbers, ...specials];
}

export const QUERY_FIELDS: readonly string[] = fieldsOf(RECORD_VOCABULARY);
